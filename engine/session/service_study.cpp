// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/atomic_file.hpp"
#include "engine/serving/study.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/plan_run.hpp"
#include "engine/session/run_report.hpp"
#include "engine/session/study_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

constexpr int kMaxStreams = 64;
constexpr int kMaxRounds = 1000;

Result<std::vector<int>> streamsOf(const Json& params) {
  std::vector<int> streams = readOr(params, "streams_grid", std::vector<int>{1});
  std::sort(streams.begin(), streams.end());
  streams.erase(std::unique(streams.begin(), streams.end()), streams.end());
  if (streams.empty() || streams.front() < 1 || streams.back() > kMaxStreams)
    return makeError(ErrorCode::Usage, "the numbers of streams cannot be used", "--streams",
                     "different ones between 1 and 64, for example --streams 1,2");
  return streams;
}

} // namespace

Result<Json> study(const Job& job) {
  RunContext context = TANDEM_TRY(runContext(job));
  StudySettings settings;
  settings.durationS = TANDEM_TRY(seconds(job.params, "duration_s", 2, 0.01));
  settings.rounds = readOr(job.params, "rounds", 3);
  if (settings.rounds < 1 || settings.rounds > kMaxRounds)
    return makeError(ErrorCode::Usage, "the number of rounds cannot be used", "--rounds", "between 1 and 1000");
  settings.streams = TANDEM_TRY(streamsOf(job.params));
  settings.seed = readOr(job.params, "seed", std::uint64_t{1});
  settings.memoryLimits = job.state.config().memoryLimits;
  settings.cancel = job.cancel;
  settings.snapshot = [&](const RunSnapshot& snapshot) {
    if (job.event) job.event("snapshot", encodeSnapshot(snapshot));
  };
  settings.progress = [&](int done, int total, const std::string& cell) { job.progress(done, total, cell); };

  const std::vector<int> batches = TANDEM_TRY(batchesOf(job.params));
  std::vector<ReplicaPlan> plans;
  for (const Json& spec : job.params.at("replicas")) {
    ReplicaPlan plan = TANDEM_TRY(planReplica(context, spec));
    plan.options.streams = settings.streams.back();
    plans.push_back(std::move(plan));
  }
  placeHostThreads(context, plans);
  double preprocessMs = 0;
  settings.data = TANDEM_TRY(requestData(context, batches, settings.seed, preprocessMs));
  // The route for which shares are measured at set-up; every cell chooses its own.
  const bool splits = plans.size() > 1 && *std::max_element(batches.begin(), batches.end()) > 1;
  Route route;
  if (splits) route.kind = Route::Kind::Split;
  auto deployment = TANDEM_TRY(Deployment::create(std::move(plans), route));
  const StudyOutcome outcome = TANDEM_TRY(runStudy(*deployment, settings));
  TANDEM_TRY(requireUnchanged(*context.document));

  Json head{{"model", context.document->name},
            {"batches", batches},
            {"streams", settings.streams},
            {"duration_s", settings.durationS},
            {"inputs", context.sent},
            {"command", job.params.value("command", std::string())},
            {"environment", encodeEnvironment(*context.registry, deviceUse(*deployment))}};
  Json report = encodeStudy(outcome, std::move(head));
  const std::string file = job.params.value("output_file", std::string());
  if (!file.empty()) {
    TANDEM_TRY(writeFileAtomically(file, file.ends_with(".json") ? report.dump(2) + "\n" : studyMarkdown(report)));
    report["output_file"] = file;
  }
  return report;
}

} // namespace tandem::session
