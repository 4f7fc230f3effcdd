// SPDX-License-Identifier: GPL-3.0-or-later
// A vocabulary, a zero byte, and a text to encode with it; without the zero byte, a text for a fixed vocabulary.
#include "engine/formats/text/word_piece.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace tandem;

namespace {

void encode(const WordPiece& tokenizer, std::string_view text) {
  for (const std::int64_t length : {3, 16}) {
    const TokenSequence sequence = tokenizer.encode(text, text.substr(text.size() / 2), length, 16);
    fuzz::require(sequence.ids.size() == 16 && sequence.mask.size() == 16 && sequence.types.size() == 16 &&
                      sequence.tokens.size() == 16,
                  "a sequence has the length asked for");
    for (std::int64_t id : sequence.ids) fuzz::require(id >= 0 && id < tokenizer.size(), "an id is in the vocabulary");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kVocabulary =
      "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##a\nb\n##b\n##ab\n\xc3\xa9\n\xe4\xb8\xad\n.\n";
  static const WordPiece fixed =
      WordPiece::parse(fuzz::bytesOf(reinterpret_cast<const std::uint8_t*>(kVocabulary.data()), kVocabulary.size()),
                       "fixed")
          .value();
  const std::string_view input = fuzz::textOf(data, size);
  const std::size_t end = input.find('\0');
  if (end == std::string_view::npos) {
    encode(fixed, input);
    return 0;
  }
  auto tokenizer = WordPiece::parse(fuzz::bytesOf(data, end), "fuzz.txt");
  if (tokenizer) encode(*tokenizer, input.substr(end + 1));
  return 0;
}
