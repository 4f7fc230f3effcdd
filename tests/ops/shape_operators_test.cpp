// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/ops/op_runner.hpp"

#include <limits>

namespace tandem::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Axes = std::vector<std::int64_t>;

constexpr std::int64_t kUnknown = kUnknownDim;
constexpr std::int64_t kHuge = std::int64_t{1} << 62;

TEST(Cast, ConvertsNumbersAndBools) {
  auto to = [](DataType type) { return Op("Cast", 13).with("to", static_cast<std::int64_t>(type)); };
  EXPECT_THAT(to(DataType::Int32).values({floats({1.9f, -1.9f})}), ElementsAre(1, -1));
  EXPECT_THAT(to(DataType::Bool).values({floats({0, 0.5f, -0.0f})}), ElementsAre(0, 1, 0));
  EXPECT_THAT(to(DataType::Float32).values({bools({true, false})}), ElementsAre(1, 0));
  EXPECT_THAT(to(DataType::UInt8).values({ints({257, -1})}), ElementsAre(1, 255)) << "integers wrap";
  EXPECT_THAT(to(DataType::Float16).values({floats({0.1f})})[0], testing::DoubleNear(0.1, 1e-4));
  EXPECT_EQ(to(DataType::Int64).infer({Shape{2, kUnknown}}), "int64 2x?");
  EXPECT_THAT(Op("Cast", 1).with("to", "INT64").values({floats({2.5f})}), ElementsAre(2));
}

TEST(Cast, ClampsWhatDoesNotFitAnInteger) {
  const Tensor x = floats({1e30f, -1e30f, std::numeric_limits<float>::quiet_NaN(), -1});
  EXPECT_THAT(Op("Cast", 13).with("to", 6).values({x}), ElementsAre(INT32_MAX, INT32_MIN, 0, -1));
  EXPECT_THAT(Op("Cast", 13).with("to", 2).values({x}), ElementsAre(255, 0, 0, 0));
}

TEST(Cast, RefusesTypesWithoutStorage) {
  for (int type : {0, 8, 14, 17, 300, -1}) {
    EXPECT_THAT(Op("Cast", 13).with("to", type).error({floats({1})}), HasSubstr("cannot cast"));
    EXPECT_THAT(Op("Cast", 13).with("to", type).infer({Shape{1}}), HasSubstr("cannot cast"));
  }
}

TEST(CastLike, TakesTheTypeOfItsSecondInput) {
  EXPECT_EQ(Op("CastLike", 15).run({floats({1.5f}), ints({0})}).type(), DataType::Int64);
  EXPECT_EQ(Op("CastLike", 15).infer({Shape{3}, ints({0})}), "int64 3");
}

TEST(Constant, KnowsEveryNumericForm) {
  EXPECT_THAT(Op("Constant", 13).with("value", ints({1, 2})).values({}), ElementsAre(1, 2));
  EXPECT_THAT(Op("Constant", 13).with("value_float", 1.5f).values({}), ElementsAre(1.5));
  EXPECT_THAT(Op("Constant", 13).with("value_int", 7).values({}), ElementsAre(7));
  EXPECT_THAT(Op("Constant", 13).with("value_ints", Axes{7, 8}).values({}), ElementsAre(7, 8));
  EXPECT_EQ(Op("Constant", 13).with("value_int", 7).infer({}), "int64 scalar");
  EXPECT_THAT(Op("Constant", 13).with("value_string", "a").error({}), HasSubstr("strings"));
  EXPECT_THAT(Op("Constant", 13).error({}), HasSubstr("no value"));
}

