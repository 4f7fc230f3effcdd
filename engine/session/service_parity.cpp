// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/execution_slot.hpp"
#include "engine/runtime/parity.hpp"
#include "engine/session/host_threads.hpp"
#include "engine/session/input_files.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/service.hpp"
#include "engine/session/synthetic.hpp"
#include "engine/session/verify_cases.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

/// One of the two placements under comparison.
struct Side {
  std::string name;
  Placement placement;
  Precision precision = Precision::Model;
  std::string summary; ///< of its effective placement
};

/// What one output of the model came out as.
struct OutputParity {
  TensorDesc desc;
  Difference compiled, layers, fusionA, fusionB;
  bool isOver() const { return compiled.isOver() || layers.isOver(); }
};

struct Compared {
  std::vector<LayerParity> layers;
  std::vector<OutputParity> outputs;
};

Result<Side> readSide(const Json& json, const DeviceRegistry& registry) {
  const bool isPlacement = json.contains("placement") && !json.at("placement").is_null();
  Side side;
  side.name = isPlacement ? json.value("name", std::string("placement")) : json.value("device", registry.host().id());
  side.placement = TANDEM_TRY(placementOf(json, registry));
  side.precision = TANDEM_TRY(precisionOf(json));
  if (side.precision != Precision::Model) side.name += ", " + std::string(toString(side.precision));
  return side;
}

/// The input files, or one set of seeded values where none are given.
Result<std::vector<InputSet>> inputsOf(const Job& job, const OpenDocument& document) {
  InputOptions given = TANDEM_TRY(decodeInputOptions(job.params));
  if (!given.empty()) return readInputs(document, std::move(given));
  const auto seed = readOr(job.params, "seed", std::uint64_t{1});
  BoundGraph bound = TANDEM_TRY(document.bind(std::max(1, readOr(job.params, "batch", 1))));
  InputSet set;
  set.label = "synthetic, seed " + std::to_string(seed);
  for (std::size_t i = 0; i < bound.graph.inputs().size(); ++i) {
    const TensorDesc& desc = bound.graph.value(bound.graph.inputs()[i]).desc;
    SyntheticInput made = TANDEM_TRY(makeSynthetic(document.graph(), i, desc, {}, seed + i));
    set.tensors.push_back(std::move(made.tensor));
  }
  return std::vector<InputSet>{std::move(set)};
}

/// Where one of the sides computes in float16, so much difference is usual that the limits of that type apply.
LimitsOf limitsOf(const Json& params, bool float16) {
  auto given = [&](const char* key) {
    auto it = params.find(key);
    return it != params.end() && !it->is_null() ? std::optional(it->get<double>()) : std::nullopt;
  };
  return [rtol = given("rtol"), atol = given("atol"), float16](DataType type) {
    const Tolerance usual = toleranceFor(float16 && type == DataType::Float32 ? DataType::Float16 : type);
    return DifferenceLimits{rtol.value_or(usual.rtol), atol.value_or(usual.atol)};
  };
}

Result<std::vector<Tensor>> runCompiled(PlacedGraph placed, Precision precision, std::span<const Tensor> inputs,
                                        const DeviceRegistry& registry, const CancelToken& cancel) {
  CompileOptions options;
  options.precision = precision;
  options.cancel = cancel;
  options.hostCores = hostCoresFor(registry, placed.deviceOf);
  auto executable =
      TANDEM_TRY(Executable::compile(std::move(placed.bound), std::move(placed.deviceOf), registry.host(), options));
  auto slot = TANDEM_TRY(executable->createSlot());
  slot->attachCurrentThread();
  TANDEM_TRY(slot->setInputs(inputs));
  TANDEM_TRY(slot->run(cancel));
  std::vector<Tensor> outputs;
  for (std::size_t i = 0; i < slot->outputCount(); ++i) outputs.push_back(slot->output(i).clone());
  return outputs;
}

