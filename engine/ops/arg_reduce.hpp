// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/kernel_util.hpp"

namespace tandem::ops {

Result<void> inferArgReduce(InferContext& context);
/// What ArgMax and ArgMin walk over: the input as outer x length x inner.
struct ArgReducePlan {
  Shape output;
  std::int64_t outer = 1, length = 1, inner = 1;
  bool selectLast = false; ///< the last of equal elements instead of the first
};
Result<ArgReducePlan> planArgReduce(const ReferenceContext& context);

/// Index of the element that `better(candidate, best)` prefers to all others along the axis.
template <class Better> Result<void> argReduce(ReferenceContext& context, Better better) {
  const ArgReducePlan plan = TANDEM_TRY(planArgReduce(context));
  const Tensor& x = context.input(0);
  Tensor out = TANDEM_TRY(makeOutput(context, 0, DataType::Int64, plan.output));
  std::int64_t* dst = out.mutableAs<std::int64_t>().data();
  const bool known = visitOneOf(NumericTypes{}, x.type(), [&]<class T>(TypeTag<T>) {
    using C = ComputeTypeOf<T>;
    const T* src = x.as<T>().data();
    for (std::int64_t o = 0; o < plan.outer; ++o)
      for (std::int64_t i = 0; i < plan.inner; ++i) {
        const T* line = src + o * plan.length * plan.inner + i;
        std::int64_t best = 0;
        C bestValue = static_cast<C>(line[0]);
        for (std::int64_t k = 1; k < plan.length; ++k) {
          const C value = static_cast<C>(line[k * plan.inner]);
          if (better(value, bestValue) || (plan.selectLast && value == bestValue)) {
            best = k;
            bestValue = value;
          }
        }
        dst[o * plan.inner + i] = best;
      }
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

constexpr OpDef argReduceOp(std::string_view type, Result<void> (*reference)(ReferenceContext&)) {
  OpDef def;
  def.type = type;
  def.versions = {1, 11, 12, 13};
  def.infer = inferArgReduce;
  def.flops = [](const Graph& graph, const Node& node) {
    return static_cast<double>(graph.value(node.inputs[0]).desc.shape.elements());
  };
  def.reference = reference;
  return def;
}

} // namespace tandem::ops
