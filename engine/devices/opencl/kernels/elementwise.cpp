// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/emit.hpp"

#include <algorithm>
#include <array>

namespace tandem::opencl {
namespace {

/// Types one operator may compute on.
enum class Types { Float, FloatAndInt, Bool };

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
    {"Not", "Not", Types::Bool},
};

constexpr Expression kBinary[] = {
    {"Add", "Add", Types::FloatAndInt, true},
    {"Sub", "Sub", Types::FloatAndInt, true},
    {"Mul", "Mul", Types::FloatAndInt, true},
    {"Div", "Div", Types::Float},
    {"Pow", "Pow", Types::Float},
    {"Mod", "Fmod", Types::Float},
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

template <std::size_t N> const Expression* find(const Expression (&table)[N], std::string_view op) {
  auto found = std::find_if(std::begin(table), std::end(table), [&](const Expression& e) { return e.op == op; });
  return found == std::end(table) ? nullptr : found;
}

bool allowed(Types types, DataType type) {
  switch (types) {
  case Types::Float: return type == DataType::Float32;
  case Types::FloatAndInt: return type == DataType::Float32 || type == DataType::Int32 || type == DataType::Int64;
  case Types::Bool: return type == DataType::Bool;
  }
  return false;
}

Support checkTypes(const NodeView& view, Types types) {
  for (std::size_t i = 0; i < view.node.inputs.size(); ++i) {
    if (!view.hasInput(i)) return noAttribute(view.node.type + " with an operand left out");
    if (!allowed(types, view.inputType(i))) return noType(view, view.inputType(i));
    if (view.inputType(i) != view.inputType(0)) return noType(view, view.inputType(i));
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

/// As the operand broadcasts. PRelu below version 7 lays a list of slopes along the channels.
TensorDesc operandDesc(const Lowering& lowering, std::size_t i) {
  TensorDesc desc = lowering.inputDesc(i);
  const Node& node = lowering.node();
  const std::size_t rank = lowering.outputDesc(0).shape.rank();
  if (i == 1 && node.type == "PRelu" && node.version < 7 && desc.shape.rank() == 1 && desc.shape[0] != 1 && rank >= 2) {
    std::vector<std::int64_t> dims(rank - 1, 1);
    dims[0] = desc.shape[0];
    desc.shape = Shape(std::move(dims));
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
  const Expression* expression = find(kBinary, view.node.type);
  if (view.node.type == "Mod" && view.node.attributes.getInt("fmod", 0) == 0) return noType(view, view.inputType(0));
  // Before version 7 broadcasting was an attribute with an axis of its own.
  const bool oldBroadcast =
      view.node.version < 7 && view.node.version > 0 && view.node.attributes.getInt("broadcast", 0) != 0;
  if (oldBroadcast && view.node.type != "Pow" && view.node.attributes.has("axis"))
    return noAttribute(view.node.type + " with an axis to broadcast from (opset below 7)");
  if (oldBroadcast) return noAttribute(view.node.type + " with broadcasting of opset below 7");
  return checkTypes(view, expression->types);
}

Result<void> lowerBinary(Lowering& lowering) {
  const Expression& expression = *find(kBinary, lowering.node().type);
  const std::size_t count = lowering.inputCount();
  const TensorDesc& out = lowering.outputDesc(0);
  if (count == 2 && expression.op != "Mean") {
    if (!lowerBlocked(lowering, expression, 0, 0)) lowerPlain(lowering, expression.expression);
    return {};
  }
  // Any number of operands: pair by pair, in place.
  const StridedRef result = rowMajor(lowering.output(0), out);
  const float scale = expression.op == "Mean" ? 1.0f / static_cast<float>(count) : 1.0f;
  StridedRef sum = broadcastTo(lowering.input(0), lowering.inputDesc(0), out.shape);
  if (count == 1) {
    emitElementwise(lowering, "Identity", out.shape.dims(), result, {sum});
    return {};
  }
  for (std::size_t i = 1; i < count; ++i) {
    const bool last = i + 1 == count;
    const StridedRef next = broadcastTo(lowering.input(i), lowering.inputDesc(i), out.shape);
    const StridedRef target = last ? result : rowMajor(lowering.scratch(out.bytes()), out);
    emitElementwise(lowering, last && expression.op == "Mean" ? "ScaledAdd" : expression.expression, out.shape.dims(),
                    target, {sum, next}, scale);
    sum = target;
  }
  return {};
}

Support checkCompare(const NodeView& view) {
  if (view.node.version < 7 && view.node.version > 0 && view.node.attributes.getInt("broadcast", 0) != 0)
    return noAttribute(view.node.type + " with broadcasting of opset below 7");
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
    if (view.hasInput(i) && view.inputType(i) != DataType::Float32) return noType(view, view.inputType(i));
    if (i > 0 && view.hasInput(i) && view.input(i).isStatic() && view.input(i).desc.shape.elements() != 1)
      return noAttribute("Clip with a bound that is no scalar");
  }
  return Support::yes();
}

Result<void> lowerClip(Lowering& lowering) {
  const Node& node = lowering.node();
  constexpr float kLowest = std::numeric_limits<float>::lowest();
  constexpr float kHighest = std::numeric_limits<float>::max();
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
  std::vector<StridedRef> operands{broadcastTo(lowering.input(0), lowering.inputDesc(0), out.shape)};
  for (std::size_t i = 1; i <= 2; ++i)
    if (lowering.hasInput(i)) operands.push_back(broadcastTo(lowering.input(i), {DataType::Float32, {}}, out.shape));
  const char* expression = operands.size() == 3 ? "ClipBounds" : lowering.hasInput(1) ? "ClipLow" : "ClipHigh";
  emitElementwise(lowering, expression, out.shape.dims(), rowMajor(lowering.output(0), out), operands);
  return {};
}

// --- Where, Cast

Support checkWhere(const NodeView& view) {
  if (view.inputType(0) != DataType::Bool) return noType(view, view.inputType(0));
  if (!isMovable(view.inputType(1)) || view.inputType(1) != view.inputType(2)) return noType(view, view.inputType(1));
  // double needs an extension that GPUs may lack.
  if (view.inputType(1) == DataType::Float64) return noType(view, view.inputType(1));
  return Support::yes();
}

Result<void> lowerWhere(Lowering& lowering) {
  const TensorDesc& out = lowering.outputDesc(0);
  std::vector<StridedRef> operands;
  for (std::size_t i = 0; i < 3; ++i)
    operands.push_back(broadcastTo(lowering.input(i), lowering.inputDesc(i), out.shape));
  emitElementwise(lowering, "Where", out.shape.dims(), rowMajor(lowering.output(0), out), operands);
  return {};
}

bool castable(DataType type) {
  return type == DataType::Float32 || type == DataType::Int32 || type == DataType::Int64 || type == DataType::UInt8 ||
         type == DataType::Bool;
}

Support checkCast(const NodeView& view) {
  if (!castable(view.inputType(0))) return noType(view, view.inputType(0));
  if (!castable(view.output(0).desc.type)) return noType(view, view.output(0).desc.type);
  return Support::yes();
}

Result<void> lowerCast(Lowering& lowering) {
  const DataType from = lowering.inputDesc(0).type;
  const DataType to = lowering.outputDesc(0).type;
  if (from == to) return lowering.alias(0, 0), Result<void>();
  std::string_view expression = "Identity";
  if (to == DataType::Bool)
    expression = "ToBool";
  else if (from == DataType::Float32 && to == DataType::Int32)
    expression = "ToInt";
  else if (from == DataType::Float32 && to == DataType::Int64)
    expression = "ToLong";
  else if (from == DataType::Float32 && to == DataType::UInt8)
    expression = "ToUchar";
  const TensorDesc& out = lowering.outputDesc(0);
  emitElementwise(lowering, expression, out.shape.dims(), rowMajor(lowering.output(0), out),
                  {rowMajor(lowering.input(0), lowering.inputDesc(0))});
  return {};
}

std::vector<KernelDef> makeTable() {
  std::vector<KernelDef> table;
  for (const Expression& e : kUnary) table.push_back({"", e.op, checkUnary, lowerUnary});
  for (const Expression& e : kBinary) table.push_back({"", e.op, checkBinary, lowerBinary});
  for (const Expression& e : kCompare) table.push_back({"", e.op, checkCompare, lowerCompare});
  table.push_back({"", "IsNaN", checkIsNaN, lowerIsNaN});
  table.push_back({"", "Clip", checkClip, lowerClip});
  table.push_back({"", "Where", checkWhere, lowerWhere});
  table.push_back({"", "Cast", checkCast, lowerCast});
  return table;
}

} // namespace

std::span<const KernelDef> elementwiseKernels();
std::span<const KernelDef> elementwiseKernels() {
  static const std::vector<KernelDef> table = makeTable();
  return table;
}

} // namespace tandem::opencl
