// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/commands.hpp"
#include "app/cli/input_flags.hpp"
#include "app/cli/output.hpp"
#include "app/cli/specs.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

struct RunOptions {
  std::string model, deployment, scenario, route, batch = "1", trace, mode = "compiled";
  std::vector<std::string> replicas;
  InputFlags inputs;
  double duration = 10, warmup = 1;
  std::uint64_t seed = 1;
};

std::vector<std::string> latencyCells(const session::Latency& latency) {
  return {formatMs(latency.meanMs), formatMs(latency.p50Ms), formatMs(latency.p90Ms),
          formatMs(latency.p95Ms),  formatMs(latency.p99Ms), formatMs(latency.maxMs)};
}

void printReport(const session::Report& report) {
  Table table({"replica", "requests", "items/s", "mean", "p50", "p90", "p95", "p99", "max", "placement"},
              {false, true, true, true, true, true, true, true, true, false});
  auto add = [&](const std::string& name, std::uint64_t requests, double items, const session::Latency& latency,
                 const std::string& summary) {
    std::vector<std::string> row{name, std::to_string(requests), formatNumber(items)};
    for (std::string& cell : latencyCells(latency)) row.push_back(std::move(cell));
    row.push_back(summary);
    table.add(std::move(row));
  };
  for (const auto& replica : report.replicas)
    add(replica.name, replica.requests, replica.itemsPerS, replica.latency,
        replica.summary + (replica.precision == "model" ? "" : ", " + replica.precision));
  add("all", report.requests, report.itemsPerS, report.latency, "");
  table.print();

  std::printf("\n%s requests/s, %s items/s over %.1f s%s; %llu failed\n", formatNumber(report.throughputPerS).c_str(),
              formatNumber(report.itemsPerS).c_str(), report.durationS, report.stopped ? " (stopped)" : "",
              static_cast<unsigned long long>(report.failed));
  std::printf("mean stages: queue %s, transfer %s, compute %s; start-up: load %s, compile %s, warm-up %s\n",
              formatMs(report.queueMs).c_str(), formatMs(report.transferMs).c_str(), formatMs(report.computeMs).c_str(),
              formatMs(report.loadMs).c_str(), formatMs(report.compileMs).c_str(), formatMs(report.warmupMs).c_str());
  Table memory({"device", "busy", "weights", "shared", "activations", "staging", "peak"},
               {false, true, true, true, true, true, true});
  for (std::size_t i = 0; i < report.memory.size(); ++i) {
    const session::DeviceMemory& each = report.memory[i];
    double busy = 0;
    for (const auto& load : report.devices)
      if (load.id == each.id) busy = load.busyFraction;
    memory.add({each.id, formatNumber(busy * 100, 0) + " %", formatBytes(each.weightsBytes),
                formatBytes(each.sharedWeightsBytes), formatBytes(each.activationsBytes),
                formatBytes(each.stagingBytes), formatBytes(each.peakBytes)});
  }
  std::printf("\n");
  memory.print();
  std::printf("process memory %s\n", formatBytes(report.rssBytes).c_str());
  for (const std::string& note : report.notes) std::printf("note: %s\n", note.c_str());
}

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
  spec.mode = options.mode;
  spec.inputs = options.inputs.files;
  spec.traceFile = options.trace;
  spec.seed = options.seed;
  return spec;
}

int run(const CommonOptions& common, const RunOptions& options, bool batchGiven, bool durationGiven) {
  auto spec = specOf(options, batchGiven, durationGiven);
  if (!spec) return fail(spec.error(), common.json);
  auto client = Client::open(common);
  if (!client) return fail(client.error(), common.json);
  Json params = session::encodeRun(*spec);
  params["model"] = options.model;
  options.inputs.addTo(params);
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
  sub->add_option("--replica", options->replicas,
                  "device or placement file, then options: CPU:0,threads=1,streams=2,batch=8,name=small; "
                  "precision=float16 stores weights as halves (OpenCL)");
  sub->add_option("--deployment", options->deployment, "file with replicas, routing and scenario");
  sub->add_option("--scenario", options->scenario,
                  "single-stream, multi-stream:K, closed:N, poisson:QPS, offline:COUNT (default closed:4)");
  sub->add_option("--route", options->route,
                  "round-robin, least-loaded, size:N, predicted-finish (default), split, pinned:NAME");
  CLI::Option* batch = sub->add_option("--batch", options->batch, "items per request; 1,8 mixes sizes evenly");
  CLI::Option* duration = sub->add_option("--duration", options->duration, "seconds to measure (default 10)");
  sub->add_option("--warmup", options->warmup, "seconds before measuring (default 1)");
  options->inputs.addOptions(*sub);
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
