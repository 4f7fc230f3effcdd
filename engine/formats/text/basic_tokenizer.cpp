// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/text/detail/basic_tokenizer.hpp"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf8.h>

namespace tandem::detail {
namespace {

bool isDropped(char32_t c) {
  if (c == 0 || c == 0xfffd) return true;
  if (c == '\t' || c == '\n' || c == '\r') return false;
  const int kind = u_charType(static_cast<UChar32>(c));
  return kind == U_CONTROL_CHAR || kind == U_FORMAT_CHAR || kind == U_PRIVATE_USE_CHAR || kind == U_SURROGATE;
}

/// The ideograph blocks that BERT's tokenizer names; kana and hangul are written in words and stay together.
bool isIdeograph(char32_t c) {
  return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
         (c >= 0x2a700 && c <= 0x2b73f) || (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

bool isPunctuation(char32_t c) {
  // Marks like "$" and "^" are symbols to Unicode and punctuation to BERT.
  if (c < 0x80) return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  return u_ispunct(static_cast<UChar32>(c)) != 0;
}

/// The letters that `c` stands for, accents apart (Unicode normalisation form D).
void appendDecomposed(char32_t c, std::u32string& out) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* form = unorm2_getNFDInstance(&status);
  UChar units[32]; // the longest decomposition has 4 code points
  const int32_t count =
      U_SUCCESS(status) ? unorm2_getDecomposition(form, static_cast<UChar32>(c), units, 32, &status) : -1;
  if (count < 0 || U_FAILURE(status)) {
    out += c;
    return;
  }
  for (int32_t i = 0; i < count;) {
    UChar32 next = 0;
    U16_NEXT(units, i, count, next);
    out += static_cast<char32_t>(next);
  }
}

void appendLower(char32_t c, std::u32string& out) {
  out += static_cast<char32_t>(u_tolower(static_cast<UChar32>(c)));
  if (c == 0x130) out += char32_t{0x307}; // the one letter whose full mapping has two: capital I with a dot
}

/// One code point after another, as accents and case ask.
void appendNormalized(char32_t c, const BasicOptions& options, std::u32string& out) {
  std::u32string parts;
  if (options.stripAccents)
    appendDecomposed(c, parts);
  else
    parts = c;
  for (char32_t part : parts) {
    if (options.stripAccents && u_charType(static_cast<UChar32>(part)) == U_NON_SPACING_MARK) continue;
    if (options.lowerCase)
      appendLower(part, out);
    else
      out += part;
  }
}

} // namespace

std::u32string decodeUtf8(std::string_view text) {
  std::u32string result;
  for (std::size_t at = 0; at < text.size();) {
    UChar32 c = 0;
    // ICU's macro counts in int32; a character has at most four bytes.
    const auto size = static_cast<int32_t>(std::min<std::size_t>(text.size() - at, 4));
    int32_t used = 0;
    U8_NEXT_OR_FFFD(text.data() + at, used, size, c);
    at += static_cast<std::size_t>(used);
    result += static_cast<char32_t>(c);
  }
  return result;
}

std::string encodeUtf8(std::u32string_view text) {
  std::string result;
  for (char32_t c : text) {
    char bytes[4];
    int32_t size = 0;
    U8_APPEND_UNSAFE(bytes, size, static_cast<UChar32>(c));
    result.append(bytes, static_cast<std::size_t>(size));
  }
  return result;
}

std::vector<std::u32string> basicTokens(std::string_view text, const BasicOptions& options) {
  std::u32string clean;
  for (char32_t c : decodeUtf8(text)) {
    if (isDropped(c)) continue;
    if (isIdeograph(c)) clean += U' ';
    appendNormalized(c, options, clean);
    if (isIdeograph(c)) clean += U' ';
  }
  std::vector<std::u32string> tokens;
  bool open = false;
  for (char32_t c : clean) {
    const bool mark = isPunctuation(c);
    if (u_isUWhiteSpace(static_cast<UChar32>(c))) {
      open = false;
      continue;
    }
    if (!open || mark) tokens.emplace_back();
    tokens.back() += c;
    open = !mark;
  }
  return tokens;
}

bool isAccentedLatin(char32_t c) {
  if (c < 0xc0 || c > 0x17f) return false;
  std::u32string parts;
  appendDecomposed(c, parts);
  return parts.size() > 1;
}

} // namespace tandem::detail
