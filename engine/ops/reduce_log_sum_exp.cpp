// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/reduce.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

// Subtracting the largest element first keeps e^x from overflowing: log sum e^x = m + log sum e^(x - m).
Result<void> reduceLogSumExp(ReferenceContext& context) {
  const ReducePlan plan = TANDEM_TRY(planReduce(context));
  const Tensor& x = context.input(0);
  Tensor out = TANDEM_TRY(makeOutput(context, 0, x.type(), plan.output));
  struct Partial {
    double largest = -std::numeric_limits<double>::infinity();
    double sum = 0;
  };
  const bool known = visitOneOf(ReduceTypes{}, x.type(), [&]<class T>(TypeTag<T>) {
    std::vector<Partial> partials(static_cast<std::size_t>(out.elements()));
    const T* src = x.as<T>().data();
    foldElements(plan, src, partials.data(), [](Partial p, auto value) {
      const double v = static_cast<double>(value);
      return Partial{v > p.largest || isNaN(v) ? v : p.largest, 0};
    });
    foldElements(plan, src, partials.data(), [](Partial p, auto value) {
      // Equal infinities would give inf - inf = NaN.
      const double distance = static_cast<double>(value) == p.largest ? 0 : static_cast<double>(value) - p.largest;
      return Partial{p.largest, p.sum + std::exp(distance)};
    });
    auto dst = out.mutableAs<T>();
    for (std::size_t i = 0; i < dst.size(); ++i) {
      const Partial& p = partials[i];
      dst[i] = convert<T>(std::isinf(p.largest) ? p.largest : p.largest + std::log(p.sum));
    }
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

} // namespace

// ONNX ReduceLogSumExp: logarithm of the sum of e^x over axes; minus infinity of nothing.
extern const OpDef kReduceLogSumExp = reduceOp("ReduceLogSumExp", {1, 11, 13, 18}, reduceLogSumExp);

} // namespace tandem::ops
