// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/unary.hpp"

#include <array>

namespace tandem::ops {

/// How up to three operands walk over one broadcast result. Neighbouring dims that all operands walk alike are merged,
/// so operands of one shape give a single row and the innermost stride of an operand is always 0 or 1.
struct BroadcastPlan {
  static constexpr std::size_t kMaxOperands = 3;
  using Offsets = std::array<std::int64_t, kMaxOperands>;

  Shape output;
  std::size_t rank = 1; ///< of dims, after merging; at least 1
  std::array<std::int64_t, kMaxRank> dims{};
  std::array<std::array<std::int64_t, kMaxRank>, kMaxOperands> strides{}; ///< elements; 0 where the operand repeats

  bool repeats(std::size_t operand) const { return strides[operand][rank - 1] == 0; }
};

/// Nullopt where the (static) shapes do not broadcast, the rank is above kMaxRank or the element count overflows.
std::optional<BroadcastPlan> planBroadcast(std::span<const Shape* const> operands);

/// Calls `row(outputOffset, operandOffsets, length)` for every innermost run of the result, in row-major order.
template <class Row> void forEachRow(const BroadcastPlan& plan, Row&& row) {
  const std::int64_t length = plan.dims[plan.rank - 1];
  std::int64_t total = 1;
  for (std::size_t axis = 0; axis < plan.rank; ++axis) total *= plan.dims[axis];
  BroadcastPlan::Offsets offsets{};
  std::array<std::int64_t, kMaxRank> index{};
  for (std::int64_t at = 0; at < total; at += length) {
    row(at, offsets, length);
    for (std::size_t axis = plan.rank - 1; axis-- > 0;) {
      for (std::size_t k = 0; k < offsets.size(); ++k) offsets[k] += plan.strides[k][axis];
      if (++index[axis] < plan.dims[axis]) break;
      for (std::size_t k = 0; k < offsets.size(); ++k) offsets[k] -= plan.strides[k][axis] * plan.dims[axis];
      index[axis] = 0;
    }
  }
}

/// out = f(a, b), element by element of the broadcast result.
template <class A, class B, class R, class F> void zip(const BroadcastPlan& plan, const A* a, const B* b, R* out, F f) {
  const bool aRepeats = plan.repeats(0), bRepeats = plan.repeats(1);
  forEachRow(plan, [&](std::int64_t at, const BroadcastPlan::Offsets& offsets, std::int64_t length) {
    const A* x = a + offsets[0];
    const B* y = b + offsets[1];
    R* r = out + at;
    if (!aRepeats && !bRepeats) {
      for (std::int64_t i = 0; i < length; ++i) r[i] = f(x[i], y[i]);
    } else if (!aRepeats) {
      for (std::int64_t i = 0; i < length; ++i) r[i] = f(x[i], *y);
    } else if (!bRepeats) {
      for (std::int64_t i = 0; i < length; ++i) r[i] = f(*x, y[i]);
    } else {
      for (std::int64_t i = 0; i < length; ++i) r[i] = f(*x, *y);
    }
  });
}

/// Shape of input 1 as it takes part in broadcasting. Versions before 7 broadcast only where the attribute says so,
/// and then to the dims of input 0 that start at `axis` (default: its last ones). Nullopt where that does not fit.
std::optional<Shape> secondOperandShape(const Node& node, const Shape& first, const Shape& second);

Result<void> inferBinary(InferContext& context);     ///< result has the type of input 0
Result<void> inferComparison(InferContext& context); ///< result is bool
/// As inferBinary, for operands of different types.
Result<void> inferMixedBinary(InferContext& context);
/// Fails where integer input `index` holds a zero, which would be divided by.
Result<void> requireNoIntegerZero(const ReferenceContext& context, std::size_t index);
/// The plan of a two-operand kernel; fails where types differ or shapes do not fit.
Result<BroadcastPlan> planBinary(const ReferenceContext& context);

/// output = f(a, b) computed in ComputeTypeOf<T>, for the element types of the list.
template <class Types, class F> Result<void> mapBinary(ReferenceContext& context, F f) {
  const BroadcastPlan plan = TANDEM_TRY(planBinary(context));
  const Tensor &a = context.input(0), &b = context.input(1);
  Tensor out = TANDEM_TRY(makeOutput(context, 0, a.type(), plan.output));
  const bool known = visitOneOf(Types{}, a.type(), [&]<class T>(TypeTag<T>) {
    using C = ComputeTypeOf<T>;
    zip(plan, a.as<T>().data(), b.as<T>().data(), out.mutableAs<T>().data(),
        [f](T x, T y) { return static_cast<T>(f(static_cast<C>(x), static_cast<C>(y))); });
  });
  if (!known) return unsupportedType(context, a.type());
  return {};
}

/// bool output = f(a, b).
template <class Types, class F> Result<void> mapComparison(ReferenceContext& context, F f) {
  const BroadcastPlan plan = TANDEM_TRY(planBinary(context));
  const Tensor &a = context.input(0), &b = context.input(1);
  Tensor out = TANDEM_TRY(makeOutput(context, 0, DataType::Bool, plan.output));
  const bool known = visitOneOf(Types{}, a.type(), [&]<class T>(TypeTag<T>) {
    using C = ComputeTypeOf<T>;
    zip(plan, a.as<T>().data(), b.as<T>().data(), out.mutableAs<bool>().data(),
        [f](T x, T y) { return f(static_cast<C>(x), static_cast<C>(y)); });
  });
  if (!known) return unsupportedType(context, a.type());
  return {};
}

constexpr OpDef binaryOp(std::string_view type, std::array<std::uint8_t, 12> versions,
                         Result<void> (*reference)(ReferenceContext&), Result<void> (*infer)(InferContext&)) {
  OpDef def;
  def.type = type;
  def.versions = versions;
  def.minInputs = def.maxInputs = 2;
  def.traits = OpTrait::Elementwise;
  def.infer = infer;
  def.flops = flopsPerOutputElement;
  def.reference = reference;
  return def;
}

} // namespace tandem::ops
