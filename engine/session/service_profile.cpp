// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/devices/roofline.hpp"
#include "engine/runtime/execution_slot.hpp"
#include "engine/session/host_threads.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/profile_types.hpp"
#include "engine/session/service.hpp"
#include "engine/session/synthetic.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

constexpr int kMostSamples = 1000; // of one layer, evenly over the runs: what medians are taken of

double medianOf(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double meanOf(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

struct NodeTimes {
  double sumMs = 0, minMs = 0;
  int runs = 0;
  std::vector<double> samples;

  void add(double ms, bool keep) {
    minMs = runs == 0 ? ms : std::min(minMs, ms);
    sumMs += ms;
    ++runs;
    if (keep) samples.push_back(ms);
  }
};

/// Times of one placement's runs: per kernel (under the first of the opened nodes it computes) and in total.
struct PlacementTimes {
  std::map<NodeId, NodeTimes> perNode;
  std::vector<double> totals;
  double transferMs = 0;
};

/// Kernels and transfers of one traced run.
void addTrace(const TraceRecorder& recorder, int repeat, bool keep, PlacementTimes& times) {
  std::map<NodeId, double> once;
  for (const auto& track : recorder.copy().tracks)
    for (const TraceEvent& event : track.events) {
      const double ms = static_cast<double>(event.endNs - event.startNs) * 1e-6;
      if (event.kind == TraceKind::Kernel && event.node.valid())
        once[event.node] += ms;
      else if (event.kind == TraceKind::Transfer)
        times.transferMs += ms / repeat;
    }
  for (const auto& [node, ms] : once) times.perNode[node].add(ms, keep);
}

Result<PlacementTimes> measure(const Executable& executable, int repeat, const CancelToken& cancel) {
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

  PlacementTimes times;
  TraceRecorder recorder;
  const int stride = (repeat + kMostSamples - 1) / kMostSamples;
  for (int run = 0; run < repeat; ++run) {
    // Totals come from runs without profiling, which costs time of its own.
    slot->setTrace(nullptr, "", 0);
    times.totals.push_back(static_cast<double>(TANDEM_TRY(slot->run(cancel)).totalNs) * 1e-6);
    recorder.clear();
    slot->setTrace(&recorder, "", static_cast<std::uint64_t>(run) + 1);
    TANDEM_TRY(slot->run(cancel));
    addTrace(recorder, repeat, run % stride == 0, times);
  }
  slot->setTrace(nullptr, "", 0);
  return times;
}

/// A peak is what was reached at all: other work on the machine can only hide it.
ProbeResult best(const ProbeResult& a, const ProbeResult& b) {
  ProbeResult result = a;
  result.gflops = std::max(a.gflops, b.gflops);
  result.memoryGbPerS = std::max(a.memoryGbPerS, b.memoryGbPerS);
  result.toDeviceGbPerS = std::max(a.toDeviceGbPerS, b.toDeviceGbPerS);
  result.toHostGbPerS = std::max(a.toHostGbPerS, b.toHostGbPerS);
  result.launchUs = std::min(a.launchUs, b.launchUs);
  result.roundTripUs = std::min(a.roundTripUs, b.roundTripUs);
  return result;
}

/// The peaks of devices, measured with the threads that the layers run with.
class Peaks {
 public:
  Peaks(const Job& job, int threads, bool mayMeasure) : m_job(job), m_threads(threads), m_mayMeasure(mayMeasure) {}

  /// Fails only when cancelled: a profile without peaks is worth having.
  Result<void> find(Device& device) {
    if (m_known.contains(&device)) return {};
    const bool isCpu = device.info().kind == DeviceKind::NativeCpu;
    const int cores = device.info().cores.count();
    const int asked = isCpu && m_threads != cores ? m_threads : 0; // 0: all cores
    DevicePeaks shown;
    shown.device = device.id();
    if (isCpu) shown.threads = asked > 0 ? asked : cores;
    std::optional<ProbeResult> probe = m_job.state.probeOf(device.id(), asked);
    if (m_mayMeasure) {
      m_job.progress(0, 0, "measuring what " + device.id() + " can do");
      const auto measured = probeWithThreads(device, asked, m_job.cancel);
      if (measured.ok()) {
        probe = probe ? best(*probe, *measured) : *measured;
        m_job.state.setProbe(device.id(), *probe, asked);
      } else if (measured.error().code == ErrorCode::Cancelled) {
        return measured.error();
      } else if (!probe) {
        shown.problem = measured.error().line();
      }
    }
    if (!probe && shown.problem.empty()) shown.problem = "not measured";
    if (probe && probe->gflops > 0) shown.gflops = probe->gflops;
    if (probe && probe->memoryGbPerS > 0) shown.memoryGbPerS = probe->memoryGbPerS;
    if (probe && (!shown.gflops || !shown.memoryGbPerS)) shown.problem = "this device cannot be measured";
    m_known[&device] = probe;
    m_shown.push_back(std::move(shown));
    return {};
  }
  const ProbeResult* of(const Device& device) const {
    const auto found = m_known.find(&device);
    return found != m_known.end() && found->second ? &*found->second : nullptr;
  }
  const std::vector<DevicePeaks>& shown() const { return m_shown; }

 private:
  const Job& m_job;
  int m_threads;
  bool m_mayMeasure;
  std::map<const Device*, std::optional<ProbeResult>> m_known;
  std::vector<DevicePeaks> m_shown;
};

LayerTime layerOf(const KernelUse& use, const PlacementTimes& times, const std::string& requested) {
  LayerTime layer;
  layer.requested = requested;
  layer.device = use.device->id();
  layer.kernel = use.kernel;
  layer.reference = use.isReference;
  for (NodeId node : use.openedNodes) {
    layer.nodes.push_back(static_cast<int>(node.index()));
    const auto found = times.perNode.find(node);
    if (found == times.perNode.end()) continue;
    layer.meanMs = found->second.sumMs / found->second.runs;
    layer.minMs = found->second.minMs;
    layer.medianMs = medianOf(found->second.samples);
  }
  layer.node = layer.nodes.front();
  return layer;
}

void setCost(LayerTime& layer, const std::optional<OpCost>& cost, const ProbeResult* peaks) {
  if (!cost) return;
  layer.flops = cost->flops;
  layer.leastBytes = cost->parameterBytes + cost->activationBytes;
  const RooflinePoint point = locate(*cost, layer.medianMs, peaks);
  layer.gflopPerS = point.gflopPerS;
  layer.gbPerS = point.gbPerS;
  layer.flopPerByte = point.flopPerByte;
  layer.computeFraction = point.computeFraction;
  layer.memoryFraction = point.memoryFraction;
  layer.roofMs = point.roofMs;
  layer.roofFraction = point.roofFraction;
  if (point.roof) layer.roof = toString(*point.roof);
}

/// `opened` is the graph before the passes, with the shapes that ran: costs are those of the opened nodes.
std::vector<LayerTime> layersOf(const Executable& executable, const Graph& opened, const PlacementTimes& times,
                                const Peaks& peaks, const std::string& requested) {
  std::vector<LayerTime> layers;
  const std::vector<KernelUse> kernels = executable.kernels();
  std::map<NodeId, int> computedBy;
  for (const KernelUse& use : kernels)
    for (NodeId node : use.openedNodes) ++computedBy[node];
  for (const KernelUse& use : kernels) {
    layers.push_back(layerOf(use, times, requested));
    // What several kernels do together cannot be told apart.
    const bool isOwn =
        std::all_of(use.openedNodes.begin(), use.openedNodes.end(), [&](NodeId node) { return computedBy[node] == 1; });
    if (isOwn) setCost(layers.back(), fusedCost(opened, use.openedNodes), peaks.of(*use.device));
  }
  return layers;
}

ProfileTotal totalOf(const std::vector<LayerTime>& layers, const PlacementTimes& times, const std::string& requested) {
  ProfileTotal total;
  total.device = requested;
  total.meanMs = meanOf(times.totals);
  total.medianMs = medianOf(times.totals);
  total.transferMs = times.transferMs;
  double atPeakMs = 0, atRoofMs = 0, withRoofMs = 0;
  bool arePeaksKnown = true;
  for (const LayerTime& layer : layers) {
    if (layer.medianMs <= 0) continue;
    if (!layer.flops) ++total.unknownLayers;
    total.flops += layer.flops.value_or(0);
    arePeaksKnown = arePeaksKnown && (layer.computeFraction || layer.flops.value_or(0) <= 0);
    atPeakMs += layer.computeFraction.value_or(0) * layer.medianMs;
    if (!layer.roofMs) continue;
    atRoofMs += *layer.roofMs;
    withRoofMs += layer.medianMs;
  }
  if (total.medianMs <= 0) return total;
  total.gflopPerS = total.flops / total.medianMs * 1e-6;
  if (arePeaksKnown && total.flops > 0) total.peakFraction = atPeakMs / total.medianMs;
  if (withRoofMs > 0) total.roofFraction = atRoofMs / withRoofMs;
  return total;
}

/// What is measured one after the other: every device with all layers, or the given placement.
Result<std::vector<std::pair<std::string, Placement>>> wantedOf(const Json& params, const DeviceRegistry& registry,
                                                                Precision precision) {
  std::vector<std::pair<std::string, Placement>> wanted;
  if (params.contains("placement") && !params.at("placement").is_null()) {
    wanted.emplace_back("placement", TANDEM_TRY(placementOf(params, registry)));
    return wanted;
  }
  auto devices = params.value("devices", std::vector<std::string>());
  if (devices.empty())
    for (Device* device : registry.devices())
      if (!registry.isHidden(device->id()) && checkPrecision(precision, {device}).ok()) devices.push_back(device->id());
  for (const std::string& device : devices) {
    wanted.emplace_back(device, TANDEM_TRY(placementOf(Json{{"device", device}}, registry)));
    TANDEM_TRY(checkPrecision(precision, {registry.find(device)})); // before another is measured for nothing
  }
  return wanted;
}

} // namespace

Result<Json> profile(const Job& job) {
  constexpr int kMaxRepeat = 10'000;
  const auto document = TANDEM_TRY(documentOf(job));
  const auto registry = job.state.registry();
  TANDEM_TRY(requireRunnable(*document));
  const int repeat = std::clamp(readOr(job.params, "repeat", 20), 1, kMaxRepeat);
  CompileOptions options;
  options.compiled = job.params.value("mode", std::string("compiled")) != "eager";
  options.threads = readOr(job.params, "threads", 0);
  options.cancel = job.cancel;
  options.precision = TANDEM_TRY(precisionOf(job.params));
  options.progress = job.progressFunction();
  options.tune = TANDEM_TRY(firstUseTuning(job));
  Profile result;
  result.model = document->name;
  result.batch = std::max(1, readOr(job.params, "batch", 1));
  Peaks peaks(job, options.threads, job.params.value("probe", false));
  const auto wanted = TANDEM_TRY(wantedOf(job.params, *registry, options.precision));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto& [name, placement] = wanted[i];
    TANDEM_TRY(job.cancel.check());
    BoundGraph bound = TANDEM_TRY(document->bind(result.batch));
    PlacedGraph placed = TANDEM_TRY(place(std::move(bound), placement, *registry, false));
    const Graph opened = placed.bound.graph;
    options.hostCores = hostCoresFor(*registry, placed.deviceOf);
    auto executable =
        TANDEM_TRY(Executable::compile(std::move(placed.bound), std::move(placed.deviceOf), registry->host(), options));
    TANDEM_TRY(requireWithinLimits(*executable, *registry));
    for (Device* device : executable->devices()) TANDEM_TRY(peaks.find(*device));
    job.progress(static_cast<std::int64_t>(i), static_cast<std::int64_t>(wanted.size()), name);
    const PlacementTimes times = TANDEM_TRY(measure(*executable, repeat, job.cancel));
    std::vector<LayerTime> layers = layersOf(*executable, opened, times, peaks, name);
    ProfileTotal& total = result.totals.emplace_back(totalOf(layers, times, name));
    total.compileMs = executable->compileMs();
    total.summary = placed.effective.summary;
    total.precision = toString(options.precision);
    std::move(layers.begin(), layers.end(), std::back_inserter(result.times));
  }
  result.peaks = peaks.shown();
  TANDEM_TRY(requireUnchanged(*document));
  return encodeProfile(result);
}

} // namespace tandem::session
