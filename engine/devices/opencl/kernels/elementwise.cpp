// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/element_op.hpp"
#include "engine/devices/opencl/kernels/emit.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

bool allowed(const NodeView& view, ElementTypes types, DataType type) {
  switch (types) {
  case ElementTypes::Float: return isNumber(view, type) && !isInteger(type);
  case ElementTypes::FloatAndInt: return isNumber(view, type);
  case ElementTypes::Int: return isInteger(type);
  case ElementTypes::Bool: return type == DataType::Bool;
  }
  return false;
}

Support checkTypes(const NodeView& view, ElementTypes types) {
  for (std::size_t i = 0; i < view.node.inputs.size(); ++i) {
    if (!view.hasInput(i)) return noAttribute(view.node.type + " with an operand left out");
    if (!allowed(view, types, view.inputType(i))) return noType(view, view.inputType(i));
    if (view.inputType(i) != view.inputType(0) && view.node.type != "Pow") return noType(view, view.inputType(i));
  }
  return Support::yes();
}

NodeView viewOf(const Lowering& lowering) { return {lowering.graph(), lowering.node(), false, true}; }

/// Computes in the blocked storage of the operands where that saves conversions; false where it does not apply.
bool lowerBlocked(Lowering& lowering, const ElementOp& op) {
  const Node& node = lowering.node();
  const TensorDesc& out = lowering.outputDesc(0);
  if (op.operands.size() > 2 || !lowering.canBlock(node.outputs[0])) return false;
  const std::int64_t channels = out.shape[1];
  if (channels % 16 != 0 && !op.finite) return false;
  bool any = false;
  for (const int operand : op.operands) {
    const auto i = static_cast<std::size_t>(operand);
    const TensorDesc& desc = lowering.inputDesc(i);
    any = any || lowering.inputIsBlocked(i);
    if (lowering.inputIsConstant(i)) {
      const std::int64_t count = desc.shape.elements();
      const std::size_t rank = desc.shape.rank();
      const std::size_t spatial = out.shape.rank() - 2;
      const bool perChannel = count == channels && rank > spatial && desc.shape[rank - spatial - 1] == channels;
      if (count != 1 && !perChannel) return false;
    } else if (desc.shape != out.shape || (!lowering.inputIsBlocked(i) && !lowering.canBlock(node.inputs[i]))) {
      return false;
    }
  }
  if (!any) return false;
  std::vector<StridedRef> operands;
  for (const int operand : op.operands) {
    const auto i = static_cast<std::size_t>(operand);
    if (!lowering.inputIsConstant(i)) {
      const BlockedView view = lowering.blockedInput(i);
      if (view.blocking.block != 16) return false;
      operands.push_back(blockedRef(view));
      continue;
    }
    const auto values = lowering.inputTensor(i).as<float>();
    std::vector<float> padded(static_cast<std::size_t>(ceilDivide(channels, 16) * 16), 0.0f);
    if (values.size() == 1)
      std::fill(padded.begin(), padded.begin() + channels, values[0]);
    else
      std::copy(values.begin(), values.end(), padded.begin());
    operands.push_back({lowering.weights(padded), DataType::Float32, {0, 16, 0, 0, 1}, 0});
  }
  const BlockedView result = lowering.blockedOutput(0);
  emitElementwise(lowering, op.expression, blockedDims(result), blockedRef(result), operands, op.p, op.q);
  return true;
}

/// Every use of a macro is a kernel; what lies between them is scratch.
void lowerPlain(Lowering& lowering, const std::vector<ElementOp>& ops) {
  const TensorDesc& out = lowering.outputDesc(0);
  StridedRef previous;
  for (std::size_t k = 0; k < ops.size(); ++k) {
    std::vector<StridedRef> operands;
    for (const int i : ops[k].operands) {
      const auto index = static_cast<std::size_t>(i);
      operands.push_back(i == ElementOp::kPrevious
                             ? previous
                             : broadcastTo(lowering.input(index), elementOperand(viewOf(lowering), index), out.shape));
    }
    const bool last = k + 1 == ops.size();
    const StridedRef target = rowMajor(last ? lowering.output(0) : lowering.scratch(out.bytes()), out);
    emitElementwise(lowering, ops[k].expression, out.shape.dims(), target, operands, ops[k].p, ops[k].q);
    previous = target;
  }
}

