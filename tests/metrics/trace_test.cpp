// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/metrics/trace.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <thread>

namespace tandem {
namespace {

TraceEvent event(std::int64_t startNs, std::int64_t endNs, std::uint32_t label = 0) {
  TraceEvent made;
  made.startNs = startNs;
  made.endNs = endNs;
  made.label = label;
  return made;
}

TEST(TraceRecorder, InternsEqualLabelsOnce) {
  TraceRecorder recorder;
  const auto a = recorder.intern("conv");
  EXPECT_NE(recorder.intern("relu"), a);
  EXPECT_EQ(recorder.intern("conv"), a);
  EXPECT_EQ(recorder.copy().labels.size(), 2u);
}

TEST(TraceRecorder, DropsTheOldestHalfWhenFullAndCounts) {
  TraceRecorder recorder(8);
  TraceWriter* writer = recorder.addTrack("row");
  for (int i = 0; i < 21; ++i) writer->record(event(i, i + 1));
  const auto track = recorder.copy().tracks.at(0);
  EXPECT_EQ(track.events.size() + track.dropped, 21u);
  EXPECT_LE(track.events.size(), 8u);
  EXPECT_EQ(track.events.back().startNs, 20);
  EXPECT_EQ(track.events.front().startNs, static_cast<std::int64_t>(track.dropped));
  recorder.clear();
  EXPECT_TRUE(recorder.copy().tracks.at(0).events.empty());
  EXPECT_EQ(recorder.copy().tracks.at(0).dropped, 0u);
}

TEST(TraceRecorder, TakesWritersAndReadersAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kEvents = 2000;
  TraceRecorder recorder;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&recorder, t] {
      TraceWriter* writer = recorder.addTrack(std::to_string(t));
      for (int i = 0; i < kEvents; ++i) writer->record(event(i, i + 1, recorder.intern(std::to_string(i % 10))));
    });
  for (int i = 0; i < 20; ++i) EXPECT_LE(recorder.copy().labels.size(), 10u);
  for (std::thread& thread : threads) thread.join();
  const auto copy = recorder.copy();
  ASSERT_EQ(copy.tracks.size(), std::size_t{kThreads});
  for (const auto& track : copy.tracks) {
    ASSERT_EQ(track.events.size(), std::size_t{kEvents});
    for (int i = 0; i < kEvents; ++i)
      ASSERT_EQ(copy.labels[track.events[static_cast<std::size_t>(i)].label], std::to_string(i % 10));
  }
}

TEST(ChromeTrace, IsJsonWithRelativeTimesWhateverTheNames) {
  TraceRecorder recorder(2);
  TraceWriter* writer = recorder.addTrack("GPU \"0\"\n\xff");
  const std::string bad = "a\\b\t\xc0\xaf \xed\xa0\x80 \xe2\x82";
  writer->record(event(1, 2));
  writer->record(event(5'000'000'000'000, 5'000'000'002'500, recorder.intern("\xc3\xa9 \xf0\x9f\x98\x80")));
  TraceEvent last = event(5'000'000'001'000, 5'000'000'002'000, recorder.intern(bad));
  last.kind = TraceKind::Transfer;
  last.bytes = 77;
  last.request = 3;
  last.node = NodeId(9);
  writer->record(last);
  const auto json = nlohmann::json::parse(toChromeTrace(recorder.copy()));
  std::vector<nlohmann::json> spans;
  for (const auto& each : json.at("traceEvents"))
    if (each.at("ph") == "X") spans.push_back(each);
  ASSERT_EQ(spans.size(), 2u); // the first was dropped
  EXPECT_EQ(spans[0].at("ts"), 0.0);
  EXPECT_EQ(spans[0].at("dur"), 2.5);
  EXPECT_EQ(spans[0].at("name"), "\xc3\xa9 \xf0\x9f\x98\x80");
  EXPECT_EQ(spans[1].at("ts"), 1.0);
  EXPECT_EQ(spans[1].at("cat"), "transfer");
  EXPECT_EQ(spans[1].at("args").at("bytes"), 77);
  EXPECT_EQ(spans[1].at("args").at("request"), 3);
  EXPECT_EQ(spans[1].at("args").at("node"), 9);
  EXPECT_FALSE(spans[0].at("args").contains("node"));
  for (const auto& each : json.at("traceEvents"))
    if (each.at("ph") == "i") {
      EXPECT_EQ(each.at("args").at("dropped"), 1);
    }
}

TEST(ChromeTrace, OfNothingIsStillJson) {
  EXPECT_TRUE(nlohmann::json::parse(toChromeTrace({})).at("traceEvents").is_array());
}

} // namespace
} // namespace tandem
