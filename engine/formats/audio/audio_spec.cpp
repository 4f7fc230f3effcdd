// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/audio/audio_spec.hpp"

#include "engine/tensor/visit.hpp"

#include <algorithm>
#include <bit>
#include <charconv>

namespace tandem {
namespace {

constexpr std::int64_t kLeastWindow = 64;
constexpr std::int64_t kMaxWindow = std::int64_t{1} << 26;

/// Silero VAD, versions 5 and 6: the caller puts the last 64 (32 at 8 kHz) samples before each 512 (256) new ones.
bool isSilero(const Graph& graph) {
  if (graph.inputs().size() != 3) return false;
  const Value& state = graph.value(graph.inputs()[1]);
  return graph.value(graph.inputs()[0]).name == "input" && state.name == "state" && state.rankKnown &&
         state.desc.shape.rank() == 3 && state.desc.shape[2] == 128 && graph.value(graph.inputs()[2]).name == "sr";
}

/// 257, 513, ...: the magnitudes of a Fourier transform, not samples.
bool isSpectrum(std::int64_t dim) { return dim > 1 && std::has_single_bit(static_cast<std::uint64_t>(dim - 1)); }

} // namespace

std::optional<std::size_t> sampleRateInput(const Graph& graph) {
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const Value& input = graph.value(graph.inputs()[i]);
    const bool named = input.name == "sr" || input.name == "sample_rate" || input.name == "sampling_rate" ||
                       input.name == "rate" || input.name == "fs";
    const bool scalar = input.rankKnown && input.desc.shape.rank() <= 1;
    if (named && scalar && isInteger(input.desc.type)) return i;
  }
  return std::nullopt;
}

std::optional<AudioSpec> guessAudio(const Graph& graph, int sampleRate) {
  if (graph.inputs().empty()) return std::nullopt;
  const Value& input = graph.value(graph.inputs()[0]);
  const Shape& shape = input.desc.shape;
  if (!input.rankKnown || !isFloating(input.desc.type) || shape.rank() < 1 || shape.rank() > 3) return std::nullopt;
  AudioSpec spec;
  spec.sampleRate = sampleRate;
  for (std::size_t axis = 0; axis + 1 < shape.rank(); ++axis)
    if (shape[axis] != 1 && shape[axis] != kUnknownDim) return std::nullopt;
  spec.shape = Shape(std::vector<std::int64_t>(shape.rank() - 1, 1));
  if (isSilero(graph)) {
    if (spec.sampleRate == 0) spec.sampleRate = 16000;
    const std::int64_t step = spec.sampleRate == 8000 ? 256 : 512;
    spec.window = step + step / 8;
    spec.hop = step;
    spec.certain = true;
    return spec;
  }
  const std::int64_t last = shape[shape.rank() - 1];
  if (last == kUnknownDim) return spec;
  if (last < kLeastWindow || isSpectrum(last)) return std::nullopt;
  spec.window = spec.hop = last;
  return spec;
}

std::string toString(const AudioSpec& spec) {
  return "rate=" + std::to_string(spec.sampleRate) + ",window=" + std::to_string(spec.window) +
         ",hop=" + std::to_string(spec.hop);
}

Result<AudioSpec> parseAudio(std::string_view text, const AudioSpec& base) {
  AudioSpec spec = base;
  bool hopGiven = false;
  const auto bad = [](const std::string& what) {
    return makeError(ErrorCode::Usage, what, "sound", "for example rate=16000,window=512,hop=128");
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(", "), text.size());
    const std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (item.empty()) continue;
    const std::size_t equals = std::min(item.find('='), item.size());
    const std::string_view key = item.substr(0, equals);
    const std::string_view number = item.substr(std::min(equals + 1, item.size()));
    std::int64_t value = -1;
    auto [next, status] = std::from_chars(number.data(), number.data() + number.size(), value);
    const bool read = status == std::errc() && next == number.data() + number.size() && value >= 0;
    if (!read || (key != "rate" && key != "window" && key != "hop"))
      return bad("cannot read '" + std::string(item) + "'");
    if (key == "rate" && value <= kMaxSampleRate)
      spec.sampleRate = static_cast<int>(value);
    else if (key == "window" && value <= kMaxWindow)
      spec.window = value;
    else if (key == "hop" && value >= 1)
      spec.hop = value, hopGiven = true;
    else
      return bad("'" + std::string(item) + "' is out of range");
  }
  if (!hopGiven && spec.window != base.window) spec.hop = spec.window;
  if (spec.window > 0 && (spec.hop < 1 || spec.hop > spec.window))
    return bad("a hop of " + std::to_string(spec.hop) + " does not fit a window of " + std::to_string(spec.window));
  return spec;
}

std::int64_t frameCount(std::int64_t samples, const AudioSpec& spec) {
  if (spec.window == 0) return 1;
  return std::max<std::int64_t>(1, (samples + spec.hop - 1) / spec.hop);
}

Tensor frameOf(const AudioClip& clip, const AudioSpec& spec, std::int64_t index, DataType type) {
  const auto samples = static_cast<std::int64_t>(clip.samples.size());
  const std::int64_t window = spec.window == 0 ? samples : spec.window;
  const std::int64_t begin = spec.window == 0 ? 0 : (index + 1) * spec.hop - spec.window;
  std::vector<std::int64_t> dims(spec.shape.dims().begin(), spec.shape.dims().end());
  dims.push_back(window);
  Tensor frame = Tensor::zeros({type, Shape(std::move(dims))});
  visitFloating(type, [&]<class T>(TypeTag<T>) {
    auto out = frame.mutableAs<T>();
    for (std::int64_t i = std::max<std::int64_t>(0, -begin); i < window && begin + i < samples; ++i)
      out[static_cast<std::size_t>(i)] = static_cast<T>(clip.samples[static_cast<std::size_t>(begin + i)]);
  });
  return frame;
}

} // namespace tandem
