// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/floating.hpp"
#include "engine/ops/pool_common.hpp"

namespace tandem::ops {

/// Reference kernel of the Global*Pool operators: `reduce(const C* plane, count) -> C` turns each channel of each
/// picture into one number.
template <class Reduce> Result<void> reducePlanes(ReferenceContext& context, Reduce reduce) {
  const Tensor& x = context.input(0);
  if (x.shape().rank() < 2) return context.fail("the input " + x.shape().toString() + " has no channel axis");
  Shape shape = x.shape();
  std::int64_t count = 1;
  for (std::size_t i = 2; i < shape.rank(); ++i) count *= std::exchange(shape[i], 1);
  const std::int64_t planes = shape.elements();
  if (count == 0 && planes > 0) return context.fail("cannot pool over nothing: " + x.shape().toString());
  Tensor y = context.output(0, x.type(), shape);
  const bool known = visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> source(x);
    Results<C> result(y);
    for (std::int64_t i = 0; i < planes; ++i) result[i] = reduce(source.data() + i * count, count);
    result.store();
  });
  if (!known) return context.fail("cannot pool " + x.desc().toString());
  return {};
}

} // namespace tandem::ops
