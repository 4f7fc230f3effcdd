// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

// Models quantized for export hold float operators between DequantizeLinear and QuantizeLinear. Where the device has
// products of bytes, such a group becomes the operator that computes on the bytes. Results differ by the rounding of
// float32 sums, that is, in ties.
namespace tandem::passes {
namespace {

constexpr std::size_t kScale = 1;
constexpr std::size_t kZeroPoint = 2;

bool isByte(DataType type) { return type == DataType::Int8 || type == DataType::UInt8; }

/// What a DequantizeLinear or QuantizeLinear node has as parameters; constants.
struct Parameters {
  ValueId scale, zeroPoint; ///< the zero point may be left out
  DataType type = DataType::Undefined;
  bool perTensor = true;
  std::int64_t axis = 1;
};

/// An operand as bytes.
struct Bytes {
  ValueId value;
  Parameters parameters;
  NodeId dequantize;
};

class Folder {
 public:
  Folder(Graph& graph, const PassContext& context) : m_graph(graph), m_context(context), m_names(graph) {}
  bool fold(NodeId quantize);

 private:
  const Node& node(NodeId id) const { return m_graph.node(id); }
  const Tensor& constant(ValueId id) const { return m_graph.value(id).constant; }
  double scaleOf(const Parameters& p, std::int64_t i = 0) const { return constant(p.scale).asDouble(i); }
  std::int64_t zeroOf(const Parameters& p, std::int64_t i = 0) const {
    return p.zeroPoint.valid() ? constant(p.zeroPoint).asInt(i) : 0;
  }
  std::optional<Parameters> parametersOf(const Node& node, DataType type) const;
  std::optional<Bytes> operand(NodeId reader, std::size_t index) const;
  std::optional<Bytes> weights(NodeId reader, std::size_t index, std::int64_t axis) const;
  bool changesNothing(const Node& activation, const Parameters& result) const;
  ValueId zeroPoint(const Parameters& parameters);
  /// Operands with their scales and zero points, and the result's, in the order that most QLinear operators have.
  std::vector<ValueId> inputsOf(const std::vector<Bytes>& operands, const Parameters& result);
  std::optional<ValueId> bias(NodeId conv, const Bytes& x, const Bytes& w);

  bool foldConv(NodeId id, const Parameters& result);
  bool foldMatMul(NodeId id, const Parameters& result);
  bool foldAdd(NodeId id, const Parameters& result);
  bool foldConcat(NodeId id, const Parameters& result);
  bool foldAverage(NodeId id, const Parameters& result);
  bool foldMove(NodeId id, const Parameters& result);
  void become(NodeId id, std::string type, std::string domain, int version, const std::vector<ValueId>& inputs,
              const std::vector<Bytes>& operands);

  /// A dequantization that nobody else reads becomes the node's own work.
  void takeOver(NodeId id, NodeId dequantize);

