// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/conv_plan.hpp"
#include "engine/devices/cpu/conv_timing.hpp"
#include "engine/devices/cpu/cpu_device.hpp"
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/devices/cpu/label_cut.hpp"
#include "tests/devices/cpu_support.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <random>
#include <sys/stat.h>

namespace tandem {
namespace {

using namespace test;
using cpu::ConvForm;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Lt;
using Ints = std::vector<std::int64_t>;

struct RandomProblem {
  std::size_t items = 0;
  std::vector<std::array<double, 2>> costs;
  struct Pair {
    std::size_t a, b;
    double cost;
  };
  std::vector<Pair> pairs;

  double costOf(const std::vector<bool>& labels) const {
    double sum = 0;
    for (std::size_t i = 0; i < items; ++i) sum += costs[i][labels[i] ? 1 : 0];
    for (const Pair& pair : pairs)
      if (labels[pair.a] != labels[pair.b]) sum += pair.cost;
    return sum;
  }
  double least() const {
    double best = 1e300;
    for (std::size_t bits = 0; bits < std::size_t{1} << items; ++bits) {
      std::vector<bool> labels(items);
      for (std::size_t i = 0; i < items; ++i) labels[i] = (bits >> i & 1) != 0;
      best = std::min(best, costOf(labels));
    }
    return best;
  }
};

TEST(LabelCut, IsAsCheapAsTheBestOfAllLabellings) {
  std::mt19937 random(5);
  std::uniform_real_distribution<double> cost(0, 10);
  for (int round = 0; round < 200; ++round) {
    RandomProblem problem;
    problem.items = 1 + random() % 9;
    cpu::LabelCut cut(problem.items);
    for (std::size_t i = 0; i < problem.items; ++i) {
      problem.costs.push_back({random() % 6 == 0 ? 1e12 : cost(random), cost(random)});
      cut.addCosts(i, problem.costs[i][0], problem.costs[i][1]);
    }
    for (std::size_t i = 0; i < 2 * problem.items; ++i) {
      problem.pairs.push_back({random() % problem.items, random() % problem.items, cost(random)});
      cut.addDifference(problem.pairs[i].a, problem.pairs[i].b, problem.pairs[i].cost);
    }
    EXPECT_NEAR(problem.costOf(cut.solve()), problem.least(), 1e-2) << round;
  }
}

TEST(LabelCut, AChainOfAHundredThousandItemsIsSolved) {
  constexpr std::size_t kItems = 100000;
  cpu::LabelCut cut(kItems);
  cut.addCosts(0, 0, 5);
  cut.addCosts(kItems - 1, 4, 0);
  for (std::size_t i = 1; i < kItems; ++i) cut.addDifference(i - 1, i, 9);
  const std::vector<bool> labels = cut.solve();
  EXPECT_EQ(std::count(labels.begin(), labels.end(), true), 0); // 4 for the last item is less than 5 or a difference
}

class TimingCacheTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    m_folder = std::filesystem::path(testing::TempDir()) / (std::string("timings_") + info->name());
    std::filesystem::remove_all(m_folder);
  }
  void TearDown() override { std::filesystem::remove_all(m_folder); }
  std::filesystem::path onlyFile() const { return std::filesystem::directory_iterator(m_folder)->path(); }
  std::filesystem::path m_folder;
};

/// The time of one work, which takes `value` if it has to be measured.
double timeOf(cpu::TimingCache& cache, const cpu::Work& work, double value) {
  return cache.microseconds({&work, 1}, [&](std::span<const std::size_t>) { return std::vector<double>{value}; })[0];
}

constexpr double kUnused = -1; // a time that shows up where something is measured that should not be

