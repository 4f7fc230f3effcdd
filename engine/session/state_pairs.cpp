// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/state_pairs.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

namespace tandem::session {
namespace {

/// A name without the words that tell before from after, so that both sides of a pair become equal.
std::string stem(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (const std::size_t colon = name.rfind(':'); colon != std::string::npos) name.resize(colon); // TensorFlow's ":0"
  std::string result;
  constexpr std::array<std::string_view, 17> kWords{
      "past_key_values", "past", "present", "input", "output", "in",      "out", "next", "new", "prev",
      "previous",        "last", "initial", "init",  "final",  "updated", "old"};
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find_first_of("._-/", begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    // "past_key_values" is three words of one.
    if (name.compare(begin, 15, "past_key_values") == 0) {
      begin = std::min(begin + 16, name.size() + 1);
      continue;
    }
    if (std::find(kWords.begin(), kWords.end(), part) == kWords.end()) result += part + "/";
    begin = end + 1;
  }
  return result;
}

/// "stateN", "hn" and "state_out" all continue "state" and "h".
bool sameName(const std::string& input, const std::string& output) {
  const std::string before = stem(input);
  std::string after = stem(output);
  if (before.empty()) return false;
  if (before == after) return input != output;
  if (after.size() < 2) return false;
  after.pop_back(); // the slash
  const std::string plain = before.substr(0, before.size() - 1);
  return after == plain + "n" || after == plain + "out" || after == plain + "1";
}

bool dimsFit(const Value& input, const Value& output) {
  if (!input.rankKnown) return false;
  if (!output.rankKnown) return true;
  if (input.desc.shape.rank() != output.desc.shape.rank()) return false;
  for (std::size_t axis = 0; axis < input.desc.shape.rank(); ++axis) {
    const std::int64_t a = input.desc.shape[axis];
    const std::int64_t b = output.desc.shape[axis];
    if (a != kUnknownDim && b != kUnknownDim && a != b) return false;
  }
  return true;
}

bool sameType(const Value& input, const Value& output) {
  return input.desc.type == output.desc.type || output.desc.type == DataType::Undefined;
}

} // namespace

std::vector<StatePair> guessStatePairs(const Graph& graph) {
  std::vector<StatePair> pairs;
  std::set<std::size_t> usedInputs, usedOutputs;
  const auto in = [&](std::size_t i) -> const Value& { return graph.value(graph.inputs()[i]); };
  const auto out = [&](std::size_t i) -> const Value& { return graph.value(graph.outputs()[i]); };
  const auto pair = [&](std::size_t i, std::size_t o, const char* reason) {
    pairs.push_back({i, o, reason});
    usedInputs.insert(i);
    usedOutputs.insert(o);
  };
  for (std::size_t i = 1; i < graph.inputs().size(); ++i)
    for (std::size_t o = 0; o < graph.outputs().size() && !usedInputs.contains(i); ++o)
      if (!usedOutputs.contains(o) && sameType(in(i), out(o)) && dimsFit(in(i), out(o)) &&
          sameName(in(i).name, out(o).name))
        pair(i, o, "by name");
  for (std::size_t i = 1; i < graph.inputs().size(); ++i) {
    if (usedInputs.contains(i) || in(i).desc.shape.rank() < 2 || !isFloating(in(i).desc.type)) continue;
    std::vector<std::size_t> fits;
    for (std::size_t o = 1; o < graph.outputs().size(); ++o)
      if (!usedOutputs.contains(o) && sameType(in(i), out(o)) && dimsFit(in(i), out(o)) && out(o).rankKnown)
        fits.push_back(o);
    std::size_t rivals = 0;
    for (std::size_t other = 1; other < graph.inputs().size() && fits.size() == 1; ++other)
      rivals += !usedInputs.contains(other) && sameType(in(other), out(fits[0])) && dimsFit(in(other), out(fits[0]));
    if (fits.size() == 1 && rivals == 1) pair(i, fits[0], "by shape");
  }
  std::sort(pairs.begin(), pairs.end(), [](const auto& a, const auto& b) { return a.input < b.input; });
  return pairs;
}

Tensor initialState(const Graph& graph, const StatePair& pair) {
  const Value& input = graph.value(graph.inputs()[pair.input]);
  const Value& output = graph.value(graph.outputs()[pair.output]);
  const auto symbol = [](const Value& value, std::size_t axis) {
    return axis < value.dimNames.size() ? value.dimNames[axis] : std::string();
  };
  std::vector<std::int64_t> dims(input.desc.shape.dims().begin(), input.desc.shape.dims().end());
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    if (dims[axis] != kUnknownDim) continue;
    const std::string before = symbol(input, axis);
    const std::string after = symbol(output, axis);
    const bool grows = axis > 0 && !before.empty() && !after.empty() && before != after;
    dims[axis] = grows ? 0 : 1;
  }
  return Tensor::zeros({input.desc.type, Shape(std::move(dims))});
}

} // namespace tandem::session
