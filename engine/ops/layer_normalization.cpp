// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/moments.hpp"
#include "engine/ops/normalize_common.hpp"

namespace tandem::ops {
namespace {

/// Mean and InvStdDev come in the type of attribute stash_type (float by default).
DataType stashType(const Node& node) {
  const auto type = static_cast<DataType>(node.attributes.getInt("stash_type", 1));
  return isFloating(type) ? type : DataType::Float32;
}

Shape stashShape(const Shape& x, std::size_t axis) {
  Shape shape = x;
  for (std::size_t i = axis; i < shape.rank(); ++i) shape[i] = 1;
  return shape;
}

Result<void> infer(InferContext& context) {
  const DataType stash = stashType(context.node());
  const Shape* x = context.inputShape(0);
  if (!x) {
    context.setOutputType(0, context.inputType(0));
    context.setOutputType(1, stash);
    context.setOutputType(2, stash);
    return {};
  }
  const auto axis = normalizeAxis(context.attributes().getInt("axis", -1), x->rank());
  if (!axis) return context.fail("axis does not exist in " + x->toString());
  context.setOutput(0, context.inputType(0), *x);
  context.setOutput(1, stash, stashShape(*x, *axis));
  context.setOutput(2, stash, stashShape(*x, *axis));
  return {};
}

template <class C>
void normalize(ReferenceContext& context, const NormalizedAxes& axes, const std::vector<double>& scale,
               const std::vector<double>& bias) {
  const Tensor& x = context.input(0);
  const Shape stash = stashShape(x.shape(), axes.axis);
  const double epsilon = static_cast<double>(context.attributes().getFloat("epsilon", 1e-5f));
  const Elements<C> source(x);
  Results<C> y(context.output(0, x.type(), x.shape()));
  std::vector<double> means, deviations;
  for (std::int64_t row = 0; row < axes.rows; ++row) {
    const C* src = source.data() + row * axes.count;
    C* dst = y.data() + row * axes.count;
    const Moments moments = momentsOf(src, axes.count);
    const double inverse = 1 / std::sqrt(moments.variance() + epsilon);
    for (std::int64_t i = 0; i < axes.count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      dst[i] = static_cast<C>((static_cast<double>(src[i]) - moments.mean()) * inverse * scale[at] + bias[at]);
    }
    means.push_back(moments.mean());
    deviations.push_back(inverse);
  }
  y.store();
  for (std::size_t index : {std::size_t{1}, std::size_t{2}}) {
    if (!context.wantsOutput(index)) continue;
    Results<double> out(context.output(index, stashType(context.node()), stash));
    std::copy_n((index == 1 ? means : deviations).begin(), means.size(), out.data());
    out.store();
  }
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const auto axes = normalizedAxes(context.node(), x.shape());
  if (!axes) return context.fail("axis does not exist in " + x.shape().toString());
  const std::vector<double> scale = TANDEM_TRY(expandParameter(context, context.input(1), axes->inner));
  std::vector<double> bias(scale.size(), 0.0);
  if (context.hasInput(2)) bias = TANDEM_TRY(expandParameter(context, context.input(2), axes->inner));
  if (!visitCompute(x.type(), [&]<class C>(TypeTag<C>) { normalize<C>(context, *axes, scale, bias); }))
    return context.fail("cannot normalize " + x.desc().toString());
  return {};
}

double flops(const Graph& graph, const Node& node) { return normalizeFlops(graph, node) * 8 / 6; }

} // namespace

// ONNX LayerNormalization-17; ONNX Runtime writes the same into models of older opsets as version 1.
extern const OpDef kLayerNormalization = {.type = "LayerNormalization",
                                          .domain = "",
                                          .versions = {1, 17},
                                          .minInputs = 2,
                                          .maxInputs = 3,
                                          .maxOutputs = 3,
                                          .infer = infer,
                                          .flops = flops,
                                          .reference = reference};

} // namespace tandem::ops
