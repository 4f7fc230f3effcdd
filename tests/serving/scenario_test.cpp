// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/scenario.hpp"

#include "engine/serving/router.hpp"

#include <fstream>
#include <gtest/gtest.h>

namespace tandem {
namespace {

TEST(Scenario, ReadsWhatItWrites) {
  for (const char* text :
       {"single-stream", "multi-stream:8", "closed:4", "poisson:120", "poisson:1234567.5", "offline:1000"})
    EXPECT_EQ(Scenario::parse(Scenario::parse(text)->toString())->toString(), Scenario::parse(text)->toString());
  EXPECT_EQ(Scenario::parse("closed:4")->count, 4);
  EXPECT_EQ(Scenario::parse("poisson:0.5")->ratePerS, 0.5);
  EXPECT_EQ(Scenario::parse(Scenario::parse("poisson:1234567.5")->toString())->ratePerS, 1234567.5);
}

TEST(Scenario, RefusesOtherTexts) {
  for (const char* text : {"", "closed", "closed:", "closed:0", "closed:-1", "closed:2x", "closed:99999999999",
                           "single-stream:", "single-stream:1", "poisson:0", "poisson:nan", "poisson:inf", "poisson:-3",
                           "poisson:1e9", "offline:1.5", "Closed:4", "burst:3"})
    EXPECT_EQ(Scenario::parse(text).error().code, ErrorCode::Usage) << text;
}

TEST(Route, ReadsWhatItWritesAndRefusesOtherTexts) {
  for (const char* text : {"round-robin", "least-loaded", "size:4", "predicted-finish", "split", "pinned:GPU:0 #2"})
    EXPECT_EQ(Route::parse(text)->toString(), text);
  for (const char* text : {"", "size", "size:0", "size:x", "pinned", "pinned:", "split:2", "round-robin:", "random"})
    EXPECT_EQ(Route::parse(text).error().code, ErrorCode::Usage) << text;
}

TEST(Scenario, RampsAndReplaysReadBack) {
  for (const char* text : {"ramp:12.5", "replay:times, of a day.csv"}) {
    const auto scenario = Scenario::parse(text);
    ASSERT_TRUE(scenario.ok()) << text;
    EXPECT_EQ(scenario->toString(), text);
  }
  for (const char* text : {"ramp", "ramp:0", "ramp:-1", "ramp:nan", "replay:", "replay"})
    EXPECT_FALSE(Scenario::parse(text).ok()) << text;
}

TEST(Scenario, ArrivalsAreReadSortedAndCountedFromTheFirst) {
  const std::string file = testing::TempDir() + "arrivals.csv";
  std::ofstream(file) << "seconds,who\n10.5,a\n\n# pause\n10,b\r\n 12 ,c\n";
  const auto times = readArrivals(file);
  ASSERT_TRUE(times.ok()) << times.error().line();
  EXPECT_EQ(*times, (std::vector<double>{0, 0.5, 2}));
}

TEST(Scenario, AFileOfArrivalsThatIsNoneIsRefusedWithItsLine) {
  const std::string file = testing::TempDir() + "arrivals_bad.csv";
  std::ofstream(file) << "1\n2\nsoon\n";
  EXPECT_NE(readArrivals(file).error().where.find("line 3"), std::string::npos);
  std::ofstream(file) << "# nothing\n";
  EXPECT_EQ(readArrivals(file).error().code, ErrorCode::InputRejected);
  EXPECT_EQ(readArrivals(testing::TempDir() + "no such file").error().code, ErrorCode::InputRejected);
}

TEST(Route, ReadsBackAndRefusesNonsense) {
  for (const char* text :
       {"round-robin", "least-loaded", "size:8", "size:auto", "predicted-finish", "split", "slo:12.5", "pinned:a b"})
    EXPECT_EQ(Route::parse(text)->toString(), text);
  for (const char* text : {"", "size", "size:0", "size:x", "slo", "slo:0", "slo:inf", "pinned:", "split:2"})
    EXPECT_FALSE(Route::parse(text).ok()) << text;
}

} // namespace
} // namespace tandem
