// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/execution_slot.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/service.hpp"
#include "engine/session/synthetic.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

struct NodeTimes {
  double sumMs = 0, minMs = 0;
  int runs = 0;
};

/// Times of one device's runs: per kernel (under the first of the opened nodes it computes) and in total.
struct DeviceProfile {
  std::map<NodeId, NodeTimes> perNode;
  double totalMs = 0, transferMs = 0;
};

Result<DeviceProfile> measure(const Executable& executable, int repeat, const CancelToken& cancel) {
  auto slot = TANDEM_TRY(executable.createSlot());
  slot->attachCurrentThread();
  const Graph& graph = executable.graph();
  for (std::size_t i = 0; i < graph.inputs().size(); ++i)
    if (slot->input(i).defined()) {
      const SyntheticInput made = TANDEM_TRY(makeSynthetic(graph, i, slot->input(i).desc(), {}, i + 1));
      const Tensor& data = made.tensor;
      std::copy_n(static_cast<const std::byte*>(data.data()), data.bytes(),
                  static_cast<std::byte*>(slot->input(i).mutableData()));
    }
  TANDEM_TRY(slot->run(cancel));

  DeviceProfile profile;
  std::vector<double> totals;
  TraceRecorder recorder;
  for (int run = 0; run < repeat; ++run) {
    // Totals come from runs without profiling, which costs time of its own.
    slot->setTrace(nullptr, "", 0);
    totals.push_back(static_cast<double>(TANDEM_TRY(slot->run(cancel)).totalNs) * 1e-6);
    recorder.clear();
    slot->setTrace(&recorder, "", static_cast<std::uint64_t>(run) + 1);
    TANDEM_TRY(slot->run(cancel));
    std::map<NodeId, double> once;
    for (const auto& track : recorder.copy().tracks)
      for (const TraceEvent& event : track.events) {
        const double ms = static_cast<double>(event.endNs - event.startNs) * 1e-6;
        if (event.kind == TraceKind::Kernel && event.node.valid())
          once[event.node] += ms;
        else if (event.kind == TraceKind::Transfer)
          profile.transferMs += ms / repeat;
      }
    for (const auto& [node, ms] : once) {
      NodeTimes& times = profile.perNode[node];
      times.minMs = times.runs == 0 ? ms : std::min(times.minMs, ms);
      times.sumMs += ms;
      ++times.runs;
    }
  }
  slot->setTrace(nullptr, "", 0);
  std::nth_element(totals.begin(), totals.begin() + static_cast<std::ptrdiff_t>(totals.size() / 2), totals.end());
  profile.totalMs = totals[totals.size() / 2];
  return profile;
}

Json encodeTimes(const Executable& executable, const DeviceProfile& profile, const std::string& requested) {
  Json times = Json::array();
  for (const KernelUse& use : executable.kernels()) {
    auto found = profile.perNode.end();
    Json fused = Json::array();
    for (NodeId node : use.openedNodes) {
      if (auto it = profile.perNode.find(node); it != profile.perNode.end()) found = it;
      fused.push_back(node.index());
    }
    const bool measured = found != profile.perNode.end();
    times.push_back({{"node", use.openedNodes.front().index()},
                     {"nodes", std::move(fused)},
                     {"requested", requested},
                     {"device", use.device->id()},
                     {"kernel", use.kernel},
                     {"reference", use.isReference},
                     {"mean_ms", measured ? found->second.sumMs / found->second.runs : 0.0},
                     {"min_ms", measured ? found->second.minMs : 0.0}});
  }
  return times;
}

} // namespace

Result<Json> profile(const Job& job) {
  constexpr int kMaxRepeat = 10'000;
  const auto document = TANDEM_TRY(documentOf(job));
  const auto registry = job.state.registry();
  TANDEM_TRY(requireRunnable(*document));
  const int batch = std::max(1, readOr(job.params, "batch", 1));
  const int repeat = std::clamp(readOr(job.params, "repeat", 20), 1, kMaxRepeat);
  auto devices = job.params.value("devices", std::vector<std::string>());
  if (devices.empty())
    for (Device* device : registry->devices())
      if (!registry->isHidden(device->id())) devices.push_back(device->id());

  Json result{{"model", document->name}, {"batch", batch}, {"times", Json::array()}, {"totals", Json::array()}};
  for (std::size_t i = 0; i < devices.size(); ++i) {
    TANDEM_TRY(job.cancel.check());
    job.progress(static_cast<std::int64_t>(i), static_cast<std::int64_t>(devices.size()), devices[i]);
    const Placement placement = TANDEM_TRY(placementOf(Json{{"device", devices[i]}}, *registry));
    BoundGraph bound = TANDEM_TRY(document->bind(batch));
    PlacedGraph placed = TANDEM_TRY(place(std::move(bound), placement, *registry, false));
    CompileOptions options;
    options.compiled = job.params.value("mode", std::string("compiled")) != "eager";
    options.threads = readOr(job.params, "threads", 0);
    options.cancel = job.cancel;
    auto executable =
        TANDEM_TRY(Executable::compile(std::move(placed.bound), std::move(placed.deviceOf), registry->host(), options));
    TANDEM_TRY(requireWithinLimits(*executable, *registry));
    const DeviceProfile measured = TANDEM_TRY(measure(*executable, repeat, job.cancel));
    for (Json& each : encodeTimes(*executable, measured, devices[i])) result["times"].push_back(std::move(each));
    result["totals"].push_back({{"device", devices[i]},
                                {"mean_ms", measured.totalMs},
                                {"transfer_ms", measured.transferMs},
                                {"compile_ms", executable->compileMs()},
                                {"summary", placed.effective.summary}});
  }
  TANDEM_TRY(requireUnchanged(*document));
  return result;
}

} // namespace tandem::session
