// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <string>

namespace tandem::session {

/// `text` as one word of a POSIX shell: as it is where nothing in it is special, else in single quotes.
std::string shellQuote(const std::string& text);

} // namespace tandem::session
