// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/comparison.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

using Outcome = ComparedFigure::Outcome;

/// Twenty stretches around `itemsPerS` with a scatter of `percent` that alternates, so that none follows from another.
Json makeReport(double itemsPerS, double percent) {
  Json rates = Json::array(), p50 = Json::array(), p99 = Json::array();
  for (int i = 0; i < 20; ++i) {
    const double factor = 1 + percent / 100 * (i % 2 == 0 ? 1 : -1) * (1 + i % 3) / 2.0;
    rates.push_back(itemsPerS * factor);
    p50.push_back(1000 / itemsPerS * factor);
    p99.push_back(3000 / itemsPerS * factor);
  }
  return {{"format", "tandem-report"},
          {"version", 1},
          {"model", "mnist"},
          {"scenario", "closed:4"},
          {"route", "predicted-finish"},
          {"mode", "compiled"},
          {"batches", {1}},
          {"inputs", {"random"}},
          {"items_per_s", itemsPerS},
          {"requests", 10000},
          {"failed", 0},
          {"latency_ms",
           {{"count", 10000}, {"p50", 1000 / itemsPerS}, {"p95", 2000 / itemsPerS}, {"p99", 3000 / itemsPerS}}},
          {"replicas", {{{"name", "a"}, {"devices", "CPU:0"}}}},
          {"slices", {{"seconds", 0.5}, {"items_per_s", rates}, {"p50_ms", p50}, {"p99_ms", p99}}},
          {"environment", {{"tandem", "0.1.0"}, {"devices", {{{"id", "CPU:0"}, {"name", "a processor"}}}}}}};
}

Result<Comparison> compare(const Json& a, const Json& b) {
  return compareReports(a.dump(), b.dump(), "a.json", "b.json");
}

const ComparedFigure& figure(const Comparison& comparison, const std::string& name) {
  for (const ComparedFigure& each : comparison.figures)
    if (each.name == name) return each;
  ADD_FAILURE() << "no figure " << name;
  return comparison.figures.front();
}

TEST(Comparison, ADifferenceAboveTheNoiseIsSaidWithItsDirection) {
  const auto found = compare(makeReport(100, 2), makeReport(120, 2));
  ASSERT_TRUE(found) << found.error().line();
  const ComparedFigure& items = figure(*found, "items_per_s");
  EXPECT_EQ(items.outcome, Outcome::Better);
  EXPECT_DOUBLE_EQ(items.ratio, 1.2);
  EXPECT_LT(*items.low, 1.2);
  EXPECT_GT(*items.high, 1.2);
  EXPECT_GT(*items.low, 1.1);
  // Less latency is better.
  EXPECT_EQ(figure(*found, "latency p50").outcome, Outcome::Better);
  EXPECT_EQ(figure(*compare(makeReport(120, 2), makeReport(100, 2)), "latency p99").outcome, Outcome::Worse);
  EXPECT_TRUE(found->summary.starts_with("B does 1.2 times the items of A (95 % confidence: ")) << found->summary;
  EXPECT_TRUE(found->settings.empty());
}

TEST(Comparison, ASmallDifferenceInANoisyRunIsWithinNoise) {
  const auto found = compare(makeReport(100, 20), makeReport(103, 20));
  ASSERT_TRUE(found);
  EXPECT_EQ(figure(*found, "items_per_s").outcome, Outcome::WithinNoise);
  EXPECT_TRUE(found->summary.starts_with("No difference in throughput beyond the noise")) << found->summary;
}

TEST(Comparison, WithoutStretchesThereIsAFactorButNoStatement) {
  Json old = makeReport(100, 2);
  old.erase("slices");
  const auto found = compare(old, makeReport(200, 2));
  ASSERT_TRUE(found);
  const ComparedFigure& items = figure(*found, "items_per_s");
  EXPECT_EQ(items.outcome, Outcome::Unknown);
  EXPECT_FALSE(items.low);
  EXPECT_FALSE(items.why.empty());
  EXPECT_NE(found->summary.find("without a statement"), std::string::npos);
  EXPECT_NE(encodeComparison(*found).dump().find("A has no stretches"), std::string::npos);
}

TEST(Comparison, AP99OfFewRequestsIsNotJudged) {
  Json few = makeReport(100, 2);
  few["latency_ms"]["count"] = 300;
  EXPECT_EQ(figure(*compare(few, makeReport(300, 2)), "latency p99").outcome, Outcome::Unknown);
}

TEST(Comparison, SettingsThatDifferAreListedAndFailuresNoted) {
  Json other = makeReport(100, 2);
  other["scenario"] = "poisson:50";
  other["replicas"][0]["devices"] = "GPU:0";
  other["failed"] = 3;
  other["stopped"] = true;
  const auto found = compare(makeReport(100, 2), other);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->settings.size(), 2u);
  EXPECT_EQ(found->settings[0].name, "scenario");
  EXPECT_EQ(found->settings[1].b, "a on GPU:0");
  const std::string notes = encodeComparison(*found)["notes"].dump();
  EXPECT_NE(notes.find("B was stopped"), std::string::npos);
  EXPECT_NE(notes.find("B had 3 failed requests"), std::string::npos);
}

TEST(Comparison, WhatIsNoReportIsRefusedByName) {
  const std::string good = makeReport(100, 2).dump();
  const auto code = [&](const std::string& text) {
    const auto found = compareReports(good, text, "a.json", "b.json");
    EXPECT_FALSE(found);
    if (found) return std::string();
    EXPECT_EQ(found.error().code, ErrorCode::InputRejected);
    return found.error().line();
  };
  EXPECT_NE(code("").find("b.json"), std::string::npos);
  EXPECT_NE(code("[1, 2]").find("no report"), std::string::npos);
  EXPECT_NE(code(R"({"format":"tandem-report","version":2})").find("newer version"), std::string::npos);
  EXPECT_NE(code(R"({"format":"tandem-report","version":1})").find("no throughput"), std::string::npos);
  EXPECT_NE(code(good.substr(0, good.size() / 2)).find("b.json"), std::string::npos);
  Json wrong = makeReport(100, 2);
  wrong["replicas"] = "none";
  wrong["slices"] = 7;
  wrong["environment"] = Json::array();
  wrong["items_per_s"] = "many";
  EXPECT_NE(code(wrong.dump()).find("no throughput"), std::string::npos);
}

TEST(Comparison, EveryReportWithOneDamagedMemberIsAnErrorOrACompleteAnswer) {
  const Json good = makeReport(100, 2);
  for (const auto& [key, value] : good.items())
    for (const Json& damage : {Json(), Json(-1), Json("text"), Json::array({1}), Json{{"x", 1}}, Json(true)}) {
      Json bad = good;
      bad[key] = damage;
      for (const auto& found : {compare(good, bad), compare(bad, good)}) {
        if (!found) continue;
        EXPECT_EQ(found->figures.front().name, "items_per_s") << key;
        EXPECT_FALSE(encodeComparison(*found).dump().empty());
      }
    }
}

} // namespace
} // namespace tandem::session
