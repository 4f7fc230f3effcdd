// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/free_dims.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace tandem {
namespace {

struct Guess {
  std::int64_t size;
  const char* reason;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool contains(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

bool isChannels(std::int64_t dim) { return dim == 1 || dim == 3 || dim == 4; }

/// What exporters usually mean by such a dimension.
Guess guessSize(const Value& input, std::size_t axis, const std::string& symbol) {
  const Shape& shape = input.desc.shape;
  const std::string name = lower(symbol + " " + input.name);
  if (contains(name, "past") || contains(name, "cache") || symbol == "P") return {64, "tokens kept from before"};
  if (shape.rank() == 4) {
    if (axis == 1 && shape[2] == kUnknownDim && shape[3] == kUnknownDim) return {3, "channels of a picture"};
    const bool picture = isChannels(shape[1]) || isChannels(shape[3]) || axis >= 2;
    // A multiple of 64, which the strides of the usual detectors and readers divide.
    if (picture) return {320, "width or height of a picture"};
  }
  const bool integer =
      input.desc.type == DataType::Int64 || input.desc.type == DataType::Int32 || input.desc.type == DataType::UInt8;
  if (integer) return {64, "length of a sequence"};
  if (shape.rank() == 2 && axis == 1) return {512, "samples or features"};
  if (shape.rank() == 3 && axis == 2) return {80, "features of one step"};
  if (shape.rank() == 3 && axis == 1 && shape[0] != kUnknownDim && shape[2] != kUnknownDim)
    return {1, "batch inside a state"};
  if (shape.rank() == 3 && axis == 1) return {100, "steps of a sequence"};
  return {1, "nothing is known of it"};
}

std::string symbolOf(const Value& input, std::size_t axis) {
  if (axis >= input.dimNames.size()) return {};
  const std::string& name = input.dimNames[axis];
  return name == "?" || name == "None" ? std::string() : name;
}

/// Exporters write "past_sequence_length + sequence_length" for a mask: the symbols of a sum, or the one symbol.
std::vector<std::string> addends(const std::string& symbol) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (start <= symbol.size()) {
    std::size_t end = std::min(symbol.find('+', start), symbol.size());
    std::size_t first = start, last = end;
    while (first < last && symbol[first] == ' ') ++first;
    while (last > first && symbol[last - 1] == ' ') --last;
    parts.push_back(symbol.substr(first, last - first));
    start = end + 1;
  }
  return parts;
}

class Sizing {
 public:
  Sizing(const Graph& graph, const std::map<std::string, std::int64_t>& chosen, std::int64_t batch,
         const SizeHints& hints)
      : m_graph(graph),
        m_chosen(chosen),
        m_batch(batch),
        m_hints(hints) {
    for (ValueId id : graph.inputs()) {
      const Value& input = graph.value(id);
      if (!leads(input, 0)) continue;
      if (const std::string symbol = symbolOf(input, 0); !symbol.empty()) m_batchSymbols.insert(symbol);
    }
  }

  Result<SizedInputs> run() {
    for (ValueId id : m_graph.inputs()) {
      const Value& input = m_graph.value(id);
      if (!input.rankKnown) continue;
      Shape shape = input.desc.shape;
      for (std::size_t axis = 0; axis < shape.rank(); ++axis) shape[axis] = sizeOf(input, axis);
      m_result.shapes[input.name] = std::move(shape);
    }
    for (const auto& [key, size] : m_chosen) TANDEM_TRY(check(key, size));
    return std::move(m_result);
  }

 private:
  /// As bindInputs decides: an open leading dimension, or one of 1 for larger batches.
  bool leads(const Value& input, std::size_t axis) const {
    const Shape& shape = input.desc.shape;
    return input.rankKnown && axis == 0 && shape.rank() > 0 && (shape.rank() > 1 || shape[0] == kUnknownDim) &&
           (shape[0] == kUnknownDim || (shape[0] == 1 && m_batch > 1));
  }

  std::int64_t sizeOf(const Value& input, std::size_t axis) {
    const std::string symbol = symbolOf(input, axis);
    const std::string key = symbol.empty() ? input.name + ":" + std::to_string(axis) : symbol;
    if (leads(input, axis) && !m_chosen.contains(key)) return m_batch;
    if (input.desc.shape[axis] != kUnknownDim) return input.desc.shape[axis];
    if (m_batchSymbols.contains(symbol) && !m_chosen.contains(key)) return m_batch;
    const std::string where = input.name + "[" + std::to_string(axis) + "]";
    for (FreeDim& known : m_result.dims)
      if (known.key == key) {
        known.where.push_back(where);
        return known.size;
      }
    FreeDim dim{key, {where}, 1, false, {}};
    const auto parts = addends(symbol);
    if (const auto found = m_chosen.find(key); found != m_chosen.end()) {
      dim.size = found->second;
      dim.chosen = true;
    } else if (const std::int64_t sum = sumOf(parts); parts.size() > 1 && sum >= 0) {
      return sum; // follows from the others
    } else if (const auto hint = m_hints.find(input.name + ":" + std::to_string(axis)); hint != m_hints.end()) {
      dim.size = hint->second.size;
      dim.reason = hint->second.reason;
    } else {
      const Guess guess = guessSize(input, axis, symbol);
      dim.size = guess.size;
      dim.reason = guess.reason;
    }
    m_result.dims.push_back(dim);
    return dim.size;
  }

  /// -1 where a part is not known yet.
  std::int64_t sumOf(const std::vector<std::string>& parts) const {
    std::int64_t sum = 0;
    for (const std::string& part : parts) {
      const auto found =
          std::find_if(m_result.dims.begin(), m_result.dims.end(), [&](const FreeDim& dim) { return dim.key == part; });
      if (found != m_result.dims.end())
        sum += found->size;
      else if (const auto chosen = m_chosen.find(part); chosen != m_chosen.end())
        sum += chosen->second;
      else
        return -1;
    }
    return sum;
  }

  Result<void> check(const std::string& key, std::int64_t size) const {
    std::string known;
    bool found = m_batchSymbols.contains(key);
    for (const FreeDim& dim : m_result.dims) {
      found = found || dim.key == key;
      known += (known.empty() ? "" : ", ") + dim.key;
    }
    if (!found)
      return makeError(ErrorCode::Usage, "the model leaves no size '" + key + "' open", m_graph.name,
                       known.empty() ? "all its sizes are fixed" : "open are " + known);
    if (size < 0 || size > (std::int64_t{1} << 31))
      return makeError(ErrorCode::Usage, "size " + std::to_string(size) + " of '" + key + "' cannot be used",
                       m_graph.name, "give a number from 0 to 2147483648");
    return {};
  }

  const Graph& m_graph;
  const std::map<std::string, std::int64_t>& m_chosen;
  const std::int64_t m_batch;
  const SizeHints& m_hints;
  std::set<std::string> m_batchSymbols;
  SizedInputs m_result;
};

} // namespace

Result<SizedInputs> sizeInputs(const Graph& opened, const std::map<std::string, std::int64_t>& chosen,
                               std::int64_t batch, const SizeHints& hints) {
  return Sizing(opened, chosen, batch, hints).run();
}

} // namespace tandem
