// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/quantization.hpp"

#include <string>

namespace tandem::ops {

/// Another operator that a node is computed as: QLinearAdd adds what DequantizeLinear makes of its operands, BiasGelu
/// is Gelu of a sum.
struct Twin {
  std::string type;
  int version = 1;
  Attributes attributes = {};
  std::vector<std::size_t> inputs = {0}; ///< the node's inputs that the twin takes, in its order (for inference)
  bool channelsLast = false;             ///< the node's input 0 and its output have the channels in the last place
  std::string domain = {};
};

/// Shape inference as the twin does it; its first output is the node's. `type` is the element type of the output, and
/// the twin is shown `operandType` for its inputs; Undefined: what they are.
Result<void> inferAs(InferContext& context, const Twin& twin, DataType type = DataType::Undefined,
                     DataType operandType = DataType::Undefined);
/// The first output of the twin on `inputs` (channels where the twin has them). Errors name the node.
Result<Tensor> evaluateAs(const ReferenceContext& context, const Twin& twin, const std::vector<Tensor>& inputs);
/// FLOPs of the twin on the node's shapes; 0 where they do not fit.
double flopsAs(const Graph& graph, const Node& node, const Twin& twin);

/// Copies a finished result into output `index`.
Result<void> storeOutput(ReferenceContext& context, std::size_t index, const Tensor& result);

/// Which inputs hold the scale and the zero point of an operand.
struct QuantizationInputs {
  std::size_t scale = 1;
  std::size_t zeroPoint = 2;
};
/// An operand of a quantized operator as float32; fails where it is not int8 or uint8.
Result<Tensor> dequantizedInput(const ReferenceContext& context, std::size_t index, QuantizationInputs quantization);
/// Quantizes a float32 result to `type` and stores it in output 0.
Result<void> storeQuantized(ReferenceContext& context, const Tensor& result, DataType type,
                            QuantizationInputs quantization);

/// Operators with inputs X, X_scale, X_zero_point, Y_scale, Y_zero_point that compute as `twin` on the real numbers.
Result<void> inferQuantizedUnary(InferContext& context, const Twin& twin);
Result<void> quantizedUnary(ReferenceContext& context, const Twin& twin);
/// Their definition; `twinOf` is a function of the node.
template <Twin (*twinOf)(const Node&)> constexpr OpDef quantizedUnaryOp(std::string_view type) {
  OpDef def;
  def.type = type;
  def.domain = "com.microsoft";
  def.versions = {1};
  def.minInputs = 4;
  def.maxInputs = 5;
  def.infer = [](InferContext& context) { return inferQuantizedUnary(context, twinOf(context.node())); };
  def.flops = [](const Graph& graph, const Node& node) { return flopsAs(graph, node, twinOf(node)); };
  def.reference = [](ReferenceContext& context) { return quantizedUnary(context, twinOf(context.node())); };
  return def;
}

/// Operators with inputs A, B and C's parameters, where A and B come with a scale and a zero point each.
Result<void> inferQuantizedBinary(InferContext& context, const Twin& twin);
Result<void> quantizedBinary(ReferenceContext& context, const Twin& twin);
template <Twin (*twinOf)(const Node&)> constexpr OpDef quantizedBinaryOp(std::string_view type) {
  OpDef def;
  def.type = type;
  def.domain = "com.microsoft";
  def.versions = {1};
  def.minInputs = 7;
  def.maxInputs = 8;
  def.infer = [](InferContext& context) { return inferQuantizedBinary(context, twinOf(context.node())); };
  def.flops = [](const Graph& graph, const Node& node) { return flopsAs(graph, node, twinOf(node)); };
  def.reference = [](ReferenceContext& context) { return quantizedBinary(context, twinOf(context.node())); };
  return def;
}

} // namespace tandem::ops
