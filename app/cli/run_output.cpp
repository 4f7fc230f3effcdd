// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/run_output.hpp"

#include "app/cli/output.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

std::vector<std::string> latencyCells(const session::Latency& latency) {
  return {formatMs(latency.meanMs), formatMs(latency.p50Ms), formatMs(latency.p90Ms),
          formatMs(latency.p95Ms),  formatMs(latency.p99Ms), formatMs(latency.maxMs)};
}

void printVerdict(const session::Report::Verdict& verdict) {
  Table table(
      {"replica", "alone", "together", "p99 alone", "execution alone", "together", "busy", "start-up", "memory"},
      {false, true, true, true, true, true, true, true, true});
  for (const auto& part : verdict.parts)
    table.add({part.name, formatNumber(part.aloneItemsPerS) + "/s", formatNumber(part.togetherItemsPerS) + "/s",
               formatMs(part.aloneP99Ms), formatMs(part.aloneServiceMs), formatMs(part.togetherServiceMs),
               formatNumber(part.busyFraction * 100, 0) + " %", formatMs(part.setupMs), formatBytes(part.copyBytes)});
  std::printf("\n");
  table.print();
  std::printf("verdict: %s\n", verdict.summary.c_str());
  for (const std::string& reason : verdict.reasons) std::printf("  - %s\n", reason.c_str());
}

void printRamp(const session::Report::Ramp& ramp) {
  Table table({"rate", "p99", "requests", "refused", ""}, {true, true, true, true, false});
  for (const auto& step : ramp.steps)
    table.add({formatNumber(step.ratePerS) + "/s", formatMs(step.p99Ms), std::to_string(step.requests),
               std::to_string(step.refused),
               std::string(step.passed ? "kept" : "missed") + (step.enoughSamples ? "" : " (few samples)")});
  std::printf("\n");
  table.print();
  if (ramp.bestPerS > 0)
    std::printf("the highest rate with p99 below %s: %s/s (closed loops reach %s/s)\n", formatMs(ramp.boundMs).c_str(),
                formatNumber(ramp.bestPerS).c_str(), formatNumber(ramp.capacityPerS).c_str());
  else
    std::printf("no rate keeps p99 below %s\n", formatMs(ramp.boundMs).c_str());
}

} // namespace

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

  if (report.priorities.size() > 1) {
    Table classes({"class", "requests", "mean", "p50", "p90", "p95", "p99", "max", "longest wait"},
                  {false, true, true, true, true, true, true, true, true});
    for (const auto& kind : report.priorities) {
      std::vector<std::string> row{kind.name, std::to_string(kind.latency.count)};
      for (std::string& cell : latencyCells(kind.latency)) row.push_back(std::move(cell));
      row.push_back(formatMs(kind.longestQueueMs));
      classes.add(std::move(row));
    }
    std::printf("\n");
    classes.print();
  }
  std::printf("\n%s requests/s, %s items/s over %.1f s%s; %llu failed, %llu refused\n",
              formatNumber(report.throughputPerS).c_str(), formatNumber(report.itemsPerS).c_str(), report.durationS,
              report.stopped ? " (stopped)" : "", static_cast<unsigned long long>(report.failed),
              static_cast<unsigned long long>(report.rejected));
  std::printf("mean stages: queue %s, transfer %s, compute %s; start-up: load %s, compile %s, warm-up %s%s\n",
              formatMs(report.queueMs).c_str(), formatMs(report.transferMs).c_str(), formatMs(report.computeMs).c_str(),
              formatMs(report.loadMs).c_str(), formatMs(report.compileMs).c_str(), formatMs(report.warmupMs).c_str(),
              report.layerTimesMs > 0 ? (", times of layers " + formatMs(report.layerTimesMs)).c_str() : "");
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
  if (report.preprocessing) {
    const auto& each = *report.preprocessing;
    std::printf(
        "\npreprocessing: %d thread%s can make %s items/s (read %s, decode %s, resize %s, normalize %s, batch %s per "
        "item), %s requests of %d ready on average\n",
        each.threads, each.threads == 1 ? "" : "s", formatNumber(each.itemsPerS).c_str(), formatMs(each.readMs).c_str(),
        formatMs(each.decodeMs).c_str(), formatMs(each.resizeMs).c_str(), formatMs(each.normalizeMs).c_str(),
        formatMs(each.batchMs).c_str(), formatNumber(each.meanDepth).c_str(), each.prefetch);
  }
  if (report.ramp) printRamp(*report.ramp);
  for (const auto& each : report.pipelines)
    std::printf("\n%s (%s): %s items/s with %d in flight, %s with one: %.2f times\n", each.name.c_str(),
                each.devices.c_str(), formatNumber(each.manyItemsPerS).c_str(), each.streams,
                formatNumber(each.oneItemsPerS).c_str(), each.gain);
  if (!report.verdict.summary.empty()) printVerdict(report.verdict);
  if (!report.events.empty()) std::printf("\n");
  for (const auto& event : report.events) std::printf("%8.2f s  %s\n", event.atS, event.text.c_str());
  std::printf("\n");
  if (!report.mlperf.scenario.empty()) {
    std::string line = "MLPerf " + report.mlperf.scenario +
                       (report.mlperf.valid ? ": its rules are kept" : ": not by its rules, which ask for ");
    for (std::size_t i = 0; i < report.mlperf.missing.size(); ++i) line += (i ? "; " : "") + report.mlperf.missing[i];
    std::printf("%s\n", line.c_str());
  }
  for (const std::string& note : report.notes) std::printf("note: %s\n", note.c_str());
}

void printStudy(const Json& study) {
  Table table({"arrangement", "batch", "streams", "items/s", "lowest", "highest", "p50", "p99"},
              {false, true, true, true, true, true, true, true});
  for (const Json& cell : study.at("cells"))
    table.add({cell.at("arrangement"), std::to_string(cell.at("batch").get<int>()),
               std::to_string(cell.at("streams").get<int>()), formatNumber(cell.at("items_per_s")),
               formatNumber(cell.at("lowest_per_s")), formatNumber(cell.at("highest_per_s")),
               formatMs(cell.at("p50_ms")), formatMs(cell.at("p99_ms"))});
  table.print();
  std::printf("\n");
  for (const Json& answer : study.at("answers")) std::printf("%s\n", answer.get<std::string>().c_str());
  for (const Json& each : study.at("judgements")) {
    std::printf("\nbatch %d, streams %d:\n", each.at("batch").get<int>(), each.at("streams").get<int>());
    for (const Json& reason : each.at("reasons")) std::printf("  - %s\n", reason.get<std::string>().c_str());
  }
  if (const auto file = study.find("output_file"); file != study.end())
    std::printf("\nwritten to %s\n", file->get<std::string>().c_str());
}

} // namespace tandem::cli
