// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

#include "engine/ops/channels_last.hpp"
#include "engine/ops/shape_inference.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

Node twinNode(const Node& node, const Twin& twin) {
  Node result;
  result.name = node.name;
  result.type = twin.type;
  result.domain = twin.domain;
  result.version = twin.version;
  result.attributes = twin.attributes;
  return result;
}

class TwinInference final : public InferContext {
 public:
  TwinInference(InferContext& outer, const Twin& twin, DataType type, DataType operandType)
      : m_outer(outer),
        m_twin(twin),
        m_type(type),
        m_operandType(operandType),
        m_node(twinNode(outer.node(), twin)) {
    for (std::size_t input : twin.inputs)
      m_node.inputs.push_back(outer.hasInput(input) ? outer.node().inputs[input] : ValueId());
    if (outer.outputCount() > 0) m_node.outputs.push_back(outer.node().outputs[0]);
    if (const Shape* shape = twin.channelsLast ? outer.inputShape(twin.inputs[0]) : nullptr)
      m_rotated = toChannelsFirst(*shape);
  }

  const Node& node() const override { return m_node; }
  DataType inputType(std::size_t index) const override {
    if (!hasInput(index)) return DataType::Undefined;
    return m_operandType == DataType::Undefined ? m_outer.inputType(m_twin.inputs[index]) : m_operandType;
  }
  const Shape* inputShape(std::size_t index) const override {
    if (index == 0 && m_rotated) return &*m_rotated;
    return hasInput(index) ? m_outer.inputShape(m_twin.inputs[index]) : nullptr;
  }
  const Tensor* inputValue(std::size_t) const override { return nullptr; }
  void setOutput(std::size_t index, DataType type, Shape shape) override {
    m_outer.setOutput(index, outputType(type), m_twin.channelsLast ? toChannelsLast(shape) : std::move(shape));
  }
  void setOutputType(std::size_t index, DataType type) override { m_outer.setOutputType(index, outputType(type)); }
  void setOutputValue(std::size_t index, Tensor value) override { setOutput(index, value.type(), value.shape()); }

 private:
  DataType outputType(DataType type) const { return m_type == DataType::Undefined ? type : m_type; }

  InferContext& m_outer;
  const Twin& m_twin;
  DataType m_type, m_operandType;
  Node m_node;
  std::optional<Shape> m_rotated;
};

} // namespace

Result<void> inferAs(InferContext& context, const Twin& twin, DataType type, DataType operandType) {
  const OpDef* def = findOp(twin.domain, twin.type);
  TANDEM_ASSERT(def && def->infer);
  TwinInference inner(context, twin, type, operandType);
  return def->infer(inner);
}

Result<Tensor> evaluateAs(const ReferenceContext& context, const Twin& twin, const std::vector<Tensor>& inputs) {
  Node node = twinNode(context.node(), twin);
  std::vector<Tensor> operands = inputs;
  if (twin.channelsLast) operands[0] = toChannelsFirst(operands[0]);
  for (std::size_t i = 0; i < operands.size(); ++i)
    node.inputs.push_back(operands[i].defined() ? ValueId(static_cast<std::uint32_t>(i)) : ValueId());
  node.outputs.push_back(ValueId(static_cast<std::uint32_t>(operands.size())));
  const std::vector<Tensor> results = TANDEM_TRY(evaluate(node, operands));
  return twin.channelsLast ? toChannelsLast(results[0]) : results[0];
}

double flopsAs(const Graph& graph, const Node& node, const Twin& twin) {
  const OpDef* def = findOp(twin.domain, twin.type);
  if (!def || !def->flops || twin.channelsLast) return 0;
  Node inner = twinNode(node, twin);
  for (std::size_t input : twin.inputs)
    inner.inputs.push_back(input < node.inputs.size() ? node.inputs[input] : ValueId());
  inner.outputs = {node.outputs[0]};
  return def->flops(graph, inner);
}

Result<void> storeOutput(ReferenceContext& context, std::size_t index, const Tensor& result) {
  if (!context.wantsOutput(index)) return {};
  Tensor out = TANDEM_TRY(makeOutput(context, index, result.type(), result.shape()));
  std::copy_n(static_cast<const std::byte*>(result.data()), result.bytes(), static_cast<std::byte*>(out.mutableData()));
  return {};
}

Result<Tensor> dequantizedInput(const ReferenceContext& context, std::size_t index, QuantizationInputs quantization) {
  if (!context.hasInput(index)) return context.fail("input " + std::to_string(index) + " is missing");
  const Tensor& x = context.input(index);
  if (!visitOneOf(NarrowTypes{}, x.type(), [](auto) {})) return unsupportedType(context, x.type());
  return dequantized(x, TANDEM_TRY(scalarQuantization(context, quantization.scale, quantization.zeroPoint)));
}

Result<void> storeQuantized(ReferenceContext& context, const Tensor& result, DataType type,
                            QuantizationInputs quantization) {
  const ScalarQuantization parameters =
      TANDEM_TRY(scalarQuantization(context, quantization.scale, quantization.zeroPoint));
  if (context.hasInput(quantization.zeroPoint) && context.input(quantization.zeroPoint).type() != type)
    return context.fail("the zero point of the result is not " + std::string(toString(type)));
  Tensor y = TANDEM_TRY(makeOutput(context, 0, type, result.shape()));
  quantizeInto(result.as<float>(), parameters, y);
  return {};
}

Result<void> inferQuantizedUnary(InferContext& context, const Twin& twin) {
  return inferAs(context, twin, context.inputType(0), DataType::Float32);
}

Result<void> quantizedUnary(ReferenceContext& context, const Twin& twin) {
  const Tensor x = TANDEM_TRY(dequantizedInput(context, 0, {1, 2}));
  const Tensor y = TANDEM_TRY(evaluateAs(context, twin, {x}));
  return storeQuantized(context, y, context.input(0).type(), {3, 4});
}

Result<void> inferQuantizedBinary(InferContext& context, const Twin& twin) {
  return inferAs(context, twin, context.inputType(0), DataType::Float32);
}

Result<void> quantizedBinary(ReferenceContext& context, const Twin& twin) {
  const Tensor a = TANDEM_TRY(dequantizedInput(context, 0, {1, 2}));
  const Tensor b = TANDEM_TRY(dequantizedInput(context, 3, {4, 5}));
  const Tensor c = TANDEM_TRY(evaluateAs(context, twin, {a, b}));
  return storeQuantized(context, c, context.input(0).type(), {6, 7});
}

} // namespace tandem::ops
