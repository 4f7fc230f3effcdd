// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/profile_types.hpp"

#include "engine/session/json_read.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

template <class T> void set(Json& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}

template <class T> void get(const Json& json, const char* key, std::optional<T>& value) {
  if (auto it = json.find(key); it != json.end() && !it->is_null()) value = readAs<T>(*it);
}

Json encodeLayer(const LayerTime& layer) {
  Json json{{"node", layer.node},      {"nodes", layer.nodes},   {"requested", layer.requested},
            {"device", layer.device},  {"kernel", layer.kernel}, {"reference", layer.reference},
            {"mean_ms", layer.meanMs}, {"min_ms", layer.minMs},  {"median_ms", layer.medianMs}};
  set(json, "flops", layer.flops);
  set(json, "least_bytes", layer.leastBytes);
  set(json, "gflop_per_s", layer.gflopPerS);
  set(json, "gb_per_s", layer.gbPerS);
  set(json, "flop_per_byte", layer.flopPerByte);
  if (!layer.roof.empty()) json["roof"] = layer.roof;
  set(json, "roof_ms", layer.roofMs);
  set(json, "roof_fraction", layer.roofFraction);
  set(json, "compute_fraction", layer.computeFraction);
  set(json, "memory_fraction", layer.memoryFraction);
  return json;
}

LayerTime toLayer(const Json& json, std::size_t nodeCount) {
  LayerTime layer;
  readInto(json.at("node"), layer.node);
  layer.nodes = readOr(json, "nodes", std::vector<int>{layer.node});
  const auto isInside = [&](int node) { return node >= 0 && static_cast<std::size_t>(node) < nodeCount; };
  if (!isInside(layer.node) || !std::all_of(layer.nodes.begin(), layer.nodes.end(), isInside))
    throw nlohmann::json::other_error::create(501, "index out of range", &json);
  layer.requested = json.value("requested", std::string());
  json.at("device").get_to(layer.device);
  json.at("kernel").get_to(layer.kernel);
  layer.reference = json.value("reference", false);
  json.at("mean_ms").get_to(layer.meanMs);
  json.at("min_ms").get_to(layer.minMs);
  layer.medianMs = json.value("median_ms", layer.meanMs);
  get(json, "flops", layer.flops);
  get(json, "least_bytes", layer.leastBytes);
  get(json, "gflop_per_s", layer.gflopPerS);
  get(json, "gb_per_s", layer.gbPerS);
  get(json, "flop_per_byte", layer.flopPerByte);
  layer.roof = json.value("roof", std::string());
  get(json, "roof_ms", layer.roofMs);
  get(json, "roof_fraction", layer.roofFraction);
  get(json, "compute_fraction", layer.computeFraction);
  get(json, "memory_fraction", layer.memoryFraction);
  return layer;
}

Json encodeTotal(const ProfileTotal& total) {
  Json json{{"device", total.device},          {"mean_ms", total.meanMs},       {"median_ms", total.medianMs},
            {"transfer_ms", total.transferMs}, {"compile_ms", total.compileMs}, {"summary", total.summary},
            {"precision", total.precision},    {"flops", total.flops},          {"unknown_layers", total.unknownLayers},
            {"gflop_per_s", total.gflopPerS}};
  set(json, "peak_fraction", total.peakFraction);
  set(json, "roof_fraction", total.roofFraction);
  return json;
}

ProfileTotal toTotal(const Json& json) {
  ProfileTotal total;
  json.at("device").get_to(total.device);
  json.at("mean_ms").get_to(total.meanMs);
  total.medianMs = json.value("median_ms", total.meanMs);
  total.transferMs = json.value("transfer_ms", 0.0);
  total.compileMs = json.value("compile_ms", 0.0);
  total.summary = json.value("summary", std::string());
  total.precision = json.value("precision", total.precision);
  total.flops = json.value("flops", 0.0);
  total.unknownLayers = readOr(json, "unknown_layers", 0);
  total.gflopPerS = json.value("gflop_per_s", 0.0);
  get(json, "peak_fraction", total.peakFraction);
  get(json, "roof_fraction", total.roofFraction);
  return total;
}

Json encodePeaks(const DevicePeaks& peaks) {
  Json json{{"device", peaks.device}};
  if (peaks.threads > 0) json["threads"] = peaks.threads;
  set(json, "gflops", peaks.gflops);
  set(json, "memory_gb_per_s", peaks.memoryGbPerS);
  if (!peaks.problem.empty()) json["problem"] = peaks.problem;
  return json;
}

DevicePeaks toPeaks(const Json& json) {
  DevicePeaks peaks;
  json.at("device").get_to(peaks.device);
  peaks.threads = readOr(json, "threads", 0);
  get(json, "gflops", peaks.gflops);
  get(json, "memory_gb_per_s", peaks.memoryGbPerS);
  peaks.problem = json.value("problem", std::string());
  return peaks;
}

} // namespace

Json encodeProfile(const Profile& profile) {
  Json json{{"model", profile.model},
            {"batch", profile.batch},
            {"times", Json::array()},
            {"totals", Json::array()},
            {"peaks", Json::array()}};
  for (const LayerTime& layer : profile.times) json["times"].push_back(encodeLayer(layer));
  for (const ProfileTotal& total : profile.totals) json["totals"].push_back(encodeTotal(total));
  for (const DevicePeaks& peaks : profile.peaks) json["peaks"].push_back(encodePeaks(peaks));
  return json;
}

Result<Profile> decodeProfile(const Json& json, std::size_t nodeCount) {
  try {
    Profile profile;
    profile.model = json.value("model", std::string());
    profile.batch = readOr(json, "batch", 1);
    for (const Json& each : json.at("times")) profile.times.push_back(toLayer(each, nodeCount));
    for (const Json& each : json.value("totals", Json::array())) profile.totals.push_back(toTotal(each));
    for (const Json& each : json.value("peaks", Json::array())) profile.peaks.push_back(toPeaks(each));
    return profile;
  } catch (const nlohmann::json::exception& problem) {
    return makeError(ErrorCode::WorkerLost,
                     std::string("the engine sent something unreadable for the profile (") + problem.what() + ")",
                     "engine worker", "start it again; if this repeats, report it");
  }
}

} // namespace tandem::session
