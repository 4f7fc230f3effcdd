// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

namespace {

Result<void> inferWhere(InferContext& context) {
  const DataType type = context.inputType(1) != DataType::Undefined ? context.inputType(1) : context.inputType(2);
  Shape shape;
  for (std::size_t i = 0; i < 3; ++i) {
    const Shape* next = context.inputShape(i);
    if (!next) {
      context.setOutputType(0, type);
      return {};
    }
    auto joined = broadcast(shape, *next);
    if (!joined) return context.fail("shapes " + shape.toString() + " and " + next->toString() + " do not broadcast");
    shape = std::move(*joined);
  }
  context.setOutput(0, type, shape);
  return {};
}

Result<void> where(ReferenceContext& context) {
  const Tensor &condition = context.input(0), &x = context.input(1), &y = context.input(2);
  TANDEM_TRY(requireSameType(context, 1, 2));
  if (condition.type() != DataType::Bool)
    return context.fail("the condition must be bool, not " + condition.desc().toString());
  const std::array<const Shape*, 3> operands{&condition.shape(), &x.shape(), &y.shape()};
  auto plan = planBroadcast(operands);
  if (!plan)
    return context.fail("shapes " + condition.shape().toString() + ", " + x.shape().toString() + " and " +
                        y.shape().toString() + " do not broadcast");
  Tensor out = TANDEM_TRY(makeOutput(context, 0, x.type(), plan->output));
  const bool* choose = condition.as<bool>().data();
  visitBytes(x.type(), [&]<class T>(TypeTag<T>) {
    const T *a = static_cast<const T*>(x.data()), *b = static_cast<const T*>(y.data());
    T* dst = static_cast<T*>(out.mutableData());
    const std::int64_t stepC = !plan->repeats(0), stepA = !plan->repeats(1), stepB = !plan->repeats(2);
    forEachRow(*plan, [&](std::int64_t at, const BroadcastPlan::Offsets& offsets, std::int64_t length) {
      for (std::int64_t i = 0; i < length; ++i)
        dst[at + i] = choose[offsets[0] + i * stepC] ? a[offsets[1] + i * stepA] : b[offsets[2] + i * stepB];
    });
  });
  return {};
}

constexpr OpDef makeWhere() {
  OpDef def = binaryOp("Where", {9, 16}, where, inferWhere);
  def.minInputs = def.maxInputs = 3;
  return def;
}

} // namespace

// ONNX Where: element of x where the condition holds, of y elsewhere.
extern const OpDef kWhere = makeWhere();

} // namespace tandem::ops
