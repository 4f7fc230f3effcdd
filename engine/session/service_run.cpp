// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/atomic_file.hpp"
#include "engine/session/active_run.hpp"
#include "engine/session/host_threads.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/live_run.hpp"
#include "engine/session/pipeline_options.hpp"
#include "engine/session/plan_run.hpp"
#include "engine/session/run_report.hpp"
#include "engine/session/synthetic.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace tandem::session {
namespace {

constexpr std::size_t kMaxQueue = 1'000'000;

Result<void> writeTrace(const TraceRecorder& recorder, const std::string& file) {
  return writeFileAtomically(file, toChromeTrace(recorder.copy()));
}

/// Long enough for a steady figure, short beside the run itself.
double usualAloneS(double durationS) { return std::clamp(durationS / 5, 0.2, 2.0); }

/// The run that `deploy` requests reach, for as long as this lives.
class Announced {
 public:
  Announced(EngineState& state, std::shared_ptr<ActiveRun> run) : m_state(state) {
    m_state.setActiveRun(std::move(run));
  }
  ~Announced() { m_state.setActiveRun(nullptr); }
  Announced(const Announced&) = delete;
  Announced& operator=(const Announced&) = delete;

 private:
  EngineState& m_state;
};

bool isOnHost(const ReplicaPlan& plan, const DeviceRegistry& registry) {
  return std::all_of(plan.deviceIds.begin(), plan.deviceIds.end(), [&](const std::string& id) {
    const Device* device = registry.find(id);
    return device && device->info().kind == DeviceKind::NativeCpu;
  });
}

/// Prepares requests while a run goes on, for the devices of a deployment.
Result<std::unique_ptr<InputPipeline>> makePipeline(const RunContext& context, const PipelineSpec& spec,
                                                    const std::vector<int>& batches, Deployment& deployment,
                                                    const RunSettings& settings) {
  PipelineOptions options = TANDEM_TRY(pipelineOptions(spec));
  options.seed = settings.seed;
  options.trace = settings.trace;
  std::set<std::string> seen;
  for (const Deployment::Entry* entry : deployment.entries())
    for (const std::string& id : entry->plan.deviceIds)
      if (seen.insert(id).second)
        options.devices.push_back({id, [&meter = deployment.meters().of(id)] { return meter.busyNs(); }});
  const int clients = settings.scenario.isOpenLoop() ? options.prefetch : std::min(settings.scenario.count, 4096);
  TANDEM_TRY(context.source->requireMemory(batches, options.prefetch, clients));
  return std::make_unique<InputPipeline>(*context.source, batches, std::move(options));
}

/// The replicas of a request. With `start_on_cpu`, the CPU stands in for those on other devices, and `changes` puts
/// them in place once they are compiled. `live` (may be null) watches them.
Result<std::vector<ReplicaPlan>> planReplicas(const Job& job, const RunContext& context,
                                              const std::vector<int>& batches, ActiveRun& active, LiveRun* live) {
  const Json& params = job.params;
  const bool startOnCpu = params.value("start_on_cpu", false);
  std::vector<ReplicaPlan> plans;
  for (const Json& spec : params.at("replicas")) {
    ReplicaPlan plan = TANDEM_TRY(planReplica(context, spec));
    if (live) TANDEM_TRY(live->watch(job, context, spec, batches, plan));
    if (!startOnCpu || isOnHost(plan, *context.registry)) {
      plans.push_back(std::move(plan));
      continue;
    }
    if (plan.options.name.empty())
      for (const std::string& id : plan.deviceIds) plan.options.name += (plan.options.name.empty() ? "" : "+") + id;
    ReplicaPlan standIn = TANDEM_TRY(planReplica(context, spec, true));
    standIn.options.name = plan.options.name;
    standIn.summary = "stands in until " + plan.options.name + " is compiled: " + standIn.summary;
    TimedChange change;
    change.kind = TimedChange::Kind::Replace;
    change.name = plan.options.name;
    change.plan = [plan]() -> Result<ReplicaPlan> { return plan; };
    active.changes.push(std::move(change));
    plans.push_back(std::move(standIn));
  }
  return plans;
}

} // namespace

