// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_self_attention.hpp"
#include "engine/ops/product_common.hpp"

namespace tandem::ops {
namespace {

constexpr SelfAttentionInputs kInputs{.bias = 2, .mask = 3, .past = 4, .scoreBias = 5};

Result<void> infer(InferContext& context) { return inferSelfAttention(context, kInputs, context.inputType(0)); }
double flops(const Graph& graph, const Node& node) { return selfAttentionFlops(graph, node, kInputs); }

Result<void> reference(ReferenceContext& context) {
  const Tensor &x = context.input(0), &weights = context.input(1);
  if (!isFloating(x.type()) || x.type() == DataType::Float64) return unsupportedType(context, x.type());
  TANDEM_TRY(requireSameType(context, 0, 1));
  const Shape* past = context.hasInput(4) ? &context.input(4).shape() : nullptr;
  const SelfAttention attention = TANDEM_TRY(selfAttention(context.node(), x.shape(), weights.shape(), past));
  const std::int64_t rows = x.shape()[0] * x.shape()[1], columns = attention.widths.total();
  const Elements<float> source(x), matrix(weights);
  std::vector<float> projection(static_cast<std::size_t>(rows * columns));
  multiply(rows, columns, x.shape()[2], source.data(), matrix.data(), false, projection.data());
  return attendToProjection(context, attention, kInputs, projection, x.type());
}

} // namespace

// com.microsoft Attention: input, merged weights, bias, mask_index, past, attention_bias; outputs the result and the
// present state. The buffer sharing and the rotation of GPU kernels are refused.
extern const OpDef kMsAttention = {.type = "Attention",
                                   .domain = "com.microsoft",
                                   .versions = {1},
                                   .minInputs = 2,
                                   .maxInputs = 7,
                                   .maxOutputs = 2,
                                   .infer = infer,
                                   .flops = flops,
                                   .reference = reference};

} // namespace tandem::ops
