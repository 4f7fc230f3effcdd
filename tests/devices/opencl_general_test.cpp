// SPDX-License-Identifier: GPL-3.0-or-later
// The operators with general kernels: indices, lines, normalizations, sampling, recurrence, transforms.
#include "tests/devices/opencl_test_util.hpp"

namespace tandem::test {
namespace {

using Ints = std::vector<std::int64_t>;

ValueId longs(GraphBuilder& b, const Shape& shape, const Ints& values) {
  return b.constant(Tensor::of<std::int64_t>(shape, std::span<const std::int64_t>(values)));
}

TEST(IndexedOnOpenCl, GathersElementsAndTuples) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 3, 4}, 1));
  for (std::int64_t axis : {0, 1, -1})
    b.output(b.add("GatherElements", {x, longs(b, {2, 2, 3}, {0, 1, -1, 1, 0, 1, 1, -2, 0, 0, 1, 1})},
                   attributes({{"axis", axis}})));
  b.output(b.add("GatherND", {x, longs(b, {2, 2}, {0, -1, 1, 2})}));
  b.output(b.add("GatherND", {x, longs(b, {2, 1, 1}, {2, -3})}, attributes({{"batch_dims", std::int64_t{1}}})));
  b.output(b.add("GatherND", {x, longs(b, {3, 3}, {0, 0, 0, 1, 2, 3, -1, 1, -1})}));
  expectSameAsReference(b, 0, 0);
}

TEST(IndexedOnOpenCl, ScattersWithEveryReduction) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({3, 4}, 1));
  const ValueId elements = longs(b, {3, 2}, {0, 1, 1, -1, 3, 3});
  const ValueId updates = b.input("u", randomTensor({3, 2}, 2));
  const ValueId tuples = longs(b, {3, 1}, {2, 0, -1});
  const ValueId rows = b.input("r", randomTensor({3, 4}, 3));
  for (const char* reduction : {"add", "mul", "max", "min"}) {
    const Attributes how = attributes({{"reduction", std::string(reduction)}, {"axis", std::int64_t{1}}});
    b.output(b.add("ScatterElements", {x, elements, updates}, how));
    b.output(b.add("ScatterND", {x, tuples, rows}, attributes({{"reduction", std::string(reduction)}})));
  }
  b.output(b.add("ScatterElements",
                 {x, longs(b, {2, 4}, {0, 1, 2, 0, 1, 2, 0, -1}), b.input("v", randomTensor({2, 4}, 4))}));
  b.output(b.add("ScatterND", {x, longs(b, {2, 2}, {0, 0, 2, -1}), b.input("w", randomTensor({2}, 5))}));
  expectSameAsReference(b, 1e-6, 1e-6);
}

TEST(IndexedOnOpenCl, MakesTensorsOfPositions) {
  GraphBuilder b;
  const ValueId index = b.input("index", Tensor::of<std::int64_t>({2, 3}, {0, 4, -1, 9, -5, 2}));
  const ValueId floats = b.input("floats", Tensor::of<float>({3}, {1.0f, -2.0f, 7.0f}));
  const ValueId values = b.input("values", Tensor::of<float>({2}, {0.5f, 3.0f}));
  for (std::int64_t axis : {0, 1, -1})
    b.output(
        b.add("OneHot", {index, b.constant(Tensor::scalar<std::int64_t>(5)), values}, attributes({{"axis", axis}})));
  b.output(b.add("OneHot", {floats, b.constant(Tensor::scalar<std::int64_t>(5)), values}));
  const ValueId x = b.input("x", randomTensor({2, 4, 5}, 1));
  for (std::int64_t upper : {0, 1})
    for (std::int64_t k : {-2, 0, 3, 100})
      b.output(b.add("Trilu", {x, b.constant(Tensor::scalar(k))}, attributes({{"upper", upper}})));
  const ValueId matrix = b.input("matrix", randomTensor({4, 6}, 2));
  b.output(b.add("EyeLike", {matrix}, attributes({{"k", std::int64_t{1}}})));
  b.output(b.add("EyeLike", {matrix}, attributes({{"k", std::int64_t{-2}}, {"dtype", std::int64_t{7}}})));
  const ValueId lengths = b.input("lengths", Tensor::of<std::int64_t>({4}, {1, 3, 0, 2}));
  b.output(b.add("ReverseSequence", {b.input("s", randomTensor({3, 4, 2}, 3)), lengths}));
  b.output(b.add("ReverseSequence", {b.input("t", randomTensor({4, 3}, 4)), lengths},
                 attributes({{"time_axis", std::int64_t{1}}, {"batch_axis", std::int64_t{0}}})));
  expectSameAsReference(b, 0, 0);
}

