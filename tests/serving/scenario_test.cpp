// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/scenario.hpp"

#include "engine/serving/router.hpp"

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

} // namespace
} // namespace tandem
