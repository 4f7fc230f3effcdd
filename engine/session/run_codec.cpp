// SPDX-License-Identifier: GPL-3.0-or-later
// What clients and engine say to each other about runs.
#include "engine/session/codec.hpp"
#include "engine/session/decoding.hpp"

#include <limits>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

DeviceMemory toMemory(const Json& json) {
  DeviceMemory memory;
  read(json, "id", memory.id);
  readIf(json, "weights_bytes", memory.weightsBytes);
  readIf(json, "shared_weights_bytes", memory.sharedWeightsBytes);
  readIf(json, "activations_bytes", memory.activationsBytes);
  readIf(json, "staging_bytes", memory.stagingBytes);
  readIf(json, "peak_bytes", memory.peakBytes);
  return memory;
}

/// A figure of `precision_error`; null is infinite, absent not measured.
void readError(const Json& json, const char* key, std::optional<double>& target) {
  if (auto it = json.find(key); it != json.end())
    target = it->is_null() ? std::numeric_limits<double>::infinity() : it->get<double>();
}

Latency toLatency(const Json& json) {
  Latency latency;
  readIf(json, "count", latency.count);
  readIf(json, "mean", latency.meanMs);
  readIf(json, "p50", latency.p50Ms);
  readIf(json, "p90", latency.p90Ms);
  readIf(json, "p95", latency.p95Ms);
  readIf(json, "p99", latency.p99Ms);
  readIf(json, "p999", latency.p999Ms);
  readIf(json, "max", latency.maxMs);
  return latency;
}

std::vector<DeviceMemory> toMemories(const Json& json) {
  std::vector<DeviceMemory> memories;
  for (const Json& each : json) memories.push_back(toMemory(each));
  return memories;
}

std::vector<Snapshot::DeviceLoad> toLoads(const Json& json) {
  std::vector<Snapshot::DeviceLoad> loads;
  for (const Json& each : json) loads.push_back({each.at("id"), each.at("busy_fraction")});
  return loads;
}

Report::Verdict toVerdict(const Json& json) {
  Report::Verdict verdict;
  readIf(json, "gain", verdict.gain);
  readIf(json, "bound", verdict.bound);
  readIf(json, "reached", verdict.reached);
  readIf(json, "best", verdict.best);
  read(json, "summary", verdict.summary);
  readIf(json, "reasons", verdict.reasons);
  for (const Json& each : json.value("parts", Json::array())) {
    Report::Verdict::Part& part = verdict.parts.emplace_back();
    read(each, "name", part.name);
    readIf(each, "devices", part.devices);
    readIf(each, "alone_items_per_s", part.aloneItemsPerS);
    readIf(each, "together_items_per_s", part.togetherItemsPerS);
    readIf(each, "alone_p99_ms", part.aloneP99Ms);
    readIf(each, "alone_service_ms", part.aloneServiceMs);
    readIf(each, "together_service_ms", part.togetherServiceMs);
    readIf(each, "busy_fraction", part.busyFraction);
    readIf(each, "setup_ms", part.setupMs);
    readIf(each, "copy_bytes", part.copyBytes);
    readIf(each, "rss_bytes", part.rssBytes);
  }
  return verdict;
}

Report::Pipeline toPipeline(const Json& json) {
  Report::Pipeline pipeline;
  read(json, "name", pipeline.name);
  readIf(json, "devices", pipeline.devices);
  readIf(json, "streams", pipeline.streams);
  readIf(json, "one_items_per_s", pipeline.oneItemsPerS);
  readIf(json, "many_items_per_s", pipeline.manyItemsPerS);
  readIf(json, "gain", pipeline.gain);
  return pipeline;
}

Report::Ramp toRamp(const Json& json) {
  Report::Ramp ramp;
  readIf(json, "bound_ms", ramp.boundMs);
  readIf(json, "best_per_s", ramp.bestPerS);
  readIf(json, "capacity_per_s", ramp.capacityPerS);
  for (const Json& each : json.value("steps", Json::array())) {
    Report::Ramp::Step& step = ramp.steps.emplace_back();
    readIf(each, "rate_per_s", step.ratePerS);
    readIf(each, "p99_ms", step.p99Ms);
    readIf(each, "requests", step.requests);
    readIf(each, "refused", step.refused);
    readIf(each, "passed", step.passed);
    readIf(each, "enough_samples", step.enoughSamples);
  }
  return ramp;
}

