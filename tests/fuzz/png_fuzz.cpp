// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/fuzz/picture_fuzz.hpp"

#include <zlib.h>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t maxSize);

namespace {

/// Makes the checksums of all whole chunks right, without which the decoder looks at nothing else.
void mendChecksums(std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kSignature = 8, kFrame = 12;
  const auto read = [&](std::size_t at) {
    return std::size_t{data[at]} << 24 | std::size_t{data[at + 1]} << 16 | std::size_t{data[at + 2]} << 8 |
           data[at + 3];
  };
  for (std::size_t at = kSignature; at + kFrame <= size;) {
    const std::size_t length = read(at);
    if (length > size - at - kFrame) return;
    const auto checksum = crc32_z(0, data + at + 4, length + 4);
    for (std::size_t i = 0; i < 4; ++i) data[at + 8 + length + i] = static_cast<std::uint8_t>(checksum >> (24 - 8 * i));
    at += kFrame + length;
  }
}

} // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t maxSize,
                                               unsigned seed) {
  size = LLVMFuzzerMutate(data, size, maxSize);
  if (seed % 8 != 0) mendChecksums(data, size);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return tandem::fuzz::decodePicture(data, size, "\x89PNG");
}
