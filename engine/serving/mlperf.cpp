// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/mlperf.hpp"

#include <cstdio>

namespace tandem {
namespace {

constexpr double kDurationS = 600;
constexpr std::uint64_t kOfflineSamples = 24'576;
// Queries that early stopping needs for an estimate of the percentile, at confidence 0.99.
constexpr std::uint64_t kForP90 = 64;
constexpr std::uint64_t kForP99 = LatencySummary::kMinimumForP99;
constexpr int kMultiStreamSamples = 8;

} // namespace

MlperfCheck checkMlperf(const Scenario& scenario, const SampleWindow& measured, double durationS) {
  MlperfCheck check;
  std::uint64_t queries = 0;
  const char* percentile = "p99";
  switch (scenario.kind) {
  case Scenario::Kind::SingleStream:
    check.scenario = "SingleStream";
    queries = kForP90;
    percentile = "p90";
    break;
  case Scenario::Kind::MultiStream:
    check.scenario = "MultiStream";
    queries = kForP99;
    if (scenario.count != kMultiStreamSamples) check.missing.push_back("8 samples per query");
    break;
  case Scenario::Kind::Poisson:
    check.scenario = "Server";
    queries = kForP99;
    break;
  case Scenario::Kind::Offline:
    check.scenario = "Offline";
    if (measured.items < kOfflineSamples)
      check.missing.push_back("24576 samples (" + std::to_string(measured.items) + " here)");
    break;
  default: return check;
  }
  if (durationS < kDurationS) {
    char text[64];
    std::snprintf(text, sizeof text, "600 s (%.0f s here)", durationS);
    check.missing.push_back(text);
  }
  if (measured.completed < queries)
    check.missing.push_back(std::to_string(queries) + " queries for " + percentile + " (" +
                            std::to_string(measured.completed) + " here)");
  if (measured.failed + measured.rejected > 0) check.missing.push_back("no query that failed or was refused");
  return check;
}

} // namespace tandem
