// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cstring>

namespace tandem::ops {

namespace {

/// Type of the mask output: as the data before version 10, bool since.
DataType maskType(const Node& node, DataType dataType) { return node.version < 10 ? dataType : DataType::Bool; }

Result<void> inferDropout(InferContext& context) {
  TANDEM_TRY(inferSameAsInput(context));
  const DataType type = maskType(context.node(), context.inputType(0));
  if (const Shape* shape = context.inputShape(0))
    context.setOutput(1, type, *shape);
  else
    context.setOutputType(1, type);
  return {};
}

Result<void> requireInference(const ReferenceContext& context) {
  if (context.version() < 12 || !context.hasInput(2)) return {};
  const Tensor& training = context.input(2);
  if (training.type() != DataType::Bool || training.elements() != 1)
    return context.fail("training_mode must be one bool, not " + training.desc().toString());
  if (!training.as<bool>()[0]) return {};
  if (context.hasInput(1) && context.input(1).elements() != 1) return context.fail("ratio must be one element");
  const double ratio = context.hasInput(1) ? context.input(1).asDouble(0) : 0.5;
  if (ratio == 0) return {};
  return makeError(ErrorCode::Unsupported, "Dropout in training mode is random and not supported", context.node().name,
                   "export the model for inference");
}

// Versions 1 and 6 have is_test, which exporters forget: a workbench for inference never drops anything.
Result<void> dropout(ReferenceContext& context) {
  TANDEM_TRY(requireInference(context));
  const Tensor& x = context.input(0);
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), x.shape()));
  std::memcpy(y.mutableData(), x.data(), x.bytes());
  if (!context.wantsOutput(1)) return {};
  Tensor mask = TANDEM_TRY(makeOutput(context, 1, maskType(context.node(), x.type()), x.shape()));
  const bool known = visitType(mask.type(), [&]<class T>(TypeTag<T>) {
    for (T& kept : mask.mutableAs<T>()) kept = convert<T>(1.0f);
  });
  if (!known) return unsupportedType(context, mask.type());
  return {};
}

constexpr OpDef makeDropout() {
  OpDef def = unaryOp("Dropout", {1, 6, 7, 10, 12, 13, 22}, dropout);
  def.maxInputs = 3;
  def.maxOutputs = 2;
  def.traits = OpTrait::Elementwise;
  def.infer = inferDropout;
  def.flops = nullptr;
  return def;
}

} // namespace

// ONNX Dropout: the identity at inference; an optional mask of what was kept (everything).
extern const OpDef kDropout = makeDropout();

} // namespace tandem::ops
