// SPDX-License-Identifier: GPL-3.0-or-later
// Chains of elementwise nodes: which nodes join, and that one generated kernel gives what the single ones give.
#include "engine/devices/opencl/fusion.hpp"
#include "tests/devices/opencl_test_util.hpp"

#include <cstring>
#include <gmock/gmock.h>

namespace tandem::test {
namespace {

using opencl::ChainLimits;
using opencl::ChainRules;
using opencl::planChains;
using testing::ElementsAre;
using testing::HasSubstr;
using Groups = std::vector<std::vector<NodeId>>;

// --- the planner

/// Joins everything but matrix products and reductions.
ChainRules simpleRules(const Graph& graph) {
  return {[&graph](NodeId id) { return graph.node(id).type != "Softmax" && graph.node(id).type != "ReduceSum"; },
          [&graph](ValueId value) { return !graph.value(value).isConstant(); },
          {}};
}

Groups plan(GraphBuilder& b, const ChainLimits& limits = {}) {
  EXPECT_TRUE(inferShapes(b.graph).ok());
  return planChains(wholeGraph(b.graph), simpleRules(b.graph), limits);
}

std::vector<std::size_t> sizes(const Groups& groups) {
  std::vector<std::size_t> result;
  for (const auto& group : groups) result.push_back(group.size());
  return result;
}

/// Every node once, and after whatever it reads.
void expectRunnable(const Graph& graph, const Groups& groups) {
  std::map<NodeId, std::size_t> groupOf;
  for (std::size_t g = 0; g < groups.size(); ++g)
    for (NodeId id : groups[g]) EXPECT_TRUE(groupOf.emplace(id, g).second);
  ASSERT_EQ(groupOf.size(), graph.nodes().size());
  for (const auto& [id, g] : groupOf)
    for (ValueId input : graph.node(id).inputs) {
      const NodeId producer = input.valid() ? graph.value(input).producer : NodeId();
      if (!producer.valid()) continue;
      EXPECT_LE(groupOf.at(producer), g);
      if (groupOf.at(producer) == g) {
        const auto place = [&](NodeId node) { return std::find(groups[g].begin(), groups[g].end(), node); };
        EXPECT_LT(place(producer), place(id));
      }
    }
}

TEST(OpenClChainPlan, NeighboursJoinAndShareOneKernel) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({4, 5}, 1));
  const ValueId y = b.add("Mul", {x, b.add("Sigmoid", {x})});
  b.output(b.add("Add", {y, x}));
  EXPECT_THAT(sizes(plan(b)), ElementsAre(3));
}

TEST(OpenClChainPlan, WhatLiesBetweenTwoMembersKeepsThemApart) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({4, 5}, 1));
  const ValueId a = b.add("Relu", {x});
  const ValueId s = b.add("Softmax", {a});
  b.output(b.add("Add", {a, s}));
  const Groups groups = plan(b);
  EXPECT_THAT(sizes(groups), ElementsAre(1, 1, 1));
  expectRunnable(b.graph, groups);
}

TEST(OpenClChainPlan, WhatIsNeededLateIsComputedLate) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({4, 5}, 1));
  const ValueId early = b.add("Exp", {b.add("Neg", {x})});
  const ValueId late = b.add("Softmax", {b.add("Softmax", {x})});
  b.output(b.add("Add", {early, late}));
  const Groups groups = plan(b);
  EXPECT_THAT(sizes(groups), ElementsAre(1, 1, 3));
  expectRunnable(b.graph, groups);
}

TEST(OpenClChainPlan, ResultsOfOtherShapesStayOutside) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({4, 5}, 1));
  const ValueId row = b.add("Exp", {b.input("row", randomTensor({5}, 2))});
  b.output(b.add("Add", {x, row}));
  EXPECT_THAT(sizes(plan(b)), ElementsAre(1, 1));
}

