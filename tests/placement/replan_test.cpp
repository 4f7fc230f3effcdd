// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/replan.hpp"

#include "engine/placement/cost_model.hpp"
#include "tests/placement/fake_device.hpp"
#include "tests/support/graphs.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace tandem {
namespace {

ReplanTensor tensor(int producer, std::vector<int> readers, double up, double down) {
  return {producer, std::move(readers), false, {0, up, down, 0}};
}

/// Unit i reads what unit i - 1 made; device 0 is the host.
ReplanProblem chain(const std::vector<std::vector<double>>& ms, double copyMs) {
  ReplanProblem problem;
  problem.devices = 2;
  problem.hostMemory = {true, false};
  for (const auto& unit : ms) problem.units.push_back({unit, 1});
  for (int i = -1; i < static_cast<int>(ms.size()); ++i) {
    problem.tensors.push_back(tensor(i, {}, copyMs, copyMs));
    if (i + 1 < static_cast<int>(ms.size())) problem.tensors.back().readers = {i + 1};
    problem.tensors.back().toHost = i + 1 == static_cast<int>(ms.size());
  }
  return problem;
}

ReplanProblem randomChain(std::mt19937& random, int units) {
  std::uniform_real_distribution<double> ms(0.1, 2);
  std::vector<std::vector<double>> times;
  for (int i = 0; i < units; ++i) times.push_back({ms(random), ms(random)});
  ReplanProblem problem = chain(times, 0);
  for (ReplanTensor& each : problem.tensors) each.ms = {0, ms(random) / 2, ms(random) / 2, 0};
  return problem;
}

/// The least cost among all placements with at most `changes` changes of the device along the order.
double bruteForce(const ReplanProblem& problem, ReplanGoal goal, int changes = 1000) {
  double best = 1e300;
  const std::size_t count = problem.units.size();
  for (std::uint32_t bits = 0; bits < 1u << count; ++bits) {
    std::vector<int> deviceOf;
    int changed = 0;
    bool isAllowed = true;
    for (std::size_t i = 0; i < count; ++i) {
      deviceOf.push_back(static_cast<int>(bits >> i & 1u));
      if (i > 0 && deviceOf[i] != deviceOf[i - 1]) ++changed;
      isAllowed = isAllowed && problem.units[i].ms[static_cast<std::size_t>(deviceOf[i])] >= 0;
    }
    if (isAllowed && changed <= changes) best = std::min(best, costOf(problem, deviceOf).of(goal));
  }
  return best;
}

TEST(Replan, AChainIsPlacedAsWellAsTryingAllPlacementsDoes) {
  std::mt19937 random(1);
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE(round);
    const ReplanProblem problem = randomChain(random, 10);
    const std::vector<int> start(10, 0);
    const auto found = replan(problem, ReplanGoal::Latency, start);
    EXPECT_NEAR(costOf(problem, found).latencyMs, bruteForce(problem, ReplanGoal::Latency), 1e-9);
  }
}

TEST(Replan, TheBusiestDeviceOfAChainHasNoMoreToDoThanWithTheBestTwoCuts) {
  std::mt19937 random(2);
  for (int round = 0; round < 100; ++round) {
    SCOPED_TRACE(round);
    const ReplanProblem problem = randomChain(random, 10);
    const std::vector<int> start(10, 0);
    const auto found = replan(problem, ReplanGoal::Throughput, start);
    const double ms = costOf(problem, found).of(ReplanGoal::Throughput);
    EXPECT_LE(ms, bruteForce(problem, ReplanGoal::Throughput, 2) + 1e-9);
    EXPECT_GE(ms, bruteForce(problem, ReplanGoal::Throughput) - 1e-9);
  }
}

/// No promise here but these: never worse than before, and rarely far from the best.
TEST(Replan, GraphsWithBranchesAreNeverPlacedWorseThanTheyAreAndMostlyAtTheBest) {
  std::mt19937 random(3);
  for (const ReplanGoal goal : {ReplanGoal::Latency, ReplanGoal::Throughput}) {
    int best = 0;
    double ratios = 0;
    for (int round = 0; round < 100; ++round) {
      ReplanProblem problem = randomChain(random, 9);
      for (ReplanTensor& each : problem.tensors)
        for (int reader = each.producer + 2; reader < 9; ++reader)
          if (random() % 4 == 0) each.readers.push_back(reader);
      std::vector<int> start;
      for (int i = 0; i < 9; ++i) start.push_back(static_cast<int>(random() % 2));
      const double found = costOf(problem, replan(problem, goal, start)).of(goal);
      EXPECT_LE(found, costOf(problem, start).of(goal) + 1e-9);
      const double least = bruteForce(problem, goal);
      EXPECT_GE(found, least - 1e-9);
      if (found <= least + 1e-9) ++best;
      ratios += found / least;
    }
    EXPECT_LE(ratios / 100, 1.1);
    if (goal == ReplanGoal::Latency) {
      EXPECT_GE(best, 80);
    }
  }
}

