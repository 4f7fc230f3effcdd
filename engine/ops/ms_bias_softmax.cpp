// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"
#include "engine/ops/unary.hpp"

namespace tandem::ops {
namespace {

/// The dims of the bias as they broadcast over the scores. With is_inner_broadcast it repeats over the axes just before
/// `axis`, otherwise over the first ones.
Result<Tensor> alignedBias(const ReferenceContext& context, std::size_t axis) {
  const Tensor &x = context.input(0), &bias = context.input(1);
  if (bias.shape().rank() == x.shape().rank()) return bias;
  std::vector<std::int64_t> dims(x.shape().rank(), 1);
  for (std::size_t i = axis; i < dims.size(); ++i) dims[i] = x.shape()[i];
  std::int64_t missing = bias.elements();
  for (std::size_t i = axis; i < dims.size(); ++i) missing = dims[i] == 0 ? 0 : missing / dims[i];
  const bool inner = context.attributes().getInt("is_inner_broadcast", 0) != 0;
  for (std::size_t k = 0; k < axis && missing > 1; ++k) {
    const std::size_t i = inner ? k : axis - 1 - k;
    dims[i] = x.shape()[i];
    missing = dims[i] == 0 ? 0 : missing / dims[i];
  }
  const Shape shape(std::move(dims));
  if (shape.elements() != bias.elements())
    return context.fail("a bias " + bias.shape().toString() + " does not go with " + x.shape().toString());
  return bias.reshaped(shape);
}

Result<void> reference(ReferenceContext& context) {
  const std::size_t axis =
      TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 1), context.input(0).shape().rank()));
  const Tensor bias = TANDEM_TRY(alignedBias(context, axis));
  const Tensor sum = TANDEM_TRY(evaluateAs(context, {"Add", 14}, {context.input(0), bias}));
  Twin softmax{"Softmax", 11}; // the axes from `axis` on count as one
  softmax.attributes.set("axis", static_cast<std::int64_t>(axis));
  return storeOutput(context, 0, TANDEM_TRY(evaluateAs(context, softmax, {sum})));
}

} // namespace

// com.microsoft BiasSoftmax: softmax(data + bias) over the axes from `axis` on.
extern const OpDef kMsBiasSoftmax = {.type = "BiasSoftmax",
                                     .domain = "com.microsoft",
                                     .versions = {1},
                                     .minInputs = 2,
                                     .maxInputs = 2,
                                     .infer = inferSameAsInput,
                                     .flops = flopsPerOutputElement,
                                     .reference = reference};

} // namespace tandem::ops
