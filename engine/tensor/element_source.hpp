// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

namespace tandem {

/// Elements of a large constant that are not in memory: they lie in a file, or follow from other constants. Whoever
/// needs them in another form reads them once, and they take no memory of their own. Immutable; any thread.
class ElementSource {
 public:
  ElementSource();
  ElementSource(const ElementSource&) = delete;
  ElementSource& operator=(const ElementSource&) = delete;
  virtual ~ElementSource() = default;

  /// Writes a part of the elements, row-major, in the type of the tensor: `bytes` bytes (whole elements) from byte
  /// `offset` on. May throw std::bad_alloc.
  virtual void write(void* out, std::size_t offset, std::size_t bytes) const = 0;
  /// All elements where they can be read without a copy, aligned for their type, as long as the source lives.
  virtual const void* inPlace() const { return nullptr; }
  /// Nobody is going to read this part in place again soon: what it takes now may be given back to the system.
  virtual void giveBack(std::size_t offset, std::size_t bytes) const {
    static_cast<void>(offset);
    static_cast<void>(bytes);
  }
  /// Names the elements: equal keys mean equal elements, as long as the process runs.
  virtual std::string key() const;

 private:
  std::uint64_t m_serial;
};

} // namespace tandem
