// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/conformance/case_walker.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

namespace tandem::conformance {
namespace {

namespace fs = std::filesystem;

/// Splits one line of comma separated values; fields may be quoted, "" in quotes is a quote.
std::vector<std::string> splitCsv(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"')
      fields.back() += line[++i];
    else if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      fields.emplace_back();
    else if (c != '\r')
      fields.back() += c;
  }
  return fields;
}

/// "Conv-11 Relu-6" without the versions.
std::vector<std::string> operatorTypes(const std::string& field) {
  std::vector<std::string> types;
  std::istringstream words(field);
  for (std::string word; words >> word;) types.push_back(word.substr(0, word.rfind('-')));
  return types;
}

std::vector<fs::path> numberedFiles(const fs::path& folder, const std::string& prefix) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(prefix, 0) != 0 || entry.path().extension() != ".pb") continue;
    const auto index = static_cast<std::size_t>(std::stoul(name.substr(prefix.size())));
    if (files.size() <= index) files.resize(index + 1);
    files[index] = entry.path();
  }
  return files;
}

std::string at(std::int64_t index, double actual, double expected) {
  std::ostringstream text;
  text.precision(9);
  text << "element " << index << " is " << actual << ", not " << expected;
  return text.str();
}

bool near(double actual, double expected, double rtol, double atol) {
  if (std::isnan(expected) || std::isnan(actual)) return std::isnan(expected) && std::isnan(actual);
  if (std::isinf(expected) || std::isinf(actual)) return actual == expected;
  return std::fabs(actual - expected) <= atol + rtol * std::fabs(expected);
}

} // namespace

std::optional<fs::path> findConformanceData() {
  const char* variable = std::getenv("TANDEM_CONFORMANCE_DIR");
  const fs::path root = variable ? fs::path(variable) : fs::path(TANDEM_SOURCE_DIR) / ".." / "shared" / "conformance";
  if (!fs::is_regular_file(root / "operators" / "manifest.csv")) return std::nullopt;
  return root;
}

DataSet readDataSet(const fs::path& folder) {
  return {folder, numberedFiles(folder, "input_"), numberedFiles(folder, "output_")};
}

std::vector<Case> operatorCases(const fs::path& root) {
  std::ifstream manifest(root / "operators" / "manifest.csv");
  std::string line;
  std::getline(manifest, line);
  const std::vector<std::string> header = splitCsv(line);
  const auto column = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(header.begin(), header.end(), name) - header.begin());
  };
  const std::size_t id = column("id"), ops = column("ops"), rtol = column("rtol"), atol = column("atol");
  std::vector<Case> cases;
  while (std::getline(manifest, line)) {
    const std::vector<std::string> fields = splitCsv(line);
    if (fields.size() <= std::max({id, ops, rtol, atol})) continue;
    Case found;
    found.id = fields[id];
    found.folder = root / "operators" / fields[id];
    if (!fs::is_regular_file(found.model())) continue;
    found.operators = operatorTypes(fields[ops]);
    found.rtol = std::strtod(fields[rtol].c_str(), nullptr);
    found.atol = std::strtod(fields[atol].c_str(), nullptr);
    for (int k = 0; fs::is_directory(found.folder / ("test_data_set_" + std::to_string(k))); ++k)
      found.dataSets.push_back(readDataSet(found.folder / ("test_data_set_" + std::to_string(k))));
    cases.push_back(std::move(found));
  }
  return cases;
}

std::optional<std::string> difference(const Tensor& actual, const Tensor& expected, double rtol, double atol) {
  if (!actual.defined()) return "no value was computed";
  if (actual.desc() != expected.desc())
    return "the result is " + actual.desc().toString() + ", not " + expected.desc().toString();
  for (std::int64_t i = 0; i < expected.elements(); ++i) {
    if (isFloating(expected.type())) {
      const double a = actual.asDouble(i), e = expected.asDouble(i);
      if (!near(a, e, rtol, atol)) return at(i, a, e);
    } else if (actual.asInt(i) != expected.asInt(i)) {
      return at(i, static_cast<double>(actual.asInt(i)), static_cast<double>(expected.asInt(i)));
    }
  }
  return std::nullopt;
}

} // namespace tandem::conformance
