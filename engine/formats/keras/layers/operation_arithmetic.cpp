// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/layers/operation.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace tandem::detail {
namespace {

/// Two operands brought to one type and form.
struct Operands {
  ValueId left, right;
  KerasTensor like; ///< the form and shape of the result
};

TensorPtr converted(Builder& b, const TensorPtr& tensor, DataType type) {
  if (tensor->type == type) return tensor;
  TensorPtr result = sameForm(*tensor, b.cast(valueOf(*tensor), type));
  result->type = type;
  return result;
}

/// Numbers take the type of the tensor; among tensors floating point wins, then the wider integer.
DataType commonType(const KerasTensor& x, const KerasTensor& y) {
  if (x.type == y.type) return x.type;
  if (x.rank() == 0 && x.type != DataType::Float32 && y.type != DataType::Bool) return y.type;
  if (y.rank() == 0 && y.type != DataType::Float32 && x.type != DataType::Bool) return x.type;
  if (x.type == DataType::Float32 || y.type == DataType::Float32) return DataType::Float32;
  if (x.type == DataType::Bool) return y.type;
  if (y.type == DataType::Bool) return x.type;
  return byteSize(x.type) >= byteSize(y.type) ? x.type : y.type;
}

Ints broadcastShape(const Ints& a, const Ints& b) {
  Ints result(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1, y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x > 1 && y > 1 && x != y)
      throw KerasError("the shapes " + shapeText(a) + " and " + shapeText(b) + " do not fit together");
    result[result.size() - 1 - i] = x == 1 ? y : (y == 1 || x == y ? x : std::max(x, y));
  }
  return result;
}

/// A constant over the last axis, as it has to stand for channels in second place.
ValueId inChannelsFirst(Builder& b, KerasTensor& x, std::size_t rank) {
  if (x.rank() == 0) return b.plainOf(x);
  if (x.rank() == rank) return b.channelsFirstOf(x);
  Ints shape(rank - 1, 1);
  shape[0] = x.shape.back();
  return b.reshape(b.plainOf(x), shape);
}

Operands align(OperationCall& call, TensorPtr x, TensorPtr y) {
  Builder& b = call.b;
  const DataType type = commonType(*x, *y);
  x = converted(b, x, type);
  y = converted(b, y, type);
  Operands operands;
  operands.like.shape = broadcastShape(x->shape, y->shape);
  operands.like.type = type;
  const std::size_t rank = operands.like.rank();
  const auto fits = [&](const KerasTensor& t) {
    return t.rank() == 0 || t.rank() == rank || (t.rank() == 1 && t.shape[0] > 0);
  };
  const bool first = rank >= 3 && rank <= 5 && (x->isChannelsFirst() || y->isChannelsFirst()) && fits(*x) && fits(*y);
  operands.left = first ? inChannelsFirst(b, *x, rank) : b.plainOf(*x);
  operands.right = first ? inChannelsFirst(b, *y, rank) : b.plainOf(*y);
  (first ? operands.like.channelsFirst : operands.like.plain) = operands.left;
  return operands;
}

Outputs binary(OperationCall& call, const char* type, DataType resultType = DataType::Undefined) {
  const Operands operands = align(call, call.tensor(0, {"x1", "x", "a"}), call.tensor(1, {"x2", "y", "b"}));
  TensorPtr result = sameForm(operands.like, call.b.node(type, {operands.left, operands.right}));
  if (resultType != DataType::Undefined) result->type = resultType;
  return {result};
}

Outputs add(OperationCall& call) {
  // bias_add(value, bias)
  if (call.tensorFlow && !call.argument(1, {"y"}) && call.argument(9, {"bias"})) {
    const Operands operands = align(call, call.tensor(0, {"x"}), call.tensor(9, {"bias"}));
    return {sameForm(operands.like, call.b.node("Add", {operands.left, operands.right}))};
  }
  return binary(call, "Add");
}
Outputs subtract(OperationCall& call) { return binary(call, "Sub"); }
Outputs multiply(OperationCall& call) { return binary(call, "Mul"); }
Outputs maximum(OperationCall& call) { return binary(call, "Max"); }
Outputs minimum(OperationCall& call) { return binary(call, "Min"); }
Outputs power(OperationCall& call) { return binary(call, "Pow"); }
Outputs greater(OperationCall& call) { return binary(call, "Greater", DataType::Bool); }
Outputs greaterEqual(OperationCall& call) { return binary(call, "GreaterOrEqual", DataType::Bool); }
Outputs less(OperationCall& call) { return binary(call, "Less", DataType::Bool); }
Outputs lessEqual(OperationCall& call) { return binary(call, "LessOrEqual", DataType::Bool); }
Outputs equal(OperationCall& call) { return binary(call, "Equal", DataType::Bool); }
Outputs logicalAnd(OperationCall& call) { return binary(call, "And", DataType::Bool); }
Outputs logicalOr(OperationCall& call) { return binary(call, "Or", DataType::Bool); }