TEST(LinesOnOpenCl, ChooseTheFirstOfEqualsAndNaNFirst) {
  GraphBuilder b;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const ValueId x = b.input("x", Tensor::of<float>({3, 5}, {1, 4, 4, -2, -2, 0, nan, 3, nan, 1, 7, 7, 7, 7, 7}));
  for (const char* op : {"ArgMax", "ArgMin"})
    for (std::int64_t last : {0, 1})
      for (std::int64_t axis : {0, 1})
        b.output(b.add(op, {x}, attributes({{"axis", axis}, {"select_last_index", last}, {"keepdims", last}})));
  for (std::int64_t largest : {0, 1})
    for (ValueId result : b.addMany("TopK", {x, longs(b, {1}, {3})}, 2, attributes({{"largest", largest}})))
      b.output(result);
  const ValueId tall = b.input("tall", randomTensor({7, 90}, 2));
  for (ValueId result : b.addMany("TopK", {tall, longs(b, {1}, {4})}, 2, attributes({{"axis", std::int64_t{0}}})))
    b.output(result);
  expectSameAsReference(b, 0, 0);
}

TEST(LinesOnOpenCl, CumulateAndNormalizeAlongAnyAxis) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({3, 4, 5}, 1));
  for (std::int64_t axis : {0, 1, -1}) {
    for (std::int64_t exclusive : {0, 1})
      b.output(
          b.add("CumSum", {x, b.constant(Tensor::scalar(axis))},
                attributes({{"exclusive", exclusive}, {"reverse", axis == 1 ? std::int64_t{1} : std::int64_t{0}}})));
    for (std::int64_t p : {1, 2}) b.output(b.add("LpNormalization", {x}, attributes({{"axis", axis}, {"p", p}})));
    b.output(b.add("Hardmax", {x}, attributes({{"axis", axis}})));
  }
  b.output(b.add("GlobalLpPool", {x}, attributes({{"p", std::int64_t{3}}})));
  expectSameAsReference(b);
}

TEST(MomentsOnOpenCl, ShareAnyGroups) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 6, 5, 7}, 1, -2, 3));
  const auto constant = [&](const Shape& shape, std::uint32_t seed) {
    return b.constant(randomTensor(shape, seed, 0.5f, 1.5f));
  };
  for (std::int64_t groups : {1, 2, 6})
    b.output(
        b.add("GroupNormalization", {x, constant({6}, 2), constant({6}, 3)}, attributes({{"num_groups", groups}})));
  b.output(b.add("GroupNormalization", {x, constant({3}, 2), constant({3}, 3)},
                 attributes({{"num_groups", std::int64_t{3}}}), "", 18));
  for (std::int64_t axis : {0, 2, -1})
    b.output(b.add("RMSNormalization", {x, constant({7}, 4)}, attributes({{"axis", axis}}), "", 23));
  for (ValueId result : b.addMany("LayerNormalization", {x, constant({5, 1}, 5), constant({7}, 6)}, 3,
                                  attributes({{"axis", std::int64_t{1}}})))
    b.output(result);
  b.output(b.add("MeanVarianceNormalization", {x}));
  b.output(b.add("MeanVarianceNormalization", {x}, attributes({{"axes", Ints{1}}})));
  expectSameAsReference(b, 1e-4, 1e-3);
}

TEST(ReduceOnOpenCl, LogSumExpSurvivesLargeNumbersAndInfinities) {
  GraphBuilder b;
  const float inf = std::numeric_limits<float>::infinity();
  const ValueId x = b.input("x", Tensor::of<float>({3, 3}, {1000, 1000.5f, 999, -inf, -inf, -inf, inf, 1, 2}));
  b.output(b.add("ReduceLogSumExp", {x, longs(b, {1}, {1})}));
  b.output(b.add("ReduceLogSumExp", {x}));
  const ValueId none = b.input("none", Tensor::zeros({DataType::Float32, {2, 0, 3}}));
  for (const char* op : {"ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceLogSumExp"})
    b.output(b.add(op, {none, longs(b, {1}, {1})}));
  expectSameAsReference(b);
}

TEST(SampleOnOpenCl, ReadsGridsInEveryMode) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 3, 5, 6}, 1));
  const ValueId grid = b.input("grid", randomTensor({2, 4, 3, 2}, 2, -1.4f, 1.4f));
  for (const char* mode : {"linear", "nearest", "cubic"})
    for (const char* padding : {"zeros", "border", "reflection"})
      for (std::int64_t corners : {0, 1})
        b.output(b.add(
            "GridSample", {x, grid},
            attributes(
                {{"mode", std::string(mode)}, {"padding_mode", std::string(padding)}, {"align_corners", corners}}),
            "", 20));
  b.output(b.add(
      "GridSample",
      {b.input("v", randomTensor({1, 2, 3, 4, 5}, 3)), b.input("g", randomTensor({1, 2, 2, 2, 3}, 4, -1.2f, 1.2f))}, {},
      "", 20));
  expectSameAsReference(b);
}

