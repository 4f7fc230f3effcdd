// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tandem {

/// A text as BERT-like models take it. All four have the same length.
struct TokenSequence {
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> mask;  ///< 1 for tokens, 0 for padding
  std::vector<std::int64_t> types; ///< 0 for the first text, 1 for the second
  std::vector<std::string> tokens; ///< as in the vocabulary
  std::int64_t dropped = 0;        ///< tokens cut off because the sequence would be too long
};

/// BERT's tokenizer over a vocab.txt (one token per line, its number is its line): basic tokens (case, accents, Chinese
/// characters, punctuation), then the longest pieces that the vocabulary has (Wu et al., Google's Neural Machine
/// Translation System, 2016; greedy as in google-research/bert). Immutable; any thread.
class WordPiece {
 public:
  /// Errors: InputRejected with the path, also where [UNK], [CLS] or [SEP] is missing.
  static Result<WordPiece> read(const std::filesystem::path& path);
  /// The same from memory; `where` names the source in errors.
  static Result<WordPiece> parse(std::span<const std::byte> bytes, const std::string& where);

  std::int64_t size() const { return static_cast<std::int64_t>(m_tokens.size()); }

  /// Guessed from the vocabulary: one without capitals is for lower-cased text, and then accents go unless it has
  /// accented letters.
  bool lowerCase() const { return m_lowerCase; }
  bool stripAccents() const { return m_stripAccents; }
  void setLowerCase(bool on) { m_lowerCase = on; }
  void setStripAccents(bool on) { m_stripAccents = on; }

  /// "[CLS] text [SEP]" or "[CLS] text [SEP] second [SEP]", at most `maxLength` tokens (at least 3; the longer text
  /// loses its end first), filled up with [PAD] to `padTo` where that is more.
  TokenSequence encode(std::string_view text, std::string_view second, std::int64_t maxLength,
                       std::int64_t padTo) const;

 private:
  WordPiece() = default;
  std::vector<std::int64_t> pieces(std::string_view text) const;
  void appendWord(const std::u32string& word, std::vector<std::int64_t>& out) const;
  std::int64_t idOf(const std::string& token) const;
  void guessCase();

  std::vector<std::string> m_tokens;
  std::unordered_map<std::string, std::int64_t> m_ids;
  bool m_lowerCase = true;
  bool m_stripAccents = true;
};

} // namespace tandem