Result<void> lower(Lowering& lowering) {
  const auto ops = elementOps(viewOf(lowering));
  TANDEM_ASSERT(ops.has_value());
  if (ops->size() != 1 || !lowerBlocked(lowering, ops->front())) lowerPlain(lowering, *ops);
  return {};
}

const ElementOperator& operatorOf(std::span<const ElementOperator> table, std::string_view op) {
  return *std::find_if(table.begin(), table.end(), [&](const ElementOperator& each) { return each.op == op; });
}

Support checkUnary(const NodeView& view) {
  return checkTypes(view, operatorOf(unaryOperators(), view.node.type).types);
}

Support checkBinary(const NodeView& view) {
  if (view.node.type == "Pow" && view.hasInput(1) && isInteger(view.inputType(0)) && isFloating(view.inputType(1)) &&
      !view.float64)
    return noType(view, view.inputType(0)); // computed in double precision
  return checkTypes(view, operatorOf(binaryOperators(), view.node.type).types);
}

Support checkCompare(const NodeView& view) {
  if (view.inputType(0) == DataType::Bool) {
    if (view.inputType(1) != DataType::Bool) return noType(view, view.inputType(1));
    return Support::yes();
  }
  return checkTypes(view, ElementTypes::FloatAndInt);
}

Support checkFloat(const NodeView& view) { return checkTypes(view, ElementTypes::Float); }

Support checkClip(const NodeView& view) {
  for (std::size_t i = 0; i < view.node.inputs.size(); ++i) {
    if (view.hasInput(i) && (!isNumber(view, view.inputType(i)) || view.inputType(i) != view.inputType(0)))
      return noType(view, view.inputType(i));
    if (i > 0 && view.hasInput(i) && view.input(i).isStatic() && view.input(i).desc.shape.elements() != 1)
      return noAttribute("Clip with a bound that is no scalar");
  }
  return Support::yes();
}

// --- Where, Cast

Support checkWhere(const NodeView& view) {
  if (view.inputType(0) != DataType::Bool) return noType(view, view.inputType(0));
  if (!isMovable(view.inputType(1)) || view.inputType(1) != view.inputType(2)) return noType(view, view.inputType(1));
  return Support::yes();
}

Result<void> lowerWhere(Lowering& lowering) {
  const TensorDesc& out = lowering.outputDesc(0);
  std::vector<StridedRef> operands;
  for (std::size_t i = 0; i < 3; ++i)
    operands.push_back(broadcastTo(lowering.input(i), lowering.inputDesc(i), out.shape));
  StridedRef result = rowMajor(lowering.output(0), out);
  if (byteSize(out.type) == 8) // moved as they are: double precision is an extension
    for (StridedRef* ref : {&operands[1], &operands[2], &result}) ref->type = DataType::UInt64;
  emitElementwise(lowering, "Where", out.shape.dims(), result, operands);
  return {};
}

Support checkCast(const NodeView& view) {
  for (DataType type : {view.inputType(0), view.outputType(0)})
    if (!isMovable(type) || (type == DataType::Float64 && !view.float64)) return noType(view, type);
  return Support::yes();
}

Result<void> lowerCast(Lowering& lowering) {
  const TensorDesc& from = lowering.inputDesc(0);
  const TensorDesc& to = lowering.outputDesc(0);
  if (from.type == to.type) return lowering.alias(0, 0), Result<void>();
  lowering.convert(lowering.input(0), from.type, lowering.output(0), to.type, to.shape.elements());
  return {};
}

std::vector<KernelDef> makeTable() {
  std::vector<KernelDef> table;
  const auto add = [&](std::string_view op, auto check) { table.push_back({"", op, check, lower, nullptr, true}); };
  for (const ElementOperator& each : unaryOperators()) add(each.op, checkUnary);
  for (const ElementOperator& each : binaryOperators()) add(each.op, checkBinary);
  for (const ElementOperator& each : comparisons()) add(each.op, checkCompare);
  add("IsNaN", checkFloat);
  add("IsInf", checkFloat);
  add("Clip", checkClip);
  table.push_back({"", "Where", checkWhere, lowerWhere});
  table.push_back({"", "Cast", checkCast, lowerCast});
  table.push_back({"", "CastLike", checkCast, lowerCast});
  return table;
}

} // namespace

std::span<const KernelDef> elementwiseKernels();
std::span<const KernelDef> elementwiseKernels() {
  static const std::vector<KernelDef> table = makeTable();
  return table;
}

} // namespace tandem::opencl