TEST(ConstantOfShape, FillsAndChecksTheShape) {
  const Tensor five = Op("ConstantOfShape", 9).with("value", ints({5})).run({ints({2, 3})});
  EXPECT_EQ(five.desc(), (TensorDesc{DataType::Int64, {2, 3}}));
  EXPECT_EQ(five.asInt(5), 5);
  EXPECT_THAT(Op("ConstantOfShape", 9).values({Tensor::zeros({DataType::Int64, {0}})}), ElementsAre(0)) << "a scalar";
  EXPECT_THAT(Op("ConstantOfShape", 9).values({ints({3, 0})}), IsEmpty());
  EXPECT_THAT(Op("ConstantOfShape", 9).error({ints({-1})}), HasSubstr("negative"));
  EXPECT_THAT(Op("ConstantOfShape", 9).error({ints({kHuge, kHuge})}), HasSubstr("16 GiB"));
  EXPECT_THAT(Op("ConstantOfShape", 9).error({ints({0, kHuge, kHuge})}), HasSubstr("16 GiB")) << "empty, but untrue";
  EXPECT_THAT(Op("ConstantOfShape", 9).error({ints({1, 1, 1, 1, 1, 1, 1, 1, 1})}), HasSubstr("rank 9"));
  EXPECT_THAT(Op("ConstantOfShape", 9).error({floats({1})}), HasSubstr("integers"));
  EXPECT_EQ(Op("ConstantOfShape", 9).infer({ints({2, 3})}), "float32 2x3");
  EXPECT_EQ(Op("ConstantOfShape", 9).infer({Shape{3}}), "float32 ?x?x?");
}

TEST(ShapeOperator, GivesAllDimsOrARange) {
  EXPECT_THAT(Op("Shape", 13).values({counting({2, 3, 4})}), ElementsAre(2, 3, 4));
  EXPECT_THAT(Op("Shape", 15).with("start", -2).values({counting({2, 3, 4})}), ElementsAre(3, 4));
  EXPECT_THAT(Op("Shape", 15).with("start", 1).with("end", 2).values({counting({2, 3, 4})}), ElementsAre(3));
  EXPECT_THAT(Op("Shape", 15).with("start", 9).values({counting({2})}), IsEmpty());
  EXPECT_EQ(Op("Shape", 15).with("end", -1).infer({Shape{kUnknown, 3}}), "int64 1");
}

TEST(ShapeOperator, FeedsShapeArithmeticBeforeTheRun) {
  // Reshape(x, Shape(x)[1:]) has a known shape although x is only an input with a batch that is not known.
  Graph graph;
  const ValueId x = graph.addInput("x", {DataType::Float32, {kUnknown, 4, 6}});
  const ValueId dims = graph.addValue({}), product = graph.addValue({}), y = graph.addValue({});
  auto add = [&](const char* type, int version, std::vector<ValueId> inputs, ValueId output) -> Node& {
    Node node;
    node.name = node.type = type;
    node.version = version;
    node.inputs = std::move(inputs);
    node.outputs = {output};
    return graph.node(graph.addNode(std::move(node)));
  };
  const ValueId minus = graph.addConstant("minus", ints({-1})), target = graph.addValue({});
  add("Shape", 15, {x}, dims).attributes.set("start", std::int64_t{1});
  add("ReduceProd", 18, {dims}, product);
  add("Concat", 13, {minus, product}, target).attributes.set("axis", std::int64_t{0});
  add("Reshape", 14, {x, target}, y);
  auto known = inferShapes(graph);
  ASSERT_TRUE(known) << known.error().line();
  EXPECT_EQ(graph.value(y).desc.toString(), "float32 ?x24");
  EXPECT_THAT(known->at(target).toInts(), ElementsAre(-1, 24));
}

TEST(Size, CountsElements) {
  EXPECT_THAT(Op("Size", 13).values({counting({2, 3})}), ElementsAre(6));
  EXPECT_EQ(Op("Size", 13).infer({std::nullopt}), "int64 scalar");
}

TEST(Range, CountsUpAndDown) {
  auto scalar = [](std::int64_t value) { return Tensor::scalar<std::int64_t>(value); };
  EXPECT_THAT(Op("Range", 11).values({scalar(1), scalar(8), scalar(3)}), ElementsAre(1, 4, 7));
  EXPECT_THAT(Op("Range", 11).values({scalar(5), scalar(1), scalar(-2)}), ElementsAre(5, 3));
  EXPECT_THAT(Op("Range", 11).values({scalar(5), scalar(1), scalar(1)}), IsEmpty());
  EXPECT_THAT(Op("Range", 11).values({Tensor::scalar(0.0f), Tensor::scalar(1.0f), Tensor::scalar(0.4f)}),
              ElementsAre(0, testing::DoubleNear(0.4, 1e-6), testing::DoubleNear(0.8, 1e-6)));
  EXPECT_THAT(Op("Range", 11).error({scalar(0), scalar(1), scalar(0)}), HasSubstr("finite"));
  EXPECT_THAT(Op("Range", 11).error({scalar(INT64_MIN), scalar(INT64_MAX), scalar(1)}), HasSubstr("finite"));
  EXPECT_THAT(Op("Range", 11).error({scalar(0), scalar(INT64_MAX), scalar(1)}), HasSubstr("16 GiB"));
  EXPECT_THAT(
      Op("Range", 11)
          .error({Tensor::scalar(0.0f), Tensor::scalar(std::numeric_limits<float>::infinity()), Tensor::scalar(1.0f)}),
      HasSubstr("finite"));
  EXPECT_EQ(Op("Range", 11).infer({scalar(1), scalar(8), scalar(3)}), "int64 3");
  EXPECT_EQ(Op("Range", 11).infer({Shape{}, Shape{}, Shape{}}), "float32 ?");
}

