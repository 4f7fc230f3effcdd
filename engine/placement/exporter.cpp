// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/exporter.hpp"

#include "engine/placement/exporters/export_files.hpp"

#include <array>

namespace tandem {
namespace {

constexpr std::array kTargets{
    ExportTarget{"onnxruntime", "ONNX Runtime: annotated model, session options and a loader", exportOnnxRuntime},
    ExportTarget{"placement", "Tandem placement (JSON)", exportPlacementJson},
};

} // namespace

std::span<const ExportTarget> exportTargets() { return kTargets; }

Result<ExportResult> exportPlacement(std::string_view target, const ExportRequest& request) {
  std::string names;
  for (const ExportTarget& each : kTargets) {
    if (each.name == target) return each.write(request);
    names += (names.empty() ? "" : ", ") + std::string(each.name);
  }
  return makeError(ErrorCode::Usage, "there is no export target of this name", std::string(target),
                   "choose one of " + names);
}

} // namespace tandem
