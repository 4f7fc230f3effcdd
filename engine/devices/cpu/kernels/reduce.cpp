// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernel.hpp"
#include "engine/devices/cpu/loops.hpp"

namespace tandem::cpu {
namespace {

/// The axes that are folded; nullopt where they are computed or not valid.
std::optional<std::vector<bool>> foldedAxes(const NodeView& view) {
  const std::size_t rank = view.input(0).shape.rank();
  std::vector<std::int64_t> axes = view.attributes().getInts("axes");
  if (view.hasInput(1)) {
    if (!view.constant(1)) return std::nullopt;
    axes = view.constant(1)->toInts();
  }
  if (axes.empty() && view.attributes().getInt("noop_with_empty_axes", 0) != 0) return std::nullopt;
  std::vector<bool> folded(rank, axes.empty());
  for (std::int64_t axis : axes) {
    const auto normal = normalizeAxis(axis, rank);
    if (!normal) return std::nullopt;
    folded[*normal] = true;
  }
  return folded;
}

} // namespace

/// ReduceMax, ReduceMean and ReduceSum over the last axes: whole rows of plain memory.
std::optional<KernelPlan> reduceKernel(const NodeView& view) {
  const TensorDesc& input = view.input(0);
  if (input.type != DataType::Float32 || input.shape.elements() == 0) return std::nullopt;
  const auto folded = foldedAxes(view);
  if (!folded) return std::nullopt;
  std::int64_t outer = 1, inner = 1;
  bool inside = false;
  for (std::size_t axis = 0; axis < folded->size(); ++axis) {
    if (input.shape[axis] == 1) continue;
    if (inside && !(*folded)[axis]) return std::nullopt; // a kept axis lies inside a folded one
    inside |= (*folded)[axis];
    (inside ? inner : outer) *= input.shape[axis];
  }
  KernelPlan plan = view.plainPlan("rows");
  for (std::size_t i = 1; i < plan.inputs.size(); ++i) plan.inputs[i].used = false;
  const bool takesMax = view.node().type == "ReduceMax";
  const double divisor = view.node().type == "ReduceMean" ? static_cast<double>(inner) : 1.0;
  plan.kernel = makeKernel([=, threads = view.threads()](const Binding& binding) {
    return [=, x = static_cast<const float*>(binding.inputs[0]), y = static_cast<float*>(binding.outputs[0])] {
      inPieces(threads, outer, outer * inner * 4, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          y[i] = takesMax ? rowMax(x + i * inner, inner) : static_cast<float>(rowSum(x + i * inner, inner) / divisor);
      });
    };
  });
  return plan;
}

} // namespace tandem::cpu