TEST(OpenClChainPlan, LimitsCutLongChains) {
  GraphBuilder b;
  ValueId x = b.input("x", randomTensor({4, 5}, 1));
  for (int i = 0; i < 10; ++i) x = b.add("Relu", {x});
  b.output(x);
  const Groups groups = plan(b, {4, 8, 3});
  EXPECT_THAT(sizes(groups), testing::Each(testing::Le(4u)));
  EXPECT_THAT(groups.size(), testing::Le(4u));
  expectRunnable(b.graph, groups);
}

TEST(OpenClChainPlan, RandomGraphsStayRunnableAndWithinTheLimits) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    GraphBuilder b;
    std::vector<ValueId> values{b.input("x", randomTensor({2, 3}, 1)), b.input("y", randomTensor({2, 3}, 2))};
    const auto pick = [&] { return values[values.size() - 1 - random() % std::min<std::size_t>(values.size(), 6)]; };
    for (int i = 0; i < 40; ++i) {
      const auto kind = random() % 8;
      values.push_back(kind == 0  ? b.add("Softmax", {pick()})
                       : kind < 4 ? b.add("Relu", {pick()})
                                  : b.add("Add", {pick(), pick()}));
    }
    for (std::size_t i = values.size() - 3; i < values.size(); ++i) b.output(values[i]);
    const ChainLimits limits{3 + random() % 6, 2 + random() % 3, 1 + random() % 3};
    const Groups groups = plan(b, limits);
    expectRunnable(b.graph, groups);
    const Segment segment = wholeGraph(b.graph);
    for (const auto& group : groups) {
      if (group.size() == 1) continue;
      EXPECT_LE(group.size(), limits.nodes);
      EXPECT_LE(opencl::outsideInputs(segment, group).size(), limits.inputs);
      EXPECT_LE(opencl::outsideOutputs(segment, group).size(), limits.outputs);
      for (NodeId id : group) EXPECT_NE(b.graph.node(id).type, "Softmax");
    }
  }
}

// --- the kernels

std::vector<std::string> kernelsOf(const Program& program) {
  std::vector<std::string> names;
  for (const KernelInfo& info : program.kernels()) names.push_back(info.kernel);
  return names;
}

/// Compares compiled with eager: the same formulas on the same device, so bit for bit, but for `ulps` where vectors and
/// scalars of the compiler's mathematics differ. Returns how many nodes ran in chains.
int expectSameAsEager(GraphBuilder& b, double relative = 0) {
  EXPECT_TRUE(inferShapes(b.graph).ok());
  int chained = 0;
  for (OpenClKernels kernels : {OpenClKernels::Cpu, OpenClKernels::Gpu})
    for (const auto& device : openClDevices(kernels)) {
      const std::string what = kernels == OpenClKernels::Cpu ? "cpu kernels" : "gpu kernels";
      auto compiled = DeviceRun::create(*device, b.graph, b.feeds, true);
      auto eager = DeviceRun::create(*device, b.graph, b.feeds, false);
      EXPECT_TRUE(compiled.ok()) << what << ": " << compiled.error().line();
      EXPECT_TRUE(eager.ok()) << what << ": " << eager.error().line();
      if (!compiled.ok() || !eager.ok()) return 0;
      for (const std::string& name : kernelsOf(compiled->program())) chained += name.find("chain of") != name.npos;
      const auto actual = compiled->run(), expected = eager->run();
      EXPECT_TRUE(actual.ok() && expected.ok());
      if (!actual.ok() || !expected.ok()) return 0;
      for (std::size_t i = 0; i < actual->size(); ++i)
        expectClose((*actual)[i], (*expected)[i], 0, relative, what + " output " + std::to_string(i));
    }
  return chained;
}

/// Numbers of every size, with NaN, infinities, zeros of both signs and halves to round among them.
Tensor wildTensor(const Shape& shape, std::uint32_t seed) {
  Tensor tensor = randomTensor(shape, seed, -4.0f, 4.0f);
  const float inf = std::numeric_limits<float>::infinity();
  const std::array<float, 9> special{inf,   -inf,   std::numeric_limits<float>::quiet_NaN(), 0.0f, -0.0f, 0.5f, 2.5f,
                                     1e30f, -1e-30f};
  std::mt19937 random(seed);
  for (float& value : tensor.mutableAs<float>())
    if (random() % 6 == 0) value = special[random() % special.size()];
  return tensor;
}