TEST_F(TimingCacheTest, RemembersAcrossProcessesAndAddsWhatOthersMeasured) {
  cpu::TimingCache first(m_folder, "machine"), second(m_folder, "machine");
  EXPECT_EQ(timeOf(first, {"a", "1", 1}, 1.5), 1.5);
  EXPECT_EQ(timeOf(first, {"a", "1", 1}, kUnused), 1.5);
  EXPECT_EQ(timeOf(second, {"a", "2", 1}, 2.5), 2.5);
  first.save();
  second.save();
  cpu::TimingCache third(m_folder, "machine");
  EXPECT_EQ(timeOf(third, {"a", "1", 1}, kUnused), 1.5);
  EXPECT_EQ(timeOf(third, {"a", "2", 1}, kUnused), 2.5);
}

TEST_F(TimingCacheTest, AnotherMachineMeasuresForItself) {
  cpu::TimingCache first(m_folder, "machine");
  timeOf(first, {"a", "", 1}, 1.5);
  first.save();
  cpu::TimingCache other(m_folder, "another");
  EXPECT_EQ(timeOf(other, {"a", "", 1}, 7.0), 7.0);
}

TEST_F(TimingCacheTest, DamagedLinesAreMeasuredAgain) {
  cpu::TimingCache first(m_folder, "machine");
  timeOf(first, {"good", "1", 1}, 1.5);
  timeOf(first, {"bad", "1", 1}, 2.5);
  first.save();
  std::ofstream(onlyFile()) << "machine\n1.5\t1\tgood\t1\nnan\t1\tbad\t1\n-3\t1\tbad\t1\n1e999\t1\tbad\t1\n"
                            << "4\n\t\n5 bad\n6\t0\tbad\t1\n7\t-1\tbad\t1\n8\tbad\t1\n9\t1\tbad\n1\t1\t\t1\n";
  cpu::TimingCache second(m_folder, "machine");
  EXPECT_EQ(timeOf(second, {"good", "1", 1}, kUnused), 1.5);
  EXPECT_EQ(timeOf(second, {"bad", "1", 1}, 3.5), 3.5);
}

TEST_F(TimingCacheTest, EverNewWorkStartsOverInsteadOfGrowing) {
  cpu::TimingCache timings(m_folder, "machine");
  const auto lines = [&] {
    std::ifstream file(onlyFile());
    return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
  };
  for (int i = 0; i < 40000; ++i) {
    timeOf(timings, {"kind " + std::to_string(i), "", 1}, 1.5);
    if (i % 9000 != 0) continue;
    timings.save();
    EXPECT_LE(lines(), 50001) << i;
  }
  timings.save();
  EXPECT_LE(lines(), 50001);
  EXPECT_EQ(timeOf(timings, {"kind 39999", "", 1}, kUnused), 1.5);
}

TEST_F(TimingCacheTest, WhatIsNoFileIsLeftAlone) {
  const cpu::Work work{"a", "", 1};
  cpu::TimingCache first(m_folder, "machine");
  timeOf(first, work, 1.5);
  first.save();
  const std::filesystem::path file = onlyFile();
  std::filesystem::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0); // opening it would wait for somebody at the other end
  cpu::TimingCache beside(m_folder, "machine");
  EXPECT_EQ(timeOf(beside, work, 2.5), 2.5);
  beside.save();
  EXPECT_TRUE(std::filesystem::is_fifo(file));
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  cpu::TimingCache second(m_folder, "machine");
  EXPECT_EQ(timeOf(second, work, 3.5), 3.5);
  second.save();
  EXPECT_TRUE(std::filesystem::is_directory(file));
  std::filesystem::remove(file);
  std::ofstream(file) << "machine\n1.5\t1\ta\t\n";
  std::filesystem::resize_file(file, std::uintmax_t{1} << 40); // sparse, one endless line
  cpu::TimingCache third(m_folder, "machine");
  EXPECT_EQ(timeOf(third, work, 4.5), 4.5);
}

