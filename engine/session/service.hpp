// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cancel.hpp"
#include "engine/formats/images/detection.hpp"
#include "engine/session/engine_state.hpp"
#include "engine/session/session.hpp"

namespace tandem {
class Executable;
}

namespace tandem::session {

/// One request being worked on.
struct Job {
  EngineState& state;
  const Json& params;
  CancelToken cancel;
  EventFunction event; ///< may be empty

  void progress(std::int64_t done, std::int64_t total, const std::string& text) const;
  /// The same for compilers, which may outlive the job.
  std::function<void(std::int64_t, std::int64_t, const std::string&)> progressFunction() const;
};

/// Handlers of the methods, one file per group (service_*.cpp). They run on a session's thread, may throw
/// nlohmann::json exceptions for malformed parameters (handle() turns them into Usage errors), and return the result.
Result<Json> hello(const Job& job);
Result<Json> configure(const Job& job);
Result<Json> listDevices(const Job& job);
Result<Json> listModels(const Job& job);
Result<Json> listOperators(const Job& job);
Result<Json> openModel(const Job& job);
Result<Json> closeModel(const Job& job);
Result<Json> viewPlacement(const Job& job);
Result<Json> predict(const Job& job);
Result<Json> previewInput(const Job& job);
Result<Json> verifyCases(const Job& job);
Result<Json> parity(const Job& job);
Result<Json> profile(const Job& job);
Result<Json> tune(const Job& job);
Result<Json> run(const Job& job);
Result<Json> study(const Job& job);
Result<Json> deploy(const Job& job);
Result<Json> exportPlacement(const Job& job);

/// Calls the handler of `method`; Usage for an unknown one. No exception leaves it.
Result<Json> handle(const std::string& method, const Job& job);
/// Methods that take long or use devices run one after another; the others stay quick beside them.
bool isLong(const std::string& method);

// --- shared by the handlers

/// `tune_seconds` of a request: kernels that were never measured on this device are, before the first use.
Result<std::optional<TuneOptions>> firstUseTuning(const Job& job);

/// The document of a request: `handle` of an open one, or `model` to open for this request only.
Result<std::shared_ptr<const OpenDocument>> documentOf(const Job& job);
/// The placement of a request: `placement` (object), or everything on `device`, or everything on the host.
Result<Placement> placementOf(const Json& params, const DeviceRegistry& registry);

/// `precision` of a request, a replica or one side of a comparison: "model" (also where it says none) or "float16".
Result<Precision> precisionOf(const Json& params);

/// A model bound to shapes with its effective placement, ready to compile.
struct PlacedGraph {
  BoundGraph bound;
  EffectivePlacement effective;
  std::vector<Device*> deviceOf; ///< by node of the opened graph
};
/// Fails with Unsupported where a node can run nowhere.
Result<PlacedGraph> place(BoundGraph bound, const Placement& placement, const DeviceRegistry& registry, bool strict);
/// Fails with DeviceFailed where a run of `executable` needs more memory than the limit of a device allows: call it
/// before memory for the run is taken.
Result<void> requireWithinLimits(const Executable& executable, const DeviceRegistry& registry);
/// Fails with ModelRejected where a file that the model's weights are read from has changed since: call it after
/// computing, before results are given out.
Result<void> requireUnchanged(const OpenDocument& document);

/// "sample:x" and unknown operators: fails with Unsupported and lists the operators that are missing.
Result<void> requireRunnable(const OpenDocument& document);

Json encodeTensor(const Graph& graph, ValueId value);

} // namespace tandem::session
