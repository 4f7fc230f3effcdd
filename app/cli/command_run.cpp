// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/input_flags.hpp"
#include "app/cli/output.hpp"
#include "app/cli/pipeline_flags.hpp"
#include "app/cli/run_output.hpp"
#include "app/cli/specs.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

struct RunOptions {
  std::string model, deployment, scenario, route, batch = "1", trace, mode = "compiled";
  std::vector<std::string> replicas, changes;
  InputFlags inputs;
  PipelineFlags pipeline;
  double duration = 10, warmup = 1, alone = -1, bulk = -1;
  int queueLimit = 0, rounds = 3;
  double liveMargin = 0;
  bool startOnCpu = false, study = false;
  std::string streams = "1", output;
  std::uint64_t seed = 1;
};

/// What the options and a deployment file say; options win.
Result<session::RunSpec> specOf(const RunOptions& options, bool batchGiven, bool durationGiven) {
  session::RunSpec spec;
  if (!options.deployment.empty()) {
    constexpr std::size_t kMaxBytes = std::size_t{16} << 20;
    const std::string text = TANDEM_TRY(readFile(options.deployment, kMaxBytes));
    const Json file = TANDEM_TRY(session::parseJson(text, options.deployment));
    spec = TANDEM_TRY(session::decodeDeployment(file, options.deployment));
  }
  for (const std::string& text : options.replicas) spec.replicas.push_back(TANDEM_TRY(parseReplica(text)));
  if (spec.replicas.empty())
    return makeError(ErrorCode::Usage, "no replica was given", "--replica", "for example --replica CPU:0");
  if (!options.scenario.empty()) spec.scenario = options.scenario;
  if (!options.route.empty()) spec.route = options.route;
  if (batchGiven) spec.batches = TANDEM_TRY(parseBatches(options.batch));
  if (durationGiven || options.deployment.empty()) spec.durationS = options.duration;
  spec.warmupS = options.warmup;
  if (options.alone >= 0) spec.aloneS = options.alone;
  if (options.bulk >= 0) spec.bulkShare = options.bulk;
  if (options.queueLimit > 0) spec.queueLimit = options.queueLimit;
  spec.startOnCpu = spec.startOnCpu || options.startOnCpu;
  if (options.liveMargin > 0) spec.liveMargin = options.liveMargin;
  for (const std::string& text : options.changes) spec.changes.push_back(TANDEM_TRY(parseChange(text)));
  spec.mode = options.mode;
  spec.inputs = options.inputs.files;
  spec.traceFile = options.trace;
  spec.seed = options.seed;
  return spec;
}

/// The command line as it was typed, as far as it matters for repeating a study.
std::string commandOf(const CommonOptions& common, const RunOptions& options, const session::RunSpec& spec) {
  session::Document document;
  document.source = options.model;
  std::string command = session::runCommand(document, spec, common.cores);
  const std::size_t scenario = command.find(" --scenario "), batch = command.find(" --batch ");
  command = command.substr(0, scenario) + command.substr(batch); // a study chooses both itself
  return command.substr(0, command.find(" --warmup ")) + " --study --streams " + options.streams + " --rounds " +
         std::to_string(options.rounds);
}

int study(const CommonOptions& common, const RunOptions& options, session::RunSpec spec) {
  auto streams = parseBatches(options.streams);
  if (!streams) return fail(streams.error(), common.json);
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  Json params = session::encodeRun(spec);
  params["model"] = options.model;
  params["streams_grid"] = *streams;
  params["rounds"] = options.rounds;
  params["output_file"] = options.output;
  params["command"] = commandOf(common, options, spec);
  options.inputs.addTo(params);
  std::optional<Progress> progress(std::in_place, !common.quiet && !common.json);
  auto reply = (*client)->call(session::method::kStudy, params, [&](const std::string& event, const Json& data) {
    if (event == "progress") progress->show(data);
  });
  progress.reset();
  if (!reply) return fail(reply.error(), common.json);
  if (common.json)
    printJson(*reply);
  else
    printStudy(*reply);
  return reply->value("stopped", false) ? exitCode(ErrorCode::Cancelled) : 0;
}

