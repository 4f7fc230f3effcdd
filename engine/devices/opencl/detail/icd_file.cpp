// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/icd_check.hpp"

#include <algorithm>
#include <fstream>

namespace tandem::opencl {

std::string libraryOf(const std::filesystem::path& icd) {
  if (icd.extension() != ".icd") return icd.string();
  std::ifstream file(icd);
  std::string line;
  std::getline(file, line);
  const auto isSpace = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!line.empty() && isSpace(line.back())) line.pop_back();
  line.erase(line.begin(), std::find_if_not(line.begin(), line.end(), isSpace));
  return line;
}

} // namespace tandem::opencl
