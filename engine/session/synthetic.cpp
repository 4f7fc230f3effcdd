// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/synthetic.hpp"

#include "engine/base/host_memory.hpp"
#include "engine/formats/audio/audio_spec.hpp"
#include "engine/tensor/visit.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>
#include <set>

namespace tandem::session {
namespace {

/// SplitMix64 (Steele, Lea, Flood, Fast Splittable Pseudorandom Number Generators, 2014): the standard library's
/// distributions differ between implementations, this does not.
class Random {
 public:
  explicit Random(std::uint64_t seed) : m_state(seed) {}
  std::uint64_t bits() {
    std::uint64_t z = m_state += 0x9E3779B97F4A7C15ULL;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ z >> 27) * 0x94D049BB133111EBULL;
    return z ^ z >> 31;
  }
  double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  /// Box and Muller, A Note on the Generation of Random Normal Deviates, 1958.
  double normal() {
    const double radius = std::sqrt(-2 * std::log(1 - unit()));
    return radius * std::cos(2 * std::numbers::pi * unit());
  }

 private:
  std::uint64_t m_state;
};

std::string text(double value) {
  char buffer[32];
  auto [end, status] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return std::string(buffer, status == std::errc() ? end : buffer);
}

bool readNumber(std::string_view& rest, double& value) {
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (status != std::errc() || !std::isfinite(value)) return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  return true;
}

template <class T> T clamped(double value) {
  using Limits = std::numeric_limits<T>;
  if (!(value > static_cast<double>(Limits::lowest()))) return Limits::lowest();
  return value >= static_cast<double>(Limits::max()) ? Limits::max() : static_cast<T>(value);
}

double drawn(Random& random, const Distribution& of) {
  switch (of.kind) {
  case Distribution::Kind::Uniform: return of.a + (of.b - of.a) * random.unit();
  case Distribution::Kind::Normal: return of.a + of.b * random.normal();
  case Distribution::Kind::Integers: return std::min(of.b, of.a + std::floor((of.b - of.a + 1) * random.unit()));
  case Distribution::Kind::Zeros: return 0;
  case Distribution::Kind::Ones: return 1;
  }
  return 0;
}

Tensor filled(const TensorDesc& desc, const Distribution& of, std::uint64_t seed) {
  Tensor tensor = Tensor::uninitialized(desc);
  Random random(seed);
  visitType(desc.type, [&]<class T>(TypeTag<T>) {
    for (T& element : tensor.mutableAs<T>()) {
      const double value = drawn(random, of);
      if constexpr (std::is_same_v<T, bool>)
        element = value >= 0.5;
      else if constexpr (std::is_integral_v<T>)
        element = clamped<T>(std::nearbyint(value));
      else
        element = static_cast<T>(static_cast<ComputeTypeOf<T>>(value));
    }
  });
  return tensor;
}

bool movesData(const std::string& type) {
  return type == "Cast" || type == "Identity" || type == "Reshape" || type == "Unsqueeze" || type == "Squeeze" ||
         type == "Flatten" || type == "Transpose" || type == "Slice" || type == "Expand";
}

bool isMask(const std::string& name) { return name.find("mask") != std::string::npos; }

} // namespace

bool isSynthetic(std::string_view given) {
  return given == "zeros" || given == "ones" || given == "random" || given.starts_with("random:");
}

Result<Distribution> parseDistribution(std::string_view given) {
  using Kind = Distribution::Kind;
  if (given == "zeros") return Distribution{Kind::Zeros, 0, 0};
  if (given == "ones") return Distribution{Kind::Ones, 1, 1};
  if (given == "random") return Distribution{};
  const Error bad = makeError(ErrorCode::Usage, "cannot read '" + std::string(given) + "'", "synthetic input",
                              "random:uniform(-1,1), random:normal(0,1), random:integers(0,255), zeros or ones");
  if (!given.starts_with("random:")) return bad;
  std::string_view rest = given.substr(7);
  Distribution result;
  for (auto [word, kind] : {std::pair<std::string_view, Kind>{"uniform(", Kind::Uniform},
                            {"normal(", Kind::Normal},
                            {"integers(", Kind::Integers}}) {
    if (!rest.starts_with(word)) continue;
    rest.remove_prefix(word.size());
    result.kind = kind;
    if (!readNumber(rest, result.a) || !rest.starts_with(',')) return bad;
    rest.remove_prefix(1);
    if (!readNumber(rest, result.b) || rest != ")") return bad;
    const bool ordered = kind == Kind::Normal ? result.b >= 0 : result.a <= result.b;
    const bool whole = kind != Kind::Integers || (result.a == std::floor(result.a) && result.b == std::floor(result.b));
    if (!ordered || !whole) return bad;
    return result;
  }
  return bad;
}