Outputs notEqual(OperationCall& call) {
  Outputs result = binary(call, "Equal", DataType::Bool);
  return {sameForm(*result[0], call.b.node("Not", {valueOf(*result[0])}))};
}

/// Division of whole numbers gives floating point.
Outputs trueDivide(OperationCall& call) {
  const TensorPtr x = converted(call.b, call.tensor(0, {"x1", "x"}), DataType::Float32);
  const TensorPtr y = converted(call.b, call.tensor(1, {"x2", "y"}), DataType::Float32);
  const Operands operands = align(call, x, y);
  return {sameForm(operands.like, call.b.node("Div", {operands.left, operands.right}))};
}

Outputs floorDivide(OperationCall& call) {
  const TensorPtr x = call.tensor(0, {"x1", "x"}), y = call.tensor(1, {"x2", "y"});
  const Operands operands =
      align(call, converted(call.b, x, DataType::Float32), converted(call.b, y, DataType::Float32));
  TensorPtr result =
      sameForm(operands.like, call.b.node("Floor", {call.b.node("Div", {operands.left, operands.right})}));
  return {converted(call.b, result, commonType(*x, *y))};
}

Outputs where(OperationCall& call) {
  const TensorPtr condition = call.tensor(0, {"condition"});
  const Operands operands = align(call, call.tensor(1, {"x1", "x"}), call.tensor(2, {"x2", "y"}));
  Builder& b = call.b;
  // The condition may be the largest of the three: everything in Keras's order.
  const auto plain = [&](ValueId value, const Ints& shape) {
    return operands.like.isChannelsFirst() && shape.size() == operands.like.rank()
               ? b.transpose(value, toChannelsLast(shape.size()))
               : value;
  };
  if (!operands.like.isChannelsFirst()) {
    const ValueId value = b.node("Where", {b.plainOf(*condition), operands.left, operands.right});
    return {b.plain(value, broadcastShape(condition->shape, operands.like.shape), operands.like.type)};
  }
  if (condition->rank() == operands.like.rank()) {
    TensorPtr result =
        sameForm(operands.like, b.node("Where", {b.channelsFirstOf(*condition), operands.left, operands.right}));
    result->shape = broadcastShape(condition->shape, operands.like.shape);
    return {result};
  }
  const ValueId value = b.node("Where", {b.plainOf(*condition), plain(operands.left, operands.like.shape),
                                         plain(operands.right, operands.like.shape)});
  return {b.plain(value, broadcastShape(condition->shape, operands.like.shape), operands.like.type)};
}

// --- of one element -------------------------------------------------------------------------------------------------

Outputs unary(OperationCall& call, const char* type, Builder::AttributeList attributes = {}) {
  const TensorPtr x = converted(call.b, call.tensor(0, {"x", "input", "features", "value"}), DataType::Float32);
  return {sameForm(*x, call.b.node(type, {valueOf(*x)}, std::move(attributes)))};
}

