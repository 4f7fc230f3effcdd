// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/text_input.hpp"

#include "engine/session/synthetic.hpp"

#include <algorithm>
#include <numeric>

namespace tandem::session {
namespace {

constexpr std::int64_t kUsualLength = 512; ///< BERT's

bool takesTokens(const Value& input) {
  const bool whole = input.desc.type == DataType::Int32 || input.desc.type == DataType::Int64;
  return whole && input.rankKnown && input.desc.shape.rank() == 2 &&
         (input.desc.shape[0] == 1 || input.desc.shape[0] == kUnknownDim);
}

bool contains(const std::string& name, std::initializer_list<std::string_view> parts) {
  return std::any_of(parts.begin(), parts.end(), [&](auto part) { return name.find(part) != std::string::npos; });
}

Tensor rowOf(DataType type, const std::vector<std::int64_t>& values) {
  const Shape shape{1, static_cast<std::int64_t>(values.size())};
  if (type == DataType::Int64) return Tensor::of<std::int64_t>(shape, values);
  std::vector<std::int32_t> narrow(values.begin(), values.end());
  return Tensor::of<std::int32_t>(shape, narrow);
}

std::string joined(const std::vector<std::string>& tokens) {
  std::string text;
  for (std::size_t i = 0; i < tokens.size() && i < 64; ++i) text += (i ? " " : "") + tokens[i];
  return tokens.size() > 64 ? text + " ..." : text;
}

} // namespace

std::optional<TextInputs> guessTextInputs(const Graph& graph) {
  TextInputs found;
  std::optional<std::size_t> ids;
  std::size_t candidates = 0;
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const Value& input = graph.value(graph.inputs()[i]);
    if (!takesTokens(input)) continue;
    ++candidates;
    if (contains(input.name, {"mask"}))
      found.mask = i;
    else if (contains(input.name, {"type", "segment"}))
      found.types = i;
    else if (contains(input.name, {"position"}))
      found.positions = i;
    else if (!ids || contains(input.name, {"input_ids", "input_word_ids"}))
      ids = i;
  }
  if (!ids) return std::nullopt;
  const std::string& name = graph.value(graph.inputs()[*ids]).name;
  const bool named = contains(name, {"ids", "token", "word", "text"});
  if (!named && (candidates > 1 || graph.inputs().size() > 1)) return std::nullopt;
  found.ids = *ids;
  return found;
}

std::filesystem::path findVocabulary(const std::filesystem::path& model) {
  if (model.empty()) return {};
  std::error_code ignored;
  const std::filesystem::path folder = model.parent_path();
  for (const auto& candidate : {folder / "vocab.txt", folder / "tokenizer" / "vocab.txt"})
    if (std::filesystem::is_regular_file(candidate, ignored)) return candidate;
  return {};
}

Result<TextTensors> textTensors(const Graph& graph, const TextInputs& inputs, const WordPiece& words,
                                const std::string& text, const std::string& second, std::int64_t maxLength) {
  const Value& ids = graph.value(graph.inputs()[inputs.ids]);
  const std::int64_t fixed = ids.desc.shape[1];
  if (fixed != kUnknownDim && fixed < 3)
    return makeError(ErrorCode::InputRejected, "the model's input takes " + std::to_string(fixed) + " tokens", ids.name,
                     "a text needs at least 3");
  std::int64_t length = fixed != kUnknownDim ? fixed : kUsualLength;
  if (maxLength > 0) length = std::min(length, maxLength);
  const TokenSequence sequence = words.encode(text, second, length, fixed == kUnknownDim ? 0 : fixed);

  const auto rows = tableSize(graph, inputs.ids);
  const std::int64_t largest = *std::max_element(sequence.ids.begin(), sequence.ids.end());
  if (rows && largest >= *rows)
    return makeError(ErrorCode::InputRejected,
                     "the vocabulary has " + std::to_string(words.size()) + " tokens, the model's table only " +
                         std::to_string(*rows),
                     ids.name, "give the vocab.txt that belongs to this model");
  TextTensors result;
  result.tensors.resize(graph.inputs().size());
  const auto put = [&](std::optional<std::size_t> input, const std::vector<std::int64_t>& values) {
    if (input) result.tensors[*input] = rowOf(graph.value(graph.inputs()[*input]).desc.type, values);
  };
  std::vector<std::int64_t> positions(sequence.ids.size());
  std::iota(positions.begin(), positions.end(), 0);
  put(inputs.ids, sequence.ids);
  put(inputs.mask, sequence.mask);
  put(inputs.types, sequence.types);
  put(inputs.positions, positions);
  result.notes.push_back("tokens: " + joined(sequence.tokens));
  if (sequence.dropped > 0)
    result.notes.push_back(std::to_string(sequence.dropped) + " tokens did not fit into " + std::to_string(length) +
                           " and were cut off");
  return result;
}

} // namespace tandem::session
