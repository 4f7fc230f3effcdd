// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/bind_inputs.hpp"

#include <algorithm>

namespace tandem {
namespace {

Result<BoundGraph> infer(const Graph& opened, const InferOptions& options) {
  BoundGraph bound{opened, {}};
  bound.known = TANDEM_TRY(inferShapes(bound.graph, options));
  return bound;
}

/// "[N,3,224,224] float32"; a size that the model leaves open has its symbol, or "?".
std::string written(const TensorDesc& desc, const std::vector<std::string>& symbols) {
  std::string text;
  for (std::size_t axis = 0; axis < desc.shape.rank(); ++axis) {
    const bool isNamed = axis < symbols.size() && !symbols[axis].empty();
    const std::string open = isNamed ? symbols[axis] : "?";
    text += (axis > 0 ? "," : "") + (desc.shape[axis] == kUnknownDim ? open : std::to_string(desc.shape[axis]));
  }
  return "[" + text + "] " + std::string(toString(desc.type));
}

} // namespace

bool steersShapes(const Graph& graph, ValueId input) {
  for (NodeId consumer : graph.value(input).consumers) {
    const Node& node = graph.node(consumer);
    const OpDef* def = findOp(node);
    if (!def) continue;
    for (std::size_t i = 0; i < node.inputs.size() && i < 32; ++i)
      if (node.inputs[i] == input && (def->shapeInputs >> i & 1u)) return true;
  }
  return false;
}

Result<BoundGraph> bindInputs(const Graph& opened, std::int64_t batch, const InferOptions& options) {
  InferOptions bound = options;
  for (ValueId id : opened.inputs()) {
    const Value& value = opened.value(id);
    if (bound.inputShapes.contains(value.name) || bound.inputValues.contains(value.name)) continue;
    if (!value.rankKnown)
      return makeError(ErrorCode::InputRejected, "the model does not say the shape of this input", value.name,
                       "give an input tensor");
    Shape shape = value.desc.shape;
    for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
      const bool leading = axis == 0 && (shape.rank() > 1 || shape[axis] == kUnknownDim);
      if (leading && (shape[axis] == kUnknownDim || (shape[axis] == 1 && batch > 1))) shape[axis] = batch;
      if (shape[axis] == kUnknownDim)
        return makeError(ErrorCode::InputRejected,
                         "dimension " + std::to_string(axis) + " of the input is not fixed by the model (" +
                             value.desc.shape.toString() + ")",
                         value.name, "give an input of the wanted size");
    }
    bound.inputShapes[value.name] = std::move(shape);
  }
  return infer(opened, bound);
}

Result<BoundGraph> bindTensors(const Graph& opened, std::span<const Tensor> inputs) {
  if (inputs.size() != opened.inputs().size())
    return makeError(ErrorCode::InputRejected,
                     "the model has " + std::to_string(opened.inputs().size()) + " inputs, " +
                         std::to_string(inputs.size()) + " were given",
                     opened.name, "give one file per input, in the model's order");
  InferOptions options;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Value& value = opened.value(opened.inputs()[i]);
    const TensorDesc& given = inputs[i].desc();
    if (value.desc.type != DataType::Undefined && value.desc.type != given.type)
      return makeError(ErrorCode::InputRejected,
                       "expected " + written(value.desc, value.dimNames) + ", got " + written(given, {}), value.name,
                       "convert the input");
    if (value.rankKnown) {
      const Shape& want = value.desc.shape;
      bool fits = want.rank() == given.shape.rank();
      for (std::size_t axis = 0; fits && axis < want.rank(); ++axis)
        fits = want[axis] == kUnknownDim || want[axis] == given.shape[axis] ||
               (axis == 0 && want[axis] == 1 && want.rank() > 1 && given.shape[axis] > 0);
      if (!fits)
        return makeError(ErrorCode::InputRejected,
                         "expected " + written(value.desc, value.dimNames) + ", got " + written(given, {}), value.name,
                         "resize or reshape the input");
    }
    options.inputShapes[value.name] = given.shape;
    if (steersShapes(opened, opened.inputs()[i])) options.inputValues[value.name] = inputs[i];
  }
  return infer(opened, options);
}

Result<BoundGraph> bindBody(const Graph& body, std::span<const Tensor> inputs) {
  BoundGraph bound{body, {}};
  InferOptions options;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Value& value = bound.graph.value(body.inputs()[i]);
    value.desc = inputs[i].desc();
    value.rankKnown = true;
    if (steersShapes(body, body.inputs()[i])) options.inputValues[value.name] = inputs[i];
  }
  bound.known = TANDEM_TRY(inferShapes(bound.graph, options));
  return bound;
}

std::string shapeKey(const Graph& graph, std::span<const Tensor> inputs) {
  std::string key;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    key += inputs[i].desc().toString() + ";";
    if (i < graph.inputs().size() && steersShapes(graph, graph.inputs()[i]))
      key.append(static_cast<const char*>(inputs[i].data()), inputs[i].bytes());
  }
  return key;
}

Graph withKnownShapeInputs(const BoundGraph& bound) {
  Graph graph = bound.graph;
  std::map<ValueId, ValueId> constants;
  for (std::uint32_t n = 0; n < graph.nodes().size(); ++n) {
    const NodeId id(n);
    const OpDef* def = graph.isDead(id) ? nullptr : findOp(graph.node(id));
    if (!def || def->shapeInputs == 0) continue;
    for (std::size_t i = 0; i < std::min<std::size_t>(graph.node(id).inputs.size(), 32); ++i) {
      const ValueId input = graph.node(id).inputs[i];
      if (!(def->shapeInputs >> i & 1u) || !input.valid() || graph.value(input).isConstant()) continue;
      const auto known = bound.known.find(input);
      if (known == bound.known.end()) continue;
      auto [constant, isNew] = constants.try_emplace(input);
      if (isNew) constant->second = graph.addConstant(graph.value(input).name + "/known", known->second);
      graph.setInput(id, i, constant->second);
    }
  }
  return graph;
}

} // namespace tandem
