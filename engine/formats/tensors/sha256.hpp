// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace tandem {

/// SHA-256 (FIPS 180-4, section 6.2), used to tell files apart and to tie a placement to its model. One thread.
class Sha256 {
 public:
  void update(std::span<const std::byte> bytes);
  /// The digest of everything so far as 64 lower-case hex digits. Call once, last.
  std::string finishHex();

 private:
  void compress(const std::uint8_t* block);

  // First 32 bits of the fractional parts of the square roots of the first eight primes (section 5.3.3).
  std::array<std::uint32_t, 8> m_state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> m_block{};
  std::uint64_t m_length = 0; ///< bytes seen
};

std::string sha256Hex(std::span<const std::byte> bytes);

} // namespace tandem
