// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/pipeline_options.hpp"

#include "engine/session/json_read.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

Result<int> inRange(const Json& json, const char* key, int fallback, int most, const char* flag) {
  const int value = readOr(json, key, fallback);
  if (json.contains(key) && (value < 1 || value > most))
    return makeError(ErrorCode::Usage, std::string(key) + " of the input pipeline is " + std::to_string(value), flag,
                     "between 1 and " + std::to_string(most));
  return value;
}

Result<CpuSet> coresOf(const std::string& text) {
  if (text.empty()) return CpuSet();
  auto cores = CpuSet::parse(text);
  const CpuSet available = CpuSet::available();
  if (cores && !cores->empty() && available.contains(*cores)) return cores;
  return makeError(
      ErrorCode::Usage, "'" + text + "' is no set of processors that " + (cores ? "this machine has" : "can be read"),
      "--preprocess-cores", "for example \"0\", \"0-3\" or \"0,2\"; available are " + available.toString());
}

} // namespace

Result<std::optional<PipelineSpec>> decodePipelineSpec(const Json& params) {
  const auto given = params.find("pipeline");
  if (given == params.end() || given->is_null()) return std::optional<PipelineSpec>();
  if (!given->is_object())
    return makeError(ErrorCode::Usage, "\"pipeline\" is not an object", "pipeline",
                     R"(for example {"threads": 2, "prefetch": 4, "cores": "0"})");
  constexpr std::array kKeys{"threads", "prefetch", "cores", "shuffle"};
  for (const auto& [key, value] : given->items())
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end())
      return makeError(ErrorCode::Usage, "the input pipeline has no setting \"" + key + "\"", "pipeline",
                       "there are threads, prefetch, cores and shuffle");
  PipelineSpec spec;
  spec.threads = TANDEM_TRY(inRange(*given, "threads", spec.threads, kMaxPipelineThreads, "--preprocess-threads"));
  spec.prefetch = TANDEM_TRY(inRange(*given, "prefetch", spec.prefetch, kMaxPrefetch, "--prefetch"));
  spec.cores = given->value("cores", std::string());
  spec.shuffle = given->value("shuffle", false);
  TANDEM_TRY(coresOf(spec.cores));
  return std::optional(spec);
}

Json encodePipelineSpec(const PipelineSpec& spec) {
  Json json{{"threads", spec.threads}};
  if (spec.prefetch > 0) json["prefetch"] = spec.prefetch;
  if (!spec.cores.empty()) json["cores"] = spec.cores;
  if (spec.shuffle) json["shuffle"] = true;
  return json;
}

Result<PipelineOptions> pipelineOptions(const PipelineSpec& spec) {
  PipelineOptions options;
  options.threads = spec.threads;
  options.prefetch = spec.prefetchOrDefault();
  options.cores = TANDEM_TRY(coresOf(spec.cores));
  options.shuffle = spec.shuffle;
  return options;
}

} // namespace tandem::session
