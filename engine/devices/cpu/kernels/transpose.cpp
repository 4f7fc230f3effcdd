// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/dnnl_kernel.hpp"

#include <algorithm>

namespace tandem::cpu {
namespace {

/// True where the permutation moves only axes of length one: the elements stay in order.
bool keepsOrder(const Shape& shape, const std::vector<std::int64_t>& permutation) {
  std::int64_t last = -1;
  for (std::int64_t axis : permutation) {
    if (shape[static_cast<std::size_t>(axis)] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

/// Moving channels to the end of a value that has them there in memory, or to the front of a plain one: the same bytes
/// under another name. Exports from TensorFlow are full of these.
std::optional<KernelPlan> renamedAxes(const NodeView& view, const std::vector<std::int64_t>& permutation) {
  const std::size_t rank = permutation.size();
  if (!view.compiled() || rank < 3 || rank > 5 || view.input(0).type != DataType::Float32) return std::nullopt;
  std::vector<std::int64_t> toEnd{0}, toFront{0, static_cast<std::int64_t>(rank) - 1};
  for (std::size_t i = 2; i < rank; ++i) toEnd.push_back(static_cast<std::int64_t>(i));
  toEnd.push_back(1);
  for (std::size_t i = 1; i + 1 < rank; ++i) toFront.push_back(static_cast<std::int64_t>(i));
  KernelPlan plan = view.plainPlan("view");
  plan.viewOf = 0;
  if (permutation == toEnd && !view.layout(0).isPlain() && isChannelsLast(view.layout(0).desc())) {
    plan.inputs[0].layout = view.layout(0);
    return plan;
  }
  if (permutation == toFront && view.layout(0).isPlain()) {
    plan.outputs[0] = Layout::of(channelsLastDesc(view.output(0)));
    return plan;
  }
  return std::nullopt;
}

} // namespace

/// Elements of four bytes through oneDNN's reorder, which blocks and vectorises any permutation.
std::optional<KernelPlan> transposeKernel(const NodeView& view) {
  const TensorDesc& input = view.input(0);
  const Shape& shape = input.shape;
  std::vector<std::int64_t> permutation(shape.rank());
  for (std::size_t i = 0; i < permutation.size(); ++i)
    permutation[i] = static_cast<std::int64_t>(permutation.size() - 1 - i);
  permutation = view.attributes().getInts("perm", permutation);
  std::vector<bool> seen(shape.rank(), false);
  for (std::int64_t axis : permutation) {
    const auto normal = normalizeAxis(axis, shape.rank());
    if (!normal || seen[*normal]) return std::nullopt;
    seen[*normal] = true;
  }
  if (permutation.size() != shape.rank() || shape.rank() == 0 || shape.elements() == 0) return std::nullopt;
  for (std::int64_t& axis : permutation) axis = static_cast<std::int64_t>(*normalizeAxis(axis, shape.rank()));
  if (keepsOrder(shape, permutation)) {
    KernelPlan plan = view.plainPlan("view");
    plan.viewOf = 0;
    return plan;
  }
  if (auto plan = renamedAxes(view, permutation)) return plan;
  if (input.type != DataType::Float32 && input.type != DataType::Int32) return std::nullopt;
  const std::vector<std::int64_t> strides = shape.strides();
  dnnl::memory::dims moved;
  for (std::int64_t axis : permutation) moved.push_back(strides[static_cast<std::size_t>(axis)]);
  const dnnl::memory::desc to = plainDesc(view.output(0));
  const dnnl::memory::desc from(dnnlDims(view.output(0).shape), dnnlType(input.type), moved);
  KernelPlan plan = view.plainPlan("onednn reorder");
  plan.kernel = makeReorder(from, to, plan.scratchBytes);
  return plan;
}

} // namespace tandem::cpu
