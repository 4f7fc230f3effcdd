// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/fuzz/picture_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return tandem::fuzz::decodePicture(data, size, "\xff\xd8");
}
