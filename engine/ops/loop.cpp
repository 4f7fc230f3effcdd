// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/control_flow.hpp"
#include "engine/ops/control_infer.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

bool isTrue(const std::optional<Tensor>& value) {
  return value && value->type() == DataType::Bool && value->elements() == 1 && value->as<bool>()[0];
}

/// The number of iterations, where trip count and condition tell it before the run.
std::int64_t tripCount(const InferContext& context, const BodyValue& lastCondition) {
  const bool goesOn = isTrue(lastCondition.elements);
  if (context.hasInput(1) && context.inputType(1) == DataType::Bool) {
    const BodyValue first = bodyValueOf(context, 1);
    if (!first.elements) return kUnknownDim;
    if (!isTrue(first.elements)) return 0;
  }
  const Tensor* limit = context.hasInput(0) ? context.inputValue(0) : nullptr;
  if (!limit || limit->elements() != 1) return kUnknownDim;
  const std::int64_t count = std::max<std::int64_t>(limit->asInt(0), 0);
  return goesOn || count == 0 ? count : kUnknownDim;
}

Result<void> inferLoop(InferContext& context) {
  const auto body = TANDEM_TRY(bodyOf(context.node(), "body"));
  const std::size_t formalInputs = formalCount(context.node());
  const std::size_t carried = formalInputs > 2 ? formalInputs - 2 : 0;
  std::vector<BodyValue> formals{{DataType::Int64, Shape{}, std::nullopt},
                                 {DataType::Bool, Shape{}, Tensor::scalar<bool>(true)}};
  for (std::size_t i = 0; i < carried; ++i) formals.push_back(bodyValueOf(context, 2 + i));
  const auto outputs = TANDEM_TRY(inferRepeated(context, *body, formals, 2, 1, carried));
  const std::int64_t trips = tripCount(context, outputs[0]);
  for (std::size_t i = 0; i < carried; ++i) setBodyOutput(context, i, formals[2 + i]);
  for (std::size_t i = 1 + carried; i < outputs.size(); ++i)
    setBodyOutput(context, i - 1, {outputs[i].type, withAxis(outputs[i].shape, 0, trips), std::nullopt});
  return {};
}

double loopFlops(const Graph& graph, const Node& node) {
  const Value* limit = !node.inputs.empty() && node.inputs[0].valid() ? &graph.value(node.inputs[0]) : nullptr;
  const double trips = limit && limit->isConstant() && limit->constant.elements() == 1
                           ? std::max(limit->constant.asDouble(0), 0.0)
                           : 1.0;
  return trips * bodyFlops(node, "body");
}

constexpr OpDef makeLoop() {
  OpDef def;
  def.type = "Loop";
  def.versions = {1, 11, 13};
  def.minInputs = 0;
  def.maxInputs = 255;
  def.minOutputs = 0;
  def.maxOutputs = 255;
  def.traits = OpTrait::Control;
  def.shapeInputs = 3u;
  def.infer = inferLoop;
  def.flops = loopFlops;
  def.reference = controlReference;
  return def;
}

} // namespace

// ONNX Loop: a subgraph repeated for a count, while a condition holds, or both.
extern const OpDef kLoop = makeLoop();

} // namespace tandem::ops
