// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/audio/wav.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace tandem;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto clip = decodeWav(fuzz::bytesOf(data, size), "fuzz.wav");
  if (!clip) return 0;
  fuzz::require(clip->sampleRate > 0 && clip->sampleRate <= kMaxSampleRate, "a recording has a rate");
  if (clip->samples.size() > 2000) return 0;
  (void)resampled(*clip, 16'000).ok();
  return 0;
}
