// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/image.hpp"

#include "engine/base/checked.hpp"
#include "engine/formats/images/detail/codecs.hpp"
#include "engine/formats/tensors/mapped_file.hpp"

#include <new>
#include <string_view>

namespace tandem {
namespace detail {

Error damagedPicture(const std::string& what, const std::string& where) {
  return makeError(ErrorCode::InputRejected, "the picture cannot be decoded: " + what, where,
                   "open it in another program and save it again");
}

Result<void> checkExtent(std::int64_t width, std::int64_t height, std::size_t fileBytes, const std::string& where) {
  if (width <= 0 || height <= 0) return damagedPicture("it has no pixels", where);
  if (width > kMaxPixels / height)
    return makeError(ErrorCode::InputRejected,
                     "the picture has " + std::to_string(width) + " x " + std::to_string(height) + " pixels", where,
                     "at most 100 megapixels are accepted; make it smaller");
  // Deflate shrinks at most to 1/1032, and JPEG needs two bits for a block of equal pixels: a file that claims more
  // than this is cut off, and its memory is not allocated on its word.
  constexpr std::int64_t kMaxPixelBytesPerFileByte = 1100;
  if (3 * width * height > kUnbackedAllocationLimit + kMaxPixelBytesPerFileByte * static_cast<std::int64_t>(fileBytes))
    return damagedPicture(
        "it is too short for its " + std::to_string(width) + " x " + std::to_string(height) + " pixels", where);
  return {};
}

} // namespace detail

namespace {

/// Picture formats that are not read, by their first bytes.
std::string nameOther(std::string_view content) {
  const auto is = [&](std::string_view magic) { return content.starts_with(magic); };
  if (is("GIF8")) return "this is a GIF, not a JPEG or PNG picture";
  if (is(std::string_view("II*\0", 4)) || is(std::string_view("MM\0*", 4)))
    return "this is a TIFF, not a JPEG or PNG picture";
  if (is("RIFF") && content.substr(0, 12).ends_with("WEBP")) return "this is a WebP, not a JPEG or PNG picture";
  if (is("BM")) return "this is a BMP, not a JPEG or PNG picture";
  const std::string_view start = content.substr(0, 1024);
  if (start.find("<svg") != std::string_view::npos) return "this is an SVG drawing, not a JPEG or PNG picture";
  return "this is not a JPEG or PNG picture";
}

} // namespace

Result<Image> decodeImage(std::span<const std::byte> bytes, const std::string& where) {
  const std::string_view content(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  try {
    if (content.starts_with("\xff\xd8")) return detail::decodeJpeg(bytes, where);
    if (content.starts_with("\x89PNG")) return detail::decodePng(bytes, where);
  } catch (const std::bad_alloc&) {
    return makeError(ErrorCode::InputRejected, "not enough memory for the picture", where, "make it smaller");
  }
  return makeError(ErrorCode::InputRejected, content.empty() ? "the file is empty" : nameOther(content), where,
                   "convert it to PNG or JPEG");
}

Result<std::shared_ptr<const MappedFile>> openImage(const std::filesystem::path& path) {
  constexpr std::int64_t kMaxFileBytes = std::int64_t{1} << 30;
  return MappedFile::open(path, ErrorCode::InputRejected, kMaxFileBytes);
}

Result<Image> readImage(const std::filesystem::path& path) {
  const auto file = TANDEM_TRY(openImage(path));
  return decodeImage(file->bytes(), path.string());
}

} // namespace tandem
