// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/quantization.hpp"

#include "engine/ops/window.hpp"

#include <algorithm>
#include <type_traits>

namespace tandem::ops {
namespace {

struct UnstoredType {
  std::int64_t number; ///< onnx.TensorProto.DataType
  std::string_view name;
};
constexpr UnstoredType kUnstored[] = {
    {8, "string"},      {14, "complex64"},      {15, "complex128"}, {17, "float8e4m3fn"}, {18, "float8e4m3fnuz"},
    {19, "float8e5m2"}, {20, "float8e5m2fnuz"}, {21, "uint4"},      {22, "int4"},         {23, "float4e2m1"},
    {24, "float8e8m0"}, {25, "uint2"},          {26, "int2"}};

} // namespace

Result<QuantizationLayout> quantizationLayout(const ReferenceContext& context, const Shape& x, const Shape& scale,
                                              std::int64_t axisDefault) {
  QuantizationLayout layout;
  const std::int64_t block = context.attributes().getInt("block_size", 0);
  if (block < 0) return context.fail("block_size is " + std::to_string(block));
  if (scale.rank() <= 1 && scale.elements() == 1 && block == 0) {
    layout.inner = x.elements();
    return layout;
  }
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", axisDefault), x.rank()));
  layout.outer = dimProduct(x, 0, axis);
  layout.extent = x[axis];
  layout.inner = dimProduct(x, axis + 1, x.rank());
  const auto wrong = [&] {
    return context.fail("a scale of shape " + scale.toString() + " does not go with axis " + std::to_string(axis) +
                        " of " + x.toString());
  };
  if (block == 0) {
    layout.kind = QuantizationLayout::Kind::PerAxis;
    if (scale.rank() != 1 || scale[0] != layout.extent) return wrong();
    return layout;
  }
  layout.kind = QuantizationLayout::Kind::Blocked;
  layout.block = block;
  if (scale.rank() != x.rank()) return wrong();
  for (std::size_t i = 0; i < x.rank(); ++i)
    if (i != axis && scale[i] != x[i]) return wrong();
  layout.blocks = scale[axis];
  if (layout.blocks != ceilDiv(layout.extent, block)) return wrong();
  return layout;
}

Result<DataType> typeAttribute(const Node& node, std::string_view name) {
  const std::int64_t number = node.attributes.getInt(name, 0);
  if (number == 0) return DataType::Undefined;
  for (const UnstoredType& type : kUnstored)
    if (type.number == number)
      return makeError(ErrorCode::Unsupported, std::string(name) + " asks for " + std::string(type.name),
                       node.type + " '" + node.name + "'", "8, 16 and 32 bit types are supported; quantize to int8");
  if (number < 0 || number > 255 || byteSize(static_cast<DataType>(number)) == 0)
    return nodeError(node, std::string(name) + " is " + std::to_string(number) + ", which is no element type");
  return static_cast<DataType>(number);
}

Result<ScalarQuantization> scalarQuantization(const ReferenceContext& context, std::size_t scale,
                                              std::size_t zeroPoint) {
  ScalarQuantization quantization;
  if (!context.hasInput(scale) || context.input(scale).elements() != 1)
    return context.fail("input " + std::to_string(scale) + " must be one scale");
  if (!isFloating(context.input(scale).type()))
    return context.fail("input " + std::to_string(scale) + ", a scale, is " + context.input(scale).desc().toString());
  quantization.scale = static_cast<float>(context.input(scale).asDouble(0));
  if (!context.hasInput(zeroPoint)) return quantization;
  const Tensor& zero = context.input(zeroPoint);
  if (zero.elements() != 1 || !isInteger(zero.type()))
    return context.fail("input " + std::to_string(zeroPoint) + " must be one zero point, not " +
                        zero.desc().toString());
  const std::int64_t value = zero.asInt(0);
  if (value < -32768 || value > 65535)
    return context.fail("input " + std::to_string(zeroPoint) + ", a zero point, is " + std::to_string(value));
  quantization.zeroPoint = static_cast<std::int32_t>(value);
  return quantization;
}

Tensor dequantized(const Tensor& x, const ScalarQuantization& quantization) {
  Tensor y = Tensor::uninitialized({DataType::Float32, x.shape()});
  visitOneOf(IntegerTypes{}, x.type(), [&]<class Q>(TypeTag<Q>) {
    const auto src = x.as<Q>();
    std::transform(src.begin(), src.end(), y.mutableAs<float>().begin(), [&](Q value) {
      using Wide = std::conditional_t<sizeof(Q) < 4, std::int32_t, std::int64_t>;
      return static_cast<float>(static_cast<Wide>(value) - static_cast<Wide>(quantization.zeroPoint)) *
             quantization.scale;
    });
  });
  return y;
}

void quantizeInto(std::span<const float> x, const ScalarQuantization& quantization, Tensor& y) {
  visitOneOf(QuantizeTargets{}, y.type(), [&]<class Q>(TypeTag<Q>) {
    const auto [scale, zeroPoint] = quantization;
    Q* out = y.mutableAs<Q>().data();
    for (std::size_t i = 0; i < x.size(); ++i) out[i] = quantizeValue<Q>(x[i] / scale, zeroPoint);
  });
}

ScalarQuantization dynamicQuantization(std::span<const float> x) {
  float low = 0, high = 0; // the range always holds zero
  for (float value : x) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  ScalarQuantization quantization;
  if (high > low) quantization.scale = (high - low) / 255.0f;
  quantization.zeroPoint = quantizeValue<std::uint8_t>(-low / quantization.scale, 0);
  return quantization;
}

} // namespace tandem::ops