struct Simple {
  const char* name;
  const char* type;
};
/// Functions that are one operator with its default attributes.
constexpr Simple kSimple[] = {
    {"exp", "Exp"},
    {"log", "Log"},
    {"sqrt", "Sqrt"},
    {"sin", "Sin"},
    {"cos", "Cos"},
    {"tan", "Tan"},
    {"sinh", "Sinh"},
    {"cosh", "Cosh"},
    {"tanh", "Tanh"},
    {"arcsin", "Asin"},
    {"arccos", "Acos"},
    {"arctan", "Atan"},
    {"arcsinh", "Asinh"},
    {"arccosh", "Acosh"},
    {"arctanh", "Atanh"},
    {"floor", "Floor"},
    {"ceil", "Ceil"},
    {"round", "Round"},
    {"sign", "Sign"},
    {"erf", "Erf"},
    {"relu", "Relu"},
    {"sigmoid", "Sigmoid"},
    {"softplus", "Softplus"},
    {"softsign", "Softsign"},
    {"selu", "Selu"},
    {"reciprocal", "Reciprocal"},
    {"hard_silu", "HardSwish"},
    {"hard_swish", "HardSwish"},
};

template <std::size_t Index> Outputs simple(OperationCall& call) { return unary(call, kSimple[Index].type); }

template <std::size_t... Indices>
void addSimple(std::map<std::string, BuildOperation>& table, std::index_sequence<Indices...>) {
  (table.emplace(kSimple[Indices].name, simple<Indices>), ...);
}

/// Keeps the type of whole numbers.
Outputs typed(OperationCall& call, const char* type) {
  const TensorPtr x = call.tensor(0, {"x"});
  return {sameForm(*x, call.b.node(type, {valueOf(*x)}))};
}
Outputs negative(OperationCall& call) { return typed(call, "Neg"); }
Outputs absolute(OperationCall& call) { return typed(call, "Abs"); }
Outputs logicalNot(OperationCall& call) { return typed(call, "Not"); }
Outputs unchanged(OperationCall& call) { return typed(call, "Identity"); }

Outputs square(OperationCall& call) {
  const TensorPtr x = call.tensor(0, {"x"});
  return {sameForm(*x, call.b.node("Mul", {valueOf(*x), valueOf(*x)}))};
}
Outputs rsqrt(OperationCall& call) {
  const TensorPtr x = converted(call.b, call.tensor(0, {"x"}), DataType::Float32);
  return {sameForm(*x, call.b.node("Reciprocal", {call.b.node("Sqrt", {valueOf(*x)})}))};
}
Outputs log1p(OperationCall& call) {
  const TensorPtr x = converted(call.b, call.tensor(0, {"x"}), DataType::Float32);
  return {sameForm(*x, call.b.node("Log", {call.b.node("Add", {valueOf(*x), call.b.scalar(1)})}))};
}
Outputs expm1(OperationCall& call) {
  const TensorPtr x = converted(call.b, call.tensor(0, {"x"}), DataType::Float32);
  return {sameForm(*x, call.b.node("Sub", {call.b.node("Exp", {valueOf(*x)}), call.b.scalar(1)}))};
}
Outputs silu(OperationCall& call) {
  const TensorPtr x = converted(call.b, call.tensor(0, {"x", "features"}), DataType::Float32);
  return {sameForm(*x, call.b.node("Mul", {valueOf(*x), call.b.node("Sigmoid", {valueOf(*x)})}))};
}
Outputs relu6(OperationCall& call) {
  const TensorPtr x = converted(call.b, call.tensor(0, {"x", "features"}), DataType::Float32);
  return {sameForm(*x, call.b.node("Clip", {valueOf(*x), call.b.scalar(0), call.b.scalar(6)}))};
}
Outputs hardSigmoid(OperationCall& call) {
  const double alpha = call.b.kerasMajor < 3 ? 0.2 : 1.0 / 6.0;
  return unary(call, "HardSigmoid", {{"alpha", alpha}, {"beta", 0.5}});
}
Outputs leakyRelu(OperationCall& call) {
  return unary(call, "LeakyRelu", {{"alpha", call.number(1, {"negative_slope", "alpha"}, 0.2)}});
}
Outputs elu(OperationCall& call) { return unary(call, "Elu", {{"alpha", call.number(1, {"alpha"}, 1)}}); }
Outputs gelu(OperationCall& call) {
  const bool tanh = call.flag(1, {"approximate"}, !call.tensorFlow);
  return unary(call, "Gelu", {{"approximate", tanh ? "tanh" : "none"}});
}

