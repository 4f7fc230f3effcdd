// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/element_op.hpp"

#include "engine/ops/binary.hpp"

#include <algorithm>
#include <limits>

namespace tandem::opencl {
namespace {

constexpr ElementOperator kUnary[] = {
    {"Relu", "Relu", ElementTypes::FloatAndInt, true},
    {"Abs", "Abs", ElementTypes::FloatAndInt, true},
    {"Neg", "Neg", ElementTypes::FloatAndInt, true},
    {"Sign", "Sign", ElementTypes::FloatAndInt, true},
    {"LeakyRelu", "LeakyRelu", ElementTypes::Float, true},
    {"ThresholdedRelu", "ThresholdedRelu", ElementTypes::Float, true},
    {"Sigmoid", "Sigmoid", ElementTypes::Float, true},
    {"Tanh", "Tanh", ElementTypes::Float, true},
    {"HardSigmoid", "HardSigmoid", ElementTypes::Float, true},
    {"HardSwish", "HardSwish", ElementTypes::Float, true},
    {"Elu", "Elu", ElementTypes::Float, true},
    {"Celu", "Celu", ElementTypes::Float},
    {"Selu", "Selu", ElementTypes::Float, true},
    {"Softplus", "Softplus", ElementTypes::Float, true},
    {"Softsign", "Softsign", ElementTypes::Float, true},
    {"Mish", "Mish", ElementTypes::Float, true},
    {"Swish", "Swish", ElementTypes::Float, true},
    {"Gelu", "Gelu", ElementTypes::Float, true},
    {"Exp", "Exp", ElementTypes::Float},
    {"Log", "Log", ElementTypes::Float},
    {"Sqrt", "Sqrt", ElementTypes::Float},
    {"Reciprocal", "Reciprocal", ElementTypes::Float},
    {"Floor", "Floor", ElementTypes::Float, true},
    {"Ceil", "Ceil", ElementTypes::Float, true},
    {"Round", "Round", ElementTypes::Float, true},
    {"Erf", "Erf", ElementTypes::Float, true},
    {"Sin", "Sin", ElementTypes::Float, true},
    {"Cos", "Cos", ElementTypes::Float, true},
    {"Tan", "Tan", ElementTypes::Float},
    {"Asin", "Asin", ElementTypes::Float},
    {"Acos", "Acos", ElementTypes::Float},
    {"Atan", "Atan", ElementTypes::Float, true},
    {"Sinh", "Sinh", ElementTypes::Float},
    {"Cosh", "Cosh", ElementTypes::Float},
    {"Asinh", "Asinh", ElementTypes::Float, true},
    {"Acosh", "Acosh", ElementTypes::Float},
    {"Atanh", "Atanh", ElementTypes::Float},
    {"Shrink", "Shrink", ElementTypes::Float, true},
    {"BitwiseNot", "BitNot", ElementTypes::Int},
    {"Not", "Not", ElementTypes::Bool, true},
};

constexpr ElementOperator kBinary[] = {
    {"Add", "Add", ElementTypes::FloatAndInt, true}, {"Sub", "Sub", ElementTypes::FloatAndInt, true},
    {"Mul", "Mul", ElementTypes::FloatAndInt, true}, {"Div", "Div", ElementTypes::FloatAndInt},
    {"Pow", "Pow", ElementTypes::FloatAndInt},       {"Mod", "Fmod", ElementTypes::FloatAndInt},
    {"BitwiseAnd", "BitAnd", ElementTypes::Int},     {"BitwiseOr", "BitOr", ElementTypes::Int},
    {"BitwiseXor", "BitXor", ElementTypes::Int},     {"BitShift", "ShiftLeft", ElementTypes::Int},
    {"PRelu", "PRelu", ElementTypes::Float, true},   {"Max", "Max", ElementTypes::FloatAndInt, true},
    {"Min", "Min", ElementTypes::FloatAndInt, true}, {"Sum", "Add", ElementTypes::Float, true},
    {"Mean", "Add", ElementTypes::Float, true},      {"And", "And", ElementTypes::Bool, true},
    {"Or", "Or", ElementTypes::Bool, true},          {"Xor", "Xor", ElementTypes::Bool, true},
};

constexpr ElementOperator kCompare[] = {
    {"Equal", "Equal", ElementTypes::FloatAndInt, true},
    {"Greater", "Greater", ElementTypes::FloatAndInt, true},
    {"GreaterOrEqual", "GreaterOrEqual", ElementTypes::FloatAndInt, true},
    {"Less", "Less", ElementTypes::FloatAndInt, true},
    {"LessOrEqual", "LessOrEqual", ElementTypes::FloatAndInt, true},
};

bool isSignedInteger(DataType type) {
  return type == DataType::Int8 || type == DataType::Int16 || type == DataType::Int32 || type == DataType::Int64;
}

const ElementOperator* find(std::span<const ElementOperator> table, std::string_view op) {
  auto found = std::find_if(table.begin(), table.end(), [&](const ElementOperator& e) { return e.op == op; });
  return found == table.end() ? nullptr : &*found;
}

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

/// The value of a constant of one element.
std::optional<float> constantScalar(const NodeView& view, std::size_t input) {
  if (!view.hasInput(input)) return std::nullopt;
  const Tensor& constant = view.input(input).constant;
  if (!constant.defined() || constant.elements() != 1) return std::nullopt;
  return static_cast<float>(constant.asDouble(0));
}

std::vector<ElementOp> unary(const NodeView& view, const ElementOperator& op) {
  const auto [p, q] = parameters(view.node);
  const bool isTanh = op.op == "Gelu" && view.node.attributes.getString("approximate", "none") == "tanh";
  return {{isTanh ? "GeluTanh" : op.expression, {0}, p, q, op.finite}};
}

/// Small powers are products: pow() takes ten times as long. Both are as exact.
std::string_view powerExpression(const NodeView& view) {
  const DataType base = view.inputType(0), exponent = view.inputType(1);
  if (isInteger(base)) return isInteger(exponent) ? "IntPow" : "IntPowFloat";
  if (constantScalar(view, 1) == 2.0f) return "Square";
  return exponent != base ? "PowAs" : "Pow";
}

/// The expression for the operands' types; integers divide and wrap by rules of their own.
std::string_view binaryExpression(const NodeView& view, const ElementOperator& op) {
  const Node& node = view.node;
  const DataType type = view.inputType(0);
  const bool integer = isInteger(type), isSigned = isSignedInteger(type);
  const bool truncates = node.attributes.getInt("fmod", 0) != 0;
  if (node.type == "Div" && integer) return isSigned ? "SDiv" : "UDiv";
  if (node.type == "Mod" && integer) return !isSigned ? "URem" : truncates ? "SRem" : "SMod";
  if (node.type == "Mod" && !truncates) return "FloorMod";
  if (node.type == "BitShift" && node.attributes.getString("direction", "") == "RIGHT") return "ShiftRight";
  if (node.type == "Pow") return powerExpression(view);
  return op.expression;
}

/// Any number of operands: pair by pair.
std::vector<ElementOp> binary(const NodeView& view, const ElementOperator& op) {
  const auto count = static_cast<int>(view.node.inputs.size());
  if (count == 1) return {{"Identity", {0}, 0, 0, true}};
  const std::string_view expression = binaryExpression(view, op);
  if (expression == "Square") return {{expression, {0}, 0, 0, true}};
  std::vector<ElementOp> ops;
  for (int i = 1; i < count; ++i) {
    const bool divides = i + 1 == count && op.op == "Mean";
    ops.push_back({divides ? "MeanAdd" : expression,
                   {i == 1 ? 0 : ElementOp::kPrevious, i},
                   divides ? static_cast<float>(count) : 0.0f,
                   0,
                   op.finite});
  }
  return ops;
}

/// A bound that is known now; nullopt where it is a tensor computed before.
std::optional<float> knownBound(const NodeView& view, std::size_t input, const char* attribute, float open) {
  if (view.node.version >= 11) return view.hasInput(input) ? constantScalar(view, input) : open;
  const float lowest = std::numeric_limits<float>::lowest();
  return view.node.attributes.getFloat(attribute, open < 0 ? lowest : -lowest);
}

std::vector<ElementOp> clip(const NodeView& view) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (view.node.version < 11 || view.inputType(0) == DataType::Float32) {
    const auto low = knownBound(view, 1, "min", -kInfinity), high = knownBound(view, 2, "max", kInfinity);
    if (low && high) return {{"Clip", {0}, *low, *high, true}};
  }
  // Bounds of the element type that lie in device memory.
  const bool hasLow = view.hasInput(1), hasHigh = view.hasInput(2);
  if (hasLow && hasHigh) return {{"ClipBounds", {0, 1, 2}, 0, 0, true}};
  if (hasLow) return {{"ClipLow", {0, 1}, 0, 0, true}};
  if (hasHigh) return {{"ClipHigh", {0, 2}, 0, 0, true}};
  return {{"Identity", {0}, 0, 0, true}};
}

} // namespace

