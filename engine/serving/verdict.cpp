// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/verdict.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace tandem {
namespace {

constexpr double kPays = 1.05;      // gains below are within what runs differ by on a quiet machine
constexpr double kSlower = 1.10;    // an execution that takes so much longer in company is worth a word
constexpr double kIdle = 0.75;      // a device busy less than this had room
constexpr double kTransfers = 0.20; // share of an execution worth a word
constexpr double kTail = 1.25;

template <class... Args> std::string format(const char* pattern, Args... args) {
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), pattern, args...);
  return text.data();
}

std::string bytes(std::int64_t count) {
  constexpr double kMiB = 1 << 20;
  if (static_cast<double>(count) >= 10 * kMiB) return format("%.0f MiB", static_cast<double>(count) / kMiB);
  if (static_cast<double>(count) >= 0.1 * kMiB) return format("%.1f MiB", static_cast<double>(count) / kMiB);
  return format("%.1f KiB", static_cast<double>(count) / 1024);
}

void addReasons(const VerdictFacts& facts, const VerdictPart& best, Verdict& verdict) {
  auto& reasons = verdict.reasons;
  for (const VerdictPart& part : facts.parts) {
    if (part.aloneServiceMs <= 0 || part.togetherServiceMs <= 0 || facts.isSplit) continue;
    const double slower = part.togetherServiceMs / part.aloneServiceMs;
    if (slower > kSlower)
      reasons.push_back(
          format("contention: an execution on %s takes %.2f times as long in company (%.2f ms, alone %.2f ms)",
                 part.name.c_str(), slower, part.togetherServiceMs, part.aloneServiceMs));
  }
  if (facts.loadSaturates) {
    if (facts.inFlight > 0 && facts.inFlight < static_cast<int>(facts.parts.size()) && !facts.isSplit)
      reasons.push_back(format("the scenario keeps only %d request%s in flight, so at least one replica always waits",
                               facts.inFlight, facts.inFlight == 1 ? "" : "s"));
    for (const VerdictPart& part : facts.parts)
      if (part.busyFraction < kIdle)
        reasons.push_back(
            format("imbalance: %s worked %.0f %% of the time", part.name.c_str(), part.busyFraction * 100));
  }
  if (facts.transferMs > 0 && facts.computeMs > 0) {
    const double share = facts.transferMs / (facts.transferMs + facts.computeMs);
    if (share > kTransfers)
      reasons.push_back(format("transfers: %.0f %% of device time moves data (%.2f ms of %.2f ms)", share * 100,
                               facts.transferMs, facts.transferMs + facts.computeMs));
  }
  if (facts.loadSaturates && best.aloneP99Ms > 0 && facts.togetherP99Ms > best.aloneP99Ms * kTail)
    reasons.push_back(format("tail: p99 latency is %.1f ms together, %.1f ms on %s alone under its own load",
                             facts.togetherP99Ms, best.aloneP99Ms, best.name.c_str()));
  for (const VerdictPart& part : facts.parts) {
    if (&part == &best) continue;
    reasons.push_back("cost of " + part.name + ": " + bytes(part.copyBytes) + " on its devices, " +
                      bytes(part.rssBytes) + " of process memory, " + format("%.0f ms of start-up", part.setupMs));
  }
}

} // namespace

Verdict judge(const VerdictFacts& facts) {
  Verdict verdict;
  verdict.parts = facts.parts;
  if (facts.parts.empty()) return verdict;
  const auto best = std::max_element(facts.parts.begin(), facts.parts.end(),
                                     [](const auto& a, const auto& b) { return a.aloneItemsPerS < b.aloneItemsPerS; });
  verdict.best = best->name;
  for (const VerdictPart& part : facts.parts) {
    if (part.aloneItemsPerS > 0) continue;
    verdict.summary = "Nothing can be compared: " + part.name +
                      " completed nothing in the time it was measured alone; give it longer (--alone).";
    return verdict;
  }
  double sum = 0;
  for (const VerdictPart& part : facts.parts) sum += part.aloneItemsPerS;
  verdict.bound = sum / best->aloneItemsPerS;
  verdict.gain = facts.togetherItemsPerS / best->aloneItemsPerS;
  verdict.reached = verdict.gain / verdict.bound;
  const std::string numbers =
      format("%.4g items/s together, %.4g on %s alone: %.2f times; the bound is %.2f, so %.0f %% of what is possible",
             facts.togetherItemsPerS, best->aloneItemsPerS, best->name.c_str(), verdict.gain, verdict.bound,
             verdict.reached * 100);
  if (!facts.loadSaturates)
    verdict.summary = format("%.4g items/s arrived; %s alone could do %.4g, all together %.4g at most.",
                             facts.togetherItemsPerS, best->name.c_str(), best->aloneItemsPerS, sum);
  else if (verdict.gain >= kPays)
    verdict.summary = "Using all at once pays: " + numbers + ".";
  else if (verdict.gain >= 2 - kPays)
    verdict.summary = "Using all at once gives nothing: " + numbers + ".";
  else
    verdict.summary = "Using all at once costs: " + numbers + ".";
  addReasons(facts, *best, verdict);
  return verdict;
}

} // namespace tandem
