// SPDX-License-Identifier: GPL-3.0-or-later
// Element types beside float32, and what kernels say about wrong data.
#include "engine/ops/kernel_util.hpp"
#include "tests/devices/opencl_test_util.hpp"

#include <algorithm>

namespace tandem::test {
namespace {

using Ints = std::vector<std::int64_t>;

/// Whole numbers of [low, high] in any type.
Tensor numbers(DataType type, const Shape& shape, std::uint32_t seed, int low, int high, float step = 1.0f) {
  std::mt19937 generator(seed);
  std::uniform_int_distribution<int> distribution(low, high);
  Tensor tensor = Tensor::uninitialized({type, shape});
  visitType(type, [&]<class T>(TypeTag<T>) {
    for (T& value : tensor.mutableAs<T>()) value = ops::convert<T>(static_cast<float>(distribution(generator)) * step);
  });
  return tensor;
}

bool computesInDouble() {
  const auto& devices = openClDevices(OpenClKernels::Auto);
  GraphBuilder b;
  b.output(b.add("Relu", {b.input("x", Tensor::zeros({DataType::Float64, Shape{2}}))}));
  EXPECT_TRUE(inferShapes(b.graph).ok());
  return !devices.empty() && devices[0]->supports(b.graph, NodeId(0)).ok();
}

constexpr DataType kIntegers[] = {DataType::Int8,  DataType::Int16,  DataType::Int32,  DataType::Int64,
                                  DataType::UInt8, DataType::UInt16, DataType::UInt32, DataType::UInt64};

class IntegersOnOpenCl : public testing::TestWithParam<DataType> {};

TEST_P(IntegersOnOpenCl, ComputeAsTheReferenceDoes) {
  GraphBuilder b;
  const DataType type = GetParam();
  const bool isSigned = toString(type)[0] != 'u';
  const ValueId x = b.input("x", numbers(type, {3, 8}, 1, isSigned ? -100 : 0, 100));
  const ValueId y = b.input("y", numbers(type, {8}, 2, 1, 9));
  const ValueId z = b.input("z", isSigned ? numbers(type, {3, 1}, 3, -9, -1) : numbers(type, {3, 1}, 3, 1, 9));
  for (const char* op : {"Add", "Sub", "Mul", "Div", "Max", "Min", "Mod", "Pow"})
    for (ValueId other : {y, z})
      if (op != std::string("Pow") || other == y) b.output(b.add(op, {x, other}));
  b.output(b.add("Mod", {x, z}, attributes({{"fmod", std::int64_t{1}}})));
  b.output(b.add("Abs", {x}));
  b.output(b.add("Less", {x, y}));
  b.output(b.add("Clip", {x, b.constant(numbers(type, {}, 1, 3, 3)), b.constant(numbers(type, {}, 1, 70, 70))}));
  expectSameAsReference(b, 0, 0);
}

INSTANTIATE_TEST_SUITE_P(Types, IntegersOnOpenCl, testing::ValuesIn(kIntegers),
                         [](const auto& param) { return std::string(toString(param.param)); });

TEST(IntegersOnOpenClReduce, FoldWithoutLosingDigits) {
  GraphBuilder b;
  const ValueId x = b.input("x", numbers(DataType::Int64, {4, 5}, 1, -1000000000, 1000000000));
  const ValueId y = b.input("y", numbers(DataType::UInt8, {4, 5}, 2, 0, 255));
  const ValueId axis = b.constant(Tensor::of<std::int64_t>({1}, {1}));
  for (const char* op : {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceProd"})
    b.output(b.add(op, {x, axis}));
  for (const char* op : {"ReduceMax", "ReduceMin"}) b.output(b.add(op, {y, axis}));
  for (const char* op : {"ArgMax", "ArgMin"}) b.output(b.add(op, {x}, attributes({{"axis", std::int64_t{1}}})));
  b.output(b.add("CumSum", {x, b.constant(Tensor::scalar<std::int64_t>(0))}));
  expectSameAsReference(b, 0, 0);
}

TEST(CastOnOpenCl, KnowsEveryType) {
  GraphBuilder b;
  std::vector<DataType> types(std::begin(kIntegers), std::end(kIntegers));
  for (DataType type : {DataType::Float32, DataType::Float16, DataType::BFloat16, DataType::Bool})
    types.push_back(type);
  if (computesInDouble()) types.push_back(DataType::Float64);
  for (DataType from : types) {
    const bool isSigned = isFloating(from) || toString(from)[0] == 'i';
    const ValueId x = b.input("x_" + std::string(toString(from)),
                              numbers(from, Shape{70}, 1, isSigned ? -90 : 0, 90, isFloating(from) ? 3.7f : 1.0f));
    // Every type from and to these two; all pairs would be kernels by the hundred.
    for (DataType to : types)
      if (to != from && (from == DataType::Float32 || to == DataType::Float32 || to == DataType::Int64))
        b.output(b.add("Cast", {x}, attributes({{"to", static_cast<std::int64_t>(to)}})));
  }
  expectSameAsReference(b, 0, 0);
}

TEST(CastOnOpenCl, ClampsWhatDoesNotFitAndRoundsHalvesToEven) {
  GraphBuilder b;
  const float inf = std::numeric_limits<float>::infinity();
  const ValueId x = b.input("x", Tensor::of<float>({10}, {inf, -inf, std::numeric_limits<float>::quiet_NaN(), 1e30f,
                                                          -1e30f, 300.7f, -300.7f, 1e-40f, 65520.0f, 2049.0f}));
  for (DataType to : {DataType::Int8, DataType::UInt8, DataType::Int32, DataType::Int64, DataType::UInt64,
                      DataType::Float16, DataType::BFloat16, DataType::Bool})
    b.output(b.add("Cast", {x}, attributes({{"to", static_cast<std::int64_t>(to)}})));
  expectSameAsReference(b, 0, 0);
}

class HalfOnOpenCl : public testing::TestWithParam<DataType> {};

TEST_P(HalfOnOpenCl, IsStoredInSixteenBitsAndComputedInFloat32) {
  GraphBuilder b;
  const DataType type = GetParam();
  const auto random = [&](const Shape& shape, std::uint32_t seed) { return numbers(type, shape, seed, -8, 8, 0.25f); };
  const ValueId x = b.input("x", random({1, 4, 6, 5}, 1));
  b.output(b.add("Conv", {x, b.constant(random({3, 4, 3, 3}, 2)), b.constant(random({3}, 3))}));
  const ValueId sum = b.add("Add", {x, b.constant(random({4, 1, 1}, 4))});
  b.output(b.add("Relu", {sum}));
  b.output(b.add("Softmax", {sum}));
  b.output(b.add("ReduceMean", {sum}));
  b.output(b.add("MaxPool", {sum}, attributes({{"kernel_shape", Ints{2, 2}}})));
  b.output(b.add("Equal", {x, sum}));
  b.output(b.add("IsNaN", {x}));
  b.output(b.add("MatMul", {x, b.constant(random({5, 7}, 5))}));
  b.output(b.add("Transpose", {x}));
  b.output(b.add("Where", {b.add("Greater", {x, sum}), x, sum}));
  b.output(b.add("LayerNormalization", {x, b.constant(random({5}, 6)), b.constant(random({5}, 7))}));
  expectSameAsReference(b, 5e-3, 1e-2);
}

INSTANTIATE_TEST_SUITE_P(Types, HalfOnOpenCl, testing::Values(DataType::Float16, DataType::BFloat16),
                         [](const auto& param) { return std::string(toString(param.param)); });

/// Names of the kernels that one run launches, from its trace.
std::vector<std::string> launchesOf(DeviceRun& run) {
  TraceRecorder recorder;
  run.stream().setTrace(&recorder, recorder.addTrack("run"), 1);
  EXPECT_TRUE(run.run().ok());
  run.stream().setTrace(nullptr, nullptr, 0);
  std::vector<std::string> names;
  const TraceRecorder::Copy copy = recorder.copy();
  for (const auto& track : copy.tracks)
    for (const TraceEvent& event : track.events)
      if (event.kind == TraceKind::Kernel) names.push_back(copy.labels[event.label]);
  return names;
}

TEST_P(HalfOnOpenCl, StaysInFloat32BetweenTheNodesOfACompiledSegment) {
  GraphBuilder b;
  const DataType type = GetParam();
  const auto random = [&](const Shape& shape, std::uint32_t seed) { return numbers(type, shape, seed, -8, 8, 0.25f); };
  const ValueId x = b.input("x", random({1, 16, 6, 5}, 1));
  const ValueId conv = b.add("Conv", {x, b.constant(random({16, 16, 1, 1}, 2))});
  const ValueId turned = b.add("Transpose", {b.add("Softmax", {conv})}, attributes({{"perm", Ints{0, 1, 3, 2}}}));
  b.output(b.add("MatMul", {turned, b.constant(random({6, 7}, 3))}));
  expectSameAsReference(b, 5e-2, 2e-2);
  for (const auto& device : openClDevices(OpenClKernels::Gpu)) {
    auto compiled = DeviceRun::create(*device, b.graph, b.feeds, true);
    ASSERT_TRUE(compiled.ok()) << compiled.error().line();
    // One conversion on the way in and one on the way out, and nothing of the kind in between.
    EXPECT_EQ(launchesOf(*compiled).size(), 6u);
    const auto& kernels = compiled->program().kernels();
    ASSERT_EQ(kernels.size(), 4u);
    for (const KernelInfo& info : kernels) EXPECT_TRUE(info.kernel.ends_with(" as float32")) << info.kernel;
    auto eager = DeviceRun::create(*device, b.graph, b.feeds, false);
    ASSERT_TRUE(eager.ok()) << eager.error().line();
    EXPECT_GT(launchesOf(*eager).size(), 9u);
  }
}

TEST(DoubleOnOpenCl, KeepsItsPrecision) {
  if (!computesInDouble()) GTEST_SKIP() << "no device with double precision";
  GraphBuilder b;
  const ValueId x = b.input("x", numbers(DataType::Float64, {3, 5}, 1, 1, 1000000, 1e-3f));
  const ValueId y = b.input("y", numbers(DataType::Float64, {5}, 2, 1, 1000000, 1e-3f));
  for (const char* op : {"Add", "Mul", "Div", "Mean", "Less"}) b.output(b.add(op, {x, y}));
  for (const char* op : {"Sqrt", "Erf", "Floor", "Log"}) b.output(b.add(op, {x}));
  b.output(b.add("ReduceSum", {x}));
  b.output(b.add("ReduceLogSumExp", {x}));
  b.output(b.add("CumSum", {x, b.constant(Tensor::scalar<std::int64_t>(1))}));
  b.output(b.add("Softmax", {x}));
  b.output(b.add("Einsum", {x, x}, attributes({{"equation", std::string("ij,kj->ik")}})));
  b.output(b.add("Where", {b.add("Less", {x, y}), x, y}));
  expectSameAsReference(b, 1e-9, 1e-9);
}

/// Runs once with wrong data, which must fail as the reference does, and once more, which must fail again.
void expectSameError(GraphBuilder& b) {
  ASSERT_TRUE(inferShapes(b.graph).ok());
  const Node& node = b.graph.nodes()[0];
  std::vector<Tensor> inputs;
  for (ValueId value : node.inputs)
    inputs.push_back(b.graph.value(value).isConstant() ? b.graph.value(value).constant : b.feeds.at(value));
  const auto expected = evaluate(node, inputs);
  ASSERT_FALSE(expected.ok());
  for (OpenClKernels kernels : {OpenClKernels::Cpu, OpenClKernels::Gpu})
    for (const auto& device : openClDevices(kernels)) {
      auto run = DeviceRun::create(*device, b.graph, b.feeds);
      ASSERT_TRUE(run.ok()) << run.error().line();
      for (int repeat = 0; repeat < 2; ++repeat) {
        const auto outputs = run->run();
        ASSERT_FALSE(outputs.ok()) << device->id();
        EXPECT_EQ(outputs.error().code, expected.error().code);
        EXPECT_EQ(outputs.error().message, expected.error().message);
        EXPECT_NE(outputs.error().where.find(node.name), std::string::npos) << outputs.error().where;
      }
    }
}

TEST(WrongDataOnOpenCl, AnIndexOutOfRangeIsTheSameErrorAsOnTheHost) {
  for (std::int64_t bad : {std::int64_t{3}, std::int64_t{-4}, std::int64_t{1} << 40}) {
    for (const char* op : {"Gather", "GatherElements", "ScatterElements", "GatherND", "ScatterND"}) {
      GraphBuilder b;
      const bool tuples = std::string(op).ends_with("ND");
      const ValueId x = b.input("x", randomTensor({3, 2}, 1));
      const ValueId index = b.input("index", Tensor::of<std::int64_t>({2, 1}, {1, bad}));
      std::vector<ValueId> inputs{x, index};
      if (std::string(op).starts_with("Scatter"))
        inputs.push_back(b.input("updates", tuples ? randomTensor({2, 2}, 2) : randomTensor({2, 1}, 2)));
      b.output(b.add(op, inputs));
      expectSameError(b);
    }
  }
}

TEST(WrongDataOnOpenCl, AnIntegerDivisionByZeroIsAnErrorAndNoTrap) {
  for (const char* op : {"Div", "Mod"})
    for (DataType type : {DataType::Int32, DataType::UInt8, DataType::Int64}) {
      GraphBuilder b;
      const ValueId x = b.input("x", numbers(type, Shape{40}, 1, 1, 100));
      const ValueId y = b.input("y", numbers(type, Shape{40}, 2, 0, 1));
      b.output(b.add(op, {x, y}));
      expectSameError(b);
    }
}

TEST(WrongDataOnOpenCl, TheMostNegativeIntegerDividesByMinusOne) {
  GraphBuilder b;
  const ValueId x = b.input("x", Tensor::of<std::int32_t>({2}, {INT32_MIN, 7}));
  const ValueId y = b.input("y", Tensor::of<std::int32_t>({2}, {-1, -1}));
  for (const char* op : {"Div", "Mod"}) b.output(b.add(op, {x, y}));
  expectSameAsReference(b, 0, 0);
}

TEST(WrongDataOnOpenCl, TheNextRunWithRightDataSucceeds) {
  for (const auto& device : openClDevices(OpenClKernels::Auto)) {
    GraphBuilder b;
    const ValueId x = b.input("x", randomTensor({3, 2}, 1));
    const ValueId index = b.input("index", Tensor::of<std::int64_t>({1}, {5}));
    b.output(b.add("Gather", {x, index}));
    ASSERT_TRUE(inferShapes(b.graph).ok());
    auto wrong = DeviceRun::create(*device, b.graph, b.feeds);
    ASSERT_TRUE(wrong.ok()) << wrong.error().line();
    EXPECT_FALSE(wrong->run().ok());
    b.feeds[index] = Tensor::of<std::int64_t>({1}, {2});
    auto right = DeviceRun::create(*device, b.graph, b.feeds, wrong->sharedProgram());
    ASSERT_TRUE(right.ok()) << right.error().line();
    EXPECT_TRUE(right->run().ok());
  }
}

} // namespace
} // namespace tandem::test