Result<Json> run(const Job& job) {
  RunContext context = TANDEM_TRY(runContext(job));

  RunSettings settings;
  settings.scenario = TANDEM_TRY(Scenario::parse(job.params.value("scenario", std::string("closed:4"))));
  if (settings.scenario.kind == Scenario::Kind::Replay)
    settings.scenario.arrivalsS = TANDEM_TRY(readArrivals(settings.scenario.file));
  const Route route = TANDEM_TRY(Route::parse(job.params.value("route", std::string("predicted-finish"))));
  settings.durationS = TANDEM_TRY(seconds(job.params, "duration_s", 10, 0.01));
  settings.warmupS = TANDEM_TRY(seconds(job.params, "warmup_s", 1, 0));
  settings.aloneS = usualAloneS(settings.durationS);
  if (job.params.contains("alone_s")) settings.aloneS = TANDEM_TRY(seconds(job.params, "alone_s", 0, 0));
  settings.bulkShare = job.params.value("bulk_share", 0.0);
  if (!(settings.bulkShare >= 0 && settings.bulkShare <= 1))
    return makeError(ErrorCode::Usage, "the share of bulk requests is not between 0 and 1", "--bulk",
                     "for example 0.3");
  settings.seed = readOr(job.params, "seed", std::uint64_t{1});
  settings.cancel = job.cancel;
  settings.memoryLimits = job.state.config().memoryLimits;
  const std::vector<int> batches = TANDEM_TRY(batchesOf(job.params));
  DeploymentOptions options;
  options.queueLimit = readOr(job.params, "queue_limit", options.queueLimit);
  if (options.queueLimit < 1 || options.queueLimit > kMaxQueue)
    return makeError(ErrorCode::Usage, "the queue limit cannot be used", "--queue-limit", "between 1 and 1000000");

  auto active = std::make_shared<ActiveRun>();
  active->plan = [context](const Json& spec) { return planReplica(context, spec); };
  settings.changes = &active->changes;
  for (const Json& change : job.params.value("changes", Json::array()))
    active->changes.push(TANDEM_TRY(changeOf(change, active->plan)));
  const double liveMargin = TANDEM_TRY(liveMarginOf(job.params));
  std::optional<LiveRun> live;
  if (liveMargin > 0) live.emplace(liveMargin);
  std::vector<ReplicaPlan> plans = TANDEM_TRY(planReplicas(job, context, batches, *active, live ? &*live : nullptr));
  if (job.params.value("start_on_cpu", false)) settings.aloneS = 0; // it is about the first seconds
  placeHostThreads(context, plans);
  double preprocessMs = 0;
  settings.data = TANDEM_TRY(requestData(context, batches, settings.seed, preprocessMs));

  auto deployment = TANDEM_TRY(Deployment::create(std::move(plans), route, options));
  if (live) {
    deployment->setLiveMargin(liveMargin);
    live->begin(*deployment);
    settings.live = &live->placement();
  }
  TraceRecorder recorder;
  const std::string traceFile = job.params.value("trace_file", std::string());
  if (!traceFile.empty()) settings.trace = &recorder;
  settings.snapshot = [&](const RunSnapshot& snapshot) {
    if (job.event) job.event("snapshot", encodeSnapshot(snapshot));
  };
  const std::optional<PipelineSpec> pipelineSpec = TANDEM_TRY(decodePipelineSpec(job.params));
  std::unique_ptr<InputPipeline> pipeline;
  if (pipelineSpec) {
    pipeline = TANDEM_TRY(makePipeline(context, *pipelineSpec, batches, *deployment, settings));
    settings.pipeline = pipeline.get();
  }
  const Announced announced(job.state, active);
  std::vector<ReplicaPrecision> precisions;
  settings.whenWarm = [&]() -> Result<void> {
    precisions = TANDEM_TRY(measurePrecision(*deployment, settings.data.front(), job.cancel));
    return {};
  };
  const RunOutcome outcome = TANDEM_TRY(runDeployment(*deployment, settings));
  TANDEM_TRY(requireUnchanged(*context.document));
  if (!traceFile.empty()) TANDEM_TRY(writeTrace(recorder, traceFile));

  ReportContext facts;
  facts.document = context.document.get();
  facts.registry = context.registry.get();
  facts.deployment = deployment.get();
  facts.precisions = std::move(precisions);
  facts.scenario = settings.scenario;
  facts.route = route.toString();
  facts.mode = context.compiled ? "compiled" : "eager";
  facts.batches = batches;
  facts.inputs = context.sent;
  facts.preprocessMs =
      context.inputs.empty() || isSynthetic(context.inputs.files.empty() ? std::string() : context.inputs.files.front())
          ? 0
          : preprocessMs;
  facts.traceFile = traceFile;
  facts.bulkShare = settings.bulkShare;
  facts.areLayersWatched = live && live->placement().watched() > 0;
  Json report = encodeReport(outcome, facts);
  if (live) {
    report["live_placement"] = live->encode();
    report["startup_ms"]["layer_times"] = live->measuringMs();
  }
  return report;
}

} // namespace tandem::session
