// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/sha256.hpp"

#include <algorithm>
#include <bit>
#include <mutex>
#include <utility>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace tandem {
namespace {

// First 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4, section 4.2.2).
constexpr std::array<std::uint32_t, 64> kRound{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t load(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 |
         std::uint32_t{bytes[3]};
}

using State = std::array<std::uint32_t, 8>;

void compressBlock(State& state, const std::uint8_t* block) {
  std::array<std::uint32_t, 64> w;
  for (std::size_t t = 0; t < 16; ++t) w[t] = load(block + 4 * t);
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ (w[t - 15] >> 3);
    const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ (w[t - 2] >> 10);
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (std::size_t t = 0; t < 64; ++t) {
    const std::uint32_t sum1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t t1 = h + sum1 + ((e & f) ^ (~e & g)) + kRound[t] + w[t];
    const std::uint32_t sum0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const State add{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) state[i] += add[i];
}

#if defined(__x86_64__) || defined(__i386__)
#define TANDEM_SHA_EXTENSIONS

bool hasShaExtensions() {
  constexpr unsigned kSha = 1u << 29, kSsse3 = 1u << 9, kSse41 = 1u << 19; // CPUID leaf 7 EBX, leaf 1 ECX
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (b & kSha) == 0) return false;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & kSsse3) != 0 && (c & kSse41) != 0;
}

/// The instructions SHA256RNDS2, SHA256MSG1 and SHA256MSG2 keep the state as the halves ABEF and CDGH, and the message
/// schedule as four words per register (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2).
__attribute__((target("sha,ssse3,sse4.1"))) void compressFast(State& state, const std::uint8_t* blocks,
                                                              std::size_t count) {
  const __m128i swapBytes = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  const auto abcd = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state.data()));
  const auto efgh = _mm_loadu_si128(reinterpret_cast<const __m128i*>(state.data() + 4));
  const __m128i badc = _mm_shuffle_epi32(abcd, 0xb1), hgfe = _mm_shuffle_epi32(efgh, 0x1b);
  __m128i abef = _mm_alignr_epi8(badc, hgfe, 8), cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
  for (; count > 0; --count, blocks += 64) {
    const __m128i startAbef = abef, startCdgh = cdgh;
    __m128i w[4];
    for (std::size_t i = 0; i < 4; ++i)
      w[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(blocks + 16 * i)), swapBytes);
    for (std::size_t t = 0; t < 16; ++t) {
      __m128i& now = w[t % 4];
      if (t >= 4) { // w[16..]: sigma0 of w[t-15], w[t-16], w[t-7], sigma1 of w[t-2]
        const __m128i previous = w[(t + 3) % 4];
        const __m128i seventh = _mm_alignr_epi8(previous, w[(t + 2) % 4], 4);
        now = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(now, w[(t + 1) % 4]), seventh), previous);
      }
      const __m128i round = _mm_loadu_si128(reinterpret_cast<const __m128i*>(kRound.data() + 4 * t));
      const __m128i sums = _mm_add_epi32(now, round);
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sums);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sums, 0x0e));
    }
    abef = _mm_add_epi32(abef, startAbef);
    cdgh = _mm_add_epi32(cdgh, startCdgh);
  }
  const __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data()), _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(state.data() + 4), _mm_alignr_epi8(dchg, feba, 8));
}
#endif

} // namespace

void Sha256::compress(const std::uint8_t* blocks, std::size_t count) {
#ifdef TANDEM_SHA_EXTENSIONS
  static const bool fast = hasShaExtensions();
  if (fast) return compressFast(m_state, blocks, count);
#endif
  for (; count > 0; --count, blocks += 64) compressBlock(m_state, blocks);
}

void Sha256::update(std::span<const std::byte> bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::size_t left = bytes.size();
  std::size_t filled = m_length % 64;
  m_length += left;
  while (left > 0) {
    if (filled == 0 && left >= 64) {
      compress(data, left / 64);
      data += left / 64 * 64, left %= 64;
      continue;
    }
    const std::size_t count = std::min(left, 64 - filled);
    std::copy_n(data, count, m_block.begin() + static_cast<std::ptrdiff_t>(filled));
    data += count, left -= count, filled += count;
    if (filled == 64) {
      compress(m_block.data(), 1);
      filled = 0;
    }
  }
}

std::string Sha256::finishHex() {
  const std::uint64_t bits = m_length * 8;
  const std::byte one{0x80};
  update({&one, 1});
  const std::byte zero{0};
  while (m_length % 64 != 56) update({&zero, 1});
  std::array<std::byte, 8> tail;
  for (std::size_t i = 0; i < 8; ++i) tail[i] = static_cast<std::byte>(bits >> (56 - 8 * i));
  update(tail);
  std::string hex;
  for (std::uint32_t word : m_state)
    for (int shift = 28; shift >= 0; shift -= 4) hex += "0123456789abcdef"[word >> shift & 15];
  return hex;
}

std::string sha256Hex(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.finishHex();
}

struct LazySha256::State {
  std::once_flag once;
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
  std::string hex;
};

LazySha256::LazySha256(std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
    : m_state(std::make_shared<State>()) {
  m_state->bytes = bytes;
  m_state->owner = std::move(owner);
  if (!m_state->owner) static_cast<void>(hex());
}

const std::string& LazySha256::hex() const {
  static const std::string nothing;
  if (!m_state) return nothing;
  std::call_once(m_state->once, [this] {
    m_state->hex = sha256Hex(m_state->bytes);
    m_state->owner.reset();
  });
  return m_state->hex;
}

} // namespace tandem