Tensor convertTensor(const Tensor& from, DataType to) {
  Node cast;
  cast.type = "Cast";
  cast.version = 13;
  cast.attributes.set("to", static_cast<std::int64_t>(to));
  cast.inputs = {ValueId(0)};
  cast.outputs = {ValueId(1)};
  const std::vector<Tensor> inputs{from};
  return evaluate(cast, inputs).value()[0];
}

/// A shape that broadcasts to `shape`.
Shape smaller(const Shape& shape, std::mt19937& random) {
  std::vector<std::int64_t> dims = shape.dims();
  for (std::int64_t& dim : dims)
    if (random() % 2 == 0) dim = 1;
  dims.erase(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(random() % (dims.size() + 1)));
  return Shape(dims);
}

/// Expressions over operands of `shape` and of shapes that broadcast to it. With `smooth`, nothing that jumps, so that
/// small differences stay small.
struct RandomExpression {
  std::mt19937 random;
  Shape shape;
  bool smooth;
  GraphBuilder b;
  std::vector<ValueId> floats, bools, ints;

  RandomExpression(unsigned seed, Shape outer, bool isSmooth)
      : random(seed),
        shape(std::move(outer)),
        smooth(isSmooth) {
    floats = {b.input("x", data(shape)), b.input("y", data(shape))};
    for (int i = 0; i < 2; ++i) floats.push_back(b.input("small" + std::to_string(i), data(smaller(shape, random))));
    for (int i = 0; i < 2; ++i) floats.push_back(b.constant(data(smaller(shape, random))));
    floats.push_back(b.constant(Tensor::scalar<float>(0.75f)));
    for (int i = 0; i < 14; ++i) addNode();
    b.output(floats.back());
    b.output(floats[floats.size() - 3]);
    if (!bools.empty()) b.output(bools.back());
    if (!ints.empty()) b.output(ints.back());
  }

  Tensor data(const Shape& of) {
    return smooth ? randomTensor(of, static_cast<std::uint32_t>(random()), -2.0f, 2.0f)
                  : wildTensor(of, static_cast<std::uint32_t>(random()));
  }
  ValueId pick(const std::vector<ValueId>& from) {
    const std::size_t recent = std::min<std::size_t>(from.size(), 5);
    return random() % 3 == 0 ? from[random() % from.size()] : from[from.size() - 1 - random() % recent];
  }
  /// Of the whole shape, so that what is made of it is, too.
  ValueId whole() { return b.add("Add", {pick(floats), floats[random() % 2]}); }

