// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/verify_cases.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>

namespace tandem::session {
namespace {

namespace fs = std::filesystem;

/// Splits one CSV line; quoted fields may hold commas.
std::vector<std::string> splitCsv(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (char c : line) {
    if (c == '"')
      quoted = !quoted;
    else if (c == ',' && !quoted)
      fields.emplace_back();
    else if (c != '\r')
      fields.back() += c;
  }
  return fields;
}

struct ManifestEntry {
  Tolerance tolerance;
  int tier = 0;
};

/// A manifest.csv with the columns id, rtol, atol and perhaps tier; ids are folders relative to the manifest.
class Manifests {
 public:
  std::optional<ManifestEntry> find(const fs::path& caseFolder) {
    constexpr int kLevels = 4;
    fs::path above = caseFolder;
    for (int level = 0; level < kLevels && above.has_relative_path(); ++level) {
      above = above.parent_path();
      const auto& entries = load(above);
      auto it = entries.find(fs::relative(caseFolder, above).generic_string());
      if (it != entries.end()) return it->second;
    }
    return std::nullopt;
  }

 private:
  const std::map<std::string, ManifestEntry>& load(const fs::path& folder) {
    auto [it, isNew] = m_cache.try_emplace(folder);
    if (!isNew) return it->second;
    std::ifstream file(folder / "manifest.csv");
    std::string line;
    if (!file || !std::getline(file, line)) return it->second;
    const std::vector<std::string> header = splitCsv(line);
    auto column = [&](std::string_view name) {
      return static_cast<std::size_t>(std::find(header.begin(), header.end(), name) - header.begin());
    };
    const std::size_t id = column("id"), rtol = column("rtol"), atol = column("atol"), tier = column("tier");
    while (std::getline(file, line)) {
      const std::vector<std::string> fields = splitCsv(line);
      if (id >= fields.size() || rtol >= fields.size() || atol >= fields.size()) continue;
      ManifestEntry& entry = it->second[fields[id]];
      entry.tolerance = {std::strtod(fields[rtol].c_str(), nullptr), std::strtod(fields[atol].c_str(), nullptr)};
      if (tier < fields.size()) entry.tier = static_cast<int>(std::strtol(fields[tier].c_str(), nullptr, 10));
    }
    return it->second;
  }

  std::map<fs::path, std::map<std::string, ManifestEntry>> m_cache;
};

bool isDataSet(const fs::path& path) {
  return path.filename().string().starts_with("test_data_set_") && fs::is_directory(path);
}

void addDataSets(const fs::path& root, const fs::path& model, const fs::path& folder, std::vector<VerifyCase>& cases) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (isDataSet(entry.path()))
      cases.push_back({fs::relative(entry.path(), root).generic_string(), model, entry.path(), {}, {}, 0});
}

} // namespace

Tolerance toleranceFor(DataType type) {
  if (type == DataType::Float16 || type == DataType::BFloat16) return {5e-2, 5e-3};
  return {1e-3, 1e-5};
}

Result<std::vector<VerifyCase>> findCases(const fs::path& folder) {
  std::error_code problem;
  if (!fs::is_directory(folder, problem))
    return makeError(ErrorCode::InputRejected, "there is no such folder", folder.string(),
                     "give a folder that holds model.onnx and test_data_set_*");
  std::vector<VerifyCase> cases;
  const auto options = fs::directory_options::skip_permission_denied;
  auto visit = [&](const fs::path& path) {
    if (path.extension() != ".onnx") return;
    if (path.filename() == "model.onnx") addDataSets(folder, path, path.parent_path(), cases);
    addDataSets(folder, path, path.parent_path() / "test_data" / path.stem(), cases);
  };
  for (fs::recursive_directory_iterator it(folder, options, problem), end; !problem && it != end; it.increment(problem))
    if (it->is_regular_file(problem)) visit(it->path());
  if (cases.empty())
    return makeError(ErrorCode::InputRejected, "no test case was found", folder.string(),
                     "expected are model.onnx with test_data_set_*, or *.onnx with test_data/<model>/test_data_set_*");
  Manifests manifests;
  for (VerifyCase& each : cases)
    if (auto entry = manifests.find(fs::absolute(each.dataSet.parent_path()).lexically_normal())) {
      each.rtol = entry->tolerance.rtol;
      each.atol = entry->tolerance.atol;
      each.tier = entry->tier;
    }
  std::sort(cases.begin(), cases.end(), [](const VerifyCase& a, const VerifyCase& b) { return a.name < b.name; });
  return cases;
}

} // namespace tandem::session