Outputs clip(OperationCall& call) {
  const TensorPtr x = converted(call.b, call.tensor(0, {"x", "t"}), DataType::Float32);
  const auto bound = [&](std::size_t at, std::initializer_list<const char*> names) {
    if (!call.constant(at, names)) throw KerasError("clip needs two bounds");
    return call.b.scalar(static_cast<float>(call.number(at, names, 0)));
  };
  const ValueId low = bound(1, {"x_min", "clip_value_min"}), high = bound(2, {"x_max", "clip_value_max"});
  return {sameForm(*x, call.b.node("Clip", {valueOf(*x), low, high}))};
}

Outputs cast(OperationCall& call) {
  const TensorPtr x = call.tensor(0, {"x"});
  const Json* given = call.constant(1, {"dtype"});
  const auto type = dataTypeOfName(given && given->is_string() ? given->get<std::string>() : std::string());
  if (!type) throw KerasError("a cast to an unknown type");
  if (*type == x->type) return unchanged(call);
  return {converted(call.b, x, *type)};
}

// --- over axes ------------------------------------------------------------------------------------------------------

Ints axesOf(const KerasTensor& x, Ints axes) {
  if (axes.empty())
    for (std::size_t i = 0; i < x.rank(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  for (std::int64_t& axis : axes) axis = axisOf(x, axis);
  std::sort(axes.begin(), axes.end());
  return axes;
}

/// The shape without `axes`, or with ones in their place.
Ints reducedShape(const KerasTensor& x, const Ints& axes, bool keep) {
  Ints shape;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    const bool gone = std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(i)) != axes.end();
    if (!gone) shape.push_back(x.shape[i]);
    if (gone && keep) shape.push_back(1);
  }
  return shape;
}

Outputs reduction(OperationCall& call, const char* type, bool floating) {
  Builder& b = call.b;
  TensorPtr x = call.tensor(0, {"x", "input_tensor"});
  if (floating || x->type == DataType::Bool) x = converted(b, x, DataType::Float32);
  Ints axes = axesOf(*x, call.integers(1, {"axis"}));
  const bool keep = call.flag(2, {"keepdims"}, false);
  const Ints shape = reducedShape(*x, axes, keep);
  const bool first = x->isChannelsFirst() && keep;
  for (std::int64_t& axis : axes)
    if (first) axis = axisIn(*x, axis);
  const ValueId value = b.node(type, {first ? valueOf(*x) : b.plainOf(*x), b.ints(axes)}, {{"keepdims", keep ? 1 : 0}});
  return {first ? b.channelsFirst(value, shape, x->type) : b.plain(value, shape, x->type)};
}
Outputs mean(OperationCall& call) { return reduction(call, "ReduceMean", true); }
Outputs sum(OperationCall& call) { return reduction(call, "ReduceSum", false); }
Outputs reduceMax(OperationCall& call) { return reduction(call, "ReduceMax", false); }
Outputs reduceMin(OperationCall& call) { return reduction(call, "ReduceMin", false); }
Outputs product(OperationCall& call) { return reduction(call, "ReduceProd", false); }
Outputs logSumExp(OperationCall& call) { return reduction(call, "ReduceLogSumExp", true); }

/// Whether one of the elements, or each, is not zero.
Outputs truth(OperationCall& call, const char* type) {
  Builder& b = call.b;
  TensorPtr x = call.tensor(0, {"x", "input_tensor"});
  if (x->type != DataType::Bool) x = converted(b, x, DataType::Bool);
  const Ints axes = axesOf(*x, call.integers(1, {"axis"}));
  const bool keep = call.flag(2, {"keepdims"}, false);
  const ValueId value =
      b.node(type, {b.cast(b.plainOf(*x), DataType::Float32), b.ints(axes)}, {{"keepdims", keep ? 1 : 0}});
  return {b.plain(b.cast(value, DataType::Bool), reducedShape(*x, axes, keep), DataType::Bool)};
}
Outputs any(OperationCall& call) { return truth(call, "ReduceMax"); }
Outputs all(OperationCall& call) { return truth(call, "ReduceMin"); }