TEST(Reshape, CopiesInfersAndCounts) {
  const Tensor x = counting({2, 3, 4});
  EXPECT_EQ(Op("Reshape", 14).run({x, ints({0, -1})}).shape(), (Shape{2, 12}));
  EXPECT_EQ(Op("Reshape", 5).run({x, ints({4, 6})}).shape(), (Shape{4, 6}));
  EXPECT_EQ(Op("Reshape", 1).with("shape", Axes{-1, 2}).run({x}).shape(), (Shape{12, 2}));
  EXPECT_EQ(Op("Reshape", 14).with("allowzero", 1).run({floats({0, 2}, {}), ints({5, 0})}).shape(), (Shape{5, 0}));
  EXPECT_EQ(Op("Reshape", 14).run({floats({1}), Tensor::zeros({DataType::Int64, {0}})}).shape(), Shape{});
}

TEST(Reshape, RefusesWhatDoesNotFit) {
  const Tensor x = counting({2, 3});
  EXPECT_THAT(Op("Reshape", 14).error({x, ints({4, -1})}), HasSubstr("cannot reshape"));
  EXPECT_THAT(Op("Reshape", 14).error({x, ints({-1, -1})}), HasSubstr("more than one -1"));
  EXPECT_THAT(Op("Reshape", 14).error({x, ints({-2, 3})}), HasSubstr("-2"));
  EXPECT_THAT(Op("Reshape", 14).error({x, ints({6, 1, 0})}), HasSubstr("lacks"));
  EXPECT_THAT(Op("Reshape", 14).error({x, ints({kHuge, kHuge})}), HasSubstr("too large"));
  EXPECT_THAT(Op("Reshape", 14).infer({Shape{2, 3}, ints({5})}), HasSubstr("cannot reshape"));
}

TEST(Reshape, InfersWithUnknownDims) {
  EXPECT_EQ(Op("Reshape", 14).infer({Shape{kUnknown, 6}, ints({0, 2, 3})}), "float32 ?x2x3");
  EXPECT_EQ(Op("Reshape", 14).infer({std::nullopt, ints({0, -1})}), "float32 ?x?");
  EXPECT_EQ(Op("Reshape", 14).infer({Shape{2, 3}, Shape{4}}), "float32 ?x?x?x?");
  EXPECT_EQ(Op("Reshape", 14).infer({Shape{2, 3}, Shape{kUnknown}}), "float32 of unknown rank");
}

TEST(Flatten, SplitsTheDimsAtAnAxis) {
  EXPECT_EQ(Op("Flatten", 13).run({counting({2, 3, 4})}).shape(), (Shape{2, 12}));
  EXPECT_EQ(Op("Flatten", 13).with("axis", -1).run({counting({2, 3, 4})}).shape(), (Shape{6, 4}));
  EXPECT_EQ(Op("Flatten", 13).with("axis", 0).run({counting({2, 3})}).shape(), (Shape{1, 6}));
  EXPECT_EQ(Op("Flatten", 13).with("axis", 2).infer({Shape{2, 3, kUnknown}}), "float32 6x?");
  EXPECT_EQ(Op("Flatten", 13).infer({std::nullopt}), "float32 ?x?");
  EXPECT_THAT(Op("Flatten", 9).with("axis", -1).error({counting({2, 3})}), HasSubstr("axis -1"));
}

