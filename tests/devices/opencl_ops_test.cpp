// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/opencl_test_util.hpp"

#include <numeric>

namespace tandem::test {
namespace {

using Ints = std::vector<std::int64_t>;

Tensor ints(Ints values) {
  return Tensor::of<std::int64_t>(Shape{static_cast<std::int64_t>(values.size())},
                                  std::span<const std::int64_t>(values));
}

Tensor randomInts(const Shape& shape, std::uint32_t seed, std::int64_t low, std::int64_t high) {
  std::mt19937 generator(seed);
  std::uniform_int_distribution<std::int64_t> distribution(low, high);
  Tensor tensor = Tensor::uninitialized({DataType::Int64, shape});
  for (std::int64_t& value : tensor.mutableAs<std::int64_t>()) value = distribution(generator);
  return tensor;
}

Tensor randomBools(const Shape& shape, std::uint32_t seed) {
  std::mt19937 generator(seed);
  Tensor tensor = Tensor::uninitialized({DataType::Bool, shape});
  for (bool& value : tensor.mutableAs<bool>()) value = (generator() & 1) != 0;
  return tensor;
}

struct UnaryCase {
  const char* op;
  float low, high;
};

class UnaryOnOpenCl : public testing::TestWithParam<UnaryCase> {};

TEST_P(UnaryOnOpenCl, GivesTheReferenceResult) {
  const UnaryCase& c = GetParam();
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({3, 7, 5, 11}, 1, c.low, c.high));
  b.output(b.add(c.op, {x}));
  expectSameAsReference(b);
}

INSTANTIATE_TEST_SUITE_P(
    Ops, UnaryOnOpenCl,
    testing::Values(UnaryCase{"Relu", -2, 2}, UnaryCase{"Abs", -2, 2}, UnaryCase{"Neg", -2, 2},
                    UnaryCase{"Sign", -2, 2}, UnaryCase{"LeakyRelu", -2, 2}, UnaryCase{"ThresholdedRelu", -2, 2},
                    UnaryCase{"Sigmoid", -5, 5}, UnaryCase{"Tanh", -3, 3}, UnaryCase{"HardSigmoid", -5, 5},
                    UnaryCase{"HardSwish", -5, 5}, UnaryCase{"Elu", -3, 3}, UnaryCase{"Celu", -3, 3},
                    UnaryCase{"Selu", -3, 3}, UnaryCase{"Softplus", -4, 4}, UnaryCase{"Softsign", -4, 4},
                    UnaryCase{"Mish", -4, 4}, UnaryCase{"Gelu", -3, 3}, UnaryCase{"Exp", -3, 3},
                    UnaryCase{"Log", 0.1f, 4}, UnaryCase{"Sqrt", 0, 4}, UnaryCase{"Reciprocal", 0.5f, 4},
                    UnaryCase{"Floor", -4, 4}, UnaryCase{"Ceil", -4, 4}, UnaryCase{"Round", -4, 4},
                    UnaryCase{"Erf", -2, 2}, UnaryCase{"Sin", -3, 3}, UnaryCase{"Cos", -3, 3}, UnaryCase{"Tan", -1, 1},
                    UnaryCase{"Asin", -0.9f, 0.9f}, UnaryCase{"Acos", -0.9f, 0.9f}, UnaryCase{"Atan", -3, 3},
                    UnaryCase{"Sinh", -2, 2}, UnaryCase{"Cosh", -2, 2}, UnaryCase{"Asinh", -2, 2},
                    UnaryCase{"Acosh", 1.1f, 4}, UnaryCase{"Atanh", -0.9f, 0.9f}, UnaryCase{"IsNaN", -1, 1}),
    [](const auto& param) { return std::string(param.param.op); });

class BinaryOnOpenCl : public testing::TestWithParam<const char*> {};

TEST_P(BinaryOnOpenCl, BroadcastsEveryWay) {
  const std::string op = GetParam();
  GraphBuilder b;
  const float low = op == "Pow" || op == "Mod" ? 0.5f : -2.0f;
  Attributes attrs;
  if (op == "Mod") attrs.set("fmod", std::int64_t{1});
  const ValueId full = b.input("full", randomTensor({2, 3, 4, 37}, 1, low, 2));
  const ValueId same = b.input("same", randomTensor({2, 3, 4, 37}, 2, low, 2));
  const ValueId row = b.input("row", randomTensor(Shape{37}, 3, low, 2));
  const ValueId channel = b.input("channel", randomTensor({3, 1, 1}, 4, low, 2));
  const ValueId cross = b.input("cross", randomTensor({2, 1, 4, 1}, 5, low, 2));
  const ValueId scalar = b.constant(Tensor::scalar(0.75f));
  for (ValueId other : {same, row, channel, cross, scalar}) b.output(b.add(op, {full, other}, attrs));
  if (op != "PRelu") {
    b.output(b.add(op, {cross, channel}, attrs));
    b.output(b.add(op, {scalar, full}, attrs));
  }
  expectSameAsReference(b);
}

INSTANTIATE_TEST_SUITE_P(Ops, BinaryOnOpenCl,
                         testing::Values("Add", "Sub", "Mul", "Div", "Pow", "Mod", "PRelu", "Max", "Min", "Equal",
                                         "Greater", "GreaterOrEqual", "Less", "LessOrEqual"),
                         [](const auto& param) { return std::string(param.param); });

TEST(ElementwiseOnOpenCl, OldPReluHasASlopePerChannel) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 3, 4, 3}, 1));
  b.output(b.add("PRelu", {x, b.constant(randomTensor(Shape{3}, 2))}, {}, "", 6));
  expectSameAsReference(b);
}

