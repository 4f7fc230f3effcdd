// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/control_infer.hpp"

#include "engine/ops/control_flow.hpp"
#include "engine/ops/shape_inference.hpp"

namespace tandem::ops {
namespace {

/// Bodies are inferred a few times over at each level, so the work grows exponentially with the depth of nesting.
constexpr int kMaxInferredDepth = 4;
thread_local int t_depth = 0;

struct DepthGuard {
  DepthGuard() { ++t_depth; }
  ~DepthGuard() { --t_depth; }
};

void bind(Value& input, const BodyValue& given, InferOptions& options) {
  if (given.type != DataType::Undefined) input.desc.type = given.type;
  input.rankKnown = given.shape.has_value();
  input.desc.shape = given.shape.value_or(Shape());
  if (given.elements) options.inputValues[input.name] = *given.elements;
}

std::vector<BodyValue> declaredOutputs(const Graph& body) {
  std::vector<BodyValue> outputs;
  for (ValueId id : body.outputs()) outputs.push_back({body.value(id).desc.type, std::nullopt, std::nullopt});
  return outputs;
}

} // namespace

Result<std::vector<BodyValue>> inferBody(const InferContext& context, const Graph& body,
                                         std::span<const BodyValue> formals) {
  if (t_depth >= kMaxInferredDepth) return declaredOutputs(body);
  const DepthGuard guard;
  Graph bound = body;
  InferOptions options;
  const std::vector<BodyInput> sources = bodyInputs(context.node(), body);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (!sources[i].captured && sources[i].index >= formals.size())
      return context.fail("the subgraph takes more inputs than the node gives it");
    const BodyValue given = sources[i].captured ? bodyValueOf(context, sources[i].index) : formals[sources[i].index];
    bind(bound.value(bound.inputs()[i]), given, options);
  }
  const std::map<ValueId, Tensor> known = TANDEM_TRY(inferShapes(bound, options));
  std::vector<BodyValue> outputs;
  for (ValueId id : bound.outputs()) {
    const Value& value = bound.value(id);
    BodyValue output{value.desc.type, std::nullopt, std::nullopt};
    if (value.rankKnown) output.shape = value.desc.shape;
    if (value.isConstant()) output.elements = value.constant;
    if (auto it = known.find(id); it != known.end()) output.elements = it->second;
    if (output.elements) output.shape = output.elements->shape();
    outputs.push_back(std::move(output));
  }
  return outputs;
}

BodyValue common(const BodyValue& a, const BodyValue& b) {
  BodyValue both;
  both.type = a.type == DataType::Undefined ? b.type : a.type;
  if (!a.shape || !b.shape || a.shape->rank() != b.shape->rank()) return both;
  both.shape = *a.shape;
  for (std::size_t i = 0; i < both.shape->rank(); ++i)
    if ((*a.shape)[i] != (*b.shape)[i]) (*both.shape)[i] = kUnknownDim;
  return both;
}

BodyValue bodyValueOf(const InferContext& context, std::size_t input) {
  BodyValue value{context.inputType(input), std::nullopt, std::nullopt};
  if (const Shape* shape = context.inputShape(input)) value.shape = *shape;
  if (const Tensor* elements = context.inputValue(input)) value.elements = *elements;
  return value;
}

Result<std::vector<BodyValue>> inferRepeated(const InferContext& context, const Graph& body,
                                             std::vector<BodyValue>& formals, std::size_t firstFormal, std::size_t skip,
                                             std::size_t carried) {
  if (body.outputs().size() < skip + carried)
    return context.fail("the body gives " + std::to_string(body.outputs().size()) + " results, at least " +
                        std::to_string(skip + carried) + " are needed");
  // What an iteration computes is not what the next one starts with.
  for (std::size_t i = 0; i < carried; ++i) formals[firstFormal + i].elements.reset();
  // Extents only ever go from known to unknown, then ranks: two more rounds settle all but contrived bodies.
  for (int round = 0;; ++round) {
    std::vector<BodyValue> outputs = TANDEM_TRY(inferBody(context, body, formals));
    bool same = true;
    for (std::size_t i = 0; i < carried; ++i) {
      BodyValue& formal = formals[firstFormal + i];
      const BodyValue wider = common(formal, outputs[skip + i]);
      same = same && wider.shape == formal.shape;
      formal.shape = wider.shape;
    }
    if (same) return outputs;
    if (round == 2)
      for (std::size_t i = 0; i < carried; ++i) formals[firstFormal + i].shape.reset();
    if (round == 3) return outputs;
  }
}

void setBodyOutput(InferContext& context, std::size_t output, const BodyValue& value) {
  if (output >= context.outputCount()) return;
  if (value.elements)
    context.setOutputValue(output, *value.elements);
  else if (value.shape)
    context.setOutput(output, value.type, *value.shape);
  else
    context.setOutputType(output, value.type);
}

std::optional<Shape> withAxis(const std::optional<Shape>& shape, std::int64_t axis, std::int64_t length) {
  if (!shape) return std::nullopt;
  const auto at = normalizeAxis(axis, shape->rank() + 1);
  if (!at) return std::nullopt;
  std::vector<std::int64_t> dims = shape->dims();
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(*at), length);
  return Shape(std::move(dims));
}

} // namespace tandem::ops
