// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

namespace tandem::ops {

Result<void> inferSameAsInput(InferContext& context) {
  if (const Shape* shape = context.inputShape(0))
    context.setOutput(0, context.inputType(0), *shape);
  else
    context.setOutputType(0, context.inputType(0));
  return {};
}

double flopsPerOutputElement(const Graph& graph, const Node& node) {
  return static_cast<double>(graph.value(node.outputs[0]).desc.shape.elements());
}

} // namespace tandem::ops
