// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/onnx_writer.hpp"
#include "engine/formats/tensors/mapped_file.hpp"
#include "engine/placement/exporter.hpp"
#include "engine/session/service.hpp"

#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

constexpr std::int64_t kMaxModelBytes = std::int64_t{2} << 30;

/// The opened file with annotations; a sample, which is no file, and a model of another kind are written as ONNX first.
Result<std::string> annotate(const OpenDocument& document, const NodeAnnotation& annotation) {
  if (!document.model.isOnnxFile) {
    const std::string bytes = TANDEM_TRY(writeOnnx(document.graph()));
    return annotateOnnx(std::as_bytes(std::span(bytes)), annotation);
  }
  const auto file = TANDEM_TRY(MappedFile::open(document.path, ErrorCode::ModelRejected, kMaxModelBytes));
  return annotateOnnx(file->bytes(), annotation);
}

} // namespace

Result<Json> exportPlacement(const Job& job) {
  const auto document = TANDEM_TRY(documentOf(job));
  const auto registry = job.state.registry();
  const Placement placement = TANDEM_TRY(placementOf(job.params, *registry)).withModel(document->identity());
  const EffectivePlacement effective = TANDEM_TRY(computeEffective(document->placed, placement, *registry));
  const ExportRequest request{document->view,
                              placement,
                              effective,
                              document->path.empty() ? document->name + ".onnx" : document->name,
                              [&](const NodeAnnotation& annotation) { return annotate(*document, annotation); },
                              job.params.at("folder").get<std::string>(),
                              job.params.value("overwrite", false),
                              job.cancel};
  const auto result = TANDEM_TRY(tandem::exportPlacement(job.params.at("to").get<std::string>(), request));
  return Json{{"files", result.files}, {"notes", result.notes}};
}

} // namespace tandem::session
