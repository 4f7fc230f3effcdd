// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/audio/wav.hpp"
#include "engine/graph/graph.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace tandem {

/// How a recording becomes the model's first input: frames of `window` samples, each `hop` samples after the one
/// before. Frames reach back (window - hop samples before the first new one; silence before the start), as models with
/// a context or an overlap want it; the last frame is filled up with silence.
struct AudioSpec {
  int sampleRate = 0;      ///< 0: the recording's own
  std::int64_t window = 0; ///< 0: the whole recording at once
  std::int64_t hop = 0;    ///< 1..window
  Shape shape;             ///< of the input, without the last dimension, which is `window`
  bool certain = false;    ///< true where the model's own names and shapes say so

  friend bool operator==(const AudioSpec&, const AudioSpec&) = default;
};

/// From the first input: floating point, [N], [1, N] or [1, 1, N] with N open or at least 64. nullopt where it takes no
/// samples. `sampleRate` chooses the branch of models that know several (Silero VAD: 8000, 16000); 0: the model's own.
std::optional<AudioSpec> guessAudio(const Graph& graph, int sampleRate = 0);

/// "rate=16000,window=576,hop=512"
std::string toString(const AudioSpec& spec);
/// Reads that form; a key that is missing keeps its value in `base`. Errors: Usage.
Result<AudioSpec> parseAudio(std::string_view text, const AudioSpec& base);

/// The number of frames that `samples` make; at least 1.
std::int64_t frameCount(std::int64_t samples, const AudioSpec& spec);
/// Frame `index` of a recording at the spec's rate, as a tensor of `type`.
Tensor frameOf(const AudioClip& clip, const AudioSpec& spec, std::int64_t index, DataType type);

/// The input that tells the model the rate: a whole number named "sr", "sample_rate" or the like. nullopt where there
/// is none.
std::optional<std::size_t> sampleRateInput(const Graph& graph);

} // namespace tandem
