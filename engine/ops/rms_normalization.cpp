// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/normalize_common.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(1); // the result has the type of the scale
  const Shape* x = context.inputShape(0);
  if (!x) return context.setOutputType(0, type), Result<void>{};
  if (!normalizeAxis(context.attributes().getInt("axis", -1), x->rank()))
    return context.fail("axis does not exist in " + x->toString());
  context.setOutput(0, type, *x);
  return {};
}

template <class C>
void normalize(ReferenceContext& context, const NormalizedAxes& axes, const std::vector<double>& scale) {
  const Tensor& x = context.input(0);
  const double epsilon = static_cast<double>(context.attributes().getFloat("epsilon", 1e-5f));
  const Elements<C> source(x);
  Results<C> y(context.output(0, context.input(1).type(), x.shape()));
  for (std::int64_t row = 0; row < axes.rows; ++row) {
    const C* src = source.data() + row * axes.count;
    C* dst = y.data() + row * axes.count;
    double squares = 0;
    for (std::int64_t i = 0; i < axes.count; ++i) squares += static_cast<double>(src[i]) * static_cast<double>(src[i]);
    const double inverse = 1 / std::sqrt(squares / static_cast<double>(axes.count) + epsilon);
    for (std::int64_t i = 0; i < axes.count; ++i)
      dst[i] = static_cast<C>(static_cast<double>(src[i]) * inverse * scale[static_cast<std::size_t>(i)]);
  }
  y.store();
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const auto axes = normalizedAxes(context.node(), x.shape());
  if (!axes) return context.fail("axis does not exist in " + x.shape().toString());
  if (!isFloating(context.input(1).type())) return context.fail("the scale is not floating point");
  const std::vector<double> scale = TANDEM_TRY(expandParameter(context, context.input(1), axes->inner));
  if (!visitCompute(x.type(), [&]<class C>(TypeTag<C>) { normalize<C>(context, *axes, scale); }))
    return context.fail("cannot normalize " + x.desc().toString());
  return {};
}

double flops(const Graph& graph, const Node& node) { return normalizeFlops(graph, node) * 4 / 6; }

} // namespace

// ONNX RMSNormalization-23: x / sqrt(mean(x^2) + epsilon) * scale over the axes from `axis` on.
extern const OpDef kRMSNormalization = {.type = "RMSNormalization",
                                        .domain = "",
                                        .versions = {23},
                                        .minInputs = 2,
                                        .maxInputs = 2,
                                        .infer = infer,
                                        .flops = flops,
                                        .reference = reference};

} // namespace tandem::ops
