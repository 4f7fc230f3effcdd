// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstddef>
#include <memory>

namespace tandem::cpu {

/// Bytes aligned for vector loads and pages, not initialised. Large pieces use large pages where the system has them:
/// they cost fewer faults when first written, and fewer misses of the address translation later.
class AlignedMemory {
 public:
  AlignedMemory() = default;
  AlignedMemory(AlignedMemory&& other) noexcept = default;
  AlignedMemory& operator=(AlignedMemory&& other) noexcept = default;
  /// Null data where the system has not that much.
  explicit AlignedMemory(std::size_t bytes);
  void* data() const { return m_data.get(); }
  std::size_t bytes() const { return m_bytes; }

 private:
  struct Free {
    std::size_t mapped; ///< bytes; 0: from the heap
    void operator()(void* data) const;
  };
  std::unique_ptr<void, Free> m_data{nullptr, Free{0}};
  std::size_t m_bytes = 0;
};

} // namespace tandem::cpu
