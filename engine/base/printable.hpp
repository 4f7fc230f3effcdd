// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <string>

namespace tandem {

/// `text` as a terminal may show it, for names that come from files: what could move the cursor, colour the text, start
/// a line of its own or turn the direction of text round becomes a space; bytes that are not UTF-8 become U+FFFD.
std::string printable(std::string text);

} // namespace tandem
