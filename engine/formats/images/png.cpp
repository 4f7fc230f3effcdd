// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/detail/codecs.hpp"

#include <cstring>
#include <png.h>

namespace tandem::detail {
namespace {

/// libpng's simplified interface: it catches its own errors, so no jump crosses our frames.
struct PngReader {
  png_image image{};
  PngReader() { image.version = PNG_IMAGE_VERSION; }
  ~PngReader() { png_image_free(&image); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
};

} // namespace

Result<Image> decodePng(std::span<const std::byte> bytes, const std::string& where) {
  PngReader reader;
  if (!png_image_begin_read_from_memory(&reader.image, bytes.data(), bytes.size()))
    return damagedPicture(reader.image.message, where);
  TANDEM_TRY(checkExtent(reader.image.width, reader.image.height, bytes.size(), where));
  reader.image.format = PNG_FORMAT_RGB;
  Image image;
  image.width = static_cast<int>(reader.image.width);
  image.height = static_cast<int>(reader.image.height);
  image.rgb.resize(std::size_t{reader.image.width} * reader.image.height * 3);
  const png_color white{255, 255, 255};
  if (!png_image_finish_read(&reader.image, &white, image.rgb.data(), 0, nullptr))
    return damagedPicture(reader.image.message, where);
  return image;
}

} // namespace tandem::detail