std::span<const ElementOperator> unaryOperators() { return kUnary; }
std::span<const ElementOperator> binaryOperators() { return kBinary; }
std::span<const ElementOperator> comparisons() { return kCompare; }

std::optional<std::vector<ElementOp>> elementOps(const NodeView& view) {
  const Node& node = view.node;
  if (!node.domain.empty() && node.domain != "ai.onnx") return std::nullopt;
  if (const ElementOperator* op = find(kUnary, node.type)) return unary(view, *op);
  if (const ElementOperator* op = find(kBinary, node.type)) return binary(view, *op);
  if (const ElementOperator* op = find(kCompare, node.type)) return {{{op->expression, {0, 1}, 0, 0, true}}};
  if (node.type == "Clip") return clip(view);
  if (node.type == "IsNaN") return {{{"IsNaN", {0}, 0, 0, true}}};
  if (node.type == "IsInf") {
    const auto flag = [&](const char* name) { return node.attributes.getInt(name, 1) != 0 ? 1.0f : 0.0f; };
    return {{{"IsInf", {0}, flag("detect_positive"), flag("detect_negative"), true}}};
  }
  if (node.type == "Where") return {{{"Where", {0, 1, 2}, 0, 0, true}}};
  return std::nullopt;
}

TensorDesc elementOperand(const NodeView& view, std::size_t i) {
  TensorDesc desc = view.input(i).desc;
  desc.type = view.inputType(i);
  const Node& node = view.node;
  if (i == 0) return desc;
  if (node.type == "Clip") return {desc.type, {}};
  const std::size_t rank = view.output(0).desc.shape.rank();
  if (node.type == "PRelu" && node.version < 7 && desc.shape.rank() == 1 && desc.shape[0] != 1 && rank >= 2) {
    std::vector<std::int64_t> dims(rank - 1, 1);
    dims[0] = desc.shape[0];
    desc.shape = Shape(std::move(dims));
  } else if (i == 1 && node.version > 0 && node.version < 7) {
    if (auto shape = ops::secondOperandShape(node, view.input(0).desc.shape, desc.shape))
      desc.shape = std::move(*shape);
  }
  return desc;
}

} // namespace tandem::opencl
