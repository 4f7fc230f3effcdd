// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/text/word_piece.hpp"
#include "engine/graph/graph.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace tandem::session {

/// Which inputs of a BERT-like model take what.
struct TextInputs {
  std::size_t ids = 0;
  std::optional<std::size_t> mask, types, positions;
};

/// By name and type: whole numbers [batch, tokens] named like input_ids, attention_mask, token_type_ids; a single
/// integer input takes the token numbers under any name. nullopt where the model takes no tokens.
std::optional<TextInputs> guessTextInputs(const Graph& graph);

/// vocab.txt beside the model or in a folder "tokenizer" there; empty where there is none.
std::filesystem::path findVocabulary(const std::filesystem::path& model);

/// One text as the model's inputs; inputs that take none of it stay undefined. `maxLength` 0: the model's own length,
/// else 512. Errors: InputRejected where a number is beyond the model's table.
struct TextTensors {
  std::vector<Tensor> tensors; ///< graph input order
  std::vector<std::string> notes;
};
Result<TextTensors> textTensors(const Graph& graph, const TextInputs& inputs, const WordPiece& words,
                                const std::string& text, const std::string& second, std::int64_t maxLength);

} // namespace tandem::session
