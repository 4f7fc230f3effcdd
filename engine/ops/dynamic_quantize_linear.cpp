// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/quantization.hpp"

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  const Shape* x = context.inputShape(0);
  setOutputMaybe(context, 0, DataType::UInt8, x ? std::optional(*x) : std::nullopt);
  context.setOutput(1, DataType::Float32, Shape{});
  context.setOutput(2, DataType::UInt8, Shape{});
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  if (x.type() != DataType::Float32) return unsupportedType(context, x.type());
  const ScalarQuantization quantization = dynamicQuantization(x.as<float>());
  Tensor y = TANDEM_TRY(makeOutput(context, 0, DataType::UInt8, x.shape()));
  quantizeInto(x.as<float>(), quantization, y);
  if (context.wantsOutput(1)) context.output(1, DataType::Float32, Shape{}).mutableAs<float>()[0] = quantization.scale;
  if (context.wantsOutput(2))
    context.output(2, DataType::UInt8, Shape{}).mutableAs<std::uint8_t>()[0] =
        static_cast<std::uint8_t>(quantization.zeroPoint);
  return {};
}

double flops(const Graph& graph, const Node& node) {
  return 4 * static_cast<double>(graph.value(node.inputs[0]).desc.shape.elements());
}

} // namespace

// ONNX DynamicQuantizeLinear: uint8 over the range of the elements and zero.
extern const OpDef kDynamicQuantizeLinear = {.type = "DynamicQuantizeLinear",
                                             .domain = "",
                                             .versions = {11},
                                             .maxOutputs = 3,
                                             .infer = infer,
                                             .flops = flops,
                                             .reference = reference};

} // namespace tandem::ops
