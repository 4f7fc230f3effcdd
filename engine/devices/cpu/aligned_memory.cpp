// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/aligned_memory.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <sys/mman.h>

namespace tandem::cpu {
namespace {

constexpr std::size_t kAlignment = 64; // one cache line, one AVX-512 register
constexpr std::size_t kPage = 4096;
constexpr std::size_t kLargePage = std::size_t{2} << 20;

std::size_t roundedUp(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

/// `bytes` (whole pages) at an address that large pages need; null where the system has not that much.
void* mapLarge(std::size_t bytes) {
  void* all = ::mmap(nullptr, bytes + kLargePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return nullptr;
  const auto start = reinterpret_cast<std::uintptr_t>(all);
  const std::uintptr_t aligned = roundedUp(start, kLargePage);
  if (aligned > start) ::munmap(all, aligned - start);
  if (const std::size_t rest = start + kLargePage - aligned) ::munmap(reinterpret_cast<void*>(aligned + bytes), rest);
  // Not the end: a large page there would take more memory than is asked for.
  ::madvise(reinterpret_cast<void*>(aligned), bytes / kLargePage * kLargePage, MADV_HUGEPAGE);
  return reinterpret_cast<void*>(aligned);
}

} // namespace

void AlignedMemory::Free::operator()(void* data) const {
  if (mapped > 0)
    ::munmap(data, mapped);
  else
    std::free(data);
}

AlignedMemory::AlignedMemory(std::size_t bytes) : m_bytes(bytes) {
  if (bytes >= kLargePage && bytes < SIZE_MAX - 2 * kLargePage) {
    const std::size_t whole = roundedUp(bytes, kPage);
    m_data = std::unique_ptr<void, Free>(mapLarge(whole), Free{whole});
    return;
  }
  const std::size_t rounded = roundedUp(std::max<std::size_t>(bytes, 1), kAlignment);
  if (rounded >= bytes) m_data = std::unique_ptr<void, Free>(std::aligned_alloc(kAlignment, rounded), Free{0});
}

} // namespace tandem::cpu
