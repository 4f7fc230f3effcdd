// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernel.hpp"

namespace tandem::cpu {

/// Reshape, Flatten, Squeeze, Unsqueeze: the same bytes under another shape.
std::optional<KernelPlan> viewKernel(const NodeView& view) {
  KernelPlan plan = view.plainPlan("view");
  plan.viewOf = 0;
  for (std::size_t i = 1; i < plan.inputs.size(); ++i) plan.inputs[i].used = false;
  return plan;
}

/// Identity, and Dropout as it is in inference: the same value in whatever layout it has.
std::optional<KernelPlan> identityKernel(const NodeView& view) {
  if (view.wantsOutput(1)) return std::nullopt;
  if (view.hasInput(2)) {
    const Tensor* training = view.constant(2);
    if (!training || training->elements() != 1 || training->asInt(0) != 0) return std::nullopt;
  }
  KernelPlan plan = *viewKernel(view);
  plan.inputs[0].layout = plan.outputs[0] = view.layout(0);
  return plan;
}

} // namespace tandem::cpu
