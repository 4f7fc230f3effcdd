// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/einsum_equation.hpp"
#include "engine/ops/product_common.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  std::vector<Shape> shapes;
  for (std::size_t i = 0; i < context.inputCount(); ++i) {
    const Shape* shape = context.inputShape(i);
    if (!shape) return context.setOutputType(0, context.inputType(0)), Result<void>{};
    shapes.push_back(*shape);
  }
  const EinsumPlan plan = TANDEM_TRY(planEinsum(context.node(), shapes));
  context.setOutput(0, context.inputType(0), plan.outputShape());
  return {};
}

double flops(const Graph& graph, const Node& node) {
  std::vector<Shape> shapes;
  for (ValueId input : node.inputs) shapes.push_back(graph.value(input).desc.shape);
  const auto plan = planEinsum(node, shapes);
  if (!plan.ok()) return 0;
  double points = 1;
  for (std::int64_t extent : plan->extents) points *= static_cast<double>(extent);
  return points * static_cast<double>(std::max<std::size_t>(1, shapes.size()));
}

/// Adds the products along the labels from `label` on. The last label is the innermost loop; recursion depth is the
/// number of labels, which planEinsum() limits.
template <class C> void accumulate(const EinsumPlan& plan, std::size_t label, std::vector<const C*> sources, C* y) {
  const bool last = label + 1 == plan.extents.size();
  const std::int64_t extent = label < plan.extents.size() ? plan.extents[label] : 1;
  const auto step = [&](std::size_t operand) { return label < plan.extents.size() ? plan.strides[operand][label] : 0; };
  const std::int64_t stepY = label < plan.extents.size() ? plan.outputStrides[label] : 0;
  if (last && sources.size() == 2) {
    const C *a = sources[0], *b = sources[1];
    const std::int64_t stepA = step(0), stepB = step(1);
    for (std::int64_t i = 0; i < extent; ++i) y[i * stepY] += a[i * stepA] * b[i * stepB];
    return;
  }
  for (std::int64_t i = 0; i < extent; ++i) {
    if (last || plan.extents.empty()) {
      C term = *sources[0];
      for (std::size_t s = 1; s < sources.size(); ++s) term *= *sources[s];
      *y += term;
    } else {
      accumulate(plan, label + 1, sources, y);
    }
    for (std::size_t s = 0; s < sources.size(); ++s) sources[s] += step(s);
    y += stepY;
  }
}

template <class C> void einsum(ReferenceContext& context, const EinsumPlan& plan) {
  std::vector<std::unique_ptr<Elements<C>>> operands;
  std::vector<const C*> sources;
  for (std::size_t i = 0; i < context.inputCount(); ++i) {
    operands.push_back(std::make_unique<Elements<C>>(context.input(i)));
    sources.push_back(operands.back()->data());
  }
  const Shape shape = plan.outputShape();
  Results<C> y(context.output(0, context.input(0).type(), shape));
  std::fill_n(y.data(), shape.elements(), C(0));
  accumulate(plan, 0, std::move(sources), y.data());
  y.store();
}

Result<void> reference(ReferenceContext& context) {
  std::vector<Shape> shapes;
  for (std::size_t i = 0; i < context.inputCount(); ++i) {
    if (!context.hasInput(i) || context.input(i).type() != context.input(0).type())
      return context.fail("the operands differ in type");
    shapes.push_back(context.input(i).shape());
  }
  const EinsumPlan plan = TANDEM_TRY(planEinsum(context.node(), shapes));
  if (!visitProductType(context.input(0).type(), [&]<class C>(TypeTag<C>) { einsum<C>(context, plan); }))
    return context.fail("cannot multiply " + context.input(0).desc().toString());
  return {};
}

} // namespace

// ONNX Einsum-12.
extern const OpDef kEinsum = {.type = "Einsum",
                              .domain = "",
                              .versions = {12},
                              .maxInputs = 255,
                              .infer = infer,
                              .flops = flops,
                              .reference = reference};

} // namespace tandem::ops
