// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/cpu_support.hpp"

#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/tensor/half.hpp"

#include <bit>
#include <cmath>
#include <gmock/gmock.h>

namespace tandem {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using Ints = std::vector<std::int64_t>;

Device& oneCore() {
  static const auto devices = makeCpuDevices({CpuSet({CpuSet::available().cpus().front()})});
  return *devices.front();
}

/// One Cast of `inputs` on the device.
Tensor castOnDevice(const Tensor& input, DataType to) {
  GraphMaker maker;
  const ValueId x = maker.input(input.shape(), input.type());
  maker.finish({maker.node("Cast", {x}, attributes({{"to", static_cast<std::int64_t>(to)}}))});
  return runOn(oneCore(), maker.graph, {input})[0];
}

TEST(CpuHalves, AllHalvesBecomeTheFloatsTheyAre) {
  for (DataType type : {DataType::Float16, DataType::BFloat16}) {
    Tensor all = Tensor::uninitialized({type, {65536}});
    auto* bits = static_cast<std::uint16_t*>(all.mutableData());
    for (std::uint32_t i = 0; i < 65536; ++i) bits[i] = static_cast<std::uint16_t>(i);
    const Tensor floats = castOnDevice(all, DataType::Float32);
    for (std::uint32_t i = 0; i < 65536; ++i) {
      const auto half = static_cast<std::uint16_t>(i);
      const float expected = type == DataType::Float16 ? halfBitsToFloat(half) : bfloat16BitsToFloat(half);
      ASSERT_EQ(std::bit_cast<std::uint32_t>(floats.as<float>()[i]), std::bit_cast<std::uint32_t>(expected)) << i;
    }
  }
}

TEST(CpuHalves, FloatsOfAllMagnitudesAreRoundedToTheNearestHalf) {
  // Every exponent, the mantissas around each place where rounding changes its mind, both signs; infinities and NaNs.
  std::vector<float> values;
  for (std::uint32_t high = 0; high < 65536; high += 3)
    for (std::uint32_t low : {0u, 1u, 0xfffu, 0x1000u, 0x1001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      values.push_back(std::bit_cast<float>(high << 16 | low));
  Tensor floats = Tensor::uninitialized({DataType::Float32, {static_cast<std::int64_t>(values.size())}});
  std::copy(values.begin(), values.end(), floats.mutableAs<float>().begin());
  for (DataType type : {DataType::Float16, DataType::BFloat16}) {
    const Tensor halves = castOnDevice(floats, type);
    const auto* bits = static_cast<const std::uint16_t*>(halves.data());
    for (std::size_t i = 0; i < values.size(); ++i)
      ASSERT_EQ(bits[i], type == DataType::Float16 ? floatToHalfBits(values[i]) : floatToBFloat16Bits(values[i]))
          << std::bit_cast<std::uint32_t>(values[i]);
  }
}

struct HalfModel {
  GraphMaker maker;
  explicit HalfModel(DataType type) {
    const ValueId x = maker.input({1, 8, 9, 9}, type);
    const ValueId w = maker.constant(randomTensor({type, {16, 8, 3, 3}}, 3, 0.2f));
    const ValueId a = maker.node("Conv", {x, w}, attributes({{"pads", Ints{1, 1, 1, 1}}}));
    const ValueId b = maker.node("Sqrt", {maker.node("Abs", {a})});
    const ValueId c = maker.node("MaxPool", {b}, attributes({{"kernel_shape", Ints{2, 2}}}));
    const ValueId shape = maker.constant(Tensor::of<std::int64_t>({2}, {1, -1}));
    maker.finish({maker.node("Reshape", {c, shape}), b});
  }
};

TEST(CpuHalves, ModelsOfSixteenBitsRunInFloat32) {
  for (DataType type : {DataType::Float16, DataType::BFloat16}) {
    SCOPED_TRACE(std::string(toString(type)));
    const HalfModel model(type);
    EXPECT_THAT(expectLikeReference(model.maker.graph, type == DataType::Float16 ? 4e-3 : 3e-2),
                AllOf(HasSubstr("onednn"), EndsWith("as float32")));
  }
}

TEST(CpuHalves, EveryNodeOfTheSegmentAndNoOtherIsReported) {
  const HalfModel model(DataType::Float16);
  for (bool compiled : {true, false}) {
    const auto program = compileWhole(oneCore(), model.maker.graph, {compiled, 1});
    ASSERT_TRUE(program);
    std::vector<NodeId> nodes;
    for (const KernelInfo& info : program->kernels()) nodes.push_back(info.node);
    EXPECT_THAT(nodes, ElementsAre(NodeId(0), NodeId(1), NodeId(2), NodeId(3), NodeId(4)));
  }
}

TEST(CpuHalves, WhatOnlyMovesHalvesLeavesThemAsTheyAre) {
  GraphMaker maker;
  const ValueId x = maker.input({2, 3}, DataType::Float16);
  const ValueId turned = maker.node("Transpose", {x}, attributes({{"perm", Ints{1, 0}}}));
  maker.finish({maker.node("Concat", {turned, turned}, attributes({{"axis", std::int64_t{0}}}))});
  EXPECT_THAT(expectLikeReference(maker.graph, 0), Not(HasSubstr("float32")));
}

TEST(CpuHalves, OperatorsThatNameTheirTypesKeepThem) {
  GraphMaker maker;
  const ValueId x = maker.input({4, 4}, DataType::Float16);
  const ValueId product = maker.node("MatMul", {x, maker.constant(randomTensor({DataType::Float16, {4, 4}}, 5))});
  const ValueId whole = maker.node("Cast", {product}, attributes({{"to", std::int64_t{7}}})); // int64
  const ValueId back = maker.node("CastLike", {whole, product});
  maker.finish({maker.node("Add", {back, product})});
  expectLikeReference(maker.graph, 4e-3);
}

} // namespace
} // namespace tandem
