// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <string>
#include <vector>

namespace tandem::session {

/// A file or folder that a list names.
struct ListedFile {
  std::string path;
  std::size_t line = 0; ///< from 1 on
};

/// Reads a list of inputs: one path per line, relative to the list's own folder, without the blanks around it; empty
/// lines and those that begin with '#' are left out. Errors (InputRejected) name the list and the line: a path that is
/// not there, a list within a list, a list of nothing, a list above 16 MiB.
Result<std::vector<ListedFile>> readFileList(const std::string& list);

} // namespace tandem::session
