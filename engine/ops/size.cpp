// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

namespace tandem::ops {
namespace {

Result<void> inferSize(InferContext& context) {
  context.setOutput(0, DataType::Int64, Shape{});
  const Shape* input = context.inputShape(0);
  if (!input || !input->isStatic()) return {};
  const auto elements = input->checkedElements();
  if (!elements) return context.fail("the input " + input->toString() + " is too large to count");
  context.setOutputValue(0, Tensor::scalar<std::int64_t>(*elements));
  return {};
}

Result<void> sizeOf(ReferenceContext& context) {
  Tensor out = TANDEM_TRY(makeOutput(context, 0, DataType::Int64, Shape{}));
  out.mutableAs<std::int64_t>()[0] = context.input(0).elements();
  return {};
}

constexpr OpDef makeSize() {
  OpDef def;
  def.type = "Size";
  def.versions = {1, 13, 19, 21, 23, 24, 25};
  def.infer = inferSize;
  def.reference = sizeOf;
  return def;
}

} // namespace

// ONNX Size: number of elements of the input.
extern const OpDef kSize = makeSize();

} // namespace tandem::ops
