// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/emit.hpp"
#include "engine/ops/binary.hpp"

#include <algorithm>
#include <array>

namespace tandem::opencl {
namespace {

/// Types one operator may compute on; 16-bit floats count as float32.
enum class Types { Float, FloatAndInt, Int, Bool };

struct Expression {
  std::string_view op;
  std::string_view expression; ///< for float32
  Types types = Types::Float;
  /// Finite for all finite operands, so that the unused channels of a last block stay harmless.
  bool finite = false;
};

constexpr Expression kUnary[] = {
    {"Relu", "Relu", Types::FloatAndInt, true},
    {"Abs", "Abs", Types::FloatAndInt, true},
    {"Neg", "Neg", Types::FloatAndInt, true},
    {"Sign", "Sign", Types::FloatAndInt, true},
    {"LeakyRelu", "LeakyRelu", Types::Float, true},
    {"ThresholdedRelu", "ThresholdedRelu", Types::Float, true},
    {"Sigmoid", "Sigmoid", Types::Float, true},
    {"Tanh", "Tanh", Types::Float, true},
    {"HardSigmoid", "HardSigmoid", Types::Float, true},
    {"HardSwish", "HardSwish", Types::Float, true},
    {"Elu", "Elu", Types::Float, true},
    {"Celu", "Celu", Types::Float},
    {"Selu", "Selu", Types::Float, true},
    {"Softplus", "Softplus", Types::Float, true},
    {"Softsign", "Softsign", Types::Float, true},
    {"Mish", "Mish", Types::Float, true},
    {"Swish", "Swish", Types::Float, true},
    {"Gelu", "Gelu", Types::Float, true},
    {"Exp", "Exp", Types::Float},
    {"Log", "Log", Types::Float},
    {"Sqrt", "Sqrt", Types::Float},
    {"Reciprocal", "Reciprocal", Types::Float},
    {"Floor", "Floor", Types::Float, true},
    {"Ceil", "Ceil", Types::Float, true},
    {"Round", "Round", Types::Float, true},
    {"Erf", "Erf", Types::Float, true},
    {"Sin", "Sin", Types::Float, true},
    {"Cos", "Cos", Types::Float, true},
    {"Tan", "Tan", Types::Float},
    {"Asin", "Asin", Types::Float},
    {"Acos", "Acos", Types::Float},
    {"Atan", "Atan", Types::Float, true},
    {"Sinh", "Sinh", Types::Float},
    {"Cosh", "Cosh", Types::Float},
    {"Asinh", "Asinh", Types::Float, true},
    {"Acosh", "Acosh", Types::Float},
    {"Atanh", "Atanh", Types::Float},
    {"Shrink", "Shrink", Types::Float, true},
    {"BitwiseNot", "BitNot", Types::Int},
    {"Not", "Not", Types::Bool},
};

constexpr Expression kBinary[] = {
    {"Add", "Add", Types::FloatAndInt, true},
    {"Sub", "Sub", Types::FloatAndInt, true},
    {"Mul", "Mul", Types::FloatAndInt, true},
    {"Div", "Div", Types::FloatAndInt},
    {"Pow", "Pow", Types::FloatAndInt},
    {"Mod", "Fmod", Types::FloatAndInt},
    {"BitwiseAnd", "BitAnd", Types::Int},
    {"BitwiseOr", "BitOr", Types::Int},
    {"BitwiseXor", "BitXor", Types::Int},
    {"BitShift", "ShiftLeft", Types::Int},
    {"PRelu", "PRelu", Types::Float, true},
    {"Max", "Max", Types::FloatAndInt, true},
    {"Min", "Min", Types::FloatAndInt, true},
    {"Sum", "Add", Types::Float, true},
    {"Mean", "Add", Types::Float, true},
    {"And", "And", Types::Bool},
    {"Or", "Or", Types::Bool},
    {"Xor", "Xor", Types::Bool},
};

constexpr Expression kCompare[] = {
    {"Equal", "Equal"}, {"Greater", "Greater"},         {"GreaterOrEqual", "GreaterOrEqual"},
    {"Less", "Less"},   {"LessOrEqual", "LessOrEqual"},
};

bool isSignedInteger(DataType type) {
  return type == DataType::Int8 || type == DataType::Int16 || type == DataType::Int32 || type == DataType::Int64;
}

template <std::size_t N> const Expression* find(const Expression (&table)[N], std::string_view op) {
  auto found = std::find_if(std::begin(table), std::end(table), [&](const Expression& e) { return e.op == op; });
  return found == std::end(table) ? nullptr : found;
}

bool allowed(const NodeView& view, Types types, DataType type) {
  switch (types) {
  case Types::Float: return isNumber(view, type) && !isInteger(type);
  case Types::FloatAndInt: return isNumber(view, type);
  case Types::Int: return isInteger(type);
  case Types::Bool: return type == DataType::Bool;
  }
  return false;
}

Support checkTypes(const NodeView& view, Types types) {
  for (std::size_t i = 0; i < view.node.inputs.size(); ++i) {
    if (!view.hasInput(i)) return noAttribute(view.node.type + " with an operand left out");
    if (!allowed(view, types, view.inputType(i))) return noType(view, view.inputType(i));
    if (view.inputType(i) != view.inputType(0) && view.node.type != "Pow") return noType(view, view.inputType(i));
  }
  return Support::yes();
}

/// Computes in the blocked storage of the operands where that saves conversions; false where it does not apply.
bool lowerBlocked(Lowering& lowering, const Expression& expression, float p, float q) {
  const Node& node = lowering.node();
  const TensorDesc& out = lowering.outputDesc(0);
  if (node.inputs.size() > 2 || !lowering.canBlock(node.outputs[0])) return false;
  const std::int64_t channels = out.shape[1];
  if (channels % 16 != 0 && !expression.finite) return false;
  bool any = false;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
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
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
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
  emitElementwise(lowering, expression.expression, blockedDims(result), blockedRef(result), operands, p, q);
  return true;
}

/// As the operand broadcasts. PRelu below version 7 lays a list of slopes along the channels, and other operators
/// have an axis to start from.
TensorDesc operandDesc(const Lowering& lowering, std::size_t i) {
  TensorDesc desc = lowering.inputDesc(i);
  const Node& node = lowering.node();
  const std::size_t rank = lowering.outputDesc(0).shape.rank();
  if (i == 1 && node.type == "PRelu" && node.version < 7 && desc.shape.rank() == 1 && desc.shape[0] != 1 && rank >= 2) {
    std::vector<std::int64_t> dims(rank - 1, 1);
    dims[0] = desc.shape[0];
    desc.shape = Shape(std::move(dims));
  } else if (i == 1 && node.version > 0 && node.version < 7) {
    if (auto shape = ops::secondOperandShape(node, lowering.inputDesc(0).shape, desc.shape))
      desc.shape = std::move(*shape);
  }
  return desc;
}

void lowerPlain(Lowering& lowering, std::string_view expression, float p = 0, float q = 0) {
  const TensorDesc& out = lowering.outputDesc(0);
  std::vector<StridedRef> operands;
  for (std::size_t i = 0; i < lowering.inputCount(); ++i)
    operands.push_back(broadcastTo(lowering.input(i), operandDesc(lowering, i), out.shape));
  emitElementwise(lowering, expression, out.shape.dims(), rowMajor(lowering.output(0), out), operands, p, q);
}

// --- one operand

std::pair<float, float> parameters(const Node& node) {
  const Attributes& a = node.attributes;
  if (node.type == "LeakyRelu") return {a.getFloat("alpha", 0.01f), 0.0f};
  if (node.type == "ThresholdedRelu") return {a.getFloat("alpha", 1.0f), 0.0f};
  if (node.type == "HardSigmoid") return {a.getFloat("alpha", 0.2f), a.getFloat("beta", 0.5f)};
  if (node.type == "Elu" || node.type == "Celu" || node.type == "Swish") return {a.getFloat("alpha", 1.0f), 0.0f};
  if (node.type == "Shrink") return {a.getFloat("bias", 0.0f), a.getFloat("lambd", 0.5f)};
  if (node.type == "Selu")
    return {a.getFloat("alpha", 1.67326319217681884765625f), a.getFloat("gamma", 1.05070102214813232421875f)};
  return {0.0f, 0.0f};
}

Support checkUnary(const NodeView& view) { return checkTypes(view, find(kUnary, view.node.type)->types); }

Result<void> lowerUnary(Lowering& lowering) {
  Expression expression = *find(kUnary, lowering.node().type);
  if (expression.op == "Gelu" && lowering.node().attributes.getString("approximate", "none") == "tanh")
    expression.expression = "GeluTanh";
  const auto [p, q] = parameters(lowering.node());
  if (!lowerBlocked(lowering, expression, p, q)) lowerPlain(lowering, expression.expression, p, q);
  return {};
}

// --- two or more operands

Support checkBinary(const NodeView& view) {
  if (view.node.type == "Pow" && view.hasInput(1) && isInteger(view.inputType(0)) && isFloating(view.inputType(1)) &&
      !view.float64)
    return noType(view, view.inputType(0)); // computed in double precision
  return checkTypes(view, find(kBinary, view.node.type)->types);
}

/// The expression for the operands' types; integers divide and wrap by rules of their own.
Expression binaryExpression(const Lowering& lowering) {
  const Node& node = lowering.node();
  Expression result = *find(kBinary, node.type);
  const DataType type = lowering.inputDesc(0).type;
  const bool integer = isInteger(type), isSigned = isSignedInteger(type);
  const bool truncates = node.attributes.getInt("fmod", 0) != 0;
  if (node.type == "Div" && integer) result.expression = isSigned ? "SDiv" : "UDiv";
  if (node.type == "Mod" && integer) result.expression = !isSigned ? "URem" : truncates ? "SRem" : "SMod";
  if (node.type == "Mod" && !integer && !truncates) result.expression = "FloorMod";
  if (node.type == "BitShift" && node.attributes.getString("direction", "") == "RIGHT")
    result.expression = "ShiftRight";
  if (node.type == "Pow") {
    const DataType exponent = lowering.inputDesc(1).type;
    if (integer)
      result.expression = isInteger(exponent) ? "IntPow" : "IntPowFloat";
    else if (exponent != type)
      result.expression = "PowAs";
  }
  return result;
}

Result<void> lowerBinary(Lowering& lowering) {
  const Expression expression = binaryExpression(lowering);
  const std::size_t count = lowering.inputCount();
  const TensorDesc& out = lowering.outputDesc(0);
  if (count == 2 && expression.op != "Mean") {
    if (!lowerBlocked(lowering, expression, 0, 0)) lowerPlain(lowering, expression.expression);
    return {};
  }
  // Any number of operands: pair by pair, in place.
  const StridedRef result = rowMajor(lowering.output(0), out);
  StridedRef sum = broadcastTo(lowering.input(0), lowering.inputDesc(0), out.shape);
  if (count == 1) {
    emitElementwise(lowering, "Identity", out.shape.dims(), result, {sum});
    return {};
  }
  for (std::size_t i = 1; i < count; ++i) {
    const bool last = i + 1 == count;
    const StridedRef next = broadcastTo(lowering.input(i), lowering.inputDesc(i), out.shape);
    const StridedRef target = last ? result : rowMajor(lowering.scratch(out.bytes()), out);
    emitElementwise(lowering, last && expression.op == "Mean" ? "MeanAdd" : expression.expression, out.shape.dims(),
                    target, {sum, next}, static_cast<float>(count));
    sum = target;
  }
  return {};
}

Support checkCompare(const NodeView& view) {
  if (view.inputType(0) == DataType::Bool) {
    if (view.inputType(1) != DataType::Bool) return noType(view, view.inputType(1));
    return Support::yes();
  }
  return checkTypes(view, Types::FloatAndInt);
}

Result<void> lowerCompare(Lowering& lowering) {
  lowerPlain(lowering, find(kCompare, lowering.node().type)->expression);
  return {};
}

Support checkIsNaN(const NodeView& view) { return checkTypes(view, Types::Float); }
Result<void> lowerIsNaN(Lowering& lowering) { return lowerPlain(lowering, "IsNaN"), Result<void>(); }
Result<void> lowerIsInf(Lowering& lowering) {
  const Attributes& a = lowering.node().attributes;
  const auto flag = [&](const char* name) { return a.getInt(name, 1) != 0 ? 1.0f : 0.0f; };
  return lowerPlain(lowering, "IsInf", flag("detect_positive"), flag("detect_negative")), Result<void>();
}

// --- Clip

/// A bound that is known now; nullopt where it is a tensor computed before.
std::optional<float> knownBound(const Node& node, const Graph& graph, std::size_t input, const char* attribute,
                                float fallback) {
  if (node.version < 11) return node.attributes.getFloat(attribute, fallback);
  if (node.inputs.size() <= input || !node.inputs[input].valid()) return fallback;
  const Value& value = graph.value(node.inputs[input]);
  if (!value.isConstant()) return std::nullopt;
  return static_cast<float>(value.constant.asDouble(0));
}

Support checkClip(const NodeView& view) {
  for (std::size_t i = 0; i < view.node.inputs.size(); ++i) {
    if (view.hasInput(i) && (!isNumber(view, view.inputType(i)) || view.inputType(i) != view.inputType(0)))
      return noType(view, view.inputType(i));
    if (i > 0 && view.hasInput(i) && view.input(i).isStatic() && view.input(i).desc.shape.elements() != 1)
      return noAttribute("Clip with a bound that is no scalar");
  }
  return Support::yes();
}

/// Bounds of the element type that lie in device memory.
Result<void> clipBetween(Lowering& lowering) {
  const TensorDesc& out = lowering.outputDesc(0);
  std::vector<StridedRef> operands{broadcastTo(lowering.input(0), lowering.inputDesc(0), out.shape)};
  for (std::size_t i = 1; i <= 2; ++i)
    if (lowering.hasInput(i)) operands.push_back(broadcastTo(lowering.input(i), {out.type, {}}, out.shape));
  const char* expression = operands.size() == 3   ? "ClipBounds"
                           : operands.size() == 1 ? "Identity"
                           : lowering.hasInput(1) ? "ClipLow"
                                                  : "ClipHigh";
  emitElementwise(lowering, expression, out.shape.dims(), rowMajor(lowering.output(0), out), operands);
  return {};
}

Result<void> lowerClip(Lowering& lowering) {
  const Node& node = lowering.node();
  constexpr float kLowest = std::numeric_limits<float>::lowest();
  constexpr float kHighest = std::numeric_limits<float>::max();
  if (node.version >= 11 && lowering.inputDesc(0).type != DataType::Float32) return clipBetween(lowering);
  const auto low = knownBound(node, lowering.graph(), 1, "min", -std::numeric_limits<float>::infinity());
  const auto high = knownBound(node, lowering.graph(), 2, "max", std::numeric_limits<float>::infinity());
  const TensorDesc& out = lowering.outputDesc(0);
  if (low && high) {
    const float p = node.version < 11 && !node.attributes.has("min") ? kLowest : *low;
    const float q = node.version < 11 && !node.attributes.has("max") ? kHighest : *high;
    if (!lowering.inputIsBlocked(0) || !lowering.canBlock(node.outputs[0])) {
      emitElementwise(lowering, "Clip", out.shape.dims(), rowMajor(lowering.output(0), out),
                      {broadcastTo(lowering.input(0), lowering.inputDesc(0), out.shape)}, p, q);
      return {};
    }
    const BlockedView x = lowering.blockedInput(0);
    const BlockedView y = lowering.blockedOutput(0);
    emitElementwise(lowering, "Clip", blockedDims(y), blockedRef(y), {blockedRef(x)}, p, q);
    return {};
  }
  return clipBetween(lowering);
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
  const auto add = [&](std::string_view op, auto check, auto lower) {
    table.push_back({"", op, check, lower, nullptr, true});
  };
  for (const Expression& e : kUnary) add(e.op, checkUnary, lowerUnary);
  for (const Expression& e : kBinary) add(e.op, checkBinary, lowerBinary);
  for (const Expression& e : kCompare) add(e.op, checkCompare, lowerCompare);
  add("IsNaN", checkIsNaN, lowerIsNaN);
  add("IsInf", checkIsNaN, lowerIsInf);
  add("Clip", checkClip, lowerClip);
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