TEST(ElementwiseOnOpenCl, TakesAnyNumberOfOperands) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({4, 1, 9}, 1));
  const ValueId y = b.input("y", randomTensor({3, 1}, 2));
  const ValueId z = b.input("z", randomTensor({4, 3, 9}, 3));
  for (const char* op : {"Sum", "Mean", "Max", "Min"}) {
    b.output(b.add(op, {x, y, z}));
    b.output(b.add(op, {x}));
  }
  b.output(b.add("Mean", {x, z}));
  expectSameAsReference(b);
}

TEST(ElementwiseOnOpenCl, ComputesOnIntegersAndBools) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomInts({3, 5}, 1, -9, 9));
  const ValueId y = b.input("y", randomInts({5}, 2, -9, 9));
  const ValueId p = b.input("p", randomBools({3, 5}, 3));
  const ValueId q = b.input("q", randomBools({3, 1}, 4));
  for (const char* op : {"Add", "Sub", "Mul", "Max", "Min", "Less", "Equal"}) b.output(b.add(op, {x, y}));
  for (const char* op : {"And", "Or", "Xor", "Equal"}) b.output(b.add(op, {p, q}));
  b.output(b.add("Not", {p}));
  b.output(b.add("Where", {p, x, y}));
  b.output(b.add("Neg", {x}));
  b.output(b.add("Abs", {x}));
  b.output(b.add("Sign", {x}));
  expectSameAsReference(b, 0, 0);
}

TEST(ElementwiseOnOpenCl, SelectsFloats) {
  GraphBuilder b;
  const ValueId p = b.input("p", randomBools({2, 1, 33}, 1));
  b.output(b.add("Where", {p, b.input("x", randomTensor({3, 33}, 2)), b.constant(Tensor::scalar(-1.0f))}));
  expectSameAsReference(b, 0, 0);
}

TEST(ElementwiseOnOpenCl, PropagatesNaNLikeTheReference) {
  GraphBuilder b;
  Tensor x = randomTensor(Shape{40}, 1);
  x.mutableAs<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  x.mutableAs<float>()[35] = std::numeric_limits<float>::quiet_NaN();
  const ValueId in = b.input("x", x);
  const ValueId other = b.input("y", randomTensor(Shape{40}, 2));
  for (const char* op : {"Relu", "Sign", "Sigmoid", "Abs", "IsNaN"}) b.output(b.add(op, {in}));
  b.output(b.add("Max", {in, other}));
  b.output(b.add("Max", {other, in}));
  b.output(b.add("Min", {other, in}));
  expectSameAsReference(b);
}