  void addNode() {
    constexpr std::array<const char*, 8> kSmooth{"Sigmoid", "Tanh", "Softplus", "Gelu", "Erf", "Sin", "Swish", "Elu"};
    constexpr std::array<const char*, 10> kExact{"Relu",      "Abs",  "Neg",   "LeakyRelu", "HardSigmoid",
                                                 "HardSwish", "Sign", "Floor", "Round",     "Softsign"};
    constexpr std::array<const char*, 6> kBinary{"Add", "Sub", "Mul", "Max", "Min", "PRelu"};
    const auto kind = random() % 12;
    if (kind < 2) {
      floats.push_back(
          b.add(smooth ? kSmooth[random() % kSmooth.size()] : kExact[random() % kExact.size()], {whole()}));
    } else if (kind < 6) {
      floats.push_back(b.add(kBinary[random() % kBinary.size()], {whole(), pick(floats)}));
    } else if (kind == 6) {
      floats.push_back(
          b.add("Clip", {whole(), b.constant(Tensor::scalar<float>(-0.5f)), b.constant(Tensor::scalar<float>(1.5f))}));
    } else if (kind == 7) {
      floats.push_back(b.add("Pow", {whole(), b.constant(Tensor::scalar<float>(2.0f))}));
    } else if (kind == 8) {
      floats.push_back(b.add("Mean", {whole(), pick(floats), pick(floats)}));
    } else if (smooth) {
      floats.push_back(b.add("Mul", {whole(), b.constant(Tensor::scalar<float>(0.5f))}));
    } else if (kind == 9) {
      bools.push_back(b.add(random() % 2 == 0 ? "Less" : "GreaterOrEqual", {whole(), pick(floats)}));
      if (bools.size() > 1) bools.push_back(b.add(random() % 2 == 0 ? "Xor" : "And", {pick(bools), bools.back()}));
    } else if (kind == 10) {
      if (bools.empty()) bools.push_back(b.add("IsNaN", {whole()}));
      floats.push_back(b.add("Where", {pick(bools), whole(), pick(floats)}));
    } else {
      ints.push_back(cast(
          b.add("Clip", {whole(), b.constant(Tensor::scalar<float>(-9.0f)), b.constant(Tensor::scalar<float>(9.0f))}),
          DataType::Int32));
      if (ints.size() > 1) ints.push_back(b.add("Mul", {ints.back(), pick(ints)}));
      floats.push_back(cast(pick(ints), DataType::Float32));
    }
  }
  ValueId cast(ValueId value, DataType to) {
    return b.add("Cast", {value}, attributes({{"to", static_cast<std::int64_t>(to)}}));
  }
};

const std::vector<Shape>& shapes() {
  static const std::vector<Shape> all{
      {37}, {3, 50}, {2, 5, 33}, {2, 3, 4, 21}, {2, 1, 3, 2, 2, 19}, {1, 2, 2, 1, 3, 2, 2, 17}};
  return all;
}

TEST(OpenClChains, RandomExpressionsGiveTheBitsOfSingleKernels) {
  int chained = 0;
  for (unsigned seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    RandomExpression expression(seed, shapes()[seed % shapes().size()], false);
    chained += expectSameAsEager(expression.b);
  }
  if (openClDevices(OpenClKernels::Cpu).empty()) GTEST_SKIP() << "no OpenCL platform on this machine";
  EXPECT_GT(chained, 200);
}

TEST(OpenClChains, RandomSmoothExpressionsGiveTheReferenceResult) {
  for (unsigned seed = 100; seed < 108; ++seed) {
    SCOPED_TRACE(seed);
    RandomExpression expression(seed, shapes()[seed % shapes().size()], true);
    expectSameAsReference(expression.b, 1e-4, 1e-4);
  }
}

/// x, y and a gate per channel, all in blocks because convolutions make them.
struct BlockedExpression {
  GraphBuilder b;
  ValueId x, y, gate;
  explicit BlockedExpression(std::int64_t channels, std::int64_t batch) {
    const ValueId picture = b.input("picture", randomTensor({batch, 3, 9, 11}, 1));
    const auto conv = [&](ValueId from, std::int64_t in, std::uint32_t seed, std::int64_t kernel) {
      const std::vector<std::int64_t> pads(4, kernel / 2);
      return b.add("Conv", {from, b.constant(randomTensor(Shape{channels, in, kernel, kernel}, seed, -0.4f, 0.4f))},
                   attributes({{"pads", pads}}));
    };
    x = conv(picture, 3, 2, 3);
    y = conv(picture, 3, 3, 1);
    gate = b.add("Sigmoid", {conv(b.add("GlobalAveragePool", {x}), channels, 4, 1)});
    const auto constant = [&](const Shape& shape) { return b.constant(randomTensor(shape, 5)); };
    ValueId z = b.add("Mul", {x, gate});
    z = b.add("Add", {z, constant({channels, 1, 1})});
    z = b.add("Mul", {z, constant({1, channels, 9, 11})});
    z = b.add("Add", {b.add("Relu", {z}), y});
    z = b.add("Where", {b.add("Greater", {z, y}), z, b.constant(Tensor::scalar<float>(0.25f))});
    const ValueId between = z;
    z = b.add("Mul", {z, b.input("perPixel", randomTensor({batch, 1, 9, 11}, 6))});
    z = b.add("Mul", {z, b.input("perChannel", randomTensor({1, channels, 1, 1}, 7))});
    b.output(conv(b.add("Tanh", {z}), channels, 8, 3));
    b.output(between);
  }
};

