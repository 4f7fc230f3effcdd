// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/placement/effective.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// The annotation (`layer_ann`) a node of the ONNX file gets, by node name; nullopt leaves the node alone.
using NodeAnnotation = std::function<std::optional<std::string>(std::string_view nodeName)>;

/// What an exporter may use. References must outlive the call.
struct ExportRequest {
  const Graph& graph; ///< as opened, before passes; shapes inferred where known
  const Placement& placement;
  const EffectivePlacement& effective; ///< for `graph`
  std::string modelFile;               ///< name of the opened file: "resnet50.onnx", "sample:squeezenet"
  /// The bytes of the opened ONNX file with an annotation per node (formats/onnx knows how). Unset where the model was
  /// not read from an ONNX file; targets that need it then fail with Unsupported.
  std::function<Result<std::string>(const NodeAnnotation&)> annotatedModel;
  std::filesystem::path folder; ///< target folder; created if it is missing
  bool overwrite = false;       ///< replace files of the same name
  CancelToken cancel;
};

struct ExportResult {
  std::vector<std::string> files; ///< paths, in the order a person would read them
  std::vector<std::string> notes; ///< what the target cannot express, and what it needs
};

struct ExportTarget {
  std::string_view name;  ///< "onnxruntime", as in `tandem export --to`
  std::string_view title; ///< for people
  Result<ExportResult> (*write)(const ExportRequest&) = nullptr;
};

/// Every target, by name.
std::span<const ExportTarget> exportTargets();

/// Writes the placement for another program. All or nothing: files are written to a temporary folder beside the target
/// and renamed into place when everything is there. Fails with Usage for an unknown target, with OutputFailed where a
/// file exists (and `overwrite` is off) or the folder cannot be written, with Unsupported where the target cannot
/// express the placement.
Result<ExportResult> exportPlacement(std::string_view target, const ExportRequest& request);

} // namespace tandem
