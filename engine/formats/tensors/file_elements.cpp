// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/file_elements.hpp"

#include "engine/tensor/element_source.hpp"

namespace tandem {
namespace {

class FileElements final : public ElementSource {
 public:
  FileElements(std::span<const std::byte> elements, std::size_t alignment, std::shared_ptr<const MappedFile> file)
      : m_elements(elements),
        m_file(std::move(file)),
        m_aligned(reinterpret_cast<std::uintptr_t>(elements.data()) % alignment == 0) {}

  void write(void* out, std::size_t offset, std::size_t bytes) const override {
    m_file->copy(m_elements.subspan(offset, bytes), out);
  }
  const void* inPlace() const override { return m_aligned ? m_elements.data() : nullptr; }
  void giveBack(std::size_t offset, std::size_t bytes) const override {
    m_file->giveBack(m_elements.subspan(offset, bytes));
  }
  std::string key() const override {
    return "file " + std::to_string(m_file->serial()) + " at " +
           std::to_string(m_elements.data() - m_file->bytes().data());
  }

 private:
  std::span<const std::byte> m_elements;
  std::shared_ptr<const MappedFile> m_file;
  bool m_aligned;
};

} // namespace

Tensor tensorInFile(const TensorDesc& desc, std::span<const std::byte> elements,
                    std::shared_ptr<const MappedFile> file) {
  TANDEM_ASSERT(static_cast<std::int64_t>(elements.size()) == desc.bytes() && desc.type != DataType::Bool);
  return Tensor::from(desc, std::make_shared<FileElements>(elements, byteSize(desc.type), std::move(file)));
}

} // namespace tandem
