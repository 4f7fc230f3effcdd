// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/images/image.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace tandem::fuzz {

/// Decodes the input where it starts with `magic`: each codec gets a target of its own.
inline int decodePicture(const std::uint8_t* data, std::size_t size, std::string_view magic) {
  if (!textOf(data, size).starts_with(magic)) return 0;
  auto image = decodeImage(bytesOf(data, size), "fuzz");
  if (!image) return 0;
  require(image->width > 0 && image->height > 0, "a picture has a size");
  require(image->rgb.size() ==
              std::size_t{3} * static_cast<unsigned>(image->width) * static_cast<unsigned>(image->height),
          "a picture has three bytes per pixel");
  unsigned sum = 0;
  for (std::uint8_t each : image->rgb) sum += each;
  require(sum != 0xffffffffU, "all pixels can be read");
  return 0;
}

} // namespace tandem::fuzz
