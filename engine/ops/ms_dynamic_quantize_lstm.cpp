// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/quantization.hpp"
#include "engine/ops/recurrent_common.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/ops/twin.hpp"

#include <array>

namespace tandem::ops {
namespace {

constexpr std::int64_t kGates = 4;

/// W and R come turned: [directions][input][4 * hidden].
Shape turnedShape(const Shape& shape) {
  Shape turned = shape;
  if (turned.rank() == 3) std::swap(turned[1], turned[2]);
  return turned;
}

class LstmInference final : public InferContext {
 public:
  explicit LstmInference(InferContext& outer) : m_outer(outer) {
    for (std::size_t i = 0; i < 3; ++i)
      if (const Shape* shape = outer.inputShape(i)) m_shapes[i] = i == 0 ? *shape : turnedShape(*shape);
  }
  const Node& node() const override { return m_outer.node(); }
  DataType inputType(std::size_t index) const override {
    return index < 3 ? m_outer.inputType(0) : m_outer.inputType(index);
  }
  const Shape* inputShape(std::size_t index) const override {
    if (index < 3) return m_shapes[index] ? &*m_shapes[index] : nullptr;
    return m_outer.inputShape(index);
  }
  const Tensor* inputValue(std::size_t) const override { return nullptr; }
  void setOutput(std::size_t index, DataType type, Shape shape) override {
    m_outer.setOutput(index, type, std::move(shape));
  }
  void setOutputType(std::size_t index, DataType type) override { m_outer.setOutputType(index, type); }
  void setOutputValue(std::size_t index, Tensor value) override { m_outer.setOutputValue(index, std::move(value)); }

 private:
  InferContext& m_outer;
  std::array<std::optional<Shape>, 3> m_shapes;
};

Result<void> infer(InferContext& context) {
  LstmInference inner(context);
  return inferRecurrent(inner, kGates);
}

double flops(const Graph& graph, const Node& node) {
  const Shape& x = graph.value(node.inputs[0]).desc.shape;
  const auto real = [](std::int64_t n) { return static_cast<double>(n); };
  if (x.rank() != 3) return 0;
  double weights = 0; // every step multiplies by all of W and R
  for (std::size_t i : {std::size_t{1}, std::size_t{2}})
    weights += real(graph.value(node.inputs[i]).desc.shape.elements());
  return 2 * real(x[0]) * real(x[1]) * weights;
}

/// W or R as real numbers, turned to [directions][4 * hidden][input]. Scales and zero points are one per direction, or
/// one per direction and gate row.
Result<Tensor> weights(const ReferenceContext& context, std::size_t index, std::size_t scaleInput) {
  const Tensor& packed = context.input(index);
  if (packed.shape().rank() != 3)
    return context.fail("weights of shape " + packed.shape().toString() + " have not rank 3");
  if (!context.hasInput(scaleInput) || !context.hasInput(scaleInput + 1))
    return context.fail("the weights have no scale or zero point");
  const Tensor &scale = context.input(scaleInput), &zero = context.input(scaleInput + 1);
  const std::int64_t directions = packed.shape()[0], depth = packed.shape()[1], width = packed.shape()[2];
  const auto fits = [&](const Tensor& parameter) {
    return parameter.elements() == directions || parameter.elements() == directions * width;
  };
  if (!isFloating(scale.type()) || !isInteger(zero.type()) || !fits(scale) || !fits(zero))
    return context.fail("a scale " + scale.desc().toString() + " and zero point " + zero.desc().toString() +
                        " do not go with weights " + packed.shape().toString());
  const auto at = [&](const Tensor& parameter, std::int64_t d, std::int64_t row) {
    return parameter.elements() == directions ? d : d * width + row;
  };
  Tensor result = Tensor::uninitialized({DataType::Float32, turnedShape(packed.shape())});
  float* out = result.mutableAs<float>().data();
  const bool known = visitOneOf(NarrowTypes{}, packed.type(), [&]<class Q>(TypeTag<Q>) {
    const Q* src = packed.as<Q>().data();
    for (std::int64_t d = 0; d < directions; ++d)
      for (std::int64_t row = 0; row < width; ++row) {
        const float factor = static_cast<float>(scale.asDouble(at(scale, d, row)));
        const std::int64_t offset = zero.asInt(at(zero, d, row));
        for (std::int64_t p = 0; p < depth; ++p)
          *out++ = static_cast<float>(static_cast<std::int64_t>(src[(d * depth + p) * width + row]) - offset) * factor;
      }
  });
  if (!known) return unsupportedType(context, packed.type());
  return result;
}

Result<void> reference(ReferenceContext& context) {
  Node lstm;
  lstm.name = context.node().name;
  lstm.type = "LSTM";
  lstm.version = 14;
  lstm.attributes = context.attributes();
  std::vector<Tensor> inputs(8);
  inputs[0] = context.input(0);
  inputs[1] = TANDEM_TRY(weights(context, 1, 8));
  inputs[2] = TANDEM_TRY(weights(context, 2, 10));
  for (std::size_t i = 3; i < 8; ++i)
    if (context.hasInput(i)) inputs[i] = context.input(i);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    lstm.inputs.push_back(inputs[i].defined() ? ValueId(static_cast<std::uint32_t>(i)) : ValueId());
  for (std::size_t i = 0; i < 3; ++i) lstm.outputs.push_back(ValueId(static_cast<std::uint32_t>(100 + i)));
  const std::vector<Tensor> results = TANDEM_TRY(evaluate(lstm, inputs));
  for (std::size_t i = 0; i < 3; ++i) TANDEM_TRY(storeOutput(context, i, results[i]));
  return {};
}

} // namespace

// com.microsoft DynamicQuantizeLSTM: LSTM with 8 bit weights. Inputs and states are not rounded to 8 bits on the way,
// as runtimes do it for speed: the result is the more exact one.
extern const OpDef kMsDynamicQuantizeLSTM = {.type = "DynamicQuantizeLSTM",
                                             .domain = "com.microsoft",
                                             .versions = {1},
                                             .minInputs = 3,
                                             .maxInputs = 12,
                                             .minOutputs = 0,
                                             .maxOutputs = 3,
                                             .infer = infer,
                                             .flops = flops,
                                             .reference = reference};

} // namespace tandem::ops
