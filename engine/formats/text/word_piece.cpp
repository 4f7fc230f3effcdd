// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/text/word_piece.hpp"

#include "engine/formats/tensors/mapped_file.hpp"
#include "engine/formats/text/detail/basic_tokenizer.hpp"

#include <algorithm>
#include <array>

namespace tandem {
namespace {

constexpr std::size_t kMaxWord = 100; ///< characters; longer words are [UNK], as in BERT
constexpr std::array<std::string_view, 5> kSpecial{"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"};

/// The first special token at or after `from`; npos where there is none.
std::size_t findSpecial(std::string_view text, std::size_t from, std::string_view& found) {
  std::size_t best = std::string_view::npos;
  for (std::size_t at = text.find('[', from); at != std::string_view::npos && best == std::string_view::npos;
       at = text.find('[', at + 1))
    for (std::string_view special : kSpecial)
      if (text.substr(at).starts_with(special)) best = at, found = special;
  return best;
}

} // namespace

Result<WordPiece> WordPiece::parse(std::span<const std::byte> bytes, const std::string& where) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto rejected = [&](const std::string& what) {
    return makeError(ErrorCode::InputRejected, what, where,
                     "give the vocab.txt of a BERT-like model: one token per line, [UNK], [CLS] and [SEP] among them");
  };
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (text.find('\0') != std::string_view::npos) return rejected("this is not a text");
  WordPiece result;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    text.remove_prefix(std::min(end + 1, text.size()));
    // A repeated token keeps its first number; its line still counts.
    result.m_ids.emplace(line, result.size());
    result.m_tokens.emplace_back(line);
  }
  for (std::size_t i = 0; i < 3; ++i)
    if (!result.m_ids.contains(std::string(kSpecial[i])))
      return rejected("the vocabulary has no " + std::string(kSpecial[i]));
  result.guessCase();
  return result;
}

Result<WordPiece> WordPiece::read(const std::filesystem::path& path) {
  constexpr std::int64_t kMaxBytes = 16 << 20;
  auto file = TANDEM_TRY(MappedFile::open(path, ErrorCode::InputRejected, kMaxBytes));
  return parse(file->bytes(), path.string());
}

void WordPiece::guessCase() {
  bool accents = false;
  bool capitals = false;
  for (const std::string& token : m_tokens) {
    if (token.starts_with('[') && token.ends_with(']')) continue; // [CLS], [unused7]
    capitals |= std::any_of(token.begin(), token.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    const bool ascii = std::all_of(token.begin(), token.end(), [](char c) { return (c & 0x80) == 0; });
    if (ascii || accents) continue;
    const std::u32string letters = detail::decodeUtf8(token);
    accents = std::any_of(letters.begin(), letters.end(), detail::isAccentedLatin);
  }
  m_lowerCase = !capitals;
  m_stripAccents = !capitals && !accents;
}

std::int64_t WordPiece::idOf(const std::string& token) const {
  const auto it = m_ids.find(token);
  return it == m_ids.end() ? -1 : it->second;
}

void WordPiece::appendWord(const std::u32string& word, std::vector<std::int64_t>& out) const {
  const std::int64_t unknown = idOf("[UNK]");
  if (word.size() > kMaxWord) return out.push_back(unknown);
  std::vector<std::int64_t> found;
  for (std::size_t begin = 0; begin < word.size();) {
    std::int64_t id = -1;
    std::size_t end = word.size();
    for (; end > begin; --end) {
      const std::string piece = detail::encodeUtf8(std::u32string_view(word).substr(begin, end - begin));
      id = idOf(begin > 0 ? "##" + piece : piece);
      if (id >= 0) break;
    }
    if (id < 0) return out.push_back(unknown); // one unknown piece makes the whole word unknown
    found.push_back(id);
    begin = end;
  }
  out.insert(out.end(), found.begin(), found.end());
}

std::vector<std::int64_t> WordPiece::pieces(std::string_view text) const {
  std::vector<std::int64_t> ids;
  const detail::BasicOptions options{m_lowerCase, m_stripAccents};
  std::size_t begin = 0;
  while (begin <= text.size()) {
    // A special token that is written out ("[MASK]") stands for itself.
    std::string_view special;
    const std::size_t at = std::min(findSpecial(text, begin, special), text.size());
    for (const std::u32string& word : detail::basicTokens(text.substr(begin, at - begin), options))
      appendWord(word, ids);
    if (special.empty()) break;
    const std::int64_t id = idOf(std::string(special));
    ids.push_back(id >= 0 ? id : idOf("[UNK]"));
    begin = at + special.size();
  }
  return ids;
}

TokenSequence WordPiece::encode(std::string_view text, std::string_view second, std::int64_t maxLength,
                                std::int64_t padTo) const {
  std::vector<std::int64_t> first = pieces(text);
  std::vector<std::int64_t> other = pieces(second);
  const std::int64_t frame = second.empty() ? 2 : 3; // [CLS] and the [SEP]s
  const auto room = static_cast<std::size_t>(std::max<std::int64_t>(maxLength - frame, 0));
  TokenSequence result;
  while (first.size() + other.size() > room) {
    (first.size() > other.size() ? first : other).pop_back();
    ++result.dropped;
  }
  const auto add = [&](std::int64_t id, std::int64_t mask, std::int64_t type) {
    result.ids.push_back(id);
    result.mask.push_back(mask);
    result.types.push_back(type);
    result.tokens.push_back(id < size() ? m_tokens[static_cast<std::size_t>(id)] : "[PAD]");
  };
  add(idOf("[CLS]"), 1, 0);
  for (std::int64_t id : first) add(id, 1, 0);
  add(idOf("[SEP]"), 1, 0);
  for (std::int64_t id : other) add(id, 1, 1);
  if (!second.empty()) add(idOf("[SEP]"), 1, 1);
  const std::int64_t pad = std::max<std::int64_t>(idOf("[PAD]"), 0); // number 0 wherever it has no name
  while (static_cast<std::int64_t>(result.ids.size()) < padTo) add(pad, 0, 0);
  return result;
}

} // namespace tandem
