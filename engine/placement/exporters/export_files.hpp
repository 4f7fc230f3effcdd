// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/placement/exporter.hpp"

/// Private to placement/exporters.
namespace tandem {

/// The files of one export, collected in memory and then written all together or not at all.
class ExportFiles {
 public:
  void add(std::string name, std::string content) { m_files.emplace_back(std::move(name), std::move(content)); }
  /// Writes into a temporary folder within `request.folder` (so that a rename never crosses file systems) and renames
  /// the files into place; files that were there come back where that fails. Returns the paths in the order of add().
  Result<std::vector<std::string>> write(const ExportRequest& request) const;

 private:
  std::vector<std::pair<std::string, std::string>> m_files;
};

/// "resnet50" for "/models/resnet50.onnx" and for "sample:resnet50": safe as the beginning of a file name.
std::string fileStem(const std::string& modelFile);

Result<ExportResult> exportPlacementJson(const ExportRequest& request);
Result<ExportResult> exportOnnxRuntime(const ExportRequest& request);

} // namespace tandem
