// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/study_report.hpp"

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

std::string number(const Json& value, const char* pattern = "%.4g") {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), pattern, value.is_number() ? value.get<double>() : 0.0);
  return text.data();
}

std::string mebibytes(const Json& bytes) { return number(bytes.get<double>() / (1 << 20), "%.1f") + " MiB"; }

std::string row(const std::vector<std::string>& cells) {
  std::string line = "|";
  for (const std::string& cell : cells) line += " " + cell + " |";
  return line + "\n";
}

void addCells(const Json& study, std::string& text) {
  text += row({"arrangement", "batch", "streams", "items/s", "range", "p50 ms", "p99 ms", "busy"});
  text += row({"---", "---:", "---:", "---:", "---", "---:", "---:", "---"});
  for (const Json& cell : study.at("cells")) {
    std::string busy;
    for (const Json& share : cell.at("busy_fractions"))
      busy += (busy.empty() ? "" : ", ") + number(share.get<double>() * 100, "%.0f %%");
    text += row({cell.at("arrangement").get<std::string>(), number(cell.at("batch")), number(cell.at("streams")),
                 number(cell.at("items_per_s")),
                 number(cell.at("lowest_per_s")) + " to " + number(cell.at("highest_per_s")), number(cell.at("p50_ms")),
                 number(cell.at("p99_ms")), busy});
  }
}

void addJudgements(const Json& study, std::string& text) {
  for (const Json& each : study.at("judgements")) {
    text += "\n**Batch " + number(each.at("batch")) + ", streams " + number(each.at("streams")) +
            "**: " + each.at("summary").get<std::string>() + "\n\n";
    for (const Json& reason : each.at("reasons")) text += "- " + reason.get<std::string>() + "\n";
  }
}

} // namespace

Json encodeStudy(const StudyOutcome& outcome, Json head) {
  Json json{{"format", "tandem-study"}, {"version", 1}};
  json.update(head);
  json["rounds"] = outcome.roundsDone;
  json["stopped"] = outcome.stopped;
  json["answers"] = outcome.answers;
  json["cells"] = Json::array();
  for (const StudyCell& cell : outcome.cells)
    json["cells"].push_back({{"arrangement", cell.arrangement.name},
                             {"route", cell.arrangement.route.toString()},
                             {"batch", cell.batch},
                             {"streams", cell.streams},
                             {"items_per_s", cell.itemsPerS},
                             {"lowest_per_s", cell.lowestPerS},
                             {"highest_per_s", cell.highestPerS},
                             {"rounds_per_s", cell.roundsPerS},
                             {"p50_ms", cell.p50Ms},
                             {"p99_ms", cell.p99Ms},
                             {"requests", cell.requests},
                             {"failed", cell.failed},
                             {"service_ms", cell.serviceMs},
                             {"busy_fractions", cell.busy}});
  json["judgements"] = Json::array();
  for (const auto& each : outcome.judgements)
    json["judgements"].push_back({{"batch", each.batch},
                                  {"streams", each.streams},
                                  {"gain", each.together.gain},
                                  {"bound", each.together.bound},
                                  {"reached", each.together.reached},
                                  {"split_gain", each.splitGain},
                                  {"summary", each.together.summary},
                                  {"reasons", each.together.reasons}});
  json["copies"] = Json::array();
  for (const auto& copy : outcome.copies) {
    Json devices = Json::array();
    for (const DeviceUse& use : copy.uses)
      devices.push_back({{"id", use.id},
                         {"weights_bytes", use.weightsBytes},
                         {"shared_weights_bytes", use.sharedWeightsBytes},
                         {"activations_bytes", use.activationsBytes},
                         {"staging_bytes", use.stagingBytes}});
    json["copies"].push_back({{"name", copy.name},
                              {"devices", std::move(devices)},
                              {"rss_bytes", copy.cost.rssBytes},
                              {"compile_ms", copy.cost.compileMs},
                              {"warmup_ms", copy.cost.warmupMs}});
  }
  json["rss_bytes"] = outcome.rssBytes;
  return json;
}

std::string studyMarkdown(const Json& study) {
  std::string text = "# Simultaneous prediction: " + study.at("model").get<std::string>() + "\n\n";
  for (const Json& answer : study.at("answers")) text += "- " + answer.get<std::string>() + "\n";
  text +=
      "\n## Measured\n\nMedians of " + number(study.at("rounds")) + " rounds of " + number(study.at("duration_s")) +
      " s per line, in an order that rotates; the range is that of the rounds. Under load, two requests are in flight "
      "for each stream that may work; \"one at a time\" waits for each answer.\n\n";
  addCells(study, text);
  text += "\n## Does it pay, and why\n";
  addJudgements(study, text);
  text += "\n## What each copy costs\n\n";
  text += row({"replica", "device", "weights", "shared weights", "activations", "staging", "process", "compile ms",
               "warm-up ms"});
  text += row({"---", "---", "---:", "---:", "---:", "---:", "---:", "---:", "---:"});
  for (const Json& copy : study.at("copies"))
    for (const Json& device : copy.at("devices"))
      text += row({copy.at("name").get<std::string>(), device.at("id").get<std::string>(),
                   mebibytes(device.at("weights_bytes")), mebibytes(device.at("shared_weights_bytes")),
                   mebibytes(device.at("activations_bytes")), mebibytes(device.at("staging_bytes")),
                   mebibytes(copy.at("rss_bytes")), number(copy.at("compile_ms")), number(copy.at("warmup_ms"))});
  text += "\nShared weights are read from an earlier replica or size and counted there. The process' memory is what it "
          "grew "
          "by while the replica was set up.\n\n## Machine\n\n";
  const Json& environment = study.at("environment");
  text += "Tandem " + environment.at("tandem").get<std::string>() + ", " + environment.at("system").get<std::string>() +
          " " + environment.at("machine").get<std::string>() + ", " + number(environment.at("processors")) +
          " processors\n\n";
  for (const Json& device : environment.at("devices"))
    text += "- " + device.at("id").get<std::string>() + ": " + device.at("name").get<std::string>() + ", " +
            device.at("driver").get<std::string>() + ", processors " + device.at("cores").get<std::string>() + "\n";
  return text + "\nRepeat with: `" + study.at("command").get<std::string>() + "`\n";
}

} // namespace tandem::session
