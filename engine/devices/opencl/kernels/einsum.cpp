// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/einsum_equation.hpp"

#include "engine/devices/opencl/kernels/emit.hpp"

namespace tandem::opencl {
namespace {

constexpr std::size_t kMaxOperands = 3;

Result<ops::EinsumPlan> planOf(const Graph& graph, const Node& node) {
  std::vector<Shape> shapes;
  for (ValueId input : node.inputs) shapes.push_back(graph.value(input).desc.shape);
  return ops::planEinsum(node, shapes);
}

Support check(const NodeView& view) {
  if (view.node.inputs.size() > kMaxOperands) return noAttribute("Einsum of more than three operands");
  for (std::size_t i = 0; i < view.node.inputs.size(); ++i) {
    if (!view.hasInput(i)) return noAttribute("Einsum with an operand left out");
    if (!isNumber(view, view.inputType(i)) || view.inputType(i) != view.inputType(0))
      return noType(view, view.inputType(i));
  }
  if (!view.isStatic()) return Support::yes();
  const auto plan = planOf(view.graph, view.node);
  if (!plan.ok()) return noAttribute(plan.error().message);
  if (plan->outputLabels > 8 || plan->extents.size() - plan->outputLabels > 8)
    return noAttribute("Einsum with more than eight labels of a kind");
  return Support::yes();
}

Result<void> lower(Lowering& lowering) {
  const ops::EinsumPlan plan = TANDEM_TRY(planOf(lowering.graph(), lowering.node()));
  const auto outputs = static_cast<std::ptrdiff_t>(plan.outputLabels);
  const std::size_t sums = plan.extents.size() - plan.outputLabels;
  const auto part = [&](const std::vector<std::int64_t>& all, bool summed, std::int32_t fill) {
    const auto middle = all.begin() + outputs;
    return int8Back(
        summed ? std::vector<std::int64_t>(middle, all.end()) : std::vector<std::int64_t>(all.begin(), middle), fill);
  };
  std::int64_t terms = 1;
  for (std::size_t k = plan.outputLabels; k < plan.extents.size(); ++k) terms *= plan.extents[k];
  const DataType type = lowering.inputDesc(0).type;
  const std::size_t operands = lowering.inputCount();
  const std::int64_t count = lowering.outputDesc(0).shape.elements();
  Step step = perElement("einsum", "einsum",
                         "-DT=" + std::string(clType(type)) + (type == DataType::Float64 ? " -DFLOAT64" : "") +
                             " -DNIN=" + std::to_string(operands) + (sums <= 1 ? " -DSIMPLE=1" : " -DSIMPLE=0"),
                         count);
  for (std::size_t i = 0; i < kMaxOperands; ++i) step.args.emplace_back(lowering.input(i < operands ? i : 0));
  step.args.emplace_back(lowering.output(0));
  step.args.emplace_back(toInt(count));
  step.args.emplace_back(toInt(terms));
  step.args.emplace_back(part(plan.extents, false, 1));
  step.args.emplace_back(part(plan.extents, true, 1));
  const std::vector<std::int64_t> none(plan.extents.size(), 0);
  for (std::size_t i = 0; i < kMaxOperands; ++i) {
    const std::vector<std::int64_t>& strides = i < operands ? plan.strides[i] : none;
    step.args.emplace_back(part(strides, false, 0));
    step.args.emplace_back(part(strides, true, 0));
  }
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {{"", "Einsum", check, lower, nullptr, true}};

} // namespace

std::span<const KernelDef> einsumKernels();
std::span<const KernelDef> einsumKernels() { return kTable; }

} // namespace tandem::opencl