TEST(OpenClChains, StayInBlocksOfChannels) {
  for (std::int64_t channels : {32, 16, 20, 5})
    for (std::int64_t batch : {1, 3}) {
      SCOPED_TRACE(std::to_string(channels) + " channels, batch " + std::to_string(batch));
      BlockedExpression expression(channels, batch);
      expectSameAsReference(expression.b, 1e-4, 1e-4);
    }
}

TEST(OpenClChains, NumbersThatAreNotFiniteStayInTheirChannel) {
  // Five channels of a block of sixteen: what a chain makes of the other eleven must not reach the next convolution.
  GraphBuilder b;
  const ValueId picture = b.input("picture", randomTensor({1, 3, 6, 6}, 1));
  const ValueId x = b.add("Conv", {picture, b.constant(randomTensor({5, 3, 1, 1}, 2))});
  const ValueId inverse = b.add("Reciprocal", {b.add("Exp", {b.add("Log", {b.add("Abs", {x})})})});
  const ValueId masked =
      b.add("Where",
            {b.add("IsNaN", {x}), b.constant(Tensor::scalar<float>(-std::numeric_limits<float>::infinity())), inverse});
  b.output(b.add("Conv", {masked, b.constant(randomTensor({4, 5, 1, 1}, 3))}));
  expectSameAsReference(b, 1e-3, 1e-3);
}

TEST(OpenClChains, TypesOfSixteenBitsAreRoundedAtEveryNode) {
  for (DataType type : {DataType::Float16, DataType::BFloat16}) {
    SCOPED_TRACE(std::string(toString(type)));
    GraphBuilder b;
    const ValueId x = b.input("x", wildTensor({3, 45}, 1));
    const auto cast = [&](ValueId value, DataType to) {
      return b.add("Cast", {value}, attributes({{"to", static_cast<std::int64_t>(to)}}));
    };
    const ValueId rounded = cast(b.add("Abs", {x}), type);
    b.output(b.add("Neg", {cast(rounded, DataType::Float32)}));
    b.output(rounded);
    b.output(cast(b.input("half", convertTensor(wildTensor({45}, 2), type)), DataType::Float32));
    expectSameAsReference(b, 0, 0);
  }
}

TEST(OpenClChains, IntegersOfEveryWidthAndDoublesJoin) {
  GraphBuilder b;
  for (DataType type : {DataType::Int8, DataType::UInt8, DataType::Int16, DataType::UInt32, DataType::Int64}) {
    const ValueId x = b.input("x" + std::string(toString(type)), convertTensor(randomTensor({3, 41}, 1, 0, 90), type));
    const ValueId y = b.add("Add", {b.add("Mul", {x, x}), x});
    b.output(b.add("Max", {y, x}));
    b.output(b.add("Cast", {b.add("Equal", {y, x})}, attributes({{"to", std::int64_t{1}}})));
    b.output(b.add("Div", {y, b.add("Add", {x, b.constant(convertTensor(Tensor::scalar<float>(1.0f), type))})}));
  }
  expectSameAsReference(b, 0, 0);
}