std::string toString(const Distribution& of) {
  const std::string range = "(" + text(of.a) + ", " + text(of.b) + ")";
  switch (of.kind) {
  case Distribution::Kind::Uniform: return "uniform" + range;
  case Distribution::Kind::Normal: return "normal" + range;
  case Distribution::Kind::Integers: return "whole numbers " + text(of.a) + ".." + text(of.b);
  case Distribution::Kind::Zeros: return "zeros";
  case Distribution::Kind::Ones: return "ones";
  }
  return {};
}

std::optional<std::int64_t> tableSize(const Graph& graph, std::size_t input) {
  std::optional<std::int64_t> least;
  std::vector<ValueId> open{graph.inputs()[input]};
  std::set<std::uint32_t> seen;
  while (!open.empty()) {
    const ValueId id = open.back();
    open.pop_back();
    if (!seen.insert(id.index()).second) continue;
    for (NodeId consumer : graph.value(id).consumers) {
      const Node& node = graph.node(consumer);
      if (node.type == "Gather" && node.inputs.size() == 2 && node.inputs[1] == id && node.inputs[0].valid()) {
        const Value& table = graph.value(node.inputs[0]);
        const std::int64_t axis = node.attributes.getInt("axis", 0);
        if (!table.isStatic() || table.desc.shape.rank() == 0 || axis != 0) continue;
        const std::int64_t rows = table.desc.shape[0];
        least = least ? std::min(*least, rows) : rows;
      } else if (movesData(node.type) && !node.inputs.empty() && node.inputs[0] == id) {
        for (ValueId output : node.outputs)
          if (output.valid()) open.push_back(output);
      }
    }
  }
  return least;
}

Result<SyntheticInput> makeSynthetic(const Graph& graph, std::size_t input, const TensorDesc& desc,
                                     const Distribution& distribution, std::uint64_t seed) {
  using Kind = Distribution::Kind;
  const auto bytes = desc.checkedBytes();
  if (!bytes || !fitsHostMemory(*bytes))
    return makeError(ErrorCode::DeviceFailed,
                     "not enough memory: " + desc.toString() + " needs " +
                         (bytes ? std::to_string(*bytes) : std::string("over 2^63")) + " bytes, " +
                         std::to_string(availableHostMemory()) + " are free",
                     graph.value(graph.inputs()[input]).name, "use a smaller batch or smaller inputs");
  Distribution used = distribution;
  std::string why;
  if (input == sampleRateInput(graph)) {
    const auto audio = guessAudio(graph);
    const double rate = audio && audio->sampleRate > 0 ? audio->sampleRate : 16000;
    used = {Kind::Integers, rate, rate};
    return SyntheticInput{filled(desc, used, seed), text(rate) + " (samples per second)"};
  }
  const bool spread = used.kind == Kind::Uniform || used.kind == Kind::Normal;
  if (!isFloating(desc.type) && spread) {
    const auto rows = tableSize(graph, input);
    used = {Kind::Integers, 0, 1};
    if (rows) {
      used.b = static_cast<double>(std::max<std::int64_t>(*rows - 1, 0));
      why = " (rows of the table they select from)";
    } else if (isMask(graph.value(graph.inputs()[input]).name)) {
      used = {Kind::Ones, 1, 1};
      why = " (a mask)";
    }
  }
  return SyntheticInput{filled(desc, used, seed), toString(used) + why};
}

} // namespace tandem::session