  Graph& m_graph;
  const PassContext& m_context;
  UniqueNames m_names;
};

std::optional<Parameters> Folder::parametersOf(const Node& each, DataType type) const {
  const Tensor* scale = constantInput(m_graph, each, kScale);
  if (!scale || scale->type() != DataType::Float32 || !isByte(type) || each.attributes.getInt("block_size", 0) != 0)
    return std::nullopt;
  Parameters parameters{each.inputs[kScale], {}, type, scale->elements() == 1, each.attributes.getInt("axis", 1)};
  if (each.inputs.size() > kZeroPoint && each.inputs[kZeroPoint].valid()) {
    const Tensor* zero = constantInput(m_graph, each, kZeroPoint);
    if (!zero || zero->type() != type || zero->elements() != scale->elements()) return std::nullopt;
    parameters.zeroPoint = each.inputs[kZeroPoint];
  }
  return parameters;
}

/// Input `index` of `reader`, where a DequantizeLinear with one scale makes it on the same device.
std::optional<Bytes> Folder::operand(NodeId reader, std::size_t index) const {
  const auto producer = producerOf(m_graph, reader, index);
  if (!producer || !isOp(node(*producer), "DequantizeLinear")) return std::nullopt;
  const Node& dequantize = node(*producer);
  const ValueId value = dequantize.inputs[0];
  const auto parameters = parametersOf(dequantize, m_graph.value(value).desc.type);
  if (!parameters || !parameters->perTensor || !m_context.allowsFusion(node(reader), dequantize)) return std::nullopt;
  return Bytes{value, *parameters, *producer};
}

/// The same for constant bytes, which may have a scale for every index along `axis`.
std::optional<Bytes> Folder::weights(NodeId reader, std::size_t index, std::int64_t axis) const {
  const auto producer = producerOf(m_graph, reader, index);
  if (!producer || !isOp(node(*producer), "DequantizeLinear")) return std::nullopt;
  const Node& dequantize = node(*producer);
  const Tensor* bytes = constantInput(m_graph, dequantize, 0);
  if (!bytes) return std::nullopt;
  const auto parameters = parametersOf(dequantize, bytes->type());
  if (!parameters) return std::nullopt;
  const auto rank = static_cast<std::int64_t>(bytes->shape().rank());
  const std::int64_t own = parameters->axis < 0 ? parameters->axis + rank : parameters->axis;
  if (!parameters->perTensor && own != axis) return std::nullopt;
  return Bytes{dequantize.inputs[0], *parameters, *producer};
}

/// True where every number that the result can hold passes the activation as it is: saturation has its effect.
bool Folder::changesNothing(const Node& activation, const Parameters& result) const {
  double low = 0, high = std::numeric_limits<double>::infinity();
  if (isOp(activation, "Clip")) {
    const auto bound = [&](std::size_t input, const char* name, double fallback) -> std::optional<double> {
      if (activation.attributes.has(name)) return activation.attributes.getFloat(name, 0);
      if (activation.inputs.size() <= input || !activation.inputs[input].valid()) return fallback;
      const Tensor* value = constantInput(m_graph, activation, input);
      return value ? std::optional(value->asDouble(0)) : std::nullopt;
    };
    const auto least = bound(1, "min", -high), most = bound(2, "max", high);
    if (!least || !most) return false;
    low = *least;
    high = *most;
  } else if (!isOp(activation, "Relu")) {
    return false;
  }
  const bool isSigned = result.type == DataType::Int8;
  const double scale = scaleOf(result);
  const auto zero = static_cast<double>(zeroOf(result));
  // Half a step more is rounded away.
  return ((isSigned ? -128 : 0) - zero) * scale >= low - 0.49 * scale &&
         ((isSigned ? 127 : 255) - zero) * scale <= high + 0.49 * scale;
}

ValueId Folder::zeroPoint(const Parameters& parameters) {
  if (parameters.zeroPoint.valid()) return parameters.zeroPoint;
  return m_graph.addConstant(m_names.make("zero_point"),
                             Tensor::zeros({parameters.type, constant(parameters.scale).shape()}));
}

std::vector<ValueId> Folder::inputsOf(const std::vector<Bytes>& operands, const Parameters& result) {
  std::vector<ValueId> inputs;
  for (const Bytes& bytes : operands)
    inputs.insert(inputs.end(), {bytes.value, bytes.parameters.scale, zeroPoint(bytes.parameters)});
  inputs.insert(inputs.end(), {result.scale, zeroPoint(result)});
  return inputs;
}

/// The bias of a convolution in units of both scales; nullopt where it is not a constant that fits. An invalid id where
/// there is none.
std::optional<ValueId> Folder::bias(NodeId conv, const Bytes& x, const Bytes& w) {
  constexpr std::size_t kBias = 2;
  constexpr double kLargest = 1 << 30;
  if (node(conv).inputs.size() <= kBias || !node(conv).inputs[kBias].valid()) return ValueId();
  std::vector<double> real;
  if (const Tensor* tensor = constantInput(m_graph, node(conv), kBias)) {
    real = toDoubles(*tensor);
  } else {
    const auto producer = producerOf(m_graph, conv, kBias);
    if (!producer || !isOp(node(*producer), "DequantizeLinear")) return std::nullopt;
    const Node& dequantize = node(*producer);
    const Tensor *integers = constantInput(m_graph, dequantize, 0), *scale = constantInput(m_graph, dequantize, kScale);
    if (!integers || !scale || (scale->elements() != 1 && scale->elements() != integers->elements()))
      return std::nullopt;
    const Tensor* zero = constantInput(m_graph, dequantize, kZeroPoint);
    for (std::int64_t i = 0; i < integers->elements(); ++i) {
      const std::int64_t at = scale->elements() == 1 ? 0 : i;
      const std::int64_t offset = zero && zero->elements() > at ? zero->asInt(at) : 0;
      real.push_back(static_cast<double>(integers->asInt(i) - offset) * scale->asDouble(at));
    }
  }
  Tensor result = Tensor::uninitialized({DataType::Int32, {static_cast<std::int64_t>(real.size())}});
  for (std::size_t i = 0; i < real.size(); ++i) {
    const auto channel = static_cast<std::int64_t>(w.parameters.perTensor ? 0 : i);
    const double units = std::nearbyint(real[i] / (scaleOf(x.parameters) * scaleOf(w.parameters, channel)));
    if (!(std::abs(units) < kLargest)) return std::nullopt;
    result.mutableAs<std::int32_t>()[i] = static_cast<std::int32_t>(units);
  }
  return m_graph.addConstant(m_names.make("bias"), std::move(result));
}

/// Turns the node into another one.
void Folder::become(NodeId id, std::string type, std::string domain, int version, const std::vector<ValueId>& inputs,
                    const std::vector<Bytes>& operands) {
  for (std::size_t i = 0; i < node(id).inputs.size(); ++i) m_graph.setInput(id, i, ValueId());
  m_graph.node(id).inputs.assign(inputs.size(), ValueId());
  for (std::size_t i = 0; i < inputs.size(); ++i) m_graph.setInput(id, i, inputs[i]);
  m_graph.node(id).type = std::move(type);
  m_graph.node(id).domain = std::move(domain);
  m_graph.node(id).version = version;
  for (const Bytes& bytes : operands) takeOver(id, bytes.dequantize);
}

void Folder::takeOver(NodeId id, NodeId dequantize) {
  if (m_graph.isDead(dequantize)) return; // one operand may come twice
  const ValueId real = node(dequantize).outputs[0];
  if (!m_graph.value(real).consumers.empty() || isGraphOutput(m_graph, real)) return;
  addOrigins(m_graph.node(id), node(dequantize));
  m_graph.removeNode(dequantize);
}

bool Folder::foldConv(NodeId id, const Parameters& result) {
  const auto x = operand(id, 0), w = weights(id, 1, 0);
  if (!x || !w) return false;
  const std::int64_t middle = w->parameters.type == DataType::UInt8 ? 128 : 0;
  for (std::int64_t i = 0; i < constant(w->parameters.scale).elements(); ++i)
    if (zeroOf(w->parameters, i) != middle) return false; // no device has fast kernels for others
  const auto added = bias(id, *x, *w);
  if (!added) return false;
  std::vector<ValueId> inputs = inputsOf({*x, *w}, result);
  if (added->valid()) inputs.push_back(*added);
  become(id, "QLinearConv", "", 10, inputs, {*x, *w});
  return true;
}

bool Folder::foldMatMul(NodeId id, const Parameters& result) {
  const auto a = operand(id, 0), b = weights(id, 1, 1);
  if (!a || !b || constant(b->value).shape().rank() != 2 || m_graph.value(a->value).desc.shape.rank() < 2) return false;
  become(id, "QLinearMatMul", "", 10, inputsOf({*a, *b}, result), {*a, *b});
  return true;
}

bool Folder::foldAdd(NodeId id, const Parameters& result) {
  const auto a = operand(id, 0), b = operand(id, 1);
  if (!a || !b || m_graph.value(a->value).desc != m_graph.value(b->value).desc || a->parameters.type != result.type)
    return false;
  become(id, "QLinearAdd", "com.microsoft", 1, inputsOf({*a, *b}, result), {*a, *b});
  return true;
}

bool Folder::foldConcat(NodeId id, const Parameters& result) {
  std::vector<ValueId> inputs{result.scale, zeroPoint(result)};
  std::vector<Bytes> operands;
  for (std::size_t i = 0; i < node(id).inputs.size(); ++i) {
    const auto part = operand(id, i);
    if (!part) return false;
    operands.push_back(*part);
    inputs.insert(inputs.end(), {part->value, part->parameters.scale, zeroPoint(part->parameters)});
  }
  become(id, "QLinearConcat", "com.microsoft", 1, inputs, operands);
  return true;
}

bool Folder::foldAverage(NodeId id, const Parameters& result) {
  const auto x = operand(id, 0);
  if (!x || x->parameters.type != result.type) return false;
  become(id, "QLinearGlobalAveragePool", "com.microsoft", 1, inputsOf({*x}, result), {*x});
  return true;
}

/// What only picks or moves elements does so with bytes of the same scale.
bool Folder::foldMove(NodeId id, const Parameters& result) {
  const auto x = operand(id, 0);
  if (!x || x->parameters.type != result.type || scaleOf(x->parameters) != scaleOf(result) ||
      zeroOf(x->parameters) != zeroOf(result) || usedOutputs(m_graph, node(id)) != 1)
    return false;
  if (node(id).type == "MaxPool" && node(id).version < 12) m_graph.node(id).version = 12; // the first for bytes
  m_graph.setInput(id, 0, x->value);
  takeOver(id, x->dequantize);
  return true;
}

bool Folder::fold(NodeId quantize) {
  const DataType type = m_graph.value(node(quantize).outputs[0]).desc.type;
  const auto result = parametersOf(node(quantize), type);
  auto inner = producerOf(m_graph, quantize, 0);
  if (!result || !result->perTensor || !inner || !(scaleOf(*result) > 0)) return false;
  std::optional<NodeId> activation;
  if (changesNothing(node(*inner), *result) && soleConsumer(m_graph, node(*inner).outputs[0]) == quantize) {
    activation = inner;
    inner = producerOf(m_graph, *activation, 0);
    if (!inner) return false;
  }
  const NodeId id = *inner;
  const NodeId reader = activation.value_or(quantize);
  const Node& computes = node(id);
  if (soleConsumer(m_graph, computes.outputs[0]) != reader || !m_context.hasBytes(computes)) return false;
  if (!m_context.allowsFusion(computes, node(quantize)) || !m_context.allowsFusion(computes, node(reader)))
    return false;
  using Fold = bool (Folder::*)(NodeId, const Parameters&);
  struct Entry {
    std::string_view type;
    Fold fold;
  };
  constexpr std::array kFolds{
      Entry{"Conv", &Folder::foldConv},      Entry{"MatMul", &Folder::foldMatMul},
      Entry{"Add", &Folder::foldAdd},        Entry{"Concat", &Folder::foldConcat},
      Entry{"MaxPool", &Folder::foldMove},   Entry{"GlobalAveragePool", &Folder::foldAverage},
      Entry{"Reshape", &Folder::foldMove},   Entry{"Flatten", &Folder::foldMove},
      Entry{"Transpose", &Folder::foldMove}, Entry{"Squeeze", &Folder::foldMove},
      Entry{"Unsqueeze", &Folder::foldMove},
  };
  for (const Entry& entry : kFolds) {
    if (!isOp(computes, entry.type) || !(this->*entry.fold)(id, *result)) continue;
    if (activation) absorbConsumer(m_graph, id, *activation);
    absorbConsumer(m_graph, id, quantize);
    return true;
  }
  return false;
}

} // namespace

Result<int> foldQuantization(Graph& graph, const PassContext& context) {
  int changes = 0;
  Folder folder(graph, context);
  for (NodeId id : topologicalOrder(graph)) {
    TANDEM_TRY(context.cancel.check());
    if (!graph.isDead(id) && isOp(graph.node(id), "QuantizeLinear") && folder.fold(id)) ++changes;
  }
  return changes;
}

} // namespace tandem::passes
