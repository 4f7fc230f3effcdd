// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/control_flow.hpp"
#include "engine/ops/control_infer.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

Result<std::vector<BodyValue>> inferBranch(const InferContext& context, std::string_view attribute) {
  const auto body = TANDEM_TRY(bodyOf(context.node(), attribute));
  if (body->outputs().size() < context.outputCount())
    return context.fail("the " + std::string(attribute) + " gives " + std::to_string(body->outputs().size()) +
                        " results, the node has " + std::to_string(context.outputCount()));
  return inferBody(context, *body, {});
}

Result<void> inferIf(InferContext& context) {
  const Tensor* condition = context.inputValue(0);
  if (condition && condition->type() == DataType::Bool && condition->elements() == 1) {
    const auto outputs = TANDEM_TRY(inferBranch(context, condition->as<bool>()[0] ? "then_branch" : "else_branch"));
    for (std::size_t i = 0; i < outputs.size(); ++i) setBodyOutput(context, i, outputs[i]);
    return {};
  }
  // Exporters write branches that cannot work on the shapes at hand (Squeeze of a dimension that is not 1); such a
  // branch is never taken, and says nothing about the result.
  const auto yes = inferBranch(context, "then_branch");
  const auto no = inferBranch(context, "else_branch");
  if (!yes && !no) return yes.error();
  for (std::size_t i = 0; i < context.outputCount(); ++i) {
    BodyValue output = yes && no ? common((*yes)[i], (*no)[i]) : yes ? (*yes)[i] : (*no)[i];
    output.elements.reset();
    setBodyOutput(context, i, output);
  }
  return {};
}

double ifFlops(const Graph&, const Node& node) {
  return std::max(bodyFlops(node, "then_branch"), bodyFlops(node, "else_branch"));
}

constexpr OpDef makeIf() {
  OpDef def;
  def.type = "If";
  def.versions = {1, 11, 13};
  def.maxInputs = 255;
  def.maxOutputs = 255;
  def.traits = OpTrait::Control;
  def.shapeInputs = 1u << 0;
  def.infer = inferIf;
  def.flops = ifFlops;
  def.reference = controlReference;
  return def;
}

} // namespace

// ONNX If: one of two subgraphs.
extern const OpDef kIf = makeIf();

} // namespace tandem::ops
