// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/executable.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/service.hpp"
#include "engine/session/tune_types.hpp"

#include <algorithm>
#include <set>

namespace tandem::session {
namespace {

constexpr double kMostSeconds = 24 * 3600;

Result<double> secondsOf(const Json& params, const char* key, double fallback) {
  const double seconds = params.value(key, fallback);
  if (!(seconds >= 0 && seconds <= kMostSeconds))
    return makeError(ErrorCode::Usage, "the time for tuning is " + std::to_string(seconds) + " seconds", {},
                     "give 0 to 86400 seconds");
  return seconds;
}

void addSegment(const Graph& graph, const SegmentTuning& tuned, Tuning& result) {
  const TuneReport& report = tuned.report;
  const std::string& device = tuned.device->id();
  result.segments.push_back(
      {device, report.beforeMs, report.afterMs, report.seconds, report.complete, report.problems});
  for (const TunedChoice& choice : report.choices) {
    TunedKernel kernel;
    kernel.device = device;
    kernel.key = choice.key;
    kernel.layers = static_cast<int>(choice.nodes.size());
    std::set<int> opened;
    for (NodeId node : choice.nodes)
      for (NodeId origin : graph.node(node).origins) opened.insert(static_cast<int>(origin.index()));
    kernel.nodes.assign(opened.begin(), opened.end());
    kernel.before = choice.before;
    kernel.after = choice.after;
    kernel.measured = choice.measured;
    kernel.beforeUs = choice.beforeUs;
    kernel.afterUs = choice.afterUs;
    kernel.timings = choice.timings;
    result.kernels.push_back(std::move(kernel));
  }
}

} // namespace

Result<std::optional<TuneOptions>> firstUseTuning(const Job& job) {
  const double seconds = TANDEM_TRY(secondsOf(job.params, "tune_seconds", 0));
  if (seconds <= 0) return std::optional<TuneOptions>();
  TuneOptions tuning;
  tuning.budgetSeconds = seconds;
  tuning.progress = [job](int done, int total, const std::string& what) {
    job.progress(done, total, "finding the fastest kernels: " + what);
  };
  return std::optional<TuneOptions>(std::move(tuning));
}

Result<Json> tune(const Job& job) {
  constexpr double kUsualSeconds = 60;
  const auto document = TANDEM_TRY(documentOf(job));
  const auto registry = job.state.registry();
  TANDEM_TRY(requireRunnable(*document));
  CompileOptions options;
  options.threads = readOr(job.params, "threads", 0);
  options.cancel = job.cancel;
  options.precision = TANDEM_TRY(precisionOf(job.params));
  options.tune.emplace();
  options.tune->budgetSeconds = TANDEM_TRY(secondsOf(job.params, "seconds", kUsualSeconds));
  options.tune->again = job.params.value("again", false);
  options.tune->progress = [&job](int done, int total, const std::string& what) { job.progress(done, total, what); };
  Tuning result;
  result.model = document->name;
  result.batch = std::max(1, readOr(job.params, "batch", 1));
  BoundGraph bound = TANDEM_TRY(document->bind(result.batch));
  const Placement placement = TANDEM_TRY(placementOf(job.params, *registry));
  PlacedGraph placed = TANDEM_TRY(place(std::move(bound), placement, *registry, false));
  result.summary = placed.effective.summary;
  if (job.params.value("forget", false)) {
    const std::set<Device*> used(placed.deviceOf.begin(), placed.deviceOf.end());
    for (Device* device : used) device->forgetTuning();
  }
  const auto executable =
      TANDEM_TRY(Executable::compile(std::move(placed.bound), std::move(placed.deviceOf), registry->host(), options));
  for (const SegmentTuning& tuned : executable->tuning()) addSegment(executable->graph(), tuned, result);
  TANDEM_TRY(requireUnchanged(*document));
  return encodeTuning(result);
}

} // namespace tandem::session
