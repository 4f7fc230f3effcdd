// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <string_view>

namespace tandem {

constexpr std::uint64_t kFnvBasis = 14695981039346656037u;

/// FNV-1a, 64 bits (Fowler, Noll and Vo): the same in every process, for names of files and checks, not against an
/// adversary. `hash` is the hash of what came before, or a basis of one's own.
constexpr std::uint64_t fnv1a(std::string_view bytes, std::uint64_t hash = kFnvBasis) {
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 1099511628211u;
  return hash;
}

} // namespace tandem