TEST(OpenClChains, ReportAllTheirNodesAsOneKernel) {
  const auto& devices = openClDevices(OpenClKernels::Cpu);
  if (devices.empty()) GTEST_SKIP() << "no OpenCL platform on this machine";
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({4, 50}, 1));
  b.output(b.add("Softmax", {b.add("Relu", {b.add("Add", {x, b.add("Sigmoid", {x})})})}));
  ASSERT_TRUE(inferShapes(b.graph).ok());
  const auto compiled = devices[0]->compile(wholeGraph(b.graph), {});
  ASSERT_TRUE(compiled.ok()) << compiled.error().line();
  const auto& kernels = (*compiled)->kernels();
  ASSERT_EQ(kernels.size(), 4u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(kernels[i].kernel, "opencl chain of 3");
    EXPECT_EQ(kernels[i].together, kernels[0].node);
  }
  EXPECT_FALSE(kernels[3].together.valid());
  ProgramOptions eager;
  eager.compiled = false;
  const auto plain = devices[0]->compile(wholeGraph(b.graph), eager);
  ASSERT_TRUE(plain.ok()) << plain.error().line();
  for (const KernelInfo& info : (*plain)->kernels()) EXPECT_THAT(info.kernel, testing::Not(HasSubstr("chain")));
}

TEST(OpenClProductTails, BiasAndActivationAreComputedWithinTheProduct) {
  for (const char* activation : {"Relu", "Gelu", "Swish"}) {
    SCOPED_TRACE(activation);
    GraphBuilder b;
    const ValueId x = b.input("x", randomTensor({2, 5, 12}, 1));
    const auto product = [&](std::uint32_t seed) {
      return b.add("MatMul", {x, b.constant(randomTensor({12, 37}, seed))});
    };
    b.output(b.add(activation, {b.add("Add", {product(2), b.constant(randomTensor({37}, 3))})}));
    b.output(b.add("Add", {b.constant(Tensor::scalar<float>(0.5f)), product(4)}));
    b.output(b.add("Add", {product(5), b.constant(randomTensor({5, 1}, 6))})); // by row: not a bias
    b.output(b.add("Add", {product(7), b.input("late", randomTensor({37}, 8))}));
    expectSameAsReference(b, 1e-5, 1e-5);
    for (const auto& device : openClDevices(OpenClKernels::Cpu)) {
      const auto program = device->compile(wholeGraph(b.graph), {});
      ASSERT_TRUE(program.ok()) << program.error().line();
      std::vector<std::string> tails;
      for (const std::string& name : kernelsOf(**program))
        if (name.find(" + bias") != name.npos) tails.push_back(name.substr(name.find(" + bias")));
      EXPECT_THAT(tails, ElementsAre(" + bias, activation", " + bias, activation", " + bias, activation", " + bias",
                                     " + bias"));
    }
  }
}

TEST(OpenClProductTails, AResultThatOthersReadIsStoredBeforeTheBias) {
  GraphBuilder b;
  const ValueId product =
      b.add("MatMul", {b.input("x", randomTensor({2, 5, 12}, 1)), b.constant(randomTensor({12, 20}, 2))});
  const ValueId sum = b.add("Add", {product, b.constant(randomTensor({20}, 3))});
  b.output(b.add("Softmax", {product}));
  b.output(sum);
  b.output(b.add("Relu", {sum}));
  expectSameAsReference(b, 1e-5, 1e-5);
}

TEST(OpenClChains, AreNamedInTheTrace) {
  const auto& devices = openClDevices(OpenClKernels::Cpu);
  if (devices.empty()) GTEST_SKIP() << "no OpenCL platform on this machine";
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({4, 50}, 1));
  b.output(b.add("Relu", {b.add("Neg", {x})}));
  ASSERT_TRUE(inferShapes(b.graph).ok());
  auto run = DeviceRun::create(*devices[0], b.graph, b.feeds);
  ASSERT_TRUE(run.ok()) << run.error().line();
  TraceRecorder recorder;
  TraceWriter* writer = recorder.addTrack("test");
  run->stream().setTrace(&recorder, writer, 1);
  ASSERT_TRUE(run->run().ok());
  run->stream().setTrace(nullptr, nullptr, 0);
  std::vector<std::string> names;
  const auto copy = recorder.copy();
  for (const auto& track : copy.tracks)
    for (const TraceEvent& event : track.events)
      if (event.kind == TraceKind::Kernel) names.push_back(std::string(copy.labels.at(event.label)));
  EXPECT_THAT(names, ElementsAre("chain of 2: Neg Neg_0, Relu Relu_1"));
}

} // namespace
} // namespace tandem::test
