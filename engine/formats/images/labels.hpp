// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <filesystem>
#include <string_view>
#include <vector>

namespace tandem {

/// Reads class names, one per line, in class order. Where every line starts with its own number ("281,tabby cat",
/// "281: tabby cat"), the numbers are dropped. Empty lines at the end do not count. Errors: InputRejected.
Result<std::vector<std::string>> readLabels(const std::filesystem::path& path);
/// The same from memory; `where` names the source in errors.
Result<std::vector<std::string>> parseLabels(std::string_view text, const std::string& where);

/// The lines of a text file without the blanks around them. Errors: InputRejected.
Result<std::vector<std::string>> readLines(const std::filesystem::path& path);
/// The same from memory; `where` names the source in errors.
Result<std::vector<std::string>> parseLines(std::string_view text, const std::string& where);

} // namespace tandem
