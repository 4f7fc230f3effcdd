// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <vector>

namespace tandem {

/// A recording as most models take it: one channel, samples of -1..1 (floating point files may exceed that).
struct AudioClip {
  int sampleRate = 0; ///< samples per second
  int channels = 1;   ///< of the file; `samples` is their mean
  std::vector<float> samples;
};

inline constexpr int kMaxSampleRate = 768'000;

/// Reads a RIFF/WAVE file: PCM of 8, 16, 24 and 32 bits, floating point of 32 and 64 bits, also as
/// WAVE_FORMAT_EXTENSIBLE; up to 64 channels, mixed down. Compressed and damaged files give InputRejected. Any thread.
Result<AudioClip> readWav(const std::filesystem::path& path);
/// The same from memory; `where` names the source in errors.
Result<AudioClip> decodeWav(std::span<const std::byte> bytes, const std::string& where);

/// The same recording at another rate, band-limited. Fails with InputRejected for rates outside 1..kMaxSampleRate and
/// where the result would be more than 64 MiB larger than 16 times the recording.
Result<AudioClip> resampled(const AudioClip& clip, int sampleRate);

} // namespace tandem
