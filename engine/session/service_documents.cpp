// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/audio/audio_spec.hpp"
#include "engine/formats/images/detection.hpp"
#include "engine/formats/images/preprocess.hpp"
#include "engine/ops/op_def.hpp"
#include "engine/placement/transfers.hpp"
#include "engine/session/input_files.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/service.hpp"
#include "engine/session/text_input.hpp"

#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

Json encodeNode(const Graph& graph, const Node& node) {
  const OpDef* def = findOp(node);
  Json json{{"name", node.name}, {"op", node.type}, {"scope", node.scope}, {"version", node.version}};
  if (!node.domain.empty()) json["domain"] = node.domain;
  if (!def) json["known"] = false;
  json["attributes"] = Json::array();
  for (const auto& [key, value] : node.attributes) json["attributes"].push_back({key, describe(value)});
  auto indices = [](const std::vector<ValueId>& ids) {
    Json list = Json::array();
    for (ValueId id : ids) list.push_back(id.valid() ? static_cast<int>(id.index()) : -1);
    return list;
  };
  json["inputs"] = indices(node.inputs);
  json["outputs"] = indices(node.outputs);
  bool known = def != nullptr;
  for (const auto* ids : {&node.inputs, &node.outputs})
    for (ValueId id : *ids) known = known && (!id.valid() || graph.value(id).isStatic());
  const OpCost cost = known ? costOf(graph, node) : OpCost{};
  json["flops"] = cost.flops;
  json["parameter_bytes"] = cost.parameterBytes;
  json["activation_bytes"] = cost.activationBytes;
  return json;
}

/// Labels beside the model, as model repositories lay them out.
std::string labelsBeside(const std::filesystem::path& model) {
  if (model.empty()) return {};
  std::error_code ignored;
  for (const char* name : {"labels.txt", "Labels.txt", "classes.txt", "coco.names", "synset.txt"}) {
    const std::filesystem::path candidate = model.parent_path() / name;
    if (std::filesystem::is_regular_file(candidate, ignored)) return candidate.string();
  }
  return {};
}

} // namespace

Result<Json> openModel(const Job& job) {
  const auto sizes = readOr(job.params, "dims", EngineState::Sizes());
  const auto document = job.params.contains("handle")
                            ? TANDEM_TRY(job.state.resize(readAs<int>(job.params.at("handle")), sizes))
                            : TANDEM_TRY(job.state.open(job.params.at("model").get<std::string>(), sizes, job.cancel));
  const Graph& graph = document->view;
  Json json{{"handle", document->handle},
            {"source", document->source},
            {"name", document->name},
            {"sha256", document->model.sha256.hex()},
            {"producer", document->model.producer},
            {"opset", graph.opset}};
  json["nodes"] = Json::array();
  for (const Node& node : graph.nodes()) json["nodes"].push_back(encodeNode(graph, node));
  json["values"] = Json::array();
  for (std::uint32_t i = 0; i < graph.values().size(); ++i) json["values"].push_back(encodeTensor(graph, ValueId(i)));
  auto indices = [](const std::vector<ValueId>& ids) {
    Json list = Json::array();
    for (ValueId id : ids) list.push_back(id.index());
    return list;
  };
  json["inputs"] = indices(graph.inputs());
  json["outputs"] = indices(graph.outputs());
  json["unsupported_operators"] = document->model.unsupportedOperators;
  json["warnings"] = document->model.warnings;
  if (const auto& check = document->model.checkWeights)
    if (std::string warning = check(); !warning.empty()) json["warnings"].push_back(std::move(warning));
  if (const PreprocessSpec spec = pictureSpec(*document); spec.takesPicture()) {
    json["preprocess"] = toString(spec);
    json["preprocess_certain"] = spec.certain;
  }
  json["labels_file"] = labelsBeside(document->path);
  if (const auto detector = guessDetector(graph)) json["detector"] = detectorName(*detector);
  json["free_dims"] = Json::array();
  for (const FreeDim& dim : document->freeDims)
    json["free_dims"].push_back(
        {{"key", dim.key}, {"where", dim.where}, {"size", dim.size}, {"chosen", dim.chosen}, {"reason", dim.reason}});
  json["sizes_problem"] = document->sizesProblem;
  json["input_kinds"] = inputKinds(*document);
  if (const auto audio = guessAudio(document->graph())) json["audio"] = toString(*audio);
  json["vocab_file"] = findVocabulary(document->path).string();
  json["states"] = Json::array();
  for (const StatePair& pair : guessStatePairs(document->graph()))
    json["states"].push_back({{"input", graph.value(graph.inputs()[pair.input]).name},
                              {"output", graph.value(graph.outputs()[pair.output]).name},
                              {"reason", pair.reason}});
  json["load_ms"] = document->loadMs;
  return json;
}

Result<Json> closeModel(const Job& job) {
  job.state.close(readAs<int>(job.params.at("handle")));
  return Json::object();
}

Result<Json> viewPlacement(const Job& job) {
  const auto document = TANDEM_TRY(documentOf(job));
  const auto registry = job.state.registry();
  const Graph& graph = document->view;
  Placement placement;
  std::vector<std::string> warnings;
  if (auto it = job.params.find("placement"); it != job.params.end() && !it->is_null()) {
    LoadedPlacement loaded = TANDEM_TRY(parsePlacement(it->dump(), "placement"));
    placement = std::move(loaded.placement);
    warnings = std::move(loaded.warnings);
    std::vector<std::string> ids;
    for (Device* device : registry->devices()) ids.push_back(device->id());
    const PlacementCheck check = checkPlacement(placement, graph, document->identity(), ids);
    warnings.insert(warnings.end(), check.warnings.begin(), check.warnings.end());
  } else {
    placement = TANDEM_TRY(placementOf(job.params, *registry));
  }
  const EffectivePlacement effective =
      TANDEM_TRY(computeEffective(document->placed, placement, *registry, {job.params.value("strict", false)}));
  warnings.insert(warnings.end(), effective.warnings.begin(), effective.warnings.end());

  Json json{{"requested", effective.requested}, {"effective", effective.effective}};
  json["reason"] = Json::array();
  for (MoveReason reason : effective.reason) json["reason"].push_back(toString(reason));
  json["detail"] = effective.detail;
  json["summary"] = effective.summary;
  json["transfers"] = Json::array();
  const std::vector<TransferEdge> transfers = crossDeviceTransfers(document->placed, effective);
  for (const TransferEdge& edge : transfers)
    json["transfers"].push_back(
        {{"value", edge.value.index()}, {"from", edge.from}, {"to", edge.to}, {"bytes", edge.bytes}});
  json["transfer_bytes"] = totalOf(transfers).bytes;
  json["warnings"] = std::move(warnings);
  return json;
}

} // namespace tandem::session