Result<Compared> compareSet(const Job& job, const OpenDocument& document, const DeviceRegistry& registry, Side& a,
                            Side& b, const InputSet& set, ParityOptions options) {
  const BoundGraph bound = TANDEM_TRY(bindTensors(document.graph(), set.tensors));
  const bool strict = job.params.value("strict", false);
  PlacedGraph onA = TANDEM_TRY(place(bound, a.placement, registry, strict));
  PlacedGraph onB = TANDEM_TRY(place(bound, b.placement, registry, strict));
  TANDEM_TRY(checkPrecision(a.precision, onA.deviceOf));
  TANDEM_TRY(checkPrecision(b.precision, onB.deviceOf));
  options.precisionA = a.precision;
  options.precisionB = b.precision;
  a.summary = onA.effective.summary;
  b.summary = onB.effective.summary;
  options.progress = [&](std::size_t done, std::size_t total, const std::string& layer) {
    job.progress(static_cast<std::int64_t>(done), static_cast<std::int64_t>(total) + 2, layer);
  };
  ParityResult result =
      TANDEM_TRY(compareLayers(bound, set.tensors, onA.deviceOf, onB.deviceOf, registry.host(), options));

  const auto total = static_cast<std::int64_t>(result.layers.size()) + 2;
  job.progress(total - 2, total, "whole model, A");
  const auto compiledA = TANDEM_TRY(runCompiled(std::move(onA), a.precision, set.tensors, registry, job.cancel));
  job.progress(total - 1, total, "whole model, B");
  const auto compiledB = TANDEM_TRY(runCompiled(std::move(onB), b.precision, set.tensors, registry, job.cancel));
  Compared compared{std::move(result.layers), {}};
  for (std::size_t i = 0; i < compiledA.size(); ++i) {
    const DifferenceLimits limits = options.limits(compiledA[i].type());
    auto difference = [&](const Tensor& x, const Tensor& y) { return differenceOf(x, y, limits, ErrorScale::Element); };
    compared.outputs.push_back({compiledA[i].desc(), difference(compiledA[i], compiledB[i]),
                                difference(result.outputsA[i], result.outputsB[i]),
                                difference(result.outputsA[i], compiledA[i]),
                                difference(result.outputsB[i], compiledB[i])});
  }
  return compared;
}

/// Of several inputs every layer and output keeps the one it did worst on.
void keepWorst(Compared& all, Compared&& more) {
  if (all.layers.empty()) {
    all = std::move(more);
    return;
  }
  auto rank = [](const LayerParity& layer) {
    return std::tuple(layer.failed, layer.compared(), layer.local.worst, layer.accumulated.worst);
  };
  for (std::size_t i = 0; i < all.layers.size(); ++i)
    if (rank(more.layers[i]) > rank(all.layers[i])) all.layers[i] = std::move(more.layers[i]);
  for (std::size_t i = 0; i < all.outputs.size(); ++i)
    if (std::max(more.outputs[i].compiled.worst, more.outputs[i].layers.worst) >
        std::max(all.outputs[i].compiled.worst, all.outputs[i].layers.worst))
      all.outputs[i] = std::move(more.outputs[i]);
}