ValueId varianceOf(Builder& b, ValueId value, const Ints& axes, bool keep) {
  const ValueId over = b.ints(axes);
  const ValueId centered = b.node("Sub", {value, b.node("ReduceMean", {value, over}, {{"keepdims", 1}})});
  return b.node("ReduceMean", {b.node("Mul", {centered, centered}), over}, {{"keepdims", keep ? 1 : 0}});
}
Outputs variance(OperationCall& call) {
  const TensorPtr x = converted(call.b, call.tensor(0, {"x", "input_tensor"}), DataType::Float32);
  const Ints axes = axesOf(*x, call.integers(1, {"axis"}));
  const bool keep = call.flag(2, {"keepdims"}, false);
  return {call.b.plain(varianceOf(call.b, call.b.plainOf(*x), axes, keep), reducedShape(*x, axes, keep))};
}
Outputs deviation(OperationCall& call) {
  Outputs result = variance(call);
  return {sameForm(*result[0], call.b.node("Sqrt", {valueOf(*result[0])}))};
}

Outputs argReduction(OperationCall& call, const char* type) {
  const TensorPtr x = call.tensor(0, {"x", "input"});
  if (!call.constant(1, {"axis"}) && !call.tensorFlow) throw KerasError("an axis is needed");
  const std::int64_t axis = axisOf(*x, call.integer(1, {"axis"}, 0));
  const bool keep = call.flag(2, {"keepdims"}, false);
  const ValueId value = call.b.node(type, {call.b.plainOf(*x)}, {{"axis", axis}, {"keepdims", keep ? 1 : 0}});
  return {call.b.plain(call.b.cast(value, DataType::Int32), reducedShape(*x, {axis}, keep), DataType::Int32)};
}
Outputs argMax(OperationCall& call) { return argReduction(call, "ArgMax"); }
Outputs argMin(OperationCall& call) { return argReduction(call, "ArgMin"); }

Outputs alongAxis(OperationCall& call, const char* type) {
  const TensorPtr x = converted(call.b, call.tensor(0, {"x", "logits"}), DataType::Float32);
  return {sameForm(*x, call.b.node(type, {valueOf(*x)}, {{"axis", axisIn(*x, call.integer(1, {"axis"}, -1))}}))};
}
Outputs softmax(OperationCall& call) { return alongAxis(call, "Softmax"); }
Outputs logSoftmax(OperationCall& call) { return alongAxis(call, "LogSoftmax"); }

/// x / max(|x|, epsilon) in the Euclidean norm.
Outputs normalize(OperationCall& call) {
  const TensorPtr x = converted(call.b, call.tensor(0, {"x"}), DataType::Float32);
  if (call.integer(2, {"order"}, 2) != 2) throw KerasError("only the Euclidean norm is supported");
  Builder& b = call.b;
  const ValueId value = valueOf(*x), axis = b.ints({axisIn(*x, call.integer(1, {"axis"}, -1))});
  const ValueId total = b.node("ReduceSum", {b.node("Mul", {value, value}), axis}, {{"keepdims", 1}});
  // Both libraries bound the sum of squares: Keras by its epsilon squared, TensorFlow by 1e-12.
  const double epsilon = call.tensorFlow ? call.number(9, {"epsilon"}, 1e-12) : 1e-14;
  const ValueId length = b.node("Sqrt", {b.node("Max", {total, b.scalar(static_cast<float>(epsilon))})});
  return {sameForm(*x, b.node("Div", {value, length}))};
}

// --- products -------------------------------------------------------------------------------------------------------

ValueId lastTwoSwapped(Builder& b, KerasTensor& x) {
  Ints permutation(x.rank());
  for (std::size_t i = 0; i < x.rank(); ++i) permutation[i] = static_cast<std::int64_t>(i);
  std::swap(permutation[x.rank() - 1], permutation[x.rank() - 2]);
  return b.transpose(b.plainOf(x), permutation);
}

Outputs matmul(OperationCall& call) {
  Builder& b = call.b;
  const TensorPtr x = converted(b, call.tensor(0, {"x1", "a"}), DataType::Float32);
  const TensorPtr y = converted(b, call.tensor(1, {"x2", "b"}), DataType::Float32);
  if (x->rank() < 2 || y->rank() < 2) throw KerasError("a product of vectors is not supported");
  const bool swapX = call.tensorFlow && call.flag(9, {"transpose_a"}, false);
  const bool swapY = call.tensorFlow && call.flag(9, {"transpose_b"}, false);
  Ints left = x->shape, right = y->shape;
  if (swapX) std::swap(left.end()[-1], left.end()[-2]);
  if (swapY) std::swap(right.end()[-1], right.end()[-2]);
  Ints shape = broadcastShape(Ints(left.begin(), left.end() - 2), Ints(right.begin(), right.end() - 2));
  shape.push_back(left.end()[-2]);
  shape.push_back(right.back());
  const ValueId value =
      b.node("MatMul", {swapX ? lastTwoSwapped(b, *x) : b.plainOf(*x), swapY ? lastTwoSwapped(b, *y) : b.plainOf(*y)});
  return {b.plain(value, shape)};
}

