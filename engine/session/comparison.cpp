// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/comparison.hpp"

#include "engine/metrics/batch_means.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

using Outcome = ComparedFigure::Outcome;

Result<Json> parseReport(const std::string& text, const std::string& name) {
  const char* hint = "make one with tandem run --json, or export it from the window's report";
  Json json = TANDEM_TRY(parseJson(text, name));
  if (!json.is_object() || !json.contains("format") || json["format"] != "tandem-report")
    return makeError(ErrorCode::InputRejected, "this is no report of a run", name, hint);
  if (!json.contains("version") || json["version"] != 1)
    return makeError(ErrorCode::InputRejected, "this report was written by a newer version", name,
                     "compare it with the program that wrote it");
  return json;
}

/// The number at a path, where there is one.
std::optional<double> numberAt(const Json& json, const std::vector<const char*>& path) {
  const Json* at = &json;
  for (const char* key : path) {
    if (!at->is_object()) return std::nullopt;
    const auto it = at->find(key);
    if (it == at->end()) return std::nullopt;
    at = &*it;
  }
  if (!at->is_number()) return std::nullopt;
  const auto value = at->get<double>();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::vector<double> sliceValues(const Json& report, const char* key) {
  std::vector<double> values;
  const auto slices = report.find("slices");
  if (slices == report.end() || !slices->is_object()) return values;
  const auto list = slices->find(key);
  if (list == slices->end() || !list->is_array()) return values;
  for (const Json& each : *list) {
    if (!each.is_number()) return {};
    values.push_back(each.get<double>());
  }
  return values;
}

struct FigureSource {
  const char* name;
  const char* unit;
  std::vector<const char*> path;
  const char* slices; ///< key below "slices"; null: one value per run, without a scatter
  bool moreIsBetter;
};

const std::vector<FigureSource>& sources() {
  static const std::vector<FigureSource> list = {
      {"items_per_s", "/s", {"items_per_s"}, "items_per_s", true},
      {"latency p50", "ms", {"latency_ms", "p50"}, "p50_ms", false},
      {"latency p95", "ms", {"latency_ms", "p95"}, nullptr, false},
      {"latency p99", "ms", {"latency_ms", "p99"}, "p99_ms", false},
      {"queueing", "ms", {"stages_ms", "queue"}, nullptr, false},
      {"transfers", "ms", {"stages_ms", "transfer"}, nullptr, false},
      {"compute", "ms", {"stages_ms", "compute"}, nullptr, false},
      {"start-up: load", "ms", {"startup_ms", "load"}, nullptr, false},
      {"start-up: compile", "ms", {"startup_ms", "compile"}, nullptr, false},
      {"process memory", "bytes", {"memory", "rss_bytes"}, nullptr, false},
  };
  return list;
}

/// Below this many requests a slice's p99 is its slowest request.
bool enoughForP99(const Json& report) {
  const auto count = numberAt(report, {"latency_ms", "count"});
  const auto slices = sliceValues(report, "p99_ms").size();
  return count && slices > 0 && *count >= 100.0 * static_cast<double>(slices);
}

void judge(ComparedFigure& figure, const FigureSource& source, const Json& a, const Json& b) {
  if (source.slices == nullptr) {
    figure.why = "one value per run, without a scatter";
    return;
  }
  if (std::string_view(source.name) == "latency p99" && !(enoughForP99(a) && enoughForP99(b))) {
    figure.why = "too few requests for a p99 of every stretch; run longer";
    return;
  }
  const auto ofA = batchMean(sliceValues(a, source.slices));
  const auto ofB = batchMean(sliceValues(b, source.slices));
  const auto ratio = ofA && ofB ? ratioOf(*ofA, *ofB) : std::nullopt;
  if (!ratio) {
    figure.why = "too few requests to know the noise; run longer";
    return;
  }
  // The interval is that of the stretches' means; it is put around the ratio of the figures as reported.
  figure.low = figure.ratio * ratio->low / ratio->ratio;
  figure.high = figure.ratio * ratio->high / ratio->ratio;
  if (*figure.low <= 1 && *figure.high >= 1)
    figure.outcome = Outcome::WithinNoise;
  else
    figure.outcome = (figure.ratio > 1) == figure.moreIsBetter ? Outcome::Better : Outcome::Worse;
}

std::string shown(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string replicasOf(const Json& report) {
  std::string text;
  for (const Json& replica : report.value("replicas", Json::array())) {
    if (!replica.is_object()) continue;
    if (!text.empty()) text += " | ";
    text += shown(replica.value("name", Json(""))) + " on " + shown(replica.value("devices", Json("")));
    if (const Json precision = replica.value("precision", Json("model")); precision != "model")
      text += " in " + shown(precision);
  }
  return text;
}

std::string devicesOf(const Json& report) {
  std::string text;
  const Json environment = report.value("environment", Json::object());
  if (!environment.is_object()) return text;
  for (const Json& device : environment.value("devices", Json::array())) {
    if (!device.is_object()) continue;
    if (!text.empty()) text += " | ";
    text += shown(device.value("id", Json(""))) + ": " + shown(device.value("name", Json(""))) + ", " +
            shown(device.value("driver", Json(""))) + ", cores " + shown(device.value("cores", Json("")));
  }
  return text;
}

void compareSettings(const Json& a, const Json& b, Comparison& comparison) {
  const auto add = [&](const std::string& name, const std::string& ofA, const std::string& ofB) {
    if (ofA != ofB) comparison.settings.push_back({name, ofA, ofB});
  };
  for (const char* key : {"model", "scenario", "route", "mode", "batches", "inputs"})
    add(key, shown(a.value(key, Json(""))), shown(b.value(key, Json(""))));
  add("replicas", replicasOf(a), replicasOf(b));
  add("devices", devicesOf(a), devicesOf(b));
  for (const char* key : {"tandem", "system", "machine", "processors"}) {
    const auto of = [&](const Json& report) {
      const Json environment = report.value("environment", Json::object());
      return environment.is_object() ? shown(environment.value(key, Json(""))) : std::string();
    };
    add(key, of(a), of(b));
  }
}

std::string ratioText(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", value);
  return text.data();
}

std::string summarise(const ComparedFigure& figure) {
  if (figure.ratio <= 0) return "Nothing can be said: a run completed nothing.";
  const std::string factor = ratioText(figure.ratio);
  if (!figure.low)
    return "B does " + factor + " times the items of A, without a statement about the noise: " + figure.why + ".";
  const std::string interval = ratioText(*figure.low) + " to " + ratioText(*figure.high);
  if (figure.outcome == Outcome::WithinNoise)
    return "No difference in throughput beyond the noise: B does " + factor +
           " times the items of A (95 % confidence: " + interval + ").";
  return "B does " + factor + " times the items of A (95 % confidence: " + interval + ").";
}

} // namespace

std::string_view toString(ComparedFigure::Outcome outcome) {
  switch (outcome) {
  case Outcome::Better: return "better";
  case Outcome::Worse: return "worse";
  case Outcome::WithinNoise: return "within noise";
  case Outcome::Unknown: break;
  }
  return "unknown";
}

Result<Comparison> compareReports(const std::string& a, const std::string& b, const std::string& nameA,
                                  const std::string& nameB) {
  const auto first = parseReport(a, nameA);
  if (!first) return first.error();
  const auto second = parseReport(b, nameB);
  if (!second) return second.error();
  Comparison comparison;
  try {
    for (const FigureSource& source : sources()) {
      const auto ofA = numberAt(*first, source.path), ofB = numberAt(*second, source.path);
      if (!ofA || !ofB) continue;
      ComparedFigure figure{source.name,         source.unit,      *ofA, *ofB, *ofA > 0 ? *ofB / *ofA : 0, {}, {},
                            source.moreIsBetter, Outcome::Unknown, {}};
      if (figure.ratio > 0)
        judge(figure, source, *first, *second);
      else
        figure.why = "there is nothing to divide by";
      comparison.figures.push_back(std::move(figure));
    }
    if (comparison.figures.empty() || comparison.figures.front().name != "items_per_s")
      return makeError(ErrorCode::InputRejected, "a report has no throughput", nameA + ", " + nameB,
                       "export both again with this version");
    compareSettings(*first, *second, comparison);
    for (const auto& [report, name] : {std::pair(&*first, "A"), std::pair(&*second, "B")}) {
      if (report->value("stopped", Json(false)) == true)
        comparison.notes.push_back(std::string(name) + " was stopped before its time");
      if (const auto failed = numberAt(*report, {"failed"}); failed && *failed > 0)
        comparison.notes.push_back(std::string(name) + " had " + ratioText(*failed) + " failed requests");
      if (!report->contains("slices"))
        comparison.notes.push_back(std::string(name) + " has no stretches: too few requests, or an older version");
    }
  } catch (const nlohmann::json::exception& problem) {
    return makeError(ErrorCode::InputRejected, "a report is damaged (" + std::string(problem.what()) + ")",
                     nameA + ", " + nameB, "export it again");
  }
  comparison.summary = summarise(comparison.figures.front());
  comparison.notes.push_back("the confidence covers the noise within each run, not what changes from one run to the "
                             "next: measure both again, in turn, before relying on a small difference");
  return comparison;
}

Result<Report> readReport(const std::string& text, const std::string& name) {
  const Json json = TANDEM_TRY(parseReport(text, name));
  auto report = decodeReport(json);
  if (report) return report;
  return makeError(ErrorCode::InputRejected, "the report is damaged: " + report.error().message, name,
                   "export it again");
}

Json encodeComparison(const Comparison& comparison) {
  Json json{{"summary", comparison.summary}};
  json["figures"] = Json::array();
  for (const ComparedFigure& figure : comparison.figures) {
    Json each{{"name", figure.name}, {"unit", figure.unit},   {"a", figure.a},
              {"b", figure.b},       {"ratio", figure.ratio}, {"outcome", std::string(toString(figure.outcome))}};
    if (figure.low && figure.high) {
      each["low"] = *figure.low;
      each["high"] = *figure.high;
    }
    if (!figure.why.empty()) each["why"] = figure.why;
    json["figures"].push_back(std::move(each));
  }
  json["settings"] = Json::array();
  for (const ComparedSetting& setting : comparison.settings)
    json["settings"].push_back({{"name", setting.name}, {"a", setting.a}, {"b", setting.b}});
  json["notes"] = comparison.notes;
  return json;
}

} // namespace tandem::session