Report::Preprocessing toPreprocessing(const Json& json) {
  Report::Preprocessing pipeline;
  readIf(json, "threads", pipeline.threads);
  readIf(json, "prefetch", pipeline.prefetch);
  readIf(json, "items", pipeline.items);
  readIf(json, "failed_items", pipeline.failedItems);
  const Json stages = json.value("stages_ms", Json::object());
  readIf(stages, "read", pipeline.readMs);
  readIf(stages, "decode", pipeline.decodeMs);
  readIf(stages, "resize", pipeline.resizeMs);
  readIf(stages, "normalize", pipeline.normalizeMs);
  readIf(stages, "batch", pipeline.batchMs);
  readIf(json, "busy_fraction", pipeline.busyFraction);
  readIf(json, "mean_depth", pipeline.meanDepth);
  readIf(json, "items_per_s", pipeline.itemsPerS);
  readIf(json, "starved_fraction", pipeline.starvedFraction);
  readIf(json, "sentence", pipeline.sentence);
  return pipeline;
}

ReplicaSpec toReplica(const Json& json) {
  ReplicaSpec replica;
  readIf(json, "name", replica.name);
  readIf(json, "device", replica.device);
  readIf(json, "threads", replica.threads);
  readIf(json, "streams", replica.streams);
  readIf(json, "batch", replica.batch);
  readIf(json, "precision", replica.precision);
  readIf(json, "preferred", replica.preferred);
  readIf(json, "delay_ms", replica.delayMs);
  readIf(json, "target_ms", replica.targetMs);
  readIf(json, "candidates", replica.candidates);
  if (auto it = json.find("placement"); it != json.end() && !it->is_null()) {
    auto placement = decodePlacement(*it);
    if (!placement) throw nlohmann::json::other_error::create(502, "bad placement", nullptr);
    replica.placement = *placement;
  }
  return replica;
}

} // namespace

Result<Snapshot> decodeSnapshot(const Json& json) {
  return decoding("a snapshot", [&] {
    Snapshot snapshot;
    read(json, "elapsed_s", snapshot.elapsedS);
    read(json, "phase", snapshot.phase);
    readIf(json, "completed", snapshot.completed);
    readIf(json, "failed", snapshot.failed);
    readIf(json, "rejected", snapshot.rejected);
    readIf(json, "throughput_per_s", snapshot.throughputPerS);
    readIf(json, "items_per_s", snapshot.itemsPerS);
    for (const Json& each : json.at("replicas")) {
      Snapshot::Replica replica;
      read(each, "name", replica.name);
      readIf(each, "devices", replica.devices);
      readIf(each, "completed", replica.completed);
      readIf(each, "throughput_per_s", replica.throughputPerS);
      readIf(each, "items_per_s", replica.itemsPerS);
      readIf(each, "p50_ms", replica.p50Ms);
      readIf(each, "p95_ms", replica.p95Ms);
      readIf(each, "p99_ms", replica.p99Ms);
      readIf(each, "queued", replica.queued);
      readIf(each, "in_flight", replica.inFlight);
      readIf(each, "state", replica.state);
      readIf(each, "batch_limit", replica.batchLimit);
      snapshot.replicas.push_back(std::move(replica));
    }
    snapshot.devices = toLoads(json.at("devices"));
    snapshot.memory = toMemories(json.at("memory"));
    readIf(json, "rss_bytes", snapshot.rssBytes);
    readIf(json, "cpu_fraction", snapshot.cpuFraction);
    readIf(json, "events", snapshot.events);
    return snapshot;
  });
}

