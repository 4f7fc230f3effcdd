// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/integer_product.hpp"
#include "engine/ops/ms_self_attention.hpp"

namespace tandem::ops {
namespace {

constexpr SelfAttentionInputs kInputs{.bias = 2, .mask = 5, .past = 8};

Result<void> infer(InferContext& context) { return inferSelfAttention(context, kInputs, context.inputType(3)); }
double flops(const Graph& graph, const Node& node) { return selfAttentionFlops(graph, node, kInputs); }

Result<void> reference(ReferenceContext& context) {
  const Tensor &x = context.input(0), &weights = context.input(1);
  const Shape* past = context.hasInput(8) ? &context.input(8).shape() : nullptr;
  const SelfAttention attention = TANDEM_TRY(selfAttention(context.node(), x.shape(), weights.shape(), past));
  const IntegerProduct product = TANDEM_TRY(integerMatMul(context, {0, 6}, {1, 7}));
  const auto scaleX = TANDEM_TRY(lineScales(context, 3, 1, 1));
  const auto scaleW = TANDEM_TRY(lineScales(context, 4, 1, attention.widths.total()));
  std::vector<float> projection(product.sums.size());
  const std::int64_t columns = attention.widths.total();
  for (std::size_t i = 0; i < projection.size(); ++i) {
    const float scale = scaleX.at(0, 0) * scaleW.at(0, static_cast<std::int64_t>(i) % columns);
    projection[i] = static_cast<float>(product.sums[i]) * scale;
  }
  return attendToProjection(context, attention, kInputs, projection, context.input(3).type());
}

} // namespace

// com.microsoft QAttention: Attention whose projection is an 8 bit product: input, weights, bias, input_scale,
// weight_scale, mask_index, input_zero_point, weight_zero_point, past.
extern const OpDef kMsQAttention = {.type = "QAttention",
                                    .domain = "com.microsoft",
                                    .versions = {1},
                                    .minInputs = 5,
                                    .maxInputs = 9,
                                    .maxOutputs = 2,
                                    .infer = infer,
                                    .flops = flops,
                                    .reference = reference};

} // namespace tandem::ops