TEST_F(TimingCacheTest, WithoutAPlaceForItNothingIsWritten) {
  cpu::TimingCache nowhere({}, "machine");
  EXPECT_EQ(timeOf(nowhere, {"a", "", 1}, 1.5), 1.5);
  nowhere.save();
  std::ofstream(m_folder.string()) << "a file where the folder should be";
  cpu::TimingCache blocked(m_folder, "machine");
  EXPECT_EQ(timeOf(blocked, {"a", "", 1}, 1.5), 1.5);
  blocked.save();
  EXPECT_TRUE(std::filesystem::is_regular_file(m_folder));
}

TEST_F(TimingCacheTest, FurtherSizesOfAKindAreEstimatedFromTheNearestAndNotKept) {
  cpu::TimingCache cache({}, "machine");
  for (std::int64_t amount : {10, 100, 1000, 10000})
    timeOf(cache, {"a", std::to_string(amount), amount}, 2 * static_cast<double>(amount));
  timeOf(cache, {"b", "70", 70}, 5);
  EXPECT_DOUBLE_EQ(timeOf(cache, {"a", "150", 150}, kUnused), 300);
  EXPECT_DOUBLE_EQ(timeOf(cache, {"a", "1000000", 1000000}, kUnused), 2e6);
  EXPECT_DOUBLE_EQ(timeOf(cache, {"a", "2", 2}, kUnused), 4);
  EXPECT_DOUBLE_EQ(timeOf(cache, {"b", "140", 140}, 6), 6);
}

TEST_F(TimingCacheTest, OnlyWhatIsNotKnownOfSeveralIsMeasured) {
  cpu::TimingCache cache({}, "machine");
  const std::vector<cpu::Work> works{{"a", "1", 1}, {"b", "1", 1}, {"c", "1", 1}};
  timeOf(cache, works[1], 2);
  const auto times = cache.microseconds(works, [](std::span<const std::size_t> missing) {
    EXPECT_THAT(std::vector<std::size_t>(missing.begin(), missing.end()), ElementsAre(0u, 2u));
    return std::vector<double>{1, 3};
  });
  EXPECT_THAT(times, ElementsAre(1, 2, 3));
}

TEST(ConvTimer, GivesEveryContenderATimeAndGrowsItsMemory) {
  cpu::ConvTimer timer(true, 1);
  for (std::int64_t channels : {16, 64}) {
    GraphMaker maker;
    const ValueId x = maker.input({1, channels, 20, 20});
    maker.finish({maker.node("Conv", {x, maker.weights({32, channels, 3, 3}), maker.weights({32})})});
    const auto problem = cpu::ConvProblem::of(maker.graph, maker.graph.node(topologicalOrder(maker.graph).front()));
    ASSERT_TRUE(problem.has_value());
    std::vector<cpu::ConvCode> contenders;
    for (ConvForm form : {ConvForm::ChannelsLast, ConvForm::Blocked})
      contenders.push_back(cpu::convCode(*problem, {form}).value());
    EXPECT_THAT(timer.race(*problem, contenders), Each(AllOf(Gt(0), Lt(1e7))));
    EXPECT_THAT(timer.race(*problem, {}), IsEmpty());
  }
}

/// A device that believes `choice` to be the fastest for every convolution of `graph`.
cpu::CpuDevice believing(const Graph& graph, const cpu::ConvChoice& choice) {
  const auto devices = makeCpuDevices({CpuSet({CpuSet::available().cpus().front()})});
  auto timings = std::make_shared<cpu::TimingCache>(std::filesystem::path(), "test");
  for (NodeId id : topologicalOrder(graph))
    if (const auto problem = cpu::ConvProblem::of(graph, graph.node(id)))
      for (bool separate : {false, true})
        for (ConvForm each : {ConvForm::ChannelsLast, ConvForm::DenseGroups, ConvForm::Blocked, ConvForm::Winograd}) {
          const bool best = each == choice.form && separate == choice.separate;
          timeOf(*timings, cpu::convWork(*problem, 1, false, {each, separate}), best ? 1.0 : 1e6);
        }
  return {devices.front()->info(), timings};
}

