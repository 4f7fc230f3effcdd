// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/normalize_common.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::ops {
namespace {

Shape rowsOf(Shape x, std::size_t axis) {
  for (std::size_t i = axis; i < x.rank(); ++i) x[i] = 1;
  return x;
}

Result<void> infer(InferContext& context) {
  const Shape* x = context.inputShape(0);
  if (!x) {
    context.setOutputType(0, context.inputType(1));
    context.setOutputType(1, DataType::Float32);
    return {};
  }
  const auto axis = normalizeAxis(context.attributes().getInt("axis", -1), x->rank());
  if (!axis) return context.fail("axis does not exist in " + x->toString());
  context.setOutput(0, context.inputType(1), *x);
  context.setOutput(1, DataType::Float32, rowsOf(*x, *axis));
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const Tensor &x = context.input(0), &scale = context.input(1);
  const auto axes = normalizedAxes(context.node(), x.shape());
  if (!axes) return context.fail("axis does not exist in " + x.shape().toString());
  if (!isFloating(x.type()) || !isFloating(scale.type())) return unsupportedType(context, x.type());
  const std::vector<double> factors = TANDEM_TRY(expandParameter(context, scale, axes->inner));
  const double epsilon = static_cast<double>(context.attributes().getFloat("epsilon", 1e-5f));
  const Elements<double> source(x);
  Results<double> y(TANDEM_TRY(makeOutput(context, 0, scale.type(), x.shape())));
  std::vector<float> deviations;
  for (std::int64_t row = 0; row < axes->rows; ++row) {
    const double* src = source.data() + row * axes->count;
    double squares = 0;
    for (std::int64_t i = 0; i < axes->count; ++i) squares += src[i] * src[i];
    const double inverse = 1 / std::sqrt(squares / static_cast<double>(axes->count) + epsilon);
    for (std::int64_t i = 0; i < axes->count; ++i)
      y.data()[row * axes->count + i] = src[i] * inverse * factors[static_cast<std::size_t>(i)];
    deviations.push_back(static_cast<float>(inverse));
  }
  y.store();
  if (context.wantsOutput(1)) {
    Tensor out = context.output(1, DataType::Float32, rowsOf(x.shape(), axes->axis));
    std::copy(deviations.begin(), deviations.end(), out.mutableAs<float>().begin());
  }
  return {};
}

} // namespace

// What ONNX Runtime exports call RMSNormalization, in the domain of ONNX: x / sqrt(mean(x^2) + epsilon) * scale.
extern const OpDef kSimplifiedLayerNormalization = {.type = "SimplifiedLayerNormalization",
                                                    .domain = "",
                                                    .versions = {1},
                                                    .minInputs = 2,
                                                    .maxInputs = 2,
                                                    .maxOutputs = 2,
                                                    .infer = infer,
                                                    .flops = normalizeFlops,
                                                    .reference = reference};

} // namespace tandem::ops
