// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/checked.hpp"
#include "engine/formats/audio/wav.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

// Band-limited interpolation after J. O. Smith, Digital Audio Resampling Home Page (2002): every output sample is the
// sum of input samples weighted by a sinc at the lower of the two rates, under a Hann window.

namespace tandem {
namespace {

constexpr double kZeroCrossings = 24; ///< of the sinc, on each side

double weightAt(double distance, double cutoff, double radius) {
  const double window = 0.5 + 0.5 * std::cos(std::numbers::pi * distance / radius);
  const double x = std::numbers::pi * distance * cutoff;
  return window * cutoff * (std::abs(x) < 1e-9 ? 1 : std::sin(x) / x);
}

} // namespace

Result<AudioClip> resampled(const AudioClip& clip, int sampleRate) {
  if (sampleRate < 1 || sampleRate > kMaxSampleRate || clip.sampleRate < 1)
    return makeError(ErrorCode::InputRejected, "a rate of " + std::to_string(sampleRate) + " Hz cannot be used",
                     "sample rate", "for example 16000");
  if (sampleRate == clip.sampleRate) return clip;
  const auto from = static_cast<std::int64_t>(clip.samples.size());
  const double ratio = static_cast<double>(sampleRate) / clip.sampleRate;
  const std::int64_t count = (from * sampleRate + clip.sampleRate - 1) / clip.sampleRate; // files end below 2^40
  constexpr std::int64_t kFree = kUnbackedAllocationLimit / static_cast<std::int64_t>(sizeof(float));
  if (count > 16 * from + kFree)
    return makeError(ErrorCode::InputRejected, "the recording would grow to " + std::to_string(count) + " samples",
                     "sample rate", "record it at a higher rate");
  AudioClip result{sampleRate, clip.channels, std::vector<float>(static_cast<std::size_t>(count))};
  const double cutoff = std::min(1.0, ratio); // as a part of the input's own band
  const double radius = kZeroCrossings / cutoff;
  for (std::int64_t i = 0; i < count; ++i) {
    const double centre = static_cast<double>(i) / ratio;
    const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::ceil(centre - radius)));
    const auto last = std::min(from - 1, static_cast<std::int64_t>(std::floor(centre + radius)));
    double sum = 0;
    for (std::int64_t k = first; k <= last; ++k)
      sum += static_cast<double>(clip.samples[static_cast<std::size_t>(k)]) *
             weightAt(static_cast<double>(k) - centre, cutoff, radius);
    result.samples[static_cast<std::size_t>(i)] = static_cast<float>(sum);
  }
  return result;
}

} // namespace tandem