TEST(SampleOnOpenCl, AlignsRegions) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 3, 9, 8}, 1));
  const ValueId regions = b.input("regions", Tensor::of<float>({3, 4}, {0, 0, 7, 5, 1.5f, 2, 9, 12, 3, 3, 3.2f, 3.1f}));
  const ValueId pictures = b.input("pictures", Tensor::of<std::int64_t>({3}, {0, 1, 1}));
  for (const char* mode : {"avg", "max"})
    for (std::int64_t ratio : {0, 2})
      for (const char* pixel : {"half_pixel", "output_half_pixel"})
        b.output(b.add("RoiAlign", {x, regions, pictures},
                       attributes({{"mode", std::string(mode)},
                                   {"sampling_ratio", ratio},
                                   {"output_height", std::int64_t{3}},
                                   {"output_width", std::int64_t{2}},
                                   {"spatial_scale", 0.75f},
                                   {"coordinate_transformation_mode", std::string(pixel)}})));
  expectSameAsReference(b);
}

TEST(ResizeOnOpenCl, CropsAndWorksOnAnyAxis) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({1, 1, 4, 5}, 1));
  const ValueId roi = b.constant(Tensor::of<float>({8}, {0, 0, 0.4f, -0.3f, 1, 1, 0.6f, 1.2f}));
  b.output(b.add("Resize", {x, roi, ValueId(), longs(b, {4}, {1, 1, 3, 6})},
                 attributes({{"mode", std::string("linear")},
                             {"extrapolation_value", 9.5f},
                             {"coordinate_transformation_mode", std::string("tf_crop_and_resize")}})));
  const ValueId deep = b.input("deep", randomTensor({2, 3, 2, 2, 3}, 2));
  for (const char* mode : {"linear", "nearest"})
    b.output(b.add("Resize", {deep, ValueId(), ValueId(), longs(b, {5}, {3, 5, 2, 4, 2})},
                   attributes({{"mode", std::string(mode)}})));
  b.output(b.add("Resize", {x, ValueId(), ValueId(), longs(b, {4}, {1, 1, 2, 3})},
                 attributes({{"mode", std::string("linear")}, {"antialias", std::int64_t{1}}})));
  expectSameAsReference(b);
}

class RecurrentOnOpenCl : public testing::TestWithParam<const char*> {};

TEST_P(RecurrentOnOpenCl, RunsEveryVariant) {
  const std::string op = GetParam();
  const std::int64_t gates = op == "LSTM" ? 4 : op == "GRU" ? 3 : 1;
  const std::size_t outputs = op == "LSTM" ? 3 : 2;
  constexpr std::int64_t kSteps = 5, kBatch = 3, kInput = 21, kHidden = 19;
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({kSteps, kBatch, kInput}, 1));
  const ValueId lengths = b.input("lengths", Tensor::of<std::int32_t>({kBatch}, {5, 2, 0}));
  for (const char* direction : {"forward", "reverse", "bidirectional"}) {
    const std::int64_t directions = direction[0] == 'b' ? 2 : 1;
    const ValueId w = b.constant(randomTensor({directions, gates * kHidden, kInput}, 2, -0.4f, 0.4f));
    const ValueId r = b.constant(randomTensor({directions, gates * kHidden, kHidden}, 3, -0.4f, 0.4f));
    const ValueId bias = b.constant(randomTensor({directions, 2 * gates * kHidden}, 4));
    const ValueId state = b.constant(randomTensor({directions, kBatch, kHidden}, 5));
    const Attributes plain = attributes({{"hidden_size", kHidden}, {"direction", std::string(direction)}});
    for (ValueId result : b.addMany(op, {x, w, r}, outputs, plain)) b.output(result);
    std::vector<ValueId> all{x, w, r, bias, lengths, state};
    Attributes special = plain;
    special.set("clip", 0.7f);
    if (op == "LSTM") {
      all.push_back(b.constant(randomTensor({directions, kBatch, kHidden}, 6)));
      all.push_back(b.constant(randomTensor({directions, 3 * kHidden}, 7)));
      special.set("input_forget", std::int64_t{1});
    }
    if (op == "GRU") special.set("linear_before_reset", std::int64_t{1});
    for (ValueId result : b.addMany(op, all, outputs, special)) b.output(result);
  }
  expectSameAsReference(b);
}

INSTANTIATE_TEST_SUITE_P(Ops, RecurrentOnOpenCl, testing::Values("RNN", "GRU", "LSTM"),
                         [](const auto& param) { return std::string(param.param); });

