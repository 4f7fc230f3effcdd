// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/npz.hpp"

#include "engine/formats/archive/zip_archive.hpp"
#include "engine/formats/tensors/mapped_file.hpp"
#include "engine/formats/tensors/npy.hpp"

namespace tandem {

Result<std::vector<NamedTensor>> readNpz(std::span<const std::byte> bytes, const std::string& where,
                                         std::shared_ptr<const void> owner) {
  const ZipArchive archive = TANDEM_TRY(ZipArchive::open(bytes, std::move(owner), where, ErrorCode::InputRejected));
  std::vector<NamedTensor> arrays;
  for (std::size_t i = 0; i < archive.entries().size(); ++i) {
    const std::string& entry = archive.entries()[i].name;
    const std::string place = where + ": " + entry;
    if (!entry.ends_with(".npy"))
      return makeError(ErrorCode::InputRejected, "the archive holds a file that is no array", place,
                       "write it with numpy.savez(file, name=array)");
    ZipContent content = TANDEM_TRY(archive.read(i));
    Tensor tensor = TANDEM_TRY(readNpy(content.bytes, place, content.owner));
    arrays.push_back({entry.substr(0, entry.size() - 4), std::move(tensor)});
  }
  if (arrays.empty())
    return makeError(ErrorCode::InputRejected, "the archive holds no array", where,
                     "write it with numpy.savez(file, name=array)");
  return arrays;
}

Result<std::vector<NamedTensor>> readNpz(const std::filesystem::path& path) {
  auto file = TANDEM_TRY(MappedFile::open(path, ErrorCode::InputRejected, std::int64_t{1} << 40));
  const auto bytes = file->bytes();
  return readNpz(bytes, path.string(), std::move(file));
}

} // namespace tandem
