// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/detail/codecs.hpp"

#include <csetjmp>
#include <cstdio>
#include <cstring>
// jpeglib.h needs stdio.h before it.
#include <jerror.h>
#include <jpeglib.h>

namespace tandem::detail {
namespace {

// A small progressive file can order any number of passes over a large picture; real encoders use about ten.
constexpr int kMaxScans = 200;

/// Everything that lives across a longjmp: plain data, so that no destructor is skipped.
struct Job {
  jpeg_decompress_struct codec;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
  bool incomplete;
};

Job& jobOf(j_common_ptr codec) { return *static_cast<Job*>(codec->client_data); }

[[noreturn]] void onError(j_common_ptr codec) {
  Job& job = jobOf(codec);
  codec->err->format_message(codec, job.message);
  std::longjmp(job.escape, 1);
}

/// Warnings go unheard except those that say that pixels are missing.
void onMessage(j_common_ptr codec, int level) {
  const int code = codec->err->msg_code;
  if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE))
    jobOf(codec).incomplete = true;
}

void onProgress(j_common_ptr codec) {
  Job& job = jobOf(codec);
  if (job.codec.input_scan_number > kMaxScans) {
    std::strcpy(job.message, "it has too many scans");
    std::longjmp(job.escape, 1);
  }
}

// The functions below hold no object with a destructor: a longjmp may leave them at any point.

bool start(Job& job, const unsigned char* data, unsigned long size) {
  job.codec.err = jpeg_std_error(&job.errors);
  job.errors.error_exit = onError;
  job.errors.emit_message = onMessage;
  if (setjmp(job.escape)) return false;
  jpeg_create_decompress(&job.codec); // clears everything but err and client_data
  job.progress.progress_monitor = onProgress;
  job.codec.progress = &job.progress;
  jpeg_mem_src(&job.codec, data, size);
  jpeg_save_markers(&job.codec, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&job.codec, TRUE);
  return true;
}

bool decode(Job& job, unsigned char* pixels) {
  if (setjmp(job.escape)) return false;
  job.codec.out_color_space = JCS_RGB;
  jpeg_start_decompress(&job.codec);
  const std::size_t rowBytes = std::size_t{job.codec.output_width} * 3;
  while (job.codec.output_scanline < job.codec.output_height) {
    JSAMPROW row = pixels + job.codec.output_scanline * rowBytes;
    jpeg_read_scanlines(&job.codec, &row, 1);
  }
  jpeg_finish_decompress(&job.codec);
  return true;
}

/// The EXIF orientation, 1 to 8 (EXIF 2.3, tag 0x0112 of the first directory); 1 where there is none.
int orientationOf(const jpeg_decompress_struct& codec) {
  for (const jpeg_marker_struct* marker = codec.marker_list; marker; marker = marker->next) {
    const unsigned char* exif = marker->data;
    const std::size_t size = marker->data_length;
    if (size < 14 + 2 || std::memcmp(exif, "Exif\0\0", 6) != 0) continue;
    const unsigned char* tiff = exif + 6;
    const std::size_t length = size - 6;
    const bool little = tiff[0] == 'I';
    auto read = [&](std::size_t at, std::size_t count) {
      std::size_t value = 0;
      for (std::size_t i = 0; i < count; ++i) value = value << 8 | tiff[at + (little ? count - 1 - i : i)];
      return value;
    };
    const std::size_t directory = read(4, 4);
    if (directory > length - 2) return 1;
    const std::size_t entries = read(directory, 2);
    for (std::size_t i = 0; i < entries; ++i) {
      const std::size_t entry = directory + 2 + 12 * i;
      if (entry + 12 > length) return 1;
      if (read(entry, 2) != 0x0112) continue;
      const std::size_t value = read(entry + 8, 2);
      return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
  }
  return 1;
}

/// Orientations 5 to 8 swap rows and columns; the low ones mirror.
Image upright(Image image, int orientation) {
  if (orientation == 1) return image;
  const bool swap = orientation >= 5;
  Image result;
  result.width = swap ? image.height : image.width;
  result.height = swap ? image.width : image.height;
  result.rgb.resize(image.rgb.size());
  const bool mirrorX = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool mirrorY = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  for (int y = 0; y < result.height; ++y)
    for (int x = 0; x < result.width; ++x) {
      int fromX = swap ? y : x;
      int fromY = swap ? x : y;
      if (mirrorX) fromX = image.width - 1 - fromX;
      if (mirrorY) fromY = image.height - 1 - fromY;
      const std::size_t from =
          (static_cast<std::size_t>(fromY) * static_cast<std::size_t>(image.width) + static_cast<std::size_t>(fromX)) *
          3;
      const std::size_t to =
          (static_cast<std::size_t>(y) * static_cast<std::size_t>(result.width) + static_cast<std::size_t>(x)) * 3;
      std::memcpy(&result.rgb[to], &image.rgb[from], 3);
    }
  return result;
}

struct JobGuard {
  Job job{};
  JobGuard() { job.codec.client_data = &job; }
  ~JobGuard() { jpeg_destroy_decompress(&job.codec); }
  JobGuard(const JobGuard&) = delete;
  JobGuard& operator=(const JobGuard&) = delete;
};

} // namespace

Result<Image> decodeJpeg(std::span<const std::byte> bytes, const std::string& where) {
  JobGuard guard;
  Job& job = guard.job;
  if (!start(job, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()))
    return damagedPicture(job.message, where);
  TANDEM_TRY(checkExtent(job.codec.image_width, job.codec.image_height, bytes.size(), where));
  if (job.codec.jpeg_color_space == JCS_CMYK || job.codec.jpeg_color_space == JCS_YCCK)
    return makeError(ErrorCode::InputRejected, "the picture is for print (CMYK)", where, "convert it to RGB");
  const int orientation = orientationOf(job.codec);
  Image image;
  image.width = static_cast<int>(job.codec.image_width);
  image.height = static_cast<int>(job.codec.image_height);
  image.rgb.resize(std::size_t{job.codec.image_width} * job.codec.image_height * 3);
  if (!decode(job, image.rgb.data())) return damagedPicture(job.message, where);
  if (job.incomplete) return damagedPicture("it is cut off or damaged", where);
  return upright(std::move(image), orientation);
}

} // namespace tandem::detail