TEST(Squeeze, DropsDimsOfOne) {
  EXPECT_EQ(Op("Squeeze", 1).with("axes", Axes{0}).run({counting({1, 3, 1})}).shape(), (Shape{3, 1}));
  EXPECT_EQ(Op("Squeeze", 13).run({counting({1, 3, 1}), ints({-1})}).shape(), (Shape{1, 3}));
  EXPECT_EQ(Op("Squeeze", 13).run({counting({1, 3, 1})}).shape(), Shape{3});
  EXPECT_THAT(Op("Squeeze", 13).error({counting({1, 3}), ints({1})}), HasSubstr("cannot squeeze"));
  EXPECT_THAT(Op("Squeeze", 13).error({counting({1, 3}), ints({2})}), HasSubstr("axis 2"));
  EXPECT_EQ(Op("Squeeze", 13).infer({Shape{1, kUnknown, 3}, ints({0})}), "float32 ?x3");
  EXPECT_EQ(Op("Squeeze", 13).infer({Shape{1, 2, 3}, Shape{1}}), "float32 ?x?");
  EXPECT_EQ(Op("Squeeze", 13).infer({Shape{1, kUnknown}}), "float32 of unknown rank");
}

TEST(Unsqueeze, PutsDimsOfOneIn) {
  EXPECT_EQ(Op("Unsqueeze", 11).with("axes", Axes{0, -1}).run({counting({3})}).shape(), (Shape{1, 3, 1}));
  EXPECT_EQ(Op("Unsqueeze", 13).run({counting({0, 3}), ints({1})}).shape(), (Shape{0, 1, 3}));
  EXPECT_THAT(Op("Unsqueeze", 13).error({counting({3}), ints({0, 0})}), HasSubstr("twice"));
  EXPECT_THAT(Op("Unsqueeze", 13).error({counting({3}), ints({3})}), HasSubstr("axis 3"));
  EXPECT_EQ(Op("Unsqueeze", 13).infer({Shape{kUnknown}, ints({0})}), "float32 1x?");
  EXPECT_EQ(Op("Unsqueeze", 13).infer({Shape{2}, Shape{2}}), "float32 ?x?x?");
}

TEST(EyeLike, MarksADiagonal) {
  EXPECT_THAT(Op("EyeLike", 9).values({counting({2, 3})}), ElementsAre(1, 0, 0, 0, 1, 0));
  EXPECT_THAT(Op("EyeLike", 9).with("k", 1).values({counting({2, 3})}), ElementsAre(0, 1, 0, 0, 0, 1));
  EXPECT_THAT(Op("EyeLike", 9).with("k", -1).values({counting({2, 2})}), ElementsAre(0, 0, 1, 0));
  EXPECT_THAT(Op("EyeLike", 9).with("k", INT64_MIN).values({counting({1, 1})}), ElementsAre(0));
  EXPECT_EQ(Op("EyeLike", 9).with("dtype", 7).infer({Shape{2, 2}}), "int64 2x2");
  EXPECT_THAT(Op("EyeLike", 9).error({counting({2})}), HasSubstr("matrix"));
}

TEST(CostOf, CountsNothingForANodeThatLacksItsInputsOrWhoseSizesAreNotSane) {
  Graph graph;
  Node bare;
  bare.name = "bare";
  bare.type = "BitwiseNot";
  bare.version = 18;
  graph.addNode(bare);
  EXPECT_EQ(costOf(graph, graph.nodes()[0]).flops, 0);
  Node huge;
  huge.name = "huge";
  huge.type = "Neg";
  huge.version = 13;
  const Shape tooLarge{std::int64_t{1} << 40, std::int64_t{1} << 40};
  huge.inputs.push_back(graph.addInput("x", {DataType::Float32, tooLarge}));
  graph.value(huge.inputs[0]).rankKnown = true;
  Value result;
  result.desc = {DataType::Float32, tooLarge};
  result.rankKnown = true;
  huge.outputs.push_back(graph.addValue(std::move(result)));
  graph.addNode(huge);
  const OpCost cost = costOf(graph, graph.nodes()[1]);
  EXPECT_EQ(cost.flops, 0);
  EXPECT_EQ(cost.activationBytes, 0);
}

} // namespace
} // namespace tandem::test
