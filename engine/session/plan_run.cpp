// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/plan_run.hpp"

#include "engine/serving/join_items.hpp"
#include "engine/session/host_threads.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/pipeline_options.hpp"
#include "engine/session/synthetic.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace tandem::session {
namespace {

constexpr int kMaxBatch = 4096;
constexpr int kMaxStreams = 64;

/// What input `i` gets where nobody gave one; tables are looked up in the graph as opened.
Result<SyntheticInput> madeUp(const RunContext& context, const Graph& bound, std::size_t i, std::uint64_t seed) {
  return makeSynthetic(context.document->graph(), i, bound.value(bound.inputs()[i]).desc, {}, seed + i);
}

/// Compiles the model for one number of items under one placement.
Result<std::shared_ptr<const Executable>> compileVariant(const RunContext& context, const Placement& placement,
                                                         int threads, Precision precision, int items) {
  BoundGraph bound = TANDEM_TRY(bindItems(context, items));
  PlacedGraph placed = TANDEM_TRY(place(std::move(bound), placement, *context.registry, false));
  CompileOptions options;
  options.compiled = context.compiled;
  options.threads = threads;
  options.precision = precision;
  options.cancel = context.compileCancel;
  options.progress = context.compileProgress;
  options.tune = context.tune;
  options.hostCores = *context.hostCores;
  return Executable::compile(std::move(placed.bound), std::move(placed.deviceOf), context.registry->host(), options);
}

Result<int> positive(const Json& json, const char* key, int fallback, int least, int most) {
  const int value = readOr(json, key, fallback);
  if (value < least || value > most)
    return makeError(ErrorCode::Usage, std::string(key) + " is " + std::to_string(value), "replica",
                     "between " + std::to_string(least) + " and " + std::to_string(most));
  return value;
}

Result<double> milliseconds(const Json& json, const char* key) {
  const double value = json.value(key, 0.0);
  if (!(value >= 0) || value > 60'000)
    return makeError(ErrorCode::Usage, std::string(key) + " cannot be used", "replica",
                     "give milliseconds, at most 60000");
  return value;
}

/// Sizes of joined batches, delay and target of a replica.
Result<BatchPolicy> batching(const Json& spec) {
  BatchPolicy policy;
  policy.maximum = TANDEM_TRY(positive(spec, "batch", 0, 0, kMaxBatch));
  policy.preferred = readOr(spec, "preferred", std::vector<int>());
  policy.maxDelayMs = TANDEM_TRY(milliseconds(spec, "delay_ms"));
  policy.targetMs = TANDEM_TRY(milliseconds(spec, "target_ms"));
  std::sort(policy.preferred.begin(), policy.preferred.end());
  for (int size : policy.preferred)
    if (size < 1 || size > policy.maximum)
      return makeError(ErrorCode::Usage, "the preferred batch " + std::to_string(size) + " cannot be", "replica",
                       "between 1 and batch=" + std::to_string(policy.maximum));
  if (policy.maximum < 2 && (policy.maxDelayMs > 0 || policy.targetMs > 0))
    return makeError(ErrorCode::Usage, "requests are not joined, so there is nothing to wait for or to adapt",
                     "replica", "add batch=8 or the like");
  return policy;
}

} // namespace

Result<BoundGraph> bindItems(const RunContext& context, std::int64_t items) {
  if (context.source) return context.source->bind(static_cast<int>(items));
  std::map<std::string, Shape> shapes = context.itemShapes;
  for (auto& [name, shape] : shapes)
    if (items > 1 && shape.rank() > 0) shape[0] *= items;
  return context.document->bind(items, shapes);
}

Result<void> findItemShapes(RunContext& context) {
  const Graph& graph = context.document->graph();
  if (context.inputs.empty()) {
    const BoundGraph bound = TANDEM_TRY(bindItems(context, 1));
    for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
      const SyntheticInput made = TANDEM_TRY(madeUp(context, bound.graph, i, context.inputs.seed));
      context.sent.push_back(graph.value(graph.inputs()[i]).name + ": " + made.distribution + ", seed " +
                             std::to_string(context.inputs.seed + i));
    }
    return {};
  }
  const InputReader reader = TANDEM_TRY(InputReader::create(*context.document, context.inputs));
  const InputSet first = TANDEM_TRY(reader.read(0));
  context.sent.push_back(first.label +
                         (reader.count() > 1 ? " and " + std::to_string(reader.count() - 1) + " more" : ""));
  context.sent.insert(context.sent.end(), first.notes.begin(), first.notes.end());
  for (std::size_t i = 0; i < graph.inputs().size(); ++i) {
    const Value& input = graph.value(graph.inputs()[i]);
    bool open = !input.rankKnown;
    for (std::size_t axis = 1; axis < input.desc.shape.rank(); ++axis) open |= input.desc.shape[axis] == kUnknownDim;
    if (open) context.itemShapes[input.name] = first.tensors[i].shape();
  }
  return {};
}

