// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/unary.hpp"

namespace tandem::ops {

/// Running fold along the axis in input 1: out[k] = f(out[k - 1], x[k]), starting from `start`; with `exclusive` x[k]
/// itself is left out, with `reverse` it runs from the end.
template <class F> Result<void> scanAxis(ReferenceContext& context, int start, F f) {
  const Tensor& x = context.input(0);
  const std::vector<std::int64_t> axes = TANDEM_TRY(readInts(context, 1));
  if (axes.size() != 1) return context.fail("the axis must be one integer");
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, axes[0], x.shape().rank()));
  const bool exclusive = context.attributes().getInt("exclusive", 0) != 0;
  const bool reverse = context.attributes().getInt("reverse", 0) != 0;
  const std::int64_t outer = dimProduct(x.shape(), 0, axis), length = x.shape()[axis];
  const std::int64_t inner = dimProduct(x.shape(), axis + 1, x.shape().rank());
  Tensor out = TANDEM_TRY(makeOutput(context, 0, x.type(), x.shape()));
  const bool known = visitOneOf(NumericTypes{}, x.type(), [&]<class T>(TypeTag<T>) {
    // Wider than the result, so that a long float line does not drift.
    using Acc = std::conditional_t<std::is_integral_v<T>, T, double>;
    std::vector<Acc> sums(static_cast<std::size_t>(inner));
    for (std::int64_t o = 0; o < outer; ++o) {
      std::fill(sums.begin(), sums.end(), static_cast<Acc>(start));
      for (std::int64_t k = 0; k < length; ++k) {
        const std::int64_t at = (o * length + (reverse ? length - 1 - k : k)) * inner;
        const T* src = x.as<T>().data() + at;
        T* dst = out.mutableAs<T>().data() + at;
        for (std::int64_t i = 0; i < inner; ++i) {
          Acc& sum = sums[static_cast<std::size_t>(i)];
          const Acc next = f(sum, static_cast<Acc>(static_cast<ComputeTypeOf<T>>(src[i])));
          dst[i] = convert<T>(exclusive ? sum : next);
          sum = next;
        }
      }
    }
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

constexpr OpDef scanAxisOp(std::string_view type, std::array<std::uint8_t, 12> versions,
                           Result<void> (*reference)(ReferenceContext&)) {
  OpDef def = unaryOp(type, versions, reference);
  def.minInputs = def.maxInputs = 2;
  def.traits = OpTrait::None;
  def.shapeInputs = 1u << 1;
  return def;
}

} // namespace tandem::ops
