// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tandem::detail {

/// What BERT does to a text before it looks words up (google-research/bert, tokenization.py: BasicTokenizer).
struct BasicOptions {
  bool lowerCase = true;
  bool stripAccents = true;
};

/// Code points; bytes that are no UTF-8 become U+FFFD, which basicTokens drops.
std::u32string decodeUtf8(std::string_view text);
std::string encodeUtf8(std::u32string_view text);

/// Words, single punctuation marks and single Chinese characters; control characters are gone.
std::vector<std::u32string> basicTokens(std::string_view text, const BasicOptions& options);

/// A Latin letter that is a plain letter with an accent ("é").
bool isAccentedLatin(char32_t c);

} // namespace tandem::detail