TEST(ClipOnOpenCl, TakesBoundsFromAnywhere) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 19}, 1, -3, 3));
  const ValueId low = b.input("low", Tensor::scalar(-0.5f));
  const ValueId high = b.input("high", Tensor::scalar(0.25f));
  b.output(b.add("Clip", {x, low, high}));
  b.output(b.add("Clip", {x, ValueId(), high}));
  b.output(b.add("Clip", {x, low}));
  b.output(b.add("Clip", {x, b.constant(Tensor::scalar(0.0f)), b.constant(Tensor::scalar(6.0f))}));
  b.output(b.add("Clip", {x}));
  b.output(b.add("Clip", {x}, attributes({{"min", -1.0f}, {"max", 1.5f}}), "", 6));
  b.output(b.add("Clip", {x, high, low}));
  expectSameAsReference(b, 0, 0);
}

TEST(CastOnOpenCl, ConvertsAmongTheCommonTypes) {
  GraphBuilder b;
  Tensor floats = randomTensor({7, 9}, 1, 0, 200);
  floats.mutableAs<float>()[0] = 0;
  const ValueId x = b.input("x", floats);
  const ValueId y = b.input("y", randomInts({7, 9}, 2, -3, 3));
  const ValueId z = b.input("z", randomBools({7, 9}, 3));
  for (DataType to : {DataType::Float32, DataType::Int32, DataType::Int64, DataType::UInt8, DataType::Bool})
    for (ValueId from : {x, y, z}) b.output(b.add("Cast", {from}, attributes({{"to", static_cast<std::int64_t>(to)}})));
  expectSameAsReference(b, 0, 0);
}

TEST(MoveOnOpenCl, SlicesSplitsJoinsAndTransposes) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({4, 6, 5, 7}, 1));
  const ValueId n = b.input("n", randomInts({4, 6}, 2, -99, 99));
  b.output(b.add("Slice", {x, b.constant(ints({1, -2})), b.constant(ints({100, -100})), b.constant(ints({0, 2})),
                           b.constant(ints({2, -1}))}));
  b.output(b.add("Slice", {n, b.constant(ints({1})), b.constant(ints({3})), b.constant(ints({-1}))}));
  b.output(
      b.add("Slice", {x}, attributes({{"starts", Ints{0, 2}}, {"ends", Ints{3, 5}}, {"axes", Ints{1, 3}}}), "", 1));
  for (const Ints& perm : {Ints{3, 2, 1, 0}, Ints{0, 2, 3, 1}, Ints{1, 0, 2, 3}})
    b.output(b.add("Transpose", {x}, attributes({{"perm", perm}})));
  b.output(b.add("Transpose", {n}));
  for (std::int64_t axis : {0, 1, -1}) b.output(b.add("Concat", {x, x}, attributes({{"axis", axis}})));
  for (ValueId part : b.addMany("Split", {x, b.constant(ints({1, 2, 3}))}, 3, attributes({{"axis", std::int64_t{1}}})))
    b.output(part);
  expectSameAsReference(b, 0, 0);
}

