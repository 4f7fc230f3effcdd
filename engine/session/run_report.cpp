// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/run_report.hpp"

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

void noteSharedCores(const RunOutcome& outcome, const DeviceRegistry& registry, std::vector<std::string>& notes) {
  for (std::size_t i = 0; i < outcome.devices.size(); ++i)
    for (std::size_t j = i + 1; j < outcome.devices.size(); ++j) {
      const Device* a = registry.find(outcome.devices[i].id);
      const Device* b = registry.find(outcome.devices[j].id);
      // Buffers alone (staging on the host) do not compete for cores.
      if (!a || !b || outcome.devices[i].busyFraction == 0 || outcome.devices[j].busyFraction == 0) continue;
      if (a->info().cores.overlaps(b->info().cores))
        notes.push_back(a->id() + " and " + b->id() + " share cores " + a->info().cores.toString() +
                        ", so they slow each other; give each its own with --cores");
    }
}

std::vector<std::string> notesOf(const RunOutcome& outcome, const ReportContext& context) {
  std::vector<std::string> notes;
  noteSamples(outcome.all.latency, notes);
  noteSharedCores(outcome, *context.registry, notes);
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
    if (replica.window.completed == 0) notes.push_back(replica.name + " completed no request");
  }
  if (context.preprocessMs > 0) notes.push_back("inputs were read before the run; preprocess is that time per item");
  for (const std::string& input : context.inputs) notes.push_back("input: " + input);
  if (outcome.computeMs >= 0)
    notes.push_back("transfer and compute are means over every 32nd execution, from device events");
  return notes;
}

} // namespace

Json encodeSnapshot(const RunSnapshot& snapshot) {
  Json json{{"elapsed_s", snapshot.elapsedS},
            {"phase", snapshot.phase},
            {"completed", snapshot.completed},
            {"failed", snapshot.failed},
            {"throughput_per_s", snapshot.throughputPerS},
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
                                {"in_flight", replica.inFlight}});
  json["devices"] = encodeLoads(snapshot.devices);
  json["memory"] = encodeMemory(snapshot.devices);
  json["rss_bytes"] = snapshot.rssBytes;
  json["cpu_fraction"] = snapshot.cpuFraction;
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
  json["scenario"] = context.scenario;
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
  json["latency_ms"] = encodeLatency(outcome.all.latency);
  auto measured = [](double ms) { return ms >= 0 ? Json(ms) : Json(); };
  json["stages_ms"] = {{"queue", outcome.all.queueMs},
                       {"preprocess", context.preprocessMs},
                       {"transfer", measured(outcome.transferMs)},
                       {"compute", measured(outcome.computeMs)}};
  json["startup_ms"] = {
      {"load", context.document->loadMs}, {"compile", outcome.compileMs}, {"warmup", outcome.warmupMs}};
  json["memory"] = {{"rss_bytes", outcome.rssBytes},
                    {"rss_peak_bytes", outcome.rssPeakBytes},
                    {"devices", encodeMemory(outcome.devices)}};
  json["replicas"] = Json::array();
  for (const auto& replica : outcome.replicas)
    json["replicas"].push_back({{"name", replica.name},
                                {"devices", replica.devices},
                                {"requests", replica.window.completed},
                                {"failed", replica.window.failed},
                                {"items_per_s", replica.itemsPerS},
                                {"latency_ms", encodeLatency(replica.window.latency)},
                                {"summary", replica.summary}});
  for (std::size_t i = 0; i < context.precisions.size() && i < outcome.replicas.size(); ++i)
    addPrecision(json["replicas"][i], context.precisions[i]);
  json["devices"] = encodeLoads(outcome.devices);
  json["notes"] = notesOf(outcome, context);
  if (!context.traceFile.empty()) json["trace_file"] = context.traceFile;
  json["environment"] = encodeEnvironment(*context.registry, outcome.devices);
  return json;
}

} // namespace tandem::session