Result<Report> decodeReport(const Json& json) {
  return decoding("the report", [&] {
    Report report;
    readIf(json, "model", report.model);
    read(json, "throughput_per_s", report.throughputPerS);
    read(json, "items_per_s", report.itemsPerS);
    readIf(json, "duration_s", report.durationS);
    read(json, "requests", report.requests);
    read(json, "failed", report.failed);
    readIf(json, "rejected", report.rejected);
    readIf(json, "cancelled", report.cancelled);
    readIf(json, "stopped", report.stopped);
    report.latency = toLatency(json.at("latency_ms"));
    const Json& stages = json.at("stages_ms");
    readIf(stages, "queue", report.queueMs);
    readIf(stages, "preprocess", report.preprocessMs);
    readIf(stages, "transfer", report.transferMs);
    readIf(stages, "compute", report.computeMs);
    const Json& startup = json.at("startup_ms");
    readIf(startup, "load", report.loadMs);
    readIf(startup, "compile", report.compileMs);
    readIf(startup, "warmup", report.warmupMs);
    readIf(startup, "layer_times", report.layerTimesMs);
    readIf(json.at("memory"), "rss_bytes", report.rssBytes);
    report.memory = toMemories(json.at("memory").at("devices"));
    for (const Json& each : json.at("replicas")) {
      Report::Replica replica;
      read(each, "name", replica.name);
      readIf(each, "devices", replica.devices);
      read(each, "requests", replica.requests);
      readIf(each, "items_per_s", replica.itemsPerS);
      replica.latency = toLatency(each.at("latency_ms"));
      readIf(each, "summary", replica.summary);
      readIf(each, "state", replica.state);
      readIf(each, "precision", replica.precision);
      if (auto it = each.find("precision_error"); it != each.end()) {
        readError(*it, "max_abs", replica.maxAbsError);
        readError(*it, "max_rel", replica.maxRelError);
      }
      readIf(each, "executions", replica.executions);
      readIf(each, "items_per_execution", replica.itemsPerExecution);
      readIf(each, "service_ms", replica.serviceMs);
      if (auto cost = each.find("cost"); cost != each.end()) {
        readIf(*cost, "compile_ms", replica.compileMs);
        readIf(*cost, "warmup_ms", replica.warmupMs);
        readIf(*cost, "rss_bytes", replica.rssBytes);
        readIf(*cost, "copy_bytes", replica.copyBytes);
        readIf(*cost, "shared_bytes", replica.sharedBytes);
      }
      report.replicas.push_back(std::move(replica));
    }
    report.devices = toLoads(json.at("devices"));
    readIf(json, "notes", report.notes);
    readIf(json, "latency_quantiles_ms", report.latencyQuantilesMs);
    for (const Json& each : json.value("events", Json::array()))
      report.events.push_back({each.at("at_s"), each.at("text")});
    if (auto verdict = json.find("verdict"); verdict != json.end() && !verdict->is_null())
      report.verdict = toVerdict(*verdict);
    for (const Json& each : json.value("pipelines", Json::array())) report.pipelines.push_back(toPipeline(each));
    if (auto ramp = json.find("ramp"); ramp != json.end() && !ramp->is_null()) report.ramp = toRamp(*ramp);
    if (auto pipeline = json.find("pipeline"); pipeline != json.end() && !pipeline->is_null())
      report.preprocessing = toPreprocessing(*pipeline);
    if (auto live = json.find("live_placement"); live != json.end()) {
      Report::LivePlacement& placement = report.livePlacement.emplace();
      read(*live, "margin", placement.margin);
      readIf(*live, "watched", placement.watched);
      readIf(*live, "moves", placement.moves);
      readIf(*live, "taken_back", placement.takenBack);
    }
    for (const Json& each : json.value("priorities", Json::array())) {
      Report::PriorityClass& kind = report.priorities.emplace_back();
      read(each, "name", kind.name);
      kind.latency = toLatency(each.at("latency_ms"));
      readIf(each, "longest_queue_ms", kind.longestQueueMs);
    }
    if (auto mlperf = json.find("mlperf"); mlperf != json.end() && !mlperf->is_null()) {
      readIf(*mlperf, "scenario", report.mlperf.scenario);
      readIf(*mlperf, "valid", report.mlperf.valid);
      readIf(*mlperf, "missing", report.mlperf.missing);
    }
    report.json = json.dump(2);
    return report;
  });
}

