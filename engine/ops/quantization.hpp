// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/kernel_util.hpp"

#include <vector>

namespace tandem::ops {

using QuantizedTypes = TypeList<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t>;
using NarrowTypes = TypeList<std::int8_t, std::uint8_t>;
/// What QuantizeLinear can make.
using QuantizeTargets = TypeList<std::int8_t, std::uint8_t, std::int16_t, std::uint16_t>;

/// Which scale (and zero point) belongs to an element of a tensor. Element ((o * extent) + a) * inner + i has parameter
/// 0 (per tensor), a (per axis), or ((o * blocks) + a / block) * inner + i (blocked).
struct QuantizationLayout {
  enum class Kind { PerTensor, PerAxis, Blocked };
  Kind kind = Kind::PerTensor;
  std::int64_t outer = 1;  ///< product of the dims before the axis
  std::int64_t extent = 1; ///< of the axis
  std::int64_t inner = 1;  ///< product of the dims behind it
  std::int64_t block = 1;
  std::int64_t blocks = 1;

  std::int64_t parameter(std::int64_t o, std::int64_t a, std::int64_t i) const {
    if (kind == Kind::PerTensor) return 0;
    return kind == Kind::PerAxis ? a : (o * blocks + a / block) * inner + i;
  }
};

/// From static shapes and the attributes axis and block_size; `axisDefault` where the node has no axis. A scale with
/// one element and rank at most 1 is per tensor. Fails with InputRejected where the scale does not fit.
Result<QuantizationLayout> quantizationLayout(const ReferenceContext& context, const Shape& x, const Shape& scale,
                                              std::int64_t axisDefault);

/// The element type that attribute `name` asks for, Undefined where it is absent or 0. Fails, naming the type, for
/// those that the engine does not store (sub-byte integers, float8, float4).
Result<DataType> typeAttribute(const Node& node, std::string_view name);

/// To the nearest integer, ties to even, for |x| up to 2^21: adding and taking off a large number leaves no room for
/// the fraction. Unlike std::nearbyint it becomes vector code everywhere.
inline float roundSmall(float x) { return (x + 12582912.0f) - 12582912.0f; }
inline double roundSmall(double x) { return (x + 6755399441055744.0) - 6755399441055744.0; }

/// Rounds to the nearest integer, ties to even, adds the zero point (itself a Q) and saturates. NaN gives the least Q.
template <class Q, class Real> Q quantizeValue(Real scaled, std::int32_t zeroPoint) {
  static_assert(sizeof(Q) < 4);
  const Real low = static_cast<Real>(static_cast<std::int32_t>(std::numeric_limits<Q>::min()) - zeroPoint);
  const Real high = static_cast<Real>(static_cast<std::int32_t>(std::numeric_limits<Q>::max()) - zeroPoint);
  // Written so that compilers make vector code of it, which NaN-aware minimum and maximum prevent.
  const Real above = scaled > low ? scaled : low;
  const Real limited = above < high ? above : high;
  return static_cast<Q>(static_cast<std::int32_t>(roundSmall(limited)) + zeroPoint);
}

/// One scale and one zero point for a whole tensor.
struct ScalarQuantization {
  float scale = 1;
  std::int32_t zeroPoint = 0;
};
/// From inputs `scale` and `zeroPoint` (0 where that is left out). Fails where they have not one element each
/// or the zero point is beyond 16 bits.
Result<ScalarQuantization> scalarQuantization(const ReferenceContext& context, std::size_t scale,
                                              std::size_t zeroPoint);

/// (x - zero point) * scale as float32. `x` is an integer tensor.
Tensor dequantized(const Tensor& x, const ScalarQuantization& quantization);
/// Writes round(x / scale) + zero point into `y`, whose type must be one of QuantizeTargets. As many elements as `x`.
void quantizeInto(std::span<const float> x, const ScalarQuantization& quantization, Tensor& y);

/// Scale and zero point that DynamicQuantizeLinear gives for these elements: uint8, zero is exact.
ScalarQuantization dynamicQuantization(std::span<const float> x);

} // namespace tandem::ops
