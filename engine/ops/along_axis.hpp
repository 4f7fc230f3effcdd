// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/floating.hpp"
#include "engine/ops/unary.hpp"

namespace tandem::ops {

/// The lines of a tensor along one axis: element i of a line lies `step` elements after element i - 1.
struct Lines {
  std::int64_t outer = 1; ///< product of the axes before
  std::int64_t count = 1; ///< length of a line
  std::int64_t step = 1;  ///< product of the axes after
};

/// Softmax, LogSoftmax, Hardmax: one axis (default -1) since version 13, all axes from `axis` on (default 1) before;
/// nullopt where the axis does not exist. `shape` is static.
std::optional<Lines> softmaxLines(const Node& node, const Shape& shape);
/// Same shape and type as the input; checks the axis.
Result<void> inferSoftmax(InferContext& context);

/// Runs `function(const C* src, C* dst, lines)` for every line of input 0, into output 0.
template <class Function>
Result<void> mapLines(ReferenceContext& context, const std::optional<Lines>& lines, Function function) {
  const Tensor& x = context.input(0);
  if (!lines) return context.fail("axis does not exist in " + x.shape().toString());
  Tensor y = context.output(0, x.type(), x.shape());
  const bool known = visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> source(x);
    Results<C> result(y);
    if (lines->count > 0)
      for (std::int64_t outer = 0; outer < lines->outer; ++outer)
        for (std::int64_t inner = 0; inner < lines->step; ++inner) {
          const std::int64_t start = outer * lines->count * lines->step + inner;
          function(source.data() + start, result.data() + start, *lines);
        }
    result.store();
  });
  if (!known) return context.fail("cannot compute on " + x.desc().toString());
  return {};
}

} // namespace tandem::ops