TEST(MoveOnOpenCl, RepeatsPadsAndGathers) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 3, 4}, 1));
  b.output(b.add("Expand", {b.input("e", randomTensor({3, 1}, 2)), b.constant(ints({2, 1, 5}))}));
  b.output(b.add("Tile", {x, b.constant(ints({2, 1, 3}))}));
  for (const char* mode : {"constant", "reflect", "edge", "wrap"})
    b.output(b.add("Pad", {x, b.constant(ints({1, 0, 2, 0, 1, 3}))}, attributes({{"mode", std::string(mode)}})));
  b.output(b.add("Pad", {x, b.constant(ints({1, -1, 0, 0, 2, -1})), b.constant(Tensor::scalar(7.5f))}));
  b.output(b.add("Pad", {x, b.constant(ints({2, 1})), ValueId(), b.constant(ints({-1}))}));
  const ValueId index = b.input("index", randomInts({2, 2}, 3, -3, 2));
  b.output(b.add("Gather", {x, index}, attributes({{"axis", std::int64_t{1}}})));
  b.output(b.add("Gather", {x, b.constant(Tensor::scalar<std::int64_t>(1))}));
  b.output(b.add("DepthToSpace", {b.input("d", randomTensor({2, 12, 3, 2}, 4))},
                 attributes({{"blocksize", std::int64_t{2}}})));
  b.output(b.add("DepthToSpace", {b.input("c", randomTensor({1, 18, 2, 3}, 5))},
                 attributes({{"blocksize", std::int64_t{3}}, {"mode", std::string("CRD")}})));
  b.output(b.add("SpaceToDepth", {b.input("s", randomTensor({2, 3, 4, 6}, 6))},
                 attributes({{"blocksize", std::int64_t{2}}})));
  expectSameAsReference(b, 0, 0);
}

TEST(ViewsOnOpenCl, NeedNoKernel) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 3, 4, 5}, 1));
  const ValueId reshaped = b.add("Reshape", {x, b.constant(ints({0, -1}))});
  b.output(reshaped);
  b.output(b.add("Flatten", {x}, attributes({{"axis", std::int64_t{2}}})));
  const ValueId wide = b.add("Unsqueeze", {reshaped, b.constant(ints({0, 2}))});
  b.output(b.add("Squeeze", {wide, b.constant(ints({0}))}));
  b.output(b.add("Identity", {x}));
  b.output(b.add("Relu", {b.add("Dropout", {x})}));
  expectSameAsReference(b, 0, 0);
}

TEST(GemmOnOpenCl, LargePlainProductsAgreeOnBothKernelFamilies) { // CLBlast computes them on GPUs
  GraphBuilder b;
  const ValueId a = b.input("a", randomTensor({131, 70}, 1));
  const ValueId at = b.input("at", randomTensor({70, 131}, 2));
  const ValueId w = b.constant(randomTensor({70, 129}, 3));
  const ValueId wt = b.input("wt", randomTensor({129, 70}, 4));
  const ValueId row = b.input("row", randomTensor({1, 1100}, 5));
  const auto trans = [](std::int64_t x, std::int64_t y) {
    return attributes({{"transA", x}, {"transB", y}, {"alpha", 0.5f}});
  };
  b.output(b.add("Gemm", {a, w}, trans(0, 0)));
  b.output(b.add("Gemm", {at, w}, trans(1, 0)));
  b.output(b.add("Gemm", {a, wt}, trans(0, 1)));
  b.output(b.add("Gemm", {at, wt}, trans(1, 1)));
  b.output(b.add("MatMul", {a, w}));
  b.output(b.add("MatMul", {row, b.constant(randomTensor({1100, 1000}, 6))}));
  expectSameAsReference(b);
}

TEST(GemmOnOpenCl, TakesEveryTransposeAndBias) {
  GraphBuilder b;
  const ValueId a = b.input("a", randomTensor({17, 23}, 1));
  const ValueId at = b.input("at", randomTensor({23, 17}, 2));
  const ValueId w = b.constant(randomTensor({23, 45}, 3));
  const ValueId wt = b.constant(randomTensor({45, 23}, 4));
  const ValueId run = b.input("run", randomTensor({23, 45}, 5));
  const ValueId row = b.constant(randomTensor(Shape{45}, 6));
  const ValueId column = b.input("column", randomTensor({17, 1}, 7));
  const ValueId full = b.input("full", randomTensor({17, 45}, 8));
  const auto trans = [](std::int64_t x, std::int64_t y) {
    return attributes({{"transA", x}, {"transB", y}, {"alpha", 0.5f}, {"beta", 2.0f}});
  };
  b.output(b.add("Gemm", {a, w, row}, trans(0, 0)));
  b.output(b.add("Gemm", {at, wt, column}, trans(1, 1)));
  b.output(b.add("Gemm", {at, run, full}, trans(1, 0)));
  b.output(b.add("Gemm", {a, wt}, trans(0, 1)));
  b.output(b.add("Gemm", {a, w, b.constant(Tensor::scalar(3.0f))}, trans(0, 0)));
  Attributes fused = attributes({{"activation", std::string("Relu")}});
  b.output(b.add("FusedGemm", {a, w, row}, fused, "tandem"));
  expectSameAsReference(b);
}

