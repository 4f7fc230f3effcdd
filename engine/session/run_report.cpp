// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/run_report.hpp"

#include "engine/devices/cpu/topology.hpp"
#include "engine/serving/mlperf.hpp"
#include "engine/session/host_threads.hpp"

#include <nlohmann/json.hpp>
#include <sys/utsname.h>

namespace tandem::session {
namespace {

Json encodeLatency(const LatencySummary& latency) {
  return {{"count", latency.count}, {"mean", latency.meanMs}, {"min", latency.minMs},
          {"p50", latency.p50Ms},   {"p90", latency.p90Ms},   {"p95", latency.p95Ms},
          {"p99", latency.p99Ms},   {"p999", latency.p999Ms}, {"max", latency.maxMs}};
}

Json encodeMemory(const std::vector<DeviceUse>& devices) {
  Json list = Json::array();
  for (const DeviceUse& use : devices)
    list.push_back({{"id", use.id},
                    {"weights_bytes", use.weightsBytes},
                    {"shared_weights_bytes", use.sharedWeightsBytes},
                    {"activations_bytes", use.activationsBytes},
                    {"staging_bytes", use.stagingBytes},
                    // Everything is allocated at set-up and kept, so the peak is the sum.
                    {"peak_bytes", use.weightsBytes + use.activationsBytes + use.stagingBytes}});
  return list;
}

Json encodeLoads(const std::vector<DeviceUse>& devices) {
  Json list = Json::array();
  for (const DeviceUse& use : devices) list.push_back({{"id", use.id}, {"busy_fraction", use.busyFraction}});
  return list;
}

void noteSamples(const LatencySummary& latency, std::vector<std::string>& notes) {
  const std::string have = " (" + std::to_string(latency.count) + " requests, ";
  if (latency.count < LatencySummary::kMinimumForP99)
    notes.push_back("too few samples for p99" + have + std::to_string(LatencySummary::kMinimumForP99) + " needed)");
  else if (latency.count < LatencySummary::kMinimumForP999)
    notes.push_back("too few samples for p99.9" + have + std::to_string(LatencySummary::kMinimumForP999) + " needed)");
}

std::vector<std::string> contention(const RunOutcome& outcome, const DeviceRegistry& registry) {
  std::vector<std::string> notes;
  const CpuTopology topology = machineTopology();
  for (std::size_t i = 0; i < outcome.devices.size(); ++i)
    for (std::size_t j = i + 1; j < outcome.devices.size(); ++j) {
      const Device* a = registry.find(outcome.devices[i].id);
      const Device* b = registry.find(outcome.devices[j].id);
      // Buffers alone (staging on the host) do not compete for cores.
      if (!a || !b || outcome.devices[i].busyFraction == 0 || outcome.devices[j].busyFraction == 0) continue;
      const SharedCores shared = sharedCores(a->info().cores, b->info().cores, topology);
      if (!shared.empty())
        notes.push_back(a->id() + " and " + b->id() + " share " + shared.text() +
                        ", so they slow each other; give each its own with --cores");
    }
  return notes;
}

Json encodeVerdict(const Verdict& verdict, std::vector<std::string> sharedCores) {
  std::vector<std::string> reasons = std::move(sharedCores);
  reasons.insert(reasons.end(), verdict.reasons.begin(), verdict.reasons.end());
  Json json{{"summary", verdict.summary}, {"gain", verdict.gain}, {"bound", verdict.bound},
            {"reached", verdict.reached}, {"best", verdict.best}, {"reasons", std::move(reasons)}};
  for (const VerdictPart& part : verdict.parts)
    json["parts"].push_back({{"name", part.name},
                             {"devices", part.devices},
                             {"alone_items_per_s", part.aloneItemsPerS},
                             {"together_items_per_s", part.togetherItemsPerS},
                             {"alone_p99_ms", part.aloneP99Ms},
                             {"alone_service_ms", part.aloneServiceMs},
                             {"together_service_ms", part.togetherServiceMs},
                             {"busy_fraction", part.busyFraction},
                             {"setup_ms", part.setupMs},
                             {"copy_bytes", part.copyBytes},
                             {"rss_bytes", part.rssBytes}});
  return json;
}

Json encodeRamp(const RampOutcome& ramp) {
  Json json{{"bound_ms", ramp.boundMs}, {"best_per_s", ramp.bestPerS}, {"capacity_per_s", ramp.capacityPerS}};
  json["steps"] = Json::array();
  for (const RampStep& step : ramp.steps)
    json["steps"].push_back({{"rate_per_s", step.ratePerS},
                             {"p99_ms", step.p99Ms},
                             {"requests", step.requests},
                             {"refused", step.refused},
                             {"passed", step.passed},
                             {"enough_samples", step.enoughSamples}});
  return json;
}

Json encodeReplicaOutcome(const RunOutcome::ReplicaOutcome& replica) {
  std::int64_t copy = 0, shared = 0;
  for (const DeviceUse& use : replica.copy) {
    copy += use.bytes();
    shared += use.sharedWeightsBytes;
  }
  const double executions = static_cast<double>(std::max<std::uint64_t>(replica.executions, 1));
  return {{"name", replica.name},
          {"devices", replica.devices},
          {"state", toString(replica.state)},
          {"requests", replica.window.completed},
          {"failed", replica.window.failed},
          {"items_per_s", replica.itemsPerS},
          {"executions", replica.executions},
          {"items_per_execution", static_cast<double>(replica.window.items) / executions},
          {"service_ms", replica.serviceMs},
          {"latency_ms", encodeLatency(replica.window.latency)},
          {"cost",
           {{"compile_ms", replica.cost.compileMs},
            {"warmup_ms", replica.cost.warmupMs},
            {"rss_bytes", replica.cost.rssBytes},
            {"copy_bytes", copy},
            {"shared_bytes", shared},
            {"devices", encodeMemory(replica.copy)}}},
          {"summary", replica.summary}};
}

Json encodePipeline(const PipelineStatistics& pipeline, const StarvationVerdict& starvation, double measuredS) {
  const double items = static_cast<double>(std::max<std::uint64_t>(pipeline.items, 1));
  const auto perItem = [&](std::int64_t ns) { return static_cast<double>(ns) * 1e-6 / items; };
  Json json{{"threads", pipeline.threads},
            {"prefetch", pipeline.prefetch},
            {"items", pipeline.items},
            {"failed_items", pipeline.failedItems},
            {"failed_names", pipeline.failedNames},
            {"stages_ms",
             {{"read", perItem(pipeline.stages.readNs)},
              {"decode", perItem(pipeline.stages.decodeNs)},
              {"resize", perItem(pipeline.stages.resizeNs)},
              {"normalize", perItem(pipeline.stages.normalizeNs)},
              {"batch", perItem(pipeline.stages.batchNs)}}},
            {"busy_fraction", pipeline.busyFraction},
            {"mean_depth", pipeline.meanDepth},
            {"items_per_s", pipeline.itemsPerS()},
            {"starved_fraction", static_cast<double>(pipeline.starvedNs) * 1e-9 / std::max(measuredS, 1e-9)},
            {"buffer_bytes", pipeline.bufferBytes},
            {"sentence", starvation.sentence}};
  json["devices"] = Json::array();
  for (const auto& device : starvation.devices)
    json["devices"].push_back({{"id", device.id}, {"waited_fraction", device.fraction}});
  return json;
}

/// In columns: there are up to twenty.
Json encodeSlices(const std::vector<SampleSlice>& slices, double seconds) {
  Json rates = Json::array(), p50 = Json::array(), p99 = Json::array();
  for (const SampleSlice& slice : slices) {
    rates.push_back(static_cast<double>(slice.items) / seconds);
    p50.push_back(slice.p50Ms);
    p99.push_back(slice.p99Ms);
  }
  return {
      {"seconds", seconds}, {"items_per_s", std::move(rates)}, {"p50_ms", std::move(p50)}, {"p99_ms", std::move(p99)}};
}

/// The guarantee of RequestQueue, in the words of a report.
Json encodePriorities(const SampleWindow& all) {
  Json list = Json::array();
  for (const Priority priority : {Priority::Latency, Priority::Bulk}) {
    const auto kind = static_cast<std::size_t>(priority);
    list.push_back({{"name", priority == Priority::Latency ? "latency" : "bulk"},
                    {"latency_ms", encodeLatency(all.byPriority[kind])},
                    {"longest_queue_ms", all.longestQueueMs[kind]}});
  }
  return list;
}

std::vector<HostThread> hostThreadsOf(const ReportContext& context) {
  std::vector<std::shared_ptr<const Executable>> executables;
  for (const auto& replica : context.deployment->replicas())
    if (const auto variants = replica->variants(); !variants.empty()) executables.push_back(variants.begin()->second);
  return hostThreads(executables, *context.registry);
}

std::vector<std::string> notesOf(const RunOutcome& outcome, const ReportContext& context) {
  std::vector<std::string> notes;
  noteSamples(outcome.all.latency, notes);
  const std::vector<std::string> shared = contention(outcome, *context.registry);
  notes.insert(notes.end(), shared.begin(), shared.end());
  if (!outcome.all.isExact)
    notes.push_back("more requests than are kept one by one: percentiles come from a histogram, off by at most 0.8 %");
  if (outcome.all.rejected > 0)
    notes.push_back(std::to_string(outcome.all.rejected) + " requests were refused: " +
                    (outcome.route.kind == Route::Kind::Slo
                         ? "they would not have been done in time, or the queue was full"
                         : "the queue was full"));
  if (context.bulkShare > 0)
    notes.push_back("while bulk requests wait, at most " + std::to_string(RequestQueue::kLatencyPerBulk) +
                    " batches of latency-sensitive ones are begun between two bulk batches of a replica");
  for (const HostThread& thread : hostThreadsOf(context))
    if (!thread.note.empty()) notes.push_back(thread.note);
  if (outcome.unfinished > 0)
    notes.push_back(std::to_string(outcome.unfinished) +
                    " requests were still waiting at the end: the arrival rate is above what the deployment can do");
  for (std::size_t i = 0; i < context.precisions.size() && i < outcome.replicas.size(); ++i)
    for (std::string& note : precisionNotes(outcome.replicas[i].name, context.precisions[i]))
      notes.push_back(std::move(note));
  for (const auto& replica : outcome.replicas) {
    if (replica.lastError)
      notes.push_back(replica.name + (replica.lost ? " is lost: " : ": ") + replica.lastError->line());
    if (replica.paddedItems > 0)
      notes.push_back(replica.name + ": joined batches carried " + std::to_string(replica.paddedItems) +
                      " items of padding");
    if (replica.window.completed == 0 && replica.state != ReplicaState::Gone)
      notes.push_back(replica.name + " completed no request");
  }
  if (outcome.pipeline) {
    const PipelineStatistics& pipeline = *outcome.pipeline;
    if (!outcome.starvation.sentence.empty()) notes.push_back(outcome.starvation.sentence);
    if (pipeline.failedItems > 0)
      notes.push_back((pipeline.failedItems == 1 ? "one input" : std::to_string(pipeline.failedItems) + " inputs") +
                      " could not be used: " + pipeline.firstError.value_or(Error()).line());
    if (!pipeline.problem.empty()) notes.push_back(pipeline.problem);
  } else if (context.preprocessMs > 0)
    notes.push_back("inputs were read before the run; preprocess is that time per item");
  for (const std::string& input : context.inputs) notes.push_back("input: " + input);
  if (outcome.computeMs >= 0)
    notes.push_back(std::string("transfer and compute are means over every 32nd execution") +
                    (context.areLayersWatched ? " (every 8th where layers may move)" : "") + ", from device events");
  return notes;
}

} // namespace

Json encodeSnapshot(const RunSnapshot& snapshot) {
  Json json{{"elapsed_s", snapshot.elapsedS},   {"phase", snapshot.phase},
            {"completed", snapshot.completed},  {"failed", snapshot.failed},
            {"rejected", snapshot.rejected},    {"throughput_per_s", snapshot.throughputPerS},
            {"items_per_s", snapshot.itemsPerS}};
  json["replicas"] = Json::array();
  for (const auto& replica : snapshot.replicas)
    json["replicas"].push_back({{"name", replica.name},
                                {"devices", replica.devices},
                                {"completed", replica.completed},
                                {"throughput_per_s", replica.throughputPerS},
                                {"items_per_s", replica.itemsPerS},
                                {"p50_ms", replica.latency.p50Ms},
                                {"p95_ms", replica.latency.p95Ms},
                                {"p99_ms", replica.latency.p99Ms},
                                {"queued", replica.queued},
                                {"in_flight", replica.inFlight},
                                {"state", replica.state},
                                {"batch_limit", replica.batchLimit}});
  json["devices"] = encodeLoads(snapshot.devices);
  json["memory"] = encodeMemory(snapshot.devices);
  json["rss_bytes"] = snapshot.rssBytes;
  json["cpu_fraction"] = snapshot.cpuFraction;
  json["events"] = Json::array();
  for (const ServingEvent& event : snapshot.events) json["events"].push_back(event.text);
  return json;
}

Json encodeEnvironment(const DeviceRegistry& registry, const std::vector<DeviceUse>& used) {
  utsname system{};
  uname(&system);
  Json devices = Json::array();
  for (const DeviceUse& use : used) {
    const Device* device = registry.find(use.id);
    if (!device) continue;
    devices.push_back({{"id", device->id()},
                       {"name", device->info().name},
                       {"driver", device->info().driver},
                       {"cores", device->info().cores.toString()}});
  }
  return {{"tandem", TANDEM_VERSION},
          {"system", std::string(system.sysname) + " " + system.release},
          {"machine", system.machine},
          {"processors", CpuSet::available().count()},
          {"devices", std::move(devices)}};
}

Json encodeReport(const RunOutcome& outcome, const ReportContext& context) {
  Json json{{"format", "tandem-report"}, {"version", 1}, {"model", context.document->name}};
  json["scenario"] = context.scenario.toString();
  json["route"] = context.route;
  json["mode"] = context.mode;
  json["batches"] = context.batches;
  json["inputs"] = context.inputs;
  json["duration_s"] = outcome.measuredS;
  json["stopped"] = outcome.stopped;
  json["throughput_per_s"] = outcome.throughputPerS;
  json["items_per_s"] = outcome.itemsPerS;
  json["requests"] = outcome.all.completed;
  json["failed"] = outcome.all.failed;
  json["rejected"] = outcome.all.rejected;
  json["cancelled"] = outcome.all.cancelled;
  if (outcome.verdict) json["verdict"] = encodeVerdict(*outcome.verdict, contention(outcome, *context.registry));
  for (const PipelineGain& each : outcome.pipelines)
    json["pipelines"].push_back({{"name", each.name},
                                 {"devices", each.devices},
                                 {"streams", each.streams},
                                 {"one_items_per_s", each.oneItemsPerS},
                                 {"many_items_per_s", each.manyItemsPerS},
                                 {"gain", each.gain()}});
  if (outcome.ramp) json["ramp"] = encodeRamp(*outcome.ramp);
  json["latency_ms"] = encodeLatency(outcome.all.latency);
  auto measured = [](double ms) { return ms >= 0 ? Json(ms) : Json(); };
  json["stages_ms"] = {{"queue", outcome.all.queueMs},
                       {"preprocess", outcome.pipeline ? outcome.pipeline->msPerItem() : context.preprocessMs},
                       {"transfer", measured(outcome.transferMs)},
                       {"compute", measured(outcome.computeMs)}};
  json["startup_ms"] = {
      {"load", context.document->loadMs}, {"compile", outcome.compileMs}, {"warmup", outcome.warmupMs}};
  json["memory"] = {{"rss_bytes", outcome.rssBytes},
                    {"rss_peak_bytes", outcome.rssPeakBytes},
                    {"devices", encodeMemory(outcome.devices)}};
  json["replicas"] = Json::array();
  for (const auto& replica : outcome.replicas) json["replicas"].push_back(encodeReplicaOutcome(replica));
  for (std::size_t i = 0; i < context.precisions.size() && i < outcome.replicas.size(); ++i)
    addPrecision(json["replicas"][i], context.precisions[i]);
  json["devices"] = encodeLoads(outcome.devices);
  json["events"] = Json::array();
  for (const auto& event : outcome.events) json["events"].push_back({{"at_s", event.atS}, {"text", event.text}});
  if (context.bulkShare > 0) json["priorities"] = encodePriorities(outcome.all);
  if (outcome.pipeline) json["pipeline"] = encodePipeline(*outcome.pipeline, outcome.starvation, outcome.measuredS);
  json["latency_quantiles_ms"] = outcome.quantilesMs;
  if (!outcome.slices.empty()) json["slices"] = encodeSlices(outcome.slices, outcome.sliceS);
  const MlperfCheck mlperf = checkMlperf(context.scenario, outcome.all, outcome.measuredS);
  if (!mlperf.scenario.empty())
    json["mlperf"] = {{"scenario", mlperf.scenario}, {"valid", mlperf.valid()}, {"missing", mlperf.missing}};
  json["host_threads"] = Json::array();
  for (const HostThread& thread : hostThreadsOf(context))
    json["host_threads"].push_back({{"id", thread.device}, {"cores", thread.cores.toString()}});
  json["notes"] = notesOf(outcome, context);
  if (!context.traceFile.empty()) json["trace_file"] = context.traceFile;
  json["environment"] = encodeEnvironment(*context.registry, outcome.devices);
  return json;
}

} // namespace tandem::session
