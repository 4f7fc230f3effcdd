// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
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
  void compress(const std::uint8_t* blocks, std::size_t count);

  // First 32 bits of the fractional parts of the square roots of the first eight primes (section 5.3.3).
  std::array<std::uint32_t, 8> m_state{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> m_block{};
  std::uint64_t m_length = 0; ///< bytes seen
};

std::string sha256Hex(std::span<const std::byte> bytes);

/// The SHA-256 of bytes that may be large, computed when somebody first asks. Copies share it. Any thread.
class LazySha256 {
 public:
  LazySha256() = default; ///< of nothing: an empty text
  /// `owner` keeps `bytes` alive until they were asked for; without one they are read now.
  LazySha256(std::span<const std::byte> bytes, std::shared_ptr<const void> owner);
  const std::string& hex() const;

 private:
  struct State;
  std::shared_ptr<State> m_state;
};

} // namespace tandem
