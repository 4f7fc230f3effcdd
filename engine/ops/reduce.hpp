// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/binary.hpp"

namespace tandem::ops {

/// Number types of the Reduce operators; Max and Min have bytes and bool besides.
using ReduceTypes = TypeList<float, double, Half, BFloat16, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t>;
using ExtremeTypes = TypeList<float, double, Half, BFloat16, std::int32_t, std::int64_t, std::uint32_t, std::uint64_t,
                              std::int8_t, std::uint8_t, bool>;

/// Wide enough to add up any number of elements of T: a kernel of which others are tested must not lose digits.
template <class T>
using AccumulatorOf = std::conditional_t<std::is_floating_point_v<ComputeTypeOf<T>>, double,
                                         std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>;

/// Which elements fold into which result. The accumulators lie as the result does.
struct ReducePlan {
  Shape output;
  std::int64_t count = 1; ///< elements that fold into one
  BroadcastPlan walk;     ///< operand 0: accumulators, operand 1: input, in the input's order
};

Result<void> inferReduce(InferContext& context);
/// Axes are an attribute before version 18 (ReduceSum: 13) and input 1 since.
Result<ReducePlan> planReduce(const ReferenceContext& context);
double reduceFlops(const Graph& graph, const Node& node); ///< one per input element

/// accumulators[r] = step(accumulators[r], x) for every input element x of result r, reading the input in order.
template <class T, class Acc, class Step>
void foldElements(const ReducePlan& plan, const T* src, Acc* accumulators, Step step) {
  const bool sameResult = plan.walk.repeats(0);
  forEachRow(plan.walk, [&](std::int64_t at, const BroadcastPlan::Offsets& offsets, std::int64_t length) {
    const T* x = src + at;
    Acc* acc = accumulators + offsets[0];
    if (sameResult) {
      Acc value = *acc;
      for (std::int64_t i = 0; i < length; ++i) value = step(value, static_cast<ComputeTypeOf<T>>(x[i]));
      *acc = value;
    } else {
      for (std::int64_t i = 0; i < length; ++i) acc[i] = step(acc[i], static_cast<ComputeTypeOf<T>>(x[i]));
    }
  });
}

/// output = finish(step(... step(start, x0) ..., xn), count) with `Fold` naming the three functions:
/// `template <class T, class Acc> static Acc start()`, `static Acc step(Acc, Acc)`, `static Acc finish(Acc, count)`.
/// Acc is AccumulatorOf<T>, or double where Fold::kInDouble.
template <class Types, class Fold> Result<void> reduceWith(ReferenceContext& context) {
  const ReducePlan plan = TANDEM_TRY(planReduce(context));
  const Tensor& x = context.input(0);
  Tensor out = TANDEM_TRY(makeOutput(context, 0, x.type(), plan.output));
  const bool known = visitOneOf(Types{}, x.type(), [&]<class T>(TypeTag<T>) {
    using Acc = std::conditional_t<Fold::kInDouble, double, AccumulatorOf<T>>;
    std::vector<Acc> accumulators(static_cast<std::size_t>(out.elements()), Fold::template start<T, Acc>());
    foldElements(plan, x.as<T>().data(), accumulators.data(),
                 [](Acc acc, auto value) { return Fold::step(acc, static_cast<Acc>(value)); });
    auto dst = out.mutableAs<T>();
    for (std::size_t i = 0; i < dst.size(); ++i)
      dst[i] = convert<T>(Fold::finish(accumulators[i], static_cast<Acc>(plan.count)));
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

constexpr OpDef reduceOp(std::string_view type, std::array<std::uint8_t, 12> versions,
                         Result<void> (*reference)(ReferenceContext&)) {
  OpDef def;
  def.type = type;
  def.versions = versions;
  def.maxInputs = 2;
  def.shapeInputs = 1u << 1;
  def.infer = inferReduce;
  def.flops = reduceFlops;
  def.reference = reference;
  return def;
}

} // namespace tandem::ops