Result<ReplicaPlan> planReplica(const RunContext& context, const Json& spec, bool onHost) {
  if (onHost) return planReplica(context, spec, Placement(context.registry->host().id()), Precision::Model);
  return planReplica(context, spec, TANDEM_TRY(placementOf(spec, *context.registry)));
}

Result<ReplicaPlan> planReplica(const RunContext& context, const Json& spec, const Placement& placement,
                                std::optional<Precision> inPrecision) {
  ReplicaPlan plan;
  plan.options.name = spec.value("name", std::string());
  plan.options.streams = TANDEM_TRY(positive(spec, "streams", 1, 1, kMaxStreams));
  plan.options.batching = TANDEM_TRY(batching(spec));
  const int threads = TANDEM_TRY(positive(spec, "threads", 0, 0, 1024));

  BoundGraph bound = TANDEM_TRY(bindItems(context, 1));
  const PlacedGraph placed = TANDEM_TRY(place(std::move(bound), placement, *context.registry, false));
  plan.summary = placed.effective.summary;
  std::set<std::string> seen;
  for (const std::string& id : placed.effective.effective)
    if (!id.empty() && seen.insert(id).second) plan.deviceIds.push_back(id);
  const Precision precision = inPrecision ? *inPrecision : TANDEM_TRY(precisionOf(spec));
  TANDEM_TRY(checkPrecision(precision, placed.deviceOf));
  const auto factoryIn = [&](Precision which) -> VariantFactory {
    return [context, placement, threads, which](int items) {
      return compileVariant(context, placement, threads, which, items);
    };
  };
  plan.factory = factoryIn(precision);
  if (precision != Precision::Model) plan.exactFactory = factoryIn(Precision::Model);
  return plan;
}

Result<std::vector<RequestData>> requestData(const RunContext& context, const std::vector<int>& batches,
                                             std::uint64_t seed, double& preprocessMs) {
  std::vector<RequestData> data;
  for (int items : batches) {
    const BoundGraph bound = TANDEM_TRY(bindItems(context, items));
    RequestData request;
    request.items = items;
    if (context.source) {
      const std::vector<Tensor>& item = context.source->first().tensors;
      const std::vector<TensorDesc> descs = TANDEM_TRY(context.source->shapesOf(items, item));
      for (const TensorDesc& desc : descs) request.inputs.push_back(Tensor::zeros(desc));
      for (int slot = 0; slot < items; ++slot) TANDEM_TRY(joinItem(item, slot, request));
    } else if (context.inputs.empty()) {
      for (std::size_t i = 0; i < bound.graph.inputs().size(); ++i) {
        SyntheticInput made = TANDEM_TRY(madeUp(context, bound.graph, i, seed));
        request.inputs.push_back(std::move(made.tensor));
      }
    } else {
      request.inputs = TANDEM_TRY(batchFromFiles(*context.document, bound.graph, context.inputs, items, preprocessMs));
    }
    data.push_back(std::move(request));
  }
  return data;
}

Result<RunContext> runContext(const Job& job) {
  RunContext context{TANDEM_TRY(documentOf(job)),
                     job.state.registry(),
                     job.cancel,
                     job.progressFunction(),
                     TANDEM_TRY(firstUseTuning(job)),
                     true,
                     {},
                     std::make_shared<CpuSet>(),
                     {},
                     {},
                     {}};
  TANDEM_TRY(requireRunnable(*context.document));
  context.inputs = TANDEM_TRY(decodeInputOptions(job.params));
  if (TANDEM_TRY(decodePipelineSpec(job.params))) {
    context.source = TANDEM_TRY(PipelineSource::create(context.document, context.inputs, job.cancel));
    context.sent = context.source->notes();
  } else {
    TANDEM_TRY(findItemShapes(context));
  }
  const std::string mode = job.params.value("mode", std::string("compiled"));
  if (mode != "compiled" && mode != "eager")
    return makeError(ErrorCode::Usage, "unknown mode '" + mode + "'", "--mode", "compiled or eager");
  context.compiled = mode == "compiled";
  return context;
}

Result<std::vector<int>> batchesOf(const Json& params) {
  std::vector<int> batches = readOr(params, "batches", std::vector<int>{1});
  std::set<int> seen;
  for (int batch : batches)
    if (batch < 1 || batch > kMaxBatch || !seen.insert(batch).second)
      return makeError(ErrorCode::Usage, "request size " + std::to_string(batch) + " cannot be used", "--batch",
                       "different sizes between 1 and 4096, for example --batch 1,8");
  if (batches.empty()) batches.push_back(1);
  return batches;
}

Result<double> seconds(const Json& params, const char* key, double fallback, double least) {
  const double value = params.value(key, fallback);
  if (!(value >= least) || value > 86400)
    return makeError(ErrorCode::Usage, std::string(key) + " cannot be used", "run", "give seconds, at most 86400");
  return value;
}

void placeHostThreads(const RunContext& context, const std::vector<ReplicaPlan>& plans) {
  std::vector<Device*> used;
  for (const ReplicaPlan& plan : plans)
    for (const std::string& id : plan.deviceIds) used.push_back(context.registry->find(id));
  *context.hostCores = hostCoresFor(*context.registry, used);
}

} // namespace tandem::session
