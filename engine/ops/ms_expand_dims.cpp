// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  const Shape* x = context.inputShape(0);
  const auto axes = TANDEM_TRY(knownInts(context, 1));
  if (!x) return context.setOutputType(0, context.inputType(0)), Result<void>{};
  if (!axes) return context.setOutput(0, context.inputType(0), unknownShape(x->rank() + 1)), Result<void>{};
  if (axes->size() != 1) return context.fail("input 1 must be one axis");
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, axes->front(), x->rank() + 1));
  std::vector<std::int64_t> dims = x->dims();
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  context.setOutput(0, context.inputType(0), Shape(std::move(dims)));
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const std::vector<std::int64_t> axes = TANDEM_TRY(readInts(context, 1));
  if (axes.size() != 1) return context.fail("input 1 must be one axis");
  const Tensor& x = context.input(0);
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, axes.front(), x.shape().rank() + 1));
  std::vector<std::int64_t> dims = x.shape().dims();
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  if (dims.size() > kMaxRank) return context.fail("the result would have rank " + std::to_string(dims.size()));
  return storeOutput(context, 0, x.reshaped(Shape(std::move(dims))));
}

} // namespace

// com.microsoft ExpandDims: an axis of extent 1 at place `axis`.
extern const OpDef kMsExpandDims = {.type = "ExpandDims",
                                    .domain = "com.microsoft",
                                    .versions = {1},
                                    .minInputs = 2,
                                    .maxInputs = 2,
                                    .shapeInputs = 0b10,
                                    .infer = infer,
                                    .reference = reference};

} // namespace tandem::ops