Json encodeElement(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

Json encode(const Difference& difference) {
  auto figure = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
  Json json{{"max_abs", figure(difference.maxAbs)},
            {"max_rel", figure(difference.maxRel)},
            {"rms", figure(difference.rms)},
            {"relative_rms", figure(difference.relativeRms)},
            {"cosine", std::isfinite(difference.cosine) ? difference.cosine : 0},
            {"worst", figure(difference.worst)},
            {"elements", difference.elements},
            {"over", difference.over},
            {"special", difference.special},
            {"index", difference.worstIndex},
            {"a", encodeElement(difference.worstA)},
            {"b", encodeElement(difference.worstB)}};
  if (!difference.problem.empty()) json["problem"] = difference.problem;
  return json;
}

Json encode(const Graph& graph, const LayerParity& layer) {
  const Node& node = graph.node(layer.node);
  Json json{{"node", layer.node.index()},
            {"name", node.name},
            {"op", node.type},
            {"device_a", layer.deviceA->id()},
            {"device_b", layer.deviceB->id()},
            {"kernel_a", layer.kernelA},
            {"kernel_b", layer.kernelB},
            {"value", layer.value},
            {"type", layer.desc.type == DataType::Undefined ? "" : std::string(toString(layer.desc.type))},
            {"shape", layer.desc.shape.dims()},
            {"local", encode(layer.local)},
            {"accumulated", encode(layer.accumulated)},
            {"exceeds", layer.isOver()}};
  if (!layer.note.empty()) json["note"] = layer.note;
  return json;
}

Json encode(const Graph& graph, Compared& compared) {
  // Layers B failed on, then the worst by themselves, then the worst with all before them; not compared ones last.
  std::stable_sort(compared.layers.begin(), compared.layers.end(), [](const LayerParity& x, const LayerParity& y) {
    auto rank = [](const LayerParity& each) {
      return std::tuple(each.failed, each.compared(), each.local.worst, each.accumulated.worst);
    };
    return rank(x) > rank(y);
  });
  int count = 0, over = 0, failed = 0, known = 0;
  Json layers = Json::array(), outputs = Json::array();
  for (const LayerParity& layer : compared.layers) {
    count += layer.compared() ? 1 : 0;
    over += layer.isOver() ? 1 : 0;
    failed += layer.failed ? 1 : 0;
    known += !layer.compared() && !layer.failed ? 1 : 0;
    layers.push_back(encode(graph, layer));
  }
  bool passed = over == 0;
  for (std::size_t i = 0; i < compared.outputs.size(); ++i) {
    const OutputParity& output = compared.outputs[i];
    passed = passed && !output.isOver();
    outputs.push_back({{"name", graph.value(graph.outputs()[i]).name},
                       {"type", toString(output.desc.type)},
                       {"shape", output.desc.shape.dims()},
                       {"compiled", encode(output.compiled)},
                       {"layers", encode(output.layers)},
                       {"fusion_a", encode(output.fusionA)},
                       {"fusion_b", encode(output.fusionB)},
                       {"exceeds", output.isOver()}});
  }
  return {{"compared", count},          {"over", over},
          {"failed", failed},           {"known", known},
          {"passed", passed},           {"outputs", std::move(outputs)},
          {"layers", std::move(layers)}};
}

} // namespace

Result<Json> parity(const Job& job) {
  const auto document = TANDEM_TRY(documentOf(job));
  const auto registry = job.state.registry();
  TANDEM_TRY(requireRunnable(*document));
  Side a = TANDEM_TRY(readSide(job.params.at("a"), *registry));
  Side b = TANDEM_TRY(readSide(job.params.at("b"), *registry));
  const std::vector<InputSet> sets = TANDEM_TRY(inputsOf(job, *document));

  ParityOptions options;
  const bool float16 = a.precision == Precision::Float16 || b.precision == Precision::Float16;
  options.limits = limitsOf(job.params, float16);
  options.cancel = job.cancel;
  Compared all;
  std::string labels;
  for (const InputSet& set : sets) {
    keepWorst(all, TANDEM_TRY(compareSet(job, *document, *registry, a, b, set, options)));
    TANDEM_TRY(requireUnchanged(*document));
    labels += (labels.empty() ? "" : "; ") + set.label;
  }
  Json result{{"model", document->name},
              {"a", {{"name", a.name}, {"summary", a.summary}, {"precision", toString(a.precision)}}},
              {"b", {{"name", b.name}, {"summary", b.summary}, {"precision", toString(b.precision)}}},
              {"input", labels}};
  result.update(encode(document->graph(), all));
  return result;
}

} // namespace tandem::session