TEST(Replan, CopiesThatCostNothingGiveEveryUnitItsFasterDevice) {
  const ReplanProblem problem = chain({{1, 2}, {2, 1}, {1, 2}, {2, 1}}, 0);
  EXPECT_EQ(replan(problem, ReplanGoal::Latency, {0, 0, 0, 0}), (std::vector<int>{0, 1, 0, 1}));
}

TEST(Replan, CopiesThatCostMoreThanTheyGainLeaveAllTogether) {
  const ReplanProblem problem = chain({{1, 2}, {2, 1}, {1, 2}, {2, 1}}, 100);
  EXPECT_EQ(replan(problem, ReplanGoal::Latency, {0, 1, 0, 1}), (std::vector<int>{0, 0, 0, 0}));
}

TEST(Replan, AUnitStaysWhereItIsWhereTheOtherDeviceCannotRunIt) {
  const ReplanProblem problem = chain({{5, 1}, {5, -1}, {5, 1}}, 0.1);
  for (const ReplanGoal goal : {ReplanGoal::Latency, ReplanGoal::Throughput}) {
    const auto found = replan(problem, goal, {0, 0, 0});
    EXPECT_EQ(found[1], 0);
    EXPECT_EQ(found[0] + found[2], 2);
  }
}

TEST(Replan, ATensorIsCopiedOncePerDeviceHoweverManyReadIt) {
  ReplanProblem problem = chain({{1, 1}, {1, 1}, {1, 1}}, 0);
  problem.tensors = {tensor(0, {1, 2}, 4, 4)};
  EXPECT_DOUBLE_EQ(costOf(problem, {0, 1, 1}).latencyMs, 3 + 4);
  EXPECT_DOUBLE_EQ(costOf(problem, {0, 1, 1}).loadMs[1], 2 + 4); // the copy occupies the device, not the host
  EXPECT_DOUBLE_EQ(costOf(problem, {0, 1, 1}).loadMs[0], 1);
}

TEST(Replan, WhatCostsNothingStaysWithItsNeighbours) {
  ReplanProblem problem = chain({{2, 1}, {0, 0}, {2, 1}}, 0);
  problem.hostMemory = {true, true};
  problem.handOverMs = 0.01;
  EXPECT_EQ(replan(problem, ReplanGoal::Latency, {0, 0, 0}), (std::vector<int>{1, 1, 1}));
}

TEST(Replan, SeveralInFlightShareTheWorkThatOneInFlightLeavesOnTheFasterDevice) {
  const ReplanProblem problem = chain({{1, 1.2}, {1, 1.2}, {1, 1.2}, {1, 1.2}}, 0.1);
  EXPECT_EQ(replan(problem, ReplanGoal::Latency, {0, 1, 0, 1}), (std::vector<int>{0, 0, 0, 0}));
  const auto shared = replan(problem, ReplanGoal::Throughput, {0, 0, 0, 0});
  EXPECT_EQ(std::count(shared.begin(), shared.end(), 1), 2);
}

TEST(Replan, NodesOfOneKernelAreOneUnitAndTensorsLieBetweenUnits) {
  const Graph graph = test::diamond();
  ASSERT_GE(graph.nodes().size(), 3u);
  const auto order = topologicalOrder(graph);
  std::vector<std::vector<NodeId>> together;
  for (NodeId node : order) together.push_back({node});
  const auto apart = unitsOf(graph, together);
  for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(apart[order[i].index()], static_cast<int>(i));
  together.push_back({order[0], order[1]});
  const auto joined = unitsOf(graph, together);
  EXPECT_EQ(joined[order[0].index()], joined[order[1].index()]);
  EXPECT_EQ(*std::max_element(joined.begin(), joined.end()) + 1, static_cast<int>(order.size()) - 1);
  EXPECT_EQ(unitsOf(graph, {}), std::vector<int>(graph.nodes().size(), -1));
}

} // namespace
} // namespace tandem
