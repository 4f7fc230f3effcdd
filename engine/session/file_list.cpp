// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/file_list.hpp"

#include "engine/formats/images/labels.hpp"

#include <filesystem>

namespace tandem::session {

namespace fs = std::filesystem;

Result<std::vector<ListedFile>> readFileList(const std::string& list) {
  if (list.empty())
    return makeError(ErrorCode::Usage, "there is no name after the @", "--input", "for example --input @pictures.txt");
  const std::vector<std::string> lines = TANDEM_TRY(readLines(list));
  // A folder of its own keeps a file of the name "random" from being taken for made-up data.
  const fs::path folder = fs::path(list).has_parent_path() ? fs::path(list).parent_path() : fs::path(".");
  std::vector<ListedFile> files;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (line.empty() || line.front() == '#') continue;
    const std::string where = list + " line " + std::to_string(i + 1);
    if (line.front() == '@')
      return makeError(ErrorCode::InputRejected, "a list cannot name another list", where,
                       "give both with --input; a file whose name begins with @ is ./" + line);
    const fs::path path = folder / line;
    std::error_code problem;
    if (!fs::exists(path, problem))
      return makeError(ErrorCode::InputRejected, "there is no such file: " + path.string(), where,
                       "paths are relative to the list's folder; lines that begin with # are left out");
    files.push_back({path.string(), i + 1});
  }
  if (files.empty())
    return makeError(ErrorCode::InputRejected, "the list names no file", list, "write one path per line");
  return files;
}

} // namespace tandem::session
