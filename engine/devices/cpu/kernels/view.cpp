// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernel.hpp"

#include <algorithm>

namespace tandem::cpu {
namespace {

/// The extents of a picture but its batch and channels, without those of one.
std::vector<std::int64_t> longAxes(const Shape& shape) {
  std::vector<std::int64_t> axes(shape.begin() + 2, shape.end());
  axes.erase(std::remove(axes.begin(), axes.end(), 1), axes.end());
  return axes;
}

/// Axes of one that come or go among the spatial ones move nothing where the channels are last.
bool staysChannelsLast(const NodeView& view) {
  if (view.layout(0).isPlain() || !isChannelsLast(view.layout(0).desc())) return false;
  const Shape &from = view.input(0).shape, &to = view.output(0).shape;
  return to.rank() >= 3 && to.rank() <= 5 && from[0] == to[0] && from[1] == to[1] && longAxes(from) == longAxes(to);
}

} // namespace

/// Reshape, Flatten, Squeeze, Unsqueeze: the same bytes under another shape.
std::optional<KernelPlan> viewKernel(const NodeView& view) {
  KernelPlan plan = view.plainPlan("view");
  plan.viewOf = 0;
  for (std::size_t i = 1; i < plan.inputs.size(); ++i) plan.inputs[i].used = false;
  if (staysChannelsLast(view)) {
    plan.inputs[0].layout = view.layout(0);
    plan.outputs[0] = Layout::of(channelsLastDesc(view.output(0)));
  }
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
