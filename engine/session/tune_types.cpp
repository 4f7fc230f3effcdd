// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/tune_types.hpp"

#include "engine/session/json_read.hpp"

#include <algorithm>

namespace tandem::session {
namespace {

Json encodeKernel(const TunedKernel& kernel) {
  Json json{{"device", kernel.device}, {"key", kernel.key},     {"nodes", kernel.nodes},      {"layers", kernel.layers},
            {"before", kernel.before}, {"after", kernel.after}, {"measured", kernel.measured}};
  if (kernel.measured) {
    json["before_us"] = kernel.beforeUs;
    json["after_us"] = kernel.afterUs;
  }
  json["timings"] = Json::array();
  for (const auto& [variant, us] : kernel.timings) json["timings"].push_back({{"kernel", variant}, {"us", us}});
  return json;
}

TunedKernel toKernel(const Json& json, std::size_t nodeCount) {
  TunedKernel kernel;
  json.at("device").get_to(kernel.device);
  json.at("key").get_to(kernel.key);
  readInto(json.at("nodes"), kernel.nodes);
  const auto isInside = [&](int node) { return node >= 0 && static_cast<std::size_t>(node) < nodeCount; };
  if (!std::all_of(kernel.nodes.begin(), kernel.nodes.end(), isInside))
    throw nlohmann::json::other_error::create(501, "index out of range", &json);
  kernel.layers = readOr(json, "layers", 1);
  json.at("before").get_to(kernel.before);
  json.at("after").get_to(kernel.after);
  kernel.measured = json.value("measured", false);
  kernel.beforeUs = json.value("before_us", 0.0);
  kernel.afterUs = json.value("after_us", 0.0);
  for (const Json& each : json.value("timings", Json::array()))
    kernel.timings.emplace_back(each.at("kernel").get<std::string>(), each.at("us").get<double>());
  return kernel;
}

TunedSegment toSegment(const Json& json) {
  TunedSegment segment;
  json.at("device").get_to(segment.device);
  segment.beforeMs = json.value("before_ms", 0.0);
  segment.afterMs = json.value("after_ms", 0.0);
  segment.seconds = json.value("seconds", 0.0);
  segment.complete = json.value("complete", true);
  segment.problems = json.value("problems", std::vector<std::string>());
  return segment;
}

} // namespace

Json encodeTuning(const Tuning& tuning) {
  Json json{{"model", tuning.model},
            {"batch", tuning.batch},
            {"summary", tuning.summary},
            {"segments", Json::array()},
            {"kernels", Json::array()}};
  for (const TunedSegment& each : tuning.segments)
    json["segments"].push_back({{"device", each.device},
                                {"before_ms", each.beforeMs},
                                {"after_ms", each.afterMs},
                                {"seconds", each.seconds},
                                {"complete", each.complete},
                                {"problems", each.problems}});
  for (const TunedKernel& each : tuning.kernels) json["kernels"].push_back(encodeKernel(each));
  return json;
}

Result<Tuning> decodeTuning(const Json& json, std::size_t nodeCount) {
  try {
    Tuning tuning;
    tuning.model = json.value("model", std::string());
    tuning.batch = readOr(json, "batch", 1);
    tuning.summary = json.value("summary", std::string());
    for (const Json& each : json.at("kernels")) tuning.kernels.push_back(toKernel(each, nodeCount));
    for (const Json& each : json.at("segments")) tuning.segments.push_back(toSegment(each));
    return tuning;
  } catch (const nlohmann::json::exception& problem) {
    return makeError(ErrorCode::WorkerLost,
                     std::string("the engine sent something unreadable for the tuning (") + problem.what() + ")",
                     "engine worker", "start it again; if this repeats, report it");
  }
}

} // namespace tandem::session