TEST(MatMulOnOpenCl, BroadcastsBatches) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 3, 9, 21}, 1));
  b.output(b.add("MatMul", {x, b.constant(randomTensor({21, 33}, 2))}));
  b.output(b.add("MatMul", {x, b.input("same", randomTensor({2, 3, 21, 40}, 3))}));
  b.output(b.add("MatMul", {x, b.input("inner", randomTensor({3, 21, 5}, 4))}));
  b.output(b.add("MatMul", {x, b.input("outer", randomTensor({2, 1, 21, 32}, 5))}));
  b.output(b.add("MatMul", {b.input("one", randomTensor({1, 21}, 6)), b.input("w", randomTensor({21, 64}, 7))}));
  b.output(b.add("MatMul", {x, b.input("vector", randomTensor(Shape{21}, 8))}));
  b.output(b.add("MatMul", {b.input("left", randomTensor(Shape{9}, 9)), x}));
  b.output(
      b.add("MatMul", {b.input("dot", randomTensor(Shape{30}, 10)), b.input("dot2", randomTensor(Shape{30}, 11))}));
  expectSameAsReference(b);
}

TEST(PoolOnOpenCl, CountsPaddingAsTheModelSays) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({3, 5, 14, 11}, 1));
  const ValueId conv = b.add("Conv", {x, b.constant(randomTensor({21, 5, 1, 1}, 2))});
  for (ValueId in : {x, conv}) {
    const auto pool = [&](const char* op, std::initializer_list<std::pair<std::string, Attribute>> extra,
                          int version = 0) {
      Attributes a = attributes({{"kernel_shape", Ints{3, 2}}, {"strides", Ints{2, 3}}, {"pads", Ints{1, 0, 1, 1}}});
      for (const auto& [name, value] : extra) a.set(name, value);
      b.output(b.add(op, {in}, a, "", version));
    };
    pool("MaxPool", {});
    pool("MaxPool", {{"ceil_mode", std::int64_t{1}}, {"dilations", Ints{2, 1}}});
    pool("AveragePool", {});
    pool("AveragePool", {{"count_include_pad", std::int64_t{1}}});
    pool("AveragePool", {{"count_include_pad", std::int64_t{1}}, {"ceil_mode", std::int64_t{1}}});
    pool("AveragePool", {{"count_include_pad", std::int64_t{1}}, {"ceil_mode", std::int64_t{1}}}, 11);
    b.output(b.add("GlobalAveragePool", {in}));
    b.output(b.add("GlobalMaxPool", {in}));
  }
  const ValueId volume = b.input("volume", randomTensor({1, 2, 5, 6, 7}, 3));
  b.output(b.add("MaxPool", {volume}, attributes({{"kernel_shape", Ints{2, 3, 2}}, {"pads", Ints{1, 1, 0, 0, 1, 1}}})));
  b.output(
      b.add("AveragePool", {b.input("line", randomTensor({2, 3, 9}, 4))}, attributes({{"kernel_shape", Ints{4}}})));
  expectSameAsReference(b);
}