TEST(RecurrentOnOpenClLayout, TakesTheBatchFirstAndOtherFunctions) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 4, 3}, 1));
  const ValueId w = b.constant(randomTensor({1, 12, 3}, 2)), r = b.constant(randomTensor({1, 12, 4}, 3));
  for (ValueId result : b.addMany("GRU", {x, w, r}, 2,
                                  attributes({{"hidden_size", std::int64_t{4}},
                                              {"layout", std::int64_t{1}},
                                              {"activations", std::vector<std::string>{"HardSigmoid", "Softsign"}}})))
    b.output(result);
  expectSameAsReference(b);
}

TEST(EinsumOnOpenCl, ContractsBroadcastsAndTakesDiagonals) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 3, 4}, 1));
  const ValueId y = b.input("y", randomTensor({2, 4, 5}, 2));
  const ValueId z = b.input("z", randomTensor({5, 3}, 3));
  const ValueId square = b.input("square", randomTensor({2, 3, 3}, 4));
  const auto einsum = [&](const char* equation, std::vector<ValueId> inputs) {
    b.output(b.add("Einsum", std::move(inputs), attributes({{"equation", std::string(equation)}})));
  };
  einsum("bij,bjk->bik", {x, y});
  einsum("...ij,...jk", {x, y});
  einsum("bii->bi", {square});
  einsum("bij->", {x});
  einsum("bij,bjk,ki->b", {x, y, z});
  einsum("ij->ji", {z});
  expectSameAsReference(b);
}

TEST(FourierOnOpenCl, TransformsBothWays) {
  GraphBuilder b;
  const ValueId real = b.input("real", randomTensor({2, 7, 3, 1}, 1));
  const ValueId complex = b.input("complex", randomTensor({2, 6, 3, 2}, 2));
  const ValueId axis = b.constant(Tensor::scalar<std::int64_t>(1));
  for (std::int64_t inverse : {0, 1})
    b.output(b.add("DFT", {complex, ValueId(), axis}, attributes({{"inverse", inverse}})));
  b.output(b.add("DFT", {real, ValueId(), axis}, attributes({{"onesided", std::int64_t{1}}})));
  b.output(b.add("DFT", {complex, ValueId(), axis},
                 attributes({{"onesided", std::int64_t{1}}, {"inverse", std::int64_t{1}}})));
  b.output(b.add("DFT", {real, b.constant(Tensor::scalar<std::int64_t>(10))}));
  const ValueId signal = b.input("signal", randomTensor({2, 40, 1}, 3));
  const ValueId hop = b.constant(Tensor::scalar<std::int64_t>(6));
  b.output(b.add("STFT", {signal, hop, b.constant(randomTensor({16}, 4))}));
  b.output(b.add("STFT", {signal, hop, ValueId(), b.constant(Tensor::scalar<std::int64_t>(9))},
                 attributes({{"onesided", std::int64_t{0}}})));
  expectSameAsReference(b, 5e-5, 1e-4);
}

TEST(PoolOnOpenCl, SaysWhereTheMaximaWere) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 3, 7, 6}, 1));
  for (std::int64_t order : {0, 1})
    for (ValueId result : b.addMany("MaxPool", {x}, 2,
                                    attributes({{"kernel_shape", Ints{3, 2}},
                                                {"strides", Ints{2, 1}},
                                                {"pads", Ints{1, 0, 1, 1}},
                                                {"storage_order", order}})))
      b.output(result);
  expectSameAsReference(b, 0, 0);
}

TEST(ElementwiseOnOpenCl, BroadcastsFromAnAxisAsOldModelsDo) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 3, 4, 5}, 1));
  const ValueId y = b.input("y", randomTensor({3, 4}, 2));
  for (const char* op : {"Add", "Mul"})
    b.output(b.add(op, {x, y}, attributes({{"broadcast", std::int64_t{1}}, {"axis", std::int64_t{1}}}), "", 6));
  b.output(b.add("Mean", {x, x, x}));
  expectSameAsReference(b);
}

TEST(ViewsOnOpenCl, DropNothingAndPadWithComputedValues) {
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({2, 5}, 1));
  for (ValueId result : b.addMany("Dropout", {x}, 2)) b.output(result);
  b.output(b.add("Pad", {x, longs(b, {4}, {1, 0, 0, 2}), b.input("value", Tensor::scalar(2.5f))}));
  const float inf = std::numeric_limits<float>::infinity();
  const ValueId infinite = b.input("infinite", Tensor::of<float>({3}, {inf, -inf, 1.0f}));
  b.output(b.add("IsInf", {infinite}, attributes({{"detect_negative", std::int64_t{0}}})));
  expectSameAsReference(b, 0, 0);
}

} // namespace
} // namespace tandem::test
