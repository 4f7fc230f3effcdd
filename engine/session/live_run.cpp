// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/live_run.hpp"

#include "engine/base/clock.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/profile_types.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace tandem::session {
namespace {

constexpr int kRepeat = 5; // medians of so many runs: the load itself corrects them

/// Where layers may go.
Result<std::vector<std::string>> candidatesOf(const Json& spec, const ReplicaPlan& plan,
                                              const DeviceRegistry& registry) {
  const auto named = spec.value("candidates", std::vector<std::string>());
  for (const std::string& id : named)
    if (!registry.find(id) || registry.isHidden(id))
      return makeError(ErrorCode::Usage, "layers cannot move to '" + id + "', which is not there", "candidates",
                       "see `tandem devices` for the names");
  return named.empty() ? plan.deviceIds : named;
}

/// The layers with all on one device, device by device.
Result<std::vector<LayerTime>> layerTimes(const Job& job, const Json& spec, const std::vector<std::string>& devices,
                                          int items, std::size_t nodeCount) {
  Json params{{"repeat", kRepeat}, {"batch", items}};
  for (const char* key : {"handle", "model", "dims", "mode", "tune_seconds"})
    if (job.params.contains(key)) params[key] = job.params.at(key);
  if (spec.contains("threads")) params["threads"] = spec.at("threads");
  const Precision precision = TANDEM_TRY(precisionOf(spec));
  const auto registry = job.state.registry();
  std::vector<LayerTime> times;
  for (const std::string& device : devices) {
    params["devices"] = std::vector<std::string>{device};
    const bool holds = checkPrecision(precision, {registry->find(device)}).ok();
    params["precision"] = std::string(toString(holds ? precision : Precision::Model));
    const Json reply = TANDEM_TRY(profile(Job{job.state, params, job.cancel, job.event}));
    Profile measured = TANDEM_TRY(decodeProfile(reply, nodeCount));
    std::move(measured.times.begin(), measured.times.end(), std::back_inserter(times));
  }
  return times;
}

/// What one unit took in one device's profile, if all of it was on one device.
struct UnitTime {
  double ms = 0;
  int device = -1; ///< -1: nothing of it ran; -2: on several
};

void setTimes(LiveSubject& subject, const std::vector<LayerTime>& times, const std::vector<std::string>& candidates) {
  const auto indexOf = [&](const std::string& id) {
    return static_cast<int>(std::find(subject.devices.begin(), subject.devices.end(), id) - subject.devices.begin());
  };
  const std::size_t units = subject.problem.units.size(), devices = subject.devices.size();
  std::vector profiles(devices, std::vector<UnitTime>(units));
  for (const LayerTime& layer : times) {
    const int wanted = indexOf(layer.requested), device = indexOf(layer.device);
    const int unit = subject.unitOf[static_cast<std::size_t>(layer.node)];
    if (static_cast<std::size_t>(wanted) >= devices || unit < 0) continue;
    UnitTime& time = profiles[static_cast<std::size_t>(wanted)][static_cast<std::size_t>(unit)];
    time.ms += layer.medianMs;
    if (time.device == -1) time.device = device;
    if (time.device != device) time.device = -2;
  }
  for (std::size_t unit = 0; unit < units; ++unit)
    for (std::size_t d = 0; d < devices; ++d) {
      double& ms = subject.problem.units[unit].ms[d];
      ms = -1;
      const bool isCandidate = std::find(candidates.begin(), candidates.end(), subject.devices[d]) != candidates.end();
      const bool isThere = subject.deviceOf[unit] == static_cast<int>(d);
      const UnitTime& own = profiles[d][unit];
      if (isCandidate && (own.device == static_cast<int>(d) || own.device == -1)) ms = own.ms;
      if (!isThere || ms >= 0) continue;
      // It is on a device that was not measured by itself: the host, which takes what others cannot.
      for (const auto& other : profiles)
        if (other[unit].device == static_cast<int>(d)) ms = other[unit].ms;
      ms = std::max(ms, 0.0);
    }
}

} // namespace

Result<double> liveMarginOf(const Json& params) {
  const auto found = params.find("live_placement");
  if (found == params.end()) return 0.0;
  const double margin = found->get<double>();
  if (!(margin >= 0 && margin < 1))
    return makeError(ErrorCode::Usage, "the margin of live placement is not between 0 and 1", "--live-placement",
                     "for example 0.1: a move must be predicted to gain a tenth");
  return margin;
}

