// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/text/word_piece.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <sstream>

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::filesystem::path dataFolder() { return std::filesystem::path(TANDEM_SOURCE_DIR) / "tests" / "formats" / "data"; }

Result<WordPiece> parsed(const std::string& text) {
  return WordPiece::parse(std::as_bytes(std::span(text.data(), text.size())), "vocab.txt");
}

std::string fromHex(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    result += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return result;
}

TEST(WordPiece, AgreesWithTheTokenizersPackage) {
  std::map<std::string, WordPiece> vocabularies;
  for (const char* name : {"uncased", "accents", "cased"}) {
    auto vocabulary = WordPiece::read(dataFolder() / (std::string(name) + ".vocab.txt"));
    ASSERT_TRUE(vocabulary.ok()) << vocabulary.error().line();
    vocabulary->setLowerCase(std::string(name) != "cased");
    vocabulary->setStripAccents(std::string(name) == "uncased");
    vocabularies.emplace(name, *vocabulary);
  }
  std::ifstream file(dataFolder() / "word_piece.tsv");
  std::string line;
  int cases = 0;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string name, text, second, numbers;
    std::getline(fields, name, '\t');
    std::getline(fields, text, '\t');
    std::getline(fields, second, '\t');
    std::getline(fields, numbers);
    const TokenSequence got = vocabularies.at(name).encode(fromHex(text), fromHex(second), 512, 0);
    std::string ours;
    for (std::size_t i = 0; i < got.ids.size(); ++i)
      ours += (i ? " " : "") + std::to_string(got.ids[i]) + ":" + std::to_string(got.types[i]);
    EXPECT_EQ(ours, numbers) << name << ": " << fromHex(text) << " | " << fromHex(second);
    ++cases;
  }
  EXPECT_EQ(cases, 111);
}

const char* const kVocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\nwor\n##ld\n,\n";

TEST(WordPiece, CutsTheLongerTextAndPads) {
  auto words = parsed(kVocabulary);
  ASSERT_TRUE(words.ok()) << words.error().line();
  TokenSequence got = words->encode("Hello, World", "hello", 6, 8);
  EXPECT_THAT(got.ids, ElementsAre(2, 4, 7, 3, 4, 3, 0, 0));
  EXPECT_THAT(got.types, ElementsAre(0, 0, 0, 0, 1, 1, 0, 0));
  EXPECT_THAT(got.mask, ElementsAre(1, 1, 1, 1, 1, 1, 0, 0));
  EXPECT_EQ(got.dropped, 2);
  got = words->encode("Hello, World", "", 512, 0);
  EXPECT_THAT(got.tokens, ElementsAre("[CLS]", "hello", ",", "wor", "##ld", "[SEP]"));
  EXPECT_EQ(got.dropped, 0);
}

TEST(WordPiece, GuessesCaseAndAccentsFromTheVocabulary) {
  EXPECT_TRUE(parsed(kVocabulary)->lowerCase());
  EXPECT_TRUE(parsed(kVocabulary)->stripAccents());
  EXPECT_FALSE(parsed(std::string(kVocabulary) + "Paris\n")->lowerCase());
  EXPECT_FALSE(parsed(std::string(kVocabulary) + "Paris\n")->stripAccents());
  const auto german = parsed(std::string(kVocabulary) + "[unused1]\n##f\xc3\xbcr\n");
  EXPECT_TRUE(german->lowerCase());
  EXPECT_FALSE(german->stripAccents());
}

TEST(WordPiece, ReadsWindowsLinesAndAByteOrderMark) {
  auto words = parsed("\xef\xbb\xbf[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\nhello");
  ASSERT_TRUE(words.ok()) << words.error().line();
  EXPECT_EQ(words->size(), 5);
  EXPECT_THAT(words->encode("hello", "", 9, 0).ids, ElementsAre(2, 4, 3));
}

TEST(WordPiece, RefusesWhatIsNoVocabulary) {
  EXPECT_THAT(parsed("hello\nworld\n").error().line(), HasSubstr("has no [UNK]"));
  EXPECT_THAT(parsed("").error().line(), HasSubstr("has no [UNK]"));
  EXPECT_THAT(parsed(std::string("[UNK]\0", 6)).error().line(), HasSubstr("not a text"));
  EXPECT_FALSE(WordPiece::read("/nowhere/vocab.txt").ok());
}

TEST(WordPiece, SurvivesBytesThatAreNoText) {
  auto words = parsed(kVocabulary);
  EXPECT_THAT(words->encode("hello\xff\xc3", "", 9, 0).ids, ElementsAre(2, 4, 3));
  EXPECT_THAT(words->encode(std::string("\xf0\x9f\x00 hello", 9), "", 9, 0).ids, ElementsAre(2, 4, 3));
}

} // namespace
} // namespace tandem
