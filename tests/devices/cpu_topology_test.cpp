// SPDX-License-Identifier: GPL-3.0-or-later
// Processors and core sets by name, on machines that hwloc makes up.
#include "engine/base/core_sets.hpp"
#include "engine/devices/cpu/topology.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thread>

namespace tandem {
namespace {

using testing::HasSubstr;
using testing::Not;

/// Siblings are n and n + cores, as Linux numbers them on most machines.
constexpr const char* kEightThreads = "pack:1 [numa] l3:2(size=33554432) l2:2 core:1 pu:2(indexes=0,4,1,5,2,6,3,7)";

CpuTopology made(const std::string& description, const CpuSet& available = {}) {
  auto topology = syntheticTopology(description, available);
  EXPECT_TRUE(topology.ok()) << topology.error().line();
  return topology ? *topology : CpuTopology();
}

CpuTopology hybrid(const CpuSet& available = {}) {
  auto topology = topologyFromXml(std::string(TANDEM_SOURCE_DIR) + "/tests/devices/data/hybrid.xml", available);
  EXPECT_TRUE(topology.ok()) << topology.error().line();
  return topology ? *topology : CpuTopology();
}

std::string sets(const std::string& text, const CpuTopology& topology) {
  auto expanded = expandCoreSets(text, topology);
  return expanded ? *expanded : "error: " + expanded.error().line();
}

TEST(Topology, SaysWhatEveryProcessorSharesWithOthers) {
  const CpuTopology topology = made("pack:2 [numa] l3:1 core:2 pu:2");
  ASSERT_EQ(topology.processors.size(), 8u);
  const Processor& third = topology.processors[2];
  EXPECT_EQ(third.osIndex, 2);
  EXPECT_EQ(third.core, 1);
  EXPECT_EQ(third.smtRank, 0);
  EXPECT_EQ(topology.processors[3].core, 1);
  EXPECT_EQ(topology.processors[3].smtRank, 1);
  EXPECT_EQ(third.package, 0);
  const Processor& last = topology.processors[7];
  EXPECT_EQ(last.core, 3);
  EXPECT_EQ(last.package, 1);
  EXPECT_EQ(last.numaNode, 1);
  EXPECT_EQ(last.l3, 1);
  EXPECT_EQ(last.kind, CoreKind::Uniform);
  EXPECT_EQ(topology.find(8), nullptr);
}

TEST(Topology, ReadsPerformanceAndEfficiencyCores) {
  const CpuTopology topology = hybrid();
  ASSERT_EQ(topology.processors.size(), 8u);
  EXPECT_EQ(topology.processors[3].kind, CoreKind::Performance);
  EXPECT_EQ(topology.processors[4].kind, CoreKind::Efficiency);
  EXPECT_GT(topology.processors[3].efficiency, topology.processors[4].efficiency);
  EXPECT_EQ(topology.summary(), "2 performance cores, 2 threads each, 4 efficiency cores, 1 thread each, 1 package, "
                                "1 NUMA node, L3 12 MB shared by 0-7");
}

TEST(Topology, IsSummedUpInALine) {
  EXPECT_EQ(made("pack:1 [numa] l3:1(size=36700160) core:2 pu:1").summary(),
            "2 cores, 1 thread each, 1 package, 1 NUMA node, L3 35 MB shared by 0-1");
  EXPECT_EQ(made(kEightThreads, CpuSet({0, 1, 4})).summary(),
            "4 cores, 2 threads each, 1 package, 1 NUMA node, 2 L3 caches of 32 MB; "
            "3 of 8 processors may be used (0-1,4)");
  EXPECT_EQ(made("numa:1 core:1 pu:1").summary(), "1 core, 1 thread each, 1 package, 1 NUMA node");
  EXPECT_EQ(CpuTopology().summary(), "unknown");
}

TEST(Topology, OfThisMachineHoldsWhatTheProcessMayUse) {
  const CpuTopology topology = machineTopology();
  EXPECT_EQ(topology.available(), CpuSet::available());
  const CpuSet one({CpuSet::available().cpus().front()});
  CpuTopology seen;
  std::thread([&] {
    ASSERT_TRUE(pinCurrentThread(one));
    seen = machineTopology();
  }).join();
  EXPECT_EQ(seen.available(), one);
  EXPECT_EQ(seen.processors.size(), topology.processors.size());
}

TEST(Topology, DescriptionsThatAreNoneAreRefused) {
  EXPECT_EQ(syntheticTopology("nonsense:x").error().code, ErrorCode::Usage);
  EXPECT_EQ(topologyFromXml("/nowhere/machine.xml").error().code, ErrorCode::InputRejected);
  EXPECT_EQ(topologyFromXml(TANDEM_SOURCE_DIR "/CMakeLists.txt").error().code, ErrorCode::InputRejected);
}

TEST(CoreSetNames, GiveOneSetPerCoreNodePackageAndCache) {
  const CpuTopology topology = made("pack:2 numa:2 l3:1 core:2 pu:2");
  EXPECT_EQ(sets("cores", topology), "0-1;2-3;4-5;6-7;8-9;10-11;12-13;14-15");
  EXPECT_EQ(sets("numa", topology), "0-3;4-7;8-11;12-15");
  EXPECT_EQ(sets("packages", topology), "0-7;8-15");
  EXPECT_EQ(sets("L3", topology), "0-3;4-7;8-11;12-15");
  EXPECT_EQ(sets("all", topology), "0-15");
}

TEST(CoreSetNames, HalvesShareNoCoreAndNoCacheWhereThatIsPossible) {
  EXPECT_EQ(sets("halves", made(kEightThreads)), "0-1,4-5;2-3,6-7");
  EXPECT_EQ(sets("halves", made("pack:2 [numa] core:4 pu:2")), "0-7;8-15");
  // Three cores left in one cache and one in the other: no cache can be kept whole.
  EXPECT_EQ(sets("halves", made("pack:1 [numa] l3:2 core:3 pu:1", CpuSet({0, 1, 2, 5}))), "0-1;2,5");
  // Caches with 2, 4 and 2 usable cores: the outer ones together are as much as the middle one.
  EXPECT_EQ(sets("halves", made("pack:1 [numa] l3:3 core:4 pu:1", CpuSet({0, 1, 4, 5, 6, 7, 8, 9}))), "0-1,8-9;4-7");
}

TEST(CoreSetNames, HalvesAreEqualSoThatAnOddCoreStaysIdle) {
  EXPECT_EQ(sets("halves", made("pack:1 [numa] core:5 pu:1")), "0-1;2-3");
  EXPECT_THAT(sets("halves", made("pack:1 [numa] core:1 pu:2")), HasSubstr("this machine has no core sets 'halves'"));
}

TEST(CoreSetNames, HalvesHaveAsManyCoresOfEveryKind) {
  EXPECT_EQ(sets("halves", hybrid()), "0-1,4-5;2-3,6-7");
  // A core of which one thread may be used is not as good as one with two.
  EXPECT_EQ(sets("halves", made("pack:1 [numa] core:4 pu:2", CpuSet({0, 1, 2, 4, 6, 7}))), "0-2;4,6-7");
}

TEST(CoreSetNames, PerformanceAndEfficiencyCoresAreThereOnHybridMachinesOnly) {
  EXPECT_EQ(sets("p;e", hybrid()), "0-3;4-7");
  EXPECT_EQ(sets("E", hybrid()), "4-7");
  EXPECT_EQ(sets("p,nosmt;e", hybrid()), "0,2;4-7");
  const std::string refused = sets("p;e", made(kEightThreads));
  EXPECT_THAT(refused, HasSubstr("this machine has no core sets 'p'"));
  EXPECT_THAT(refused, HasSubstr("halves (0-1,4-5;2-3,6-7)"));
  EXPECT_THAT(refused, Not(HasSubstr("e (")));
  EXPECT_THAT(sets("p", hybrid(CpuSet({0, 1}))), HasSubstr("no core sets 'p'"));
}

TEST(CoreSetNames, SmtSiblingsCanStayIdle) {
  const CpuTopology topology = made(kEightThreads);
  EXPECT_EQ(sets("halves,nosmt", topology), "0-1;2-3");
  EXPECT_EQ(sets("cores,nosmt", topology), "0;1;2;3");
  EXPECT_EQ(sets("nosmt", topology), "0-3");
  EXPECT_EQ(sets("0-1,4-5,nosmt;2,6", topology), "0-1;2,6");
  EXPECT_EQ(sets("all,nosmt", made(kEightThreads, CpuSet({1, 4, 5}))), "1,4");
}

TEST(CoreSetNames, StandBesideNumbersAndLeaveThemAlone) {
  const CpuTopology topology = made(kEightThreads);
  EXPECT_EQ(sets("0;7", topology), "0;7");
  EXPECT_EQ(sets("", topology), "");
  EXPECT_FALSE(namesCoreSets("0-3;4,5"));
  EXPECT_TRUE(namesCoreSets("0,nosmt"));
}

TEST(CoreSetNames, WhatIsNoNameIsRefusedWithThoseThatAre) {
  const CpuTopology topology = made("pack:2 [numa] l3:1 core:64 pu:2");
  for (const char* text : {"quarters", "halves,4", "halves,cores", "halves;", "smt", "0,halves", "nosmt,halves",
                           "nosmt,nosmt", "halves,,nosmt", "0-,nosmt", "cores nosmt"}) {
    auto expanded = expandCoreSets(text, topology);
    ASSERT_FALSE(expanded.ok()) << text << " gave " << *expanded;
    EXPECT_EQ(expanded.error().code, ErrorCode::Usage) << text;
  }
  const Error error = expandCoreSets("quarters", topology).error();
  EXPECT_EQ(error.message, "cannot read the core set 'quarters'");
  EXPECT_THAT(error.hint, HasSubstr("cores (128 sets)"));
  EXPECT_THAT(error.hint, HasSubstr("numa (0-127;128-255)"));
}

TEST(CoreSetNames, AreReadAgainstTheProcessorsThatMayBeUsed) {
  const CpuTopology topology = made(kEightThreads, CpuSet({0, 1, 2, 3}));
  EXPECT_EQ(toText(*readCoreSets("halves", topology)), "0-1;2-3");
  EXPECT_THAT(readCoreSets("0;4", topology).error().hint, HasSubstr("0-3"));
  EXPECT_THAT(readCoreSets("all;cores", topology).error().message, HasSubstr("share processors"));
}

TEST(CoreSets, AreDividedEquallyForAnyCount) {
  const CpuTopology topology = made("pack:1 [numa] core:7 pu:2");
  EXPECT_EQ(toText(equalSets(topology, 1)), "0-13");
  EXPECT_EQ(toText(equalSets(topology, 3)), "0-3;4-7;8-11");
  EXPECT_EQ(toText(equalSets(topology, 7)), "0-1;2-3;4-5;6-7;8-9;10-11;12-13");
  EXPECT_TRUE(equalSets(topology, 8).empty());
  EXPECT_TRUE(equalSets(topology, 0).empty());
  EXPECT_EQ(toText(equalSets(hybrid(), 2)), "0-1,4-5;2-3,6-7");
}

TEST(SharedCores, AreProcessorsInBothSetsOrCoresBetweenThem) {
  const CpuTopology topology = made(kEightThreads);
  EXPECT_TRUE(sharedCores(CpuSet({0, 4}), CpuSet({1, 5}), topology).empty());
  EXPECT_EQ(sharedCores(CpuSet({0, 1}), CpuSet({0, 1}), topology).text(), "cores 0-1");
  EXPECT_EQ(sharedCores(CpuSet({0, 1}), CpuSet({1, 2}), topology).text(), "core 1");
  EXPECT_EQ(sharedCores(CpuSet({3}), CpuSet({7}), topology).text(), "core 3 (SMT siblings 3 and 7)");
  EXPECT_EQ(sharedCores(CpuSet({0, 1, 2, 3}), CpuSet({4, 5, 6, 7}), topology).text(),
            "cores 0-3 (SMT siblings 0 and 4, 1 and 5, 2 and 6, 3 and 7)");
  EXPECT_EQ(sharedCores(CpuSet({0, 1}), CpuSet({1, 4}), topology).text(), "core 1 and core 0 (SMT siblings 0 and 4)");
  EXPECT_TRUE(sharedCores(CpuSet(), CpuSet({0}), topology).empty());
  EXPECT_TRUE(sharedCores(CpuSet({3}), CpuSet({7}), CpuTopology()).empty());
  EXPECT_EQ(sharedCores(CpuSet({3, 7}), CpuSet({3}), CpuTopology()).text(), "core 3");
}

} // namespace
} // namespace tandem
