// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/run.hpp"
#include "engine/session/input_files.hpp"
#include "engine/session/pipeline_source.hpp"
#include "engine/session/service.hpp"

namespace tandem::session {

/// What all replicas of a run share. Copied into factories, which may outlive the request.
struct RunContext {
  std::shared_ptr<const OpenDocument> document;
  std::shared_ptr<const DeviceRegistry> registry;
  CancelToken compileCancel;
  CompileProgress compileProgress;
  std::optional<TuneOptions> tune;
  bool compiled = true;
  InputOptions inputs;
  std::shared_ptr<CpuSet> hostCores;       ///< for accelerators; known once all replicas are planned
  std::shared_ptr<PipelineSource> source;  ///< where inputs are prepared while the run goes on; else null
  std::vector<std::string> sent;           ///< what the inputs are, for the report
  std::map<std::string, Shape> itemShapes; ///< of one item, where inputs were given; the model may leave them open
};

/// What `run` and `study` read of a request: model, inputs, mode.
Result<RunContext> runContext(const Job& job);
/// The request sizes of a request: different ones, at least one.
Result<std::vector<int>> batchesOf(const Json& params);
/// A time in seconds, at least `least`.
Result<double> seconds(const Json& params, const char* key, double fallback, double least);
/// Says where the threads that feed accelerators run, now that all replicas are planned.
void placeHostThreads(const RunContext& context, const std::vector<ReplicaPlan>& plans);
/// Shapes of inputs whose declaration leaves more open than the batch, and what is sent.
Result<void> findItemShapes(RunContext& context);
/// A replica as a request describes it (RunSpec), on `onHost` the host in place of its devices.
Result<ReplicaPlan> planReplica(const RunContext& context, const Json& spec, bool onHost = false);
/// The same with its layers elsewhere; `precision`: where it is not what the request says.
Result<ReplicaPlan> planReplica(const RunContext& context, const Json& spec, const Placement& placement,
                                std::optional<Precision> precision = std::nullopt);
/// The model for `items` items: as the first input is shaped, else as the model or the chosen sizes say.
Result<BoundGraph> bindItems(const RunContext& context, std::int64_t items);
/// One request's tensors per size: from files (repeated to fill the batch) or synthetic; with a pipeline, its first
/// item.
Result<std::vector<RequestData>> requestData(const RunContext& context, const std::vector<int>& batches,
                                             std::uint64_t seed, double& preprocessMs);

} // namespace tandem::session