int run(const CommonOptions& common, const RunOptions& options, bool batchGiven, bool durationGiven) {
  auto spec = specOf(options, batchGiven, durationGiven);
  if (!spec) return fail(spec.error(), common.json);
  if (options.study) {
    if (!durationGiven) spec->durationS = 2;
    return study(common, options, *std::move(spec));
  }
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  Json params = session::encodeRun(*spec);
  params["model"] = options.model;
  options.inputs.addTo(params);
  options.pipeline.addTo(params);
  std::optional<Progress> progress(std::in_place, !common.quiet && !common.json);
  auto reply = (*client)->call(session::method::kRun, params, [&](const std::string& event, const Json& data) {
    auto snapshot = event == "snapshot" ? session::decodeSnapshot(data) : Result<session::Snapshot>(Error{});
    if (!snapshot) return;
    std::string line = snapshot->phase + "  " + formatNumber(snapshot->elapsedS) + " s  " +
                       formatNumber(snapshot->itemsPerS) + " items/s";
    for (const auto& replica : snapshot->replicas)
      line += "  " + replica.name + " p50 " + formatMs(replica.p50Ms) + " p99 " + formatMs(replica.p99Ms);
    progress->show(line);
  });
  progress.reset();
  if (!reply) return fail(reply.error(), common.json);
  auto report = session::decodeReport(*reply);
  if (!report) return fail(report.error(), common.json);
  if (common.json)
    printJson(*reply);
  else
    printReport(*report);
  if (report->stopped) return exitCode(ErrorCode::Cancelled);
  return report->failed > 0 ? 1 : 0;
}

} // namespace

void addRun(CLI::App& app, const CommonOptions& common, Command& command) {
  CLI::App* sub = app.add_subcommand("run", "serve requests with one or more replicas and measure");
  auto options = std::make_shared<RunOptions>();
  sub->add_option("MODEL", options->model, "model file or sample:NAME")->required();
  sub->add_option(
      "--replica", options->replicas,
      "device or placement file, then options: CPU:0,threads=1,streams=2,batch=8,name=small; joined batches: "
      "preferred=4/8, delay_ms=5, target_ms=50 (grow and shrink so that an execution takes at most that); "
      "precision=float16 stores weights as halves (OpenCL); candidates=CPU:0/GPU:0 names where layers may move with "
      "--live-placement");
  sub->add_option("--deployment", options->deployment, "file with replicas, routing and scenario");
  sub->add_option(
      "--scenario", options->scenario,
      "single-stream, multi-stream:K, closed:N, poisson:QPS, offline:COUNT, ramp:MS (the highest rate with a "
      "p99 below that), replay:FILE (arrival times in seconds) (default closed:4)");
  sub->add_option(
      "--route", options->route,
      "round-robin, least-loaded, size:N, size:auto, predicted-finish (default), split, slo:MS (refuses what "
      "would be late), pinned:NAME");
  CLI::Option* batch = sub->add_option("--batch", options->batch, "items per request; 1,8 mixes sizes evenly");
  CLI::Option* duration = sub->add_option("--duration", options->duration, "seconds to measure (default 10)");
  sub->add_option("--warmup", options->warmup, "seconds before measuring (default 1)");
  sub->add_option(
         "--alone", options->alone,
         "seconds to measure each of several replicas alone first, for the verdict; 0: not (default: a fifth of "
         "the duration, at most 2)")
      ->check(CLI::NonNegativeNumber);
  sub->add_option("--bulk", options->bulk,
                  "share of requests that may wait for latency-sensitive ones, for example 0.3")
      ->check(CLI::Range(0.0, 1.0));
  sub->add_option("--queue-limit", options->queueLimit,
                  "requests waiting and running; more are refused (default 16384)")
      ->check(CLI::PositiveNumber);
  sub->add_option("--at", options->changes,
                  "change the deployment while the run goes on: \"3 add GPU:0,name=b\", \"6 remove b\", \"6 replace b "
                  "CPU:0\", \"8 route round-robin\"");
  sub->add_flag("--start-on-cpu", options->startOnCpu,
                "the CPU serves for replicas on other devices until these are compiled");
  sub->add_option(
         "--live-placement", options->liveMargin,
         "move layers between the devices of a replica (or its candidates) while the run goes on, where that is "
         "predicted to gain this part of what is measured (without a value 0.1); size:N follows as well; every "
         "move is in the events; off by default")
      ->expected(0, 1)
      ->default_str("0.1")
      ->check(CLI::Range(0.001, 0.999));
  CLI::Option* study =
      sub->add_flag("--study", options->study,
                    "measure each replica alone, all together and split, for every batch and number of "
                    "streams, in rounds, and say what pays; --duration is that of one cell (default 2)");
  sub->add_option("--streams", options->streams, "numbers of streams of a study, for example 1,2")->needs(study);
  sub->add_option("--rounds", options->rounds, "of a study (default 3)")->check(CLI::PositiveNumber)->needs(study);
  sub->add_option("-o,--output", options->output,
                  "write the study to this file: Markdown, or JSON where it ends in .json")
      ->needs(study);
  options->inputs.addOptions(*sub);
  options->pipeline.addOptions(*sub);
  sub->add_option("--trace", options->trace, "write a Chrome trace to this file");
  sub->add_option("--mode", options->mode, "compiled or eager")->check(CLI::IsMember({"compiled", "eager"}));
  sub->add_option("--seed", options->seed, "of synthetic data, request order and arrival times");
  sub->callback([&common, &command, options, batch, duration] {
    command = [&common, options, batch, duration] {
      return run(common, *options, batch->count() > 0, duration->count() > 0);
    };
  });
}

} // namespace tandem::cli