Json encodeReplica(const ReplicaSpec& replica) {
  Json json;
  json["name"] = replica.name;
  if (replica.placement)
    json["placement"] = encodePlacement(*replica.placement);
  else
    json["device"] = replica.device;
  json["threads"] = replica.threads;
  json["streams"] = replica.streams;
  json["batch"] = replica.batch;
  json["precision"] = replica.precision;
  if (!replica.preferred.empty()) json["preferred"] = replica.preferred;
  if (replica.delayMs > 0) json["delay_ms"] = replica.delayMs;
  if (replica.targetMs > 0) json["target_ms"] = replica.targetMs;
  if (!replica.candidates.empty()) json["candidates"] = replica.candidates;
  return json;
}

Json encodeChange(const RunChange& change) {
  Json json{{"at_s", change.atS}, {"action", change.action}};
  if (change.action == "add" || change.action == "replace") json["replica"] = encodeReplica(change.replica);
  if (change.action == "remove" || change.action == "replace") json["name"] = change.name;
  if (change.action == "route") json["route"] = change.route;
  return json;
}

Json encodeRun(const RunSpec& spec) {
  Json json;
  json["replicas"] = Json::array();
  for (const ReplicaSpec& replica : spec.replicas) json["replicas"].push_back(encodeReplica(replica));
  json["scenario"] = spec.scenario;
  json["route"] = spec.route;
  json["batches"] = spec.batches;
  json["duration_s"] = spec.durationS;
  json["warmup_s"] = spec.warmupS;
  if (spec.aloneS >= 0) json["alone_s"] = spec.aloneS;
  if (spec.bulkShare > 0) json["bulk_share"] = spec.bulkShare;
  if (spec.queueLimit > 0) json["queue_limit"] = spec.queueLimit;
  for (const RunChange& change : spec.changes) json["changes"].push_back(encodeChange(change));
  if (spec.startOnCpu) json["start_on_cpu"] = true;
  if (spec.liveMargin > 0) json["live_placement"] = spec.liveMargin;
  if (spec.preprocessThreads > 0) {
    Json& pipeline = json["pipeline"];
    pipeline["threads"] = spec.preprocessThreads;
    if (spec.prefetch > 0) pipeline["prefetch"] = spec.prefetch;
    if (!spec.preprocessCores.empty()) pipeline["cores"] = spec.preprocessCores;
    if (spec.shuffle) pipeline["shuffle"] = true;
  }
  json["mode"] = spec.mode;
  json["inputs"] = spec.inputs;
  json["trace_file"] = spec.traceFile;
  json["seed"] = spec.seed;
  return json;
}

Json encodeDeployment(const RunSpec& spec) {
  Json run = encodeRun(spec);
  Json json{{"format", "tandem-deployment"}, {"version", 1}};
  for (const char* key : {"replicas", "route", "scenario", "batches", "duration_s"}) json[key] = std::move(run[key]);
  for (const char* key : {"bulk_share", "alone_s", "queue_limit", "start_on_cpu", "live_placement"})
    if (run.contains(key)) json[key] = run[key];
  return json;
}

Result<RunSpec> decodeDeployment(const Json& json, const std::string& where) {
  if (!json.is_object() || json.value("format", Json()) != "tandem-deployment")
    return makeError(ErrorCode::InputRejected, "this is not a deployment file", where,
                     "its \"format\" must be \"tandem-deployment\"");
  if (json.value("version", Json()) != 1)
    return makeError(ErrorCode::InputRejected, "the deployment file is of another version", where, "update Tandem");
  auto decoded = decoding("the deployment", [&] {
    RunSpec spec;
    readIf(json, "route", spec.route);
    readIf(json, "scenario", spec.scenario);
    readIf(json, "batches", spec.batches);
    readIf(json, "duration_s", spec.durationS);
    readIf(json, "bulk_share", spec.bulkShare);
    readIf(json, "alone_s", spec.aloneS);
    readIf(json, "queue_limit", spec.queueLimit);
    readIf(json, "start_on_cpu", spec.startOnCpu);
    readIf(json, "live_placement", spec.liveMargin);
    for (const Json& each : json.at("replicas")) spec.replicas.push_back(toReplica(each));
    return spec;
  });
  if (!decoded)
    return makeError(ErrorCode::InputRejected, "the deployment file has missing or wrong entries", where,
                     decoded.error().message);
  return decoded;
}

} // namespace tandem::session
