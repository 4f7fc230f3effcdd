// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/audio/wav.hpp"

#include "engine/formats/tensors/mapped_file.hpp"

#include <bit>
#include <cstring>
#include <optional>
#include <string_view>

// Layout of the file: Microsoft/IBM, Multimedia Programming Interface and Data Specifications 1.0 (1991), and
// WAVEFORMATEXTENSIBLE of Multiple Channel Audio Data and WAVE Files (Microsoft, 2001).

namespace tandem {
namespace {

constexpr std::uint32_t kPcm = 1;
constexpr std::uint32_t kFloat = 3;
constexpr std::uint32_t kExtensible = 0xfffe;
constexpr int kMaxChannels = 64;

Error rejected(const std::string& what, const std::string& where,
               const std::string& hint = "convert it to a 16 bit PCM .wav file") {
  return makeError(ErrorCode::InputRejected, what, where, hint);
}

std::uint32_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= std::uint32_t{static_cast<std::uint8_t>(bytes[at + i])} << (8 * i);
  return value;
}

struct Format {
  std::uint32_t code = 0; ///< kPcm or kFloat
  int channels = 0;
  int sampleRate = 0;
  std::size_t sampleBytes = 0;
};

Result<Format> readFormat(std::string_view chunk, const std::string& where) {
  if (chunk.size() < 16) return rejected("the format of the recording is cut off", where);
  Format format;
  format.code = number(chunk, 0, 2);
  const std::uint32_t channels = number(chunk, 2, 2);
  const std::uint32_t rate = number(chunk, 4, 4);
  const std::uint32_t block = number(chunk, 12, 2);
  const std::uint32_t bits = number(chunk, 14, 2);
  if (format.code == kExtensible) {
    constexpr std::string_view kGuidTail("\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71", 14);
    if (chunk.size() < 40 || number(chunk, 16, 2) < 22 || chunk.substr(26, 14) != kGuidTail)
      return rejected("the format of the recording is not one we know", where);
    format.code = number(chunk, 24, 2);
  }
  const bool known = format.code == kPcm ? bits == 8 || bits == 16 || bits == 24 || bits == 32
                                         : format.code == kFloat && (bits == 32 || bits == 64);
  if (!known)
    return rejected("the recording is stored as format " + std::to_string(format.code) + " with " +
                        std::to_string(bits) + " bits",
                    where);
  if (channels < 1 || channels > static_cast<std::uint32_t>(kMaxChannels))
    return rejected("the recording claims " + std::to_string(channels) + " channels", where);
  if (rate < 1 || rate > static_cast<std::uint32_t>(kMaxSampleRate))
    return rejected("the recording claims " + std::to_string(rate) + " samples per second", where);
  format.sampleBytes = bits / 8;
  if (block != channels * format.sampleBytes)
    return rejected("the sizes in the recording's header contradict each other", where);
  format.channels = static_cast<int>(channels);
  format.sampleRate = static_cast<int>(rate);
  return format;
}

float sampleOf(const Format& format, const char* at) {
  const std::string_view bytes(at, format.sampleBytes);
  if (format.code == kFloat) {
    if (format.sampleBytes == 4) return std::bit_cast<float>(number(bytes, 0, 4));
    const std::uint64_t bits = number(bytes, 0, 4) | std::uint64_t{number(bytes, 4, 4)} << 32;
    return static_cast<float>(std::bit_cast<double>(bits));
  }
  if (format.sampleBytes == 1) return (static_cast<float>(number(bytes, 0, 1)) - 128) / 128; // the only unsigned one
  // At the top of 32 bits, the sign is where it belongs for every width.
  const std::uint32_t top = number(bytes, 0, format.sampleBytes) << (8 * (4 - format.sampleBytes));
  return static_cast<float>(static_cast<double>(static_cast<std::int32_t>(top)) / 2147483648.0);
}

AudioClip mixed(const Format& format, std::string_view data) {
  AudioClip clip{format.sampleRate, format.channels, {}};
  const std::size_t block = format.sampleBytes * static_cast<std::size_t>(format.channels);
  clip.samples.reserve(data.size() / block);
  for (std::size_t at = 0; at + block <= data.size(); at += block) {
    float sum = 0;
    for (std::size_t i = 0; i < block; i += format.sampleBytes) sum += sampleOf(format, data.data() + at + i);
    clip.samples.push_back(sum / static_cast<float>(format.channels));
  }
  return clip;
}

/// Files that people take for .wav, by their first bytes.
std::string nameOther(std::string_view bytes) {
  if (bytes.empty()) return "the file is empty";
  if (bytes.starts_with("RF64") || bytes.starts_with("RIFX")) return "this variant of WAVE is not read";
  if (bytes.starts_with("fLaC")) return "this is FLAC, not WAVE";
  if (bytes.starts_with("OggS")) return "this is Ogg, not WAVE";
  if (bytes.starts_with("ID3") || bytes.starts_with("\xff\xfb")) return "this is MP3, not WAVE";
  return "this is not a WAVE recording";
}

} // namespace

Result<AudioClip> decodeWav(std::span<const std::byte> input, const std::string& where) {
  const std::string_view bytes(reinterpret_cast<const char*>(input.data()), input.size());
  if (bytes.size() < 12 || !bytes.starts_with("RIFF") || bytes.substr(8, 4) != "WAVE")
    return rejected(nameOther(bytes), where);
  std::optional<Format> format;
  for (std::size_t at = 12; bytes.size() - at >= 8;) {
    const std::string_view id = bytes.substr(at, 4);
    const std::size_t size = number(bytes, at + 4, 4);
    at += 8;
    const std::size_t left = bytes.size() - at;
    // Programs that write to a pipe cannot go back to fill in the length: it then runs to the end.
    const bool open = id == "data" && size == 0xffffffff;
    if (size > left && !open) return rejected("the recording is cut off", where, "copy or record it again");
    if (id == "fmt ") {
      format = TANDEM_TRY(readFormat(bytes.substr(at, size), where));
    } else if (id == "data") {
      if (!format) return rejected("the recording does not say its format", where);
      AudioClip clip = mixed(*format, bytes.substr(at, open ? left : size));
      if (clip.samples.empty()) return rejected("the recording holds no sample", where, "choose another recording");
      return clip;
    }
    at += std::min(size + size % 2, left); // chunks start at even offsets
  }
  return rejected("the recording holds no samples", where, "choose another recording");
}

Result<AudioClip> readWav(const std::filesystem::path& path) {
  auto file = TANDEM_TRY(MappedFile::open(path, ErrorCode::InputRejected, std::int64_t{4} << 30));
  return decodeWav(file->bytes(), path.string());
}

} // namespace tandem