Outputs einsum(OperationCall& call) {
  Builder& b = call.b;
  // tf.einsum has the equation first, keras.ops.Einsum as an option and the tensors from the first argument on.
  const std::string equation = call.text(99, {"subscripts", "equation"}, "");
  std::vector<ValueId> values;
  std::map<char, std::int64_t> extents;
  std::size_t at = 0, operand = 0;
  const std::size_t arrow = equation.find("->");
  if (equation.empty() || arrow == std::string::npos || equation.find('.') != std::string::npos)
    throw KerasError("the equation of an einsum is not supported");
  while (at <= arrow) {
    const std::size_t end = std::min(equation.find(',', at), arrow);
    const TensorPtr x = converted(b, call.tensor(operand++, {"x"}), DataType::Float32);
    std::string letters = equation.substr(at, end - at);
    std::erase(letters, ' ');
    if (letters.size() != x->rank()) throw KerasError("the equation of an einsum does not fit its inputs");
    for (std::size_t i = 0; i < letters.size(); ++i)
      extents[letters[i]] = std::max(extents[letters[i]] ? extents[letters[i]] : -1, x->shape[i]);
    values.push_back(b.plainOf(*x));
    at = end + 1;
  }
  Ints shape;
  for (const char letter : equation.substr(arrow + 2))
    if (letter != ' ') shape.push_back(extents[letter]);
  return {b.plain(b.node("Einsum", values, {{"equation", equation}}), shape)};
}

std::map<std::string, BuildOperation> makeTable() {
  std::map<std::string, BuildOperation> table{
      {"add", add},
      {"subtract", subtract},
      {"multiply", multiply},
      {"maximum", maximum},
      {"minimum", minimum},
      {"power", power},
      {"greater", greater},
      {"greater_equal", greaterEqual},
      {"less", less},
      {"less_equal", lessEqual},
      {"equal", equal},
      {"not_equal", notEqual},
      {"logical_and", logicalAnd},
      {"logical_or", logicalOr},
      {"logical_not", logicalNot},
      {"true_divide", trueDivide},
      {"divide", trueDivide},
      {"floor_divide", floorDivide},
      {"floordiv", floorDivide},
      {"where", where},
      {"negative", negative},
      {"absolute", absolute},
      {"square", square},
      {"rsqrt", rsqrt},
      {"log1p", log1p},
      {"expm1", expm1},
      {"silu", silu},
      {"relu6", relu6},
      {"hard_sigmoid", hardSigmoid},
      {"leaky_relu", leakyRelu},
      {"elu", elu},
      {"gelu", gelu},
      {"clip", clip},
      {"cast", cast},
      {"identity", unchanged},
      {"stop_gradient", unchanged},
      {"copy", unchanged},
      {"convert_to_tensor", unchanged},
      {"mean", mean},
      {"sum", sum},
      {"max", reduceMax},
      {"amax", reduceMax},
      {"min", reduceMin},
      {"amin", reduceMin},
      {"prod", product},
      {"logsumexp", logSumExp},
      {"any", any},
      {"all", all},
      {"reduce_any", any},
      {"reduce_all", all},
      {"var", variance},
      {"std", deviation},
      {"argmax", argMax},
      {"argmin", argMin},
      {"softmax", softmax},
      {"log_softmax", logSoftmax},
      {"normalize", normalize},
      {"matmul", matmul},
      {"einsum", einsum},
  };
  addSimple(table, std::make_index_sequence<std::size(kSimple)>());
  return table;
}

} // namespace

BuildOperation findArithmetic(const std::string& name) {
  static const std::map<std::string, BuildOperation> table = makeTable();
  const auto it = table.find(name);
  return it == table.end() ? nullptr : it->second;
}

} // namespace tandem::detail
