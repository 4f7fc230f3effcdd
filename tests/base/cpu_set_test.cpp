// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/cpu_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

namespace tandem {
namespace {

using testing::HasSubstr;

TEST(CpuSet, ReadsNumbersRangesAndLists) {
  EXPECT_EQ(CpuSet::parse("0")->cpus(), (std::vector<int>{0}));
  EXPECT_EQ(CpuSet::parse("0-3")->cpus(), (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(CpuSet::parse("5,2-3,2")->cpus(), (std::vector<int>{2, 3, 5}));
  EXPECT_EQ(CpuSet::parse("7-7")->count(), 1);
}

TEST(CpuSet, RefusesTextsThatAreNoSet) {
  for (const char* text : {"", ",", "0,", "a", "-1", "1-", "3-1", "0-1-2", " 0", "0 ", "1.5", "99999", "99999999999"})
    EXPECT_EQ(CpuSet::parse(text).error().code, ErrorCode::Usage) << text;
}

TEST(CpuSet, WritesWhatItReads) {
  for (const char* text : {"0", "0-3", "0-3,6", "1,3,5-6"}) EXPECT_EQ(CpuSet::parse(text)->toString(), text);
  EXPECT_EQ(CpuSet().toString(), "");
  EXPECT_EQ(CpuSet({3, 1, 2, 1}).toString(), "1-3");
}

TEST(CpuSet, KnowsOverlapsAndSubsets) {
  const CpuSet low({0, 1});
  const CpuSet high({2, 3});
  const CpuSet middle({1, 2});
  EXPECT_FALSE(low.overlaps(high));
  EXPECT_TRUE(low.overlaps(middle) && middle.overlaps(high));
  EXPECT_FALSE(low.overlaps(CpuSet()));
  EXPECT_TRUE(CpuSet({0, 1, 2}).contains(middle));
  EXPECT_FALSE(low.contains(middle));
  EXPECT_TRUE(low.contains(CpuSet()));
}

TEST(CoreSets, RefuseEmptyOverlappingAndMissingProcessors) {
  const CpuSet available = CpuSet::available();
  ASSERT_FALSE(available.empty());
  const std::string first = std::to_string(available.cpus().front());
  ASSERT_EQ(parseCoreSets(first)->size(), 1u);
  EXPECT_EQ(parseCoreSets("").error().code, ErrorCode::Usage);
  EXPECT_EQ(parseCoreSets(first + ";").error().code, ErrorCode::Usage);
  EXPECT_THAT(parseCoreSets(first + ";" + first).error().message, HasSubstr("share"));
  const Error missing = parseCoreSets("1023").error();
  EXPECT_THAT(missing.message, HasSubstr("lacks"));
  EXPECT_THAT(missing.hint, HasSubstr(available.toString()));
}

TEST(CoreSets, KeepTheirOrder) {
  const CpuSet available = CpuSet::available();
  if (available.count() < 2) GTEST_SKIP() << "one processor only";
  const int a = available.cpus()[0];
  const int b = available.cpus()[1];
  const auto sets = parseCoreSets(std::to_string(b) + ";" + std::to_string(a));
  ASSERT_TRUE(sets.ok());
  EXPECT_EQ((*sets)[0], CpuSet({b}));
  EXPECT_EQ((*sets)[1], CpuSet({a}));
}

TEST(PinCurrentThread, RestrictsThisThreadOnly) {
  const CpuSet before = CpuSet::available();
  const CpuSet one({before.cpus().back()});
  CpuSet inside;
  bool pinned = false;
  bool pinnedToNothing = true;
  std::thread([&] {
    pinned = pinCurrentThread(one);
    inside = CpuSet::available();
    pinnedToNothing = pinCurrentThread(CpuSet());
  }).join();
  EXPECT_TRUE(pinned);
  EXPECT_EQ(inside, one);
  EXPECT_FALSE(pinnedToNothing);
  EXPECT_EQ(CpuSet::available(), before);
}

} // namespace
} // namespace tandem