Result<void> LiveRun::watch(const Job& job, const RunContext& context, const Json& spec,
                            const std::vector<int>& batches, ReplicaPlan& plan) {
  const std::int64_t start = nowNs();
  const DeviceRegistry& registry = *context.registry;
  const std::vector<std::string> candidates = TANDEM_TRY(candidatesOf(spec, plan, registry));
  Entry& entry = m_replicas.emplace_back();
  std::vector<std::string> ids = candidates;
  ids.insert(ids.end(), plan.deviceIds.begin(), plan.deviceIds.end());
  std::set<std::string> seen;
  std::erase_if(ids, [&](const std::string& id) { return !seen.insert(id).second; });
  if (ids.size() < 2) return {};
  for (const std::string& id : ids)
    entry.devices += (entry.devices.empty() ? "" : id == ids.back() ? " and " : ", ") + id;
  if (seen.insert(registry.host().id()).second) ids.push_back(registry.host().id());

  LiveSubject subject;
  subject.name = plan.options.name;
  subject.devices = ids;
  subject.items = std::max(*std::max_element(batches.begin(), batches.end()), plan.options.batching.maximum);
  subject.goal = plan.options.streams > 1 ? ReplanGoal::Throughput : ReplanGoal::Latency;
  const Placement placement = TANDEM_TRY(placementOf(spec, registry));
  BoundGraph bound = TANDEM_TRY(bindItems(context, subject.items));
  const PlacedGraph placed = TANDEM_TRY(place(std::move(bound), placement, registry, false));
  const Graph& graph = placed.bound.graph;
  const auto times = TANDEM_TRY(layerTimes(job, spec, candidates, subject.items, graph.nodes().size()));

  std::vector<std::vector<NodeId>> together;
  for (const LayerTime& layer : times) {
    std::vector<NodeId>& group = together.emplace_back();
    for (int node : layer.nodes) group.emplace_back(static_cast<std::uint32_t>(node));
  }
  subject.unitOf = unitsOf(graph, together);
  std::vector<Device*> devices;
  for (const std::string& id : ids) devices.push_back(registry.find(id));
  subject.problem = replanProblem(graph, subject.unitOf, devices, registry.host());
  subject.deviceOf.resize(subject.problem.units.size(), -1);
  for (NodeId node : topologicalOrder(graph))
    if (const int unit = subject.unitOf[node.index()];
        unit >= 0 && subject.deviceOf[static_cast<std::size_t>(unit)] < 0)
      subject.deviceOf[static_cast<std::size_t>(unit)] =
          static_cast<int>(std::find(devices.begin(), devices.end(), placed.deviceOf[node.index()]) - devices.begin());
  setTimes(subject, times, candidates);

  std::vector<std::string> names;
  for (const Node& node : graph.nodes()) names.push_back(node.name);
  auto planner = [context, spec, placement, ids, names = std::move(names), unitOf = subject.unitOf,
                  before = subject.deviceOf](const std::vector<int>& deviceOf) {
    std::vector<std::pair<std::string, std::string>> moved;
    for (std::size_t node = 0; node < unitOf.size(); ++node) {
      if (unitOf[node] < 0) continue;
      const auto unit = static_cast<std::size_t>(unitOf[node]);
      if (deviceOf[unit] != before[unit])
        moved.emplace_back(names[node], ids[static_cast<std::size_t>(deviceOf[unit])]);
    }
    return planReplica(context, spec, placement.withNodes(moved));
  };
  m_live.watch(std::move(subject), std::move(planner), plan);
  entry.ms = toMs(nowNs() - start);
  m_measuringMs += entry.ms;
  return {};
}

void LiveRun::begin(Deployment& deployment) {
  const auto entries = deployment.entries();
  std::size_t watched = 0;
  for (std::size_t i = 0; i < m_replicas.size() && i < entries.size(); ++i) {
    const std::string& name = entries[i]->plan.options.name;
    if (m_replicas[i].devices.empty()) {
      deployment.note("`" + name + "` stays as it is: all its layers are on one device and no candidates are named");
      continue;
    }
    m_live.setName(watched++, name);
    char ms[32];
    std::snprintf(ms, sizeof ms, "%.0f ms", m_replicas[i].ms);
    deployment.note("layers of `" + name + "` may move between " + m_replicas[i].devices + "; measured there in " + ms);
  }
}

Json LiveRun::encode() const {
  return {{"margin", m_live.options().margin},
          {"watched", m_live.watched()},
          {"moves", m_live.moves()},
          {"taken_back", m_live.back()}};
}

} // namespace tandem::session
