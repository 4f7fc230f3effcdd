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

/// What a model is read from. `file` is null where its bytes are somebody else's.
struct Source {
  std::span<const std::byte> bytes;
  std::shared_ptr<const MappedFile> file;
  std::string where;
  std::filesystem::path folder;
};

/// The message, without the large weights where those can stay in the file.
Result<std::shared_ptr<onnx::ModelProto>> parse(const Source& source, std::optional<detail::WeightSplit>& split) {
  const auto size = static_cast<std::int64_t>(source.bytes.size());
  if (source.file && size <= detail::kMaxModelBytes) split = detail::WeightSplit::of(source.bytes);
  if (split) {
    auto proto = detail::parseModel(split->message(), source.where);
    split->dropMessage();
    if (proto) return proto;
    split.reset();
  }
  return detail::parseModel(source.bytes, source.where);
}

Result<OnnxModel> import(const Source& source, const CancelToken& cancel) {
  std::optional<detail::WeightSplit> split;
  auto proto = TANDEM_TRY(parse(source, split));
  TANDEM_TRY(cancel.check());
  detail::ImportContext context{.model = proto,
                                .where = source.where,
                                .cancel = cancel,
                                .external = detail::ExternalData(source.folder, source.where),
                                .file = source.file,
                                .split = std::move(split),
                                .opsets = detail::opsetsOf(proto->opset_import()),
                                .functions = detail::functionsOf(*proto),
                                .unsupported = {},
                                .warnings = {},
                                .finite = {},
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
  if (!context.finite.isDone())
    model.checkWeights = [check = context.finite] { return check.warning(); };
  else if (std::string warning = context.finite.warning(); !warning.empty())
    context.warn(std::move(warning));
  model.warnings = std::move(context.warnings);
  TANDEM_TRY(cancel.check());
  model.sha256 = LazySha256(source.bytes, source.file);
  model.files = context.external.files();
  if (source.file) model.files.push_back(source.file);
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

Result<OnnxModel> importSafely(const Source& source, const CancelToken& cancel) {
  try {
    return import(source, cancel);
  } catch (const std::bad_alloc&) {
    return makeError(ErrorCode::ModelRejected, "not enough memory to read the model", source.where,
                     "close other programs");
  } catch (const std::exception& error) {
    return makeError(ErrorCode::ModelRejected, std::string("cannot read the model: ") + error.what(), source.where,
                     "export the model again");
  }
}

} // namespace

Result<OnnxModel> readOnnx(std::span<const std::byte> bytes, const std::string& name,
                           const std::filesystem::path& folder, const CancelToken& cancel) {
  return importSafely({bytes, nullptr, name, folder}, cancel);
}

Result<OnnxModel> readOnnx(const std::filesystem::path& path, const CancelToken& cancel) {
  return readOnnx(TANDEM_TRY(MappedFile::open(path, ErrorCode::ModelRejected, detail::kMaxModelBytes)), cancel);
}

Result<OnnxModel> readOnnx(const std::shared_ptr<const MappedFile>& file, const CancelToken& cancel) {
  const std::filesystem::path& path = file->path();
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  auto model = importSafely({file->bytes(), file, path.string(), folder}, cancel);
  file->giveBack(file->bytes()); // what was mapped around the weights on the way
  TANDEM_TRY(file->requireUnchanged());
  for (std::size_t i = 0; model && i < model->files.size(); ++i) TANDEM_TRY(model->files[i]->requireUnchanged());
  return model;
}

} // namespace tandem