TEST(NormalizationOnOpenCl, GivesTheReferenceResult) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 7, 9, 5}, 1, -2, 3));
  const auto perChannel = [&](std::uint32_t seed) { return randomTensor(Shape{7}, seed, 0.5f, 1.5f); };
  b.output(b.add("BatchNormalization", {x, b.constant(perChannel(2)), b.constant(perChannel(3)),
                                        b.constant(perChannel(4)), b.constant(perChannel(5))}));
  b.output(b.add("BatchNormalization",
                 {x, b.input("s", perChannel(2)), b.input("b", perChannel(3)), b.input("m", perChannel(4)),
                  b.input("v", perChannel(5))},
                 attributes({{"epsilon", 0.01f}})));
  b.output(b.add("InstanceNormalization", {x, b.constant(perChannel(6)), b.constant(perChannel(7))}));
  const ValueId y = b.input("y", randomTensor({3, 4, 67}, 8, -2, 3));
  b.output(b.add("LayerNormalization",
                 {y, b.constant(randomTensor(Shape{67}, 9)), b.constant(randomTensor(Shape{67}, 10))}));
  b.output(
      b.add("LayerNormalization", {y, b.constant(randomTensor({4, 67}, 9))}, attributes({{"axis", std::int64_t{1}}})));
  b.output(b.add("LRN", {x}, attributes({{"size", std::int64_t{4}}, {"alpha", 0.1f}})));
  expectSameAsReference(b, 1e-4, 1e-3);
}

TEST(SoftmaxOnOpenCl, FollowsTheAxisOfItsVersion) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 5, 3, 19}, 1, -4, 4));
  for (const char* op : {"Softmax", "LogSoftmax"})
    for (int version : {1, 11, 13})
      for (std::int64_t axis : {1, 2}) b.output(b.add(op, {x}, attributes({{"axis", axis}}), "", version));
  b.output(b.add("Softmax", {x}));
  expectSameAsReference(b);
}

TEST(ReduceOnOpenCl, FoldsAnyAxes) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({3, 4, 5, 6}, 1, 0.1f, 1.3f));
  for (const char* op : {"ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
                         "ReduceSumSquare", "ReduceLogSum"}) {
    b.output(b.add(op, {x, b.constant(ints({-1}))}));
    b.output(b.add(op, {x, b.constant(ints({0, 2}))}, attributes({{"keepdims", std::int64_t{0}}})));
  }
  b.output(b.add("ReduceMean", {x, b.constant(ints({2, 3}))}));
  b.output(b.add("ReduceSum", {x}));
  b.output(b.add("ReduceSum", {x, b.constant(ints({}))}, attributes({{"noop_with_empty_axes", std::int64_t{1}}})));
  expectSameAsReference(b);
}

TEST(ResizeOnOpenCl, InterpolatesLikeTheReference) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({1, 18, 6, 7}, 1));
  const ValueId conv = b.add("Relu", {b.add("Conv", {x, b.constant(randomTensor({20, 18, 1, 1}, 2))})});
  const ValueId scales = b.constant(Tensor::of<float>(Shape{4}, {1.0f, 1.0f, 2.0f, 1.7f}));
  for (ValueId in : {x, conv}) {
    for (const char* mode : {"nearest", "linear", "cubic"})
      for (const char* coordinates : {"half_pixel", "asymmetric", "align_corners"})
        b.output(b.add(
            "Resize", {in, ValueId(), scales},
            attributes({{"mode", std::string(mode)}, {"coordinate_transformation_mode", std::string(coordinates)}})));
    b.output(b.add("Resize", {in, ValueId(), ValueId(), b.constant(ints({1, in == x ? 18 : 20, 3, 9}))}));
    b.output(b.add("Upsample", {in, b.constant(Tensor::of<float>(Shape{4}, {1.0f, 1.0f, 2.0f, 2.0f}))}, {}, "", 9));
  }
  expectSameAsReference(b);
}

TEST(EmptyTensorsOnOpenCl, AreNoWork) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({0, 3}, 1));
  const ValueId y = b.add("Relu", {x});
  b.output(b.add("Add", {y, b.constant(Tensor::scalar(1.0f))}));
  b.output(b.add("Concat", {y, b.input("z", randomTensor({2, 3}, 2))}, attributes({{"axis", std::int64_t{0}}})));
  expectSameAsReference(b);
}

} // namespace
} // namespace tandem::test
