// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/onnx_reader.hpp"

#include "engine/formats/onnx/detail/graph_importer.hpp"
#include "engine/formats/onnx/detail/messages.hpp"
#include "engine/formats/tensors/sha256.hpp"
#include "engine/graph/hierarchy.hpp"
#include "engine/graph/verify.hpp"
#include "engine/ops/infer_past_problems.hpp"

#include <algorithm>
#include <new>

namespace tandem {
namespace {

std::vector<std::string> describeUnsupported(const std::map<std::string, int>& counts) {
  std::vector<std::string> texts;
  for (const auto& [name, count] : counts)
    texts.push_back(name + " (" + std::to_string(count) + (count == 1 ? " node)" : " nodes)"));
  return texts;
}

/// verify() for the graph and all graphs inside it; the importer has limited their depth.
void verifyAll(const Graph& graph, ProblemList& problems) {
  if (auto verified = verify(graph); !verified) problems.addAll(verified.error());
  for (const Node& node : graph.nodes())
    for (const auto& [name, attribute] : node.attributes)
      if (auto subgraph = std::get_if<std::shared_ptr<const Graph>>(&attribute)) verifyAll(**subgraph, problems);
}

/// Files of IR versions 1 and 2 have no imports and mean the first operator set; later ones must say which they mean.
void checkOpsets(detail::ImportContext& context) {
  constexpr int kNewestOpset = 28; // ONNX 1.23, the newest that the operators were checked against
  if (context.opsets.empty()) {
    if (context.model->ir_version() >= 3) context.note("the model does not say which operator set it uses");
    context.opsets[""] = 1;
  }
  for (const auto& [domain, version] : context.opsets) {
    const std::string name = domain.empty() ? "ai.onnx" : domain;
    if (version < 1)
      context.note("the model imports operator set " + std::to_string(version) + " of '" + name + "', which is none");
    if (domain.empty() && version > kNewestOpset)
      context.warn("the model imports operator set " + std::to_string(version) + " of '" + name +
                   "'; operators are computed as in set " + std::to_string(kNewestOpset) + ", the newest known here");
  }
}

/// The graph, or everything that is wrong with it.
Result<Graph> importGraph(detail::ImportContext& context) {
  auto graph = detail::GraphImporter(context).import(context.model->graph());
  if (!graph) {
    // What ends the reading comes last; a stop that the user asked for is no defect of the file.
    if (context.problems.empty() || graph.error().code == ErrorCode::Cancelled) return graph;
    context.problems.add(graph.error());
    return context.problems.toError("the model", context.where);
  }
  if (graph->outputs().empty() && context.problems.empty()) context.note("the model has no outputs");
  assignScopesFromNames(*graph);
  verifyAll(*graph, context.problems);
  if (!context.problems.empty()) return context.problems.toError("the model", context.where);
  return graph;
}

Result<OnnxModel> import(std::span<const std::byte> bytes, const std::string& where,
                         const std::filesystem::path& folder, const CancelToken& cancel) {
  auto proto = TANDEM_TRY(detail::parseModel(bytes, where));
  TANDEM_TRY(cancel.check());
  detail::ImportContext context{.model = proto,
                                .where = where,
                                .cancel = cancel,
                                .external = detail::ExternalData(folder, where),
                                .opsets = detail::opsetsOf(proto->opset_import()),
                                .functions = detail::functionsOf(*proto),
                                .unsupported = {},
                                .warnings = {},
                                .notFinite = {},
                                .problems = {}};
  checkOpsets(context);

  OnnxModel model;
  model.isOnnxFile = true;
  model.graph = TANDEM_TRY(importGraph(context));
  model.producer = proto->producer_name();
  if (!proto->producer_version().empty()) model.producer += " " + proto->producer_version();
  model.irVersion = static_cast<int>(std::clamp<std::int64_t>(proto->ir_version(), 0, 1'000'000));
  model.opsets = std::move(context.opsets);
  model.unsupportedOperators = describeUnsupported(context.unsupported);
  if (context.notFiniteCount > 0) {
    std::string names;
    for (const std::string& name : context.notFinite) names += (names.empty() ? "'" : ", '") + name + "'";
    context.warn(std::to_string(context.notFiniteCount) + " weights hold NaN or infinite values: " + names +
                 (context.notFiniteCount > static_cast<std::int64_t>(context.notFinite.size()) ? ", ..." : ""));
  }
  model.warnings = std::move(context.warnings);
  TANDEM_TRY(cancel.check());
  model.sha256 = sha256Hex(bytes);
  model.files = context.external.files();
  TANDEM_TRY(cancel.check());
  // Nodes that do not fit their inputs stop the run, not the viewing.
  ProblemList misfits;
  inferShapesPastProblems(model.graph, misfits);
  for (const Error& misfit : misfits.kept()) model.warnings.push_back(misfit.line());
  if (misfits.count() > misfits.kept().size())
    model.warnings.push_back("and " + std::to_string(misfits.count() - misfits.kept().size()) +
                             " more nodes like that");
  return model;
}

} // namespace

Result<OnnxModel> readOnnx(std::span<const std::byte> bytes, const std::string& name,
                           const std::filesystem::path& folder, const CancelToken& cancel) {
  try {
    return import(bytes, name, folder, cancel);
  } catch (const std::bad_alloc&) {
    return makeError(ErrorCode::ModelRejected, "not enough memory to read the model", name, "close other programs");
  } catch (const std::exception& error) {
    return makeError(ErrorCode::ModelRejected, std::string("cannot read the model: ") + error.what(), name,
                     "export the model again");
  }
}

Result<OnnxModel> readOnnx(const std::filesystem::path& path, const CancelToken& cancel) {
  auto file = TANDEM_TRY(MappedFile::open(path, ErrorCode::ModelRejected, detail::kMaxModelBytes));
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  auto model = readOnnx(file->bytes(), path.string(), folder, cancel);
  TANDEM_TRY(file->requireUnchanged());
  for (std::size_t i = 0; model && i < model->files.size(); ++i) TANDEM_TRY(model->files[i]->requireUnchanged());
  return model;
}

} // namespace tandem