/// Convolutions in a row, side by side and joined, with what stands between them in real networks.
void expectSameInForm(ConvForm form, const std::string& kernel) {
  GraphMaker maker;
  const ValueId x = maker.input({1, 16, 30, 26});
  const auto conv = [&](ValueId from, std::int64_t channels, std::int64_t wanted) {
    return maker.node("Conv", {from, maker.weights({wanted, channels, 3, 3}), maker.weights({wanted})},
                      attributes({{"pads", Ints{1, 1, 1, 1}}}));
  };
  const ValueId a = maker.node("Relu", {conv(x, 16, 32)});
  const ValueId b = conv(a, 32, 32);
  const ValueId ab = maker.node("Concat", {a, b}, attributes({{"axis", std::int64_t{1}}}));
  const ValueId scaled = maker.node("Mul", {ab, maker.weights({64, 1, 1})});
  const ValueId c = conv(maker.node("Sigmoid", {scaled}), 64, 16);
  const ValueId abc = maker.node("Concat", {ab, c}, attributes({{"axis", std::int64_t{1}}}));
  const ValueId taps = maker.node("Conv", {abc, maker.weights({80, 1, 1, 1}), maker.weights({80})},
                                  attributes({{"group", std::int64_t{80}}}));
  const ValueId d = conv(maker.node("Relu", {taps}), 80, 32);
  const ValueId pooled =
      maker.node("MaxPool", {d}, attributes({{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}));
  maker.finish({maker.node("Add", {pooled, maker.weights({32, 1, 1})}), maker.node("Neg", {ab}), b});
  cpu::CpuDevice device = believing(maker.graph, {form});
  const std::vector<Tensor> inputs = randomInputs(maker.graph, 3);
  const std::vector<Tensor> actual = runOn(device, maker.graph, inputs), expected = runReference(maker.graph, inputs);
  for (std::size_t i = 0; i < actual.size(); ++i)
    expectNear(actual[i], expected[i], 1e-3, "output " + std::to_string(i));
  const auto program = compileWhole(device, maker.graph);
  EXPECT_THAT(program->kernels().front().kernel, HasSubstr(kernel));
}

TEST(ConvForms, ChannelsLastGivesTheReferenceResult) { expectSameInForm(ConvForm::ChannelsLast, "onednn"); }
TEST(ConvForms, BlockedGivesTheReferenceResult) { expectSameInForm(ConvForm::Blocked, "onednn jit"); }
TEST(ConvForms, WinogradGivesTheReferenceResult) {
  if (dnnl::get_effective_cpu_isa() < dnnl::cpu_isa::avx512_core) GTEST_SKIP() << "oneDNN has it for AVX-512 only";
  expectSameInForm(ConvForm::Winograd, "wino");
}

TEST(ConvForms, GroupsComputedAsOneGiveTheReferenceResult) {
  GraphMaker maker;
  const ValueId x = maker.input({1, 24, 40, 30});
  const ValueId y = maker.node("Conv", {x, maker.weights({56, 6, 3, 3}), maker.weights({56})},
                               attributes({{"group", std::int64_t{4}}, {"pads", Ints{1, 1, 1, 1}}}));
  maker.finish({maker.node("Relu", {y})});
  cpu::CpuDevice device = believing(maker.graph, {ConvForm::DenseGroups});
  const std::vector<Tensor> inputs = randomInputs(maker.graph, 3);
  expectNear(runOn(device, maker.graph, inputs)[0], runReference(maker.graph, inputs)[0], 1e-4, "output");
  const auto grouped = cpu::ConvProblem::of(maker.graph, maker.graph.node(topologicalOrder(maker.graph).front()));
  ASSERT_TRUE(grouped.has_value());
  EXPECT_TRUE(cpu::suits(*grouped, ConvForm::DenseGroups));
  EXPECT_FALSE(cpu::suits(grouped->ungrouped(), ConvForm::DenseGroups));
}

TEST(ConvForms, ActivationsOnTheirOwnGiveTheReferenceResult) {
  for (const char* activation : {"Sigmoid", "Tanh", "Swish", "Gelu"})
    for (ConvForm form : {ConvForm::ChannelsLast, ConvForm::Blocked}) {
      GraphMaker maker;
      const ValueId x = maker.input({1, 16, 30, 26});
      const auto conv = [&](ValueId from, std::int64_t wanted) {
        return maker.node(
            "FusedConv", {from, maker.weights({wanted, 16, 3, 3}), maker.weights({wanted})},
            attributes(
                {{"pads", Ints{1, 1, 1, 1}}, {"activation", std::string(activation)}, {"activation_alpha", 1.5f}}),
            1, "tandem");
      };
      maker.finish({conv(conv(x, 16), 32)});
      cpu::CpuDevice device = believing(maker.graph, {form, true});
      const std::vector<Tensor> inputs = randomInputs(maker.graph, 3);
      expectNear(runOn(device, maker.graph, inputs)[0], runReference(maker.graph, inputs)[0], 1e-4, activation);
      EXPECT_THAT(compileWhole(device, maker.graph)->kernels().front().kernel, HasSubstr("+ activation"));
    }
}

TEST(ConvForms, ShapesThatDoNotFillBlocksStayAsTheyAre) {
  GraphMaker maker;
  const ValueId x = maker.input({1, 20, 64, 64});
  maker.finish({maker.node("Conv", {x, maker.weights({20, 20, 3, 3})}, attributes({{"pads", Ints{1, 1, 1, 1}}}))});
  const auto problem = cpu::ConvProblem::of(maker.graph, maker.graph.node(topologicalOrder(maker.graph).front()));
  ASSERT_TRUE(problem.has_value());
  EXPECT_FALSE(cpu::convCode(*problem, {ConvForm::Blocked}).has_value());
  EXPECT_FALSE(cpu::convCode(*problem, {ConvForm::Winograd}).has_value());
  EXPECT_TRUE(cpu::convCode(*problem, {ConvForm::ChannelsLast}).has_value());
  expectLikeReference(maker.graph);
}

TEST(ConvForms, ValuesThatOutgrowPicturesAreNoMatterOfLayouts) {
  GraphMaker maker;
  const ValueId x = maker.input({1, 16, 4, 30, 26});
  const auto conv = [&](ValueId from) {
    return maker.node("Conv", {from, maker.weights({16, 16, 3, 3, 3})}, attributes({{"pads", Ints{1, 1, 1, 1, 1, 1}}}));
  };
  const ValueId a = conv(x), b = conv(a);
  const std::vector<std::int64_t> indices{3, 1, 2, 0};
  const ValueId square = maker.constant(Tensor::of<std::int64_t>({2, 2}, std::span<const std::int64_t>(indices)));
  const ValueId gathered = maker.node("Gather", {a, square}, attributes({{"axis", std::int64_t{1}}}));
  const ValueId wide = maker.node("Add", {a, maker.weights({1, 1, 1, 1, 1, 1})});
  maker.finish({gathered, maker.node("Mul", {wide, maker.node("Add", {b, maker.weights({1, 1, 1, 1, 1, 1})})})});
  expectLikeReference(maker.graph, 1e-3);
}

TEST(ConvForms, ACancelledCompilationMeasuresNothingMore) {
  GraphMaker maker;
  const ValueId x = maker.input({1, 32, 64, 64});
  maker.finish({maker.node("Conv", {x, maker.weights({32, 32, 3, 3})}, attributes({{"pads", Ints{1, 1, 1, 1}}}))});
  Segment segment{&maker.graph, topologicalOrder(maker.graph), {x}, maker.graph.outputs()};
  cpu::TimingCache timings({}, "test");
  const CancelToken cancel;
  cancel.cancel();
  const auto choices = cpu::planConvolutions(segment, 1, timings, cancel);
  ASSERT_FALSE(choices.ok());
  EXPECT_EQ(choices.error().code, ErrorCode::Cancelled);
}

} // namespace
} // namespace tandem
