// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_self_attention.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::ops {
namespace {

Result<ProjectionWidths> widthsOf(const Node& node, std::int64_t columns) {
  const std::vector<std::int64_t> sizes = node.attributes.getInts("qkv_hidden_sizes");
  if (sizes.empty()) {
    if (columns % 3 != 0)
      return nodeError(node, "the weights have " + std::to_string(columns) + " columns, not 3 parts");
    return ProjectionWidths{columns / 3, columns / 3, columns / 3};
  }
  const bool fits = sizes.size() == 3 && std::all_of(sizes.begin(), sizes.end(),
                                                     [&](std::int64_t size) { return size > 0 && size <= columns; });
  if (!fits || sizes[0] != sizes[1] || sizes[0] + sizes[1] + sizes[2] != columns)
    return nodeError(node, "qkv_hidden_sizes do not go with weights of " + std::to_string(columns) + " columns");
  return ProjectionWidths{sizes[0], sizes[1], sizes[2]};
}

Result<void> refuseGpuOptions(const Node& node) {
  for (std::string_view name : {"do_rotary", "past_present_share_buffer"})
    if (node.attributes.getInt(name, 0) != 0)
      return makeError(ErrorCode::Unsupported, "attribute " + std::string(name) + " is not supported",
                       node.type + " '" + node.name + "'", "export the model for the CPU");
  return {};
}

Shape presentShape(const AttentionExtents& extents) {
  return Shape{2, extents.batch, extents.heads, extents.keys, extents.headSize};
}

/// Output 1: keys, then values.
Result<void> storePresent(ReferenceContext& context, const AttentionExtents& extents, const std::vector<float>& k,
                          const std::vector<float>& v, DataType type) {
  if (!context.wantsOutput(1)) return {};
  if (extents.headSize != extents.valueSize) return context.fail("a present state needs keys and values of one size");
  Results<float> present(TANDEM_TRY(makeOutput(context, 1, type, presentShape(extents))));
  std::copy(k.begin(), k.end(), present.data());
  std::copy(v.begin(), v.end(), present.data() + k.size());
  present.store();
  return {};
}

} // namespace

Result<SelfAttention> selfAttention(const Node& node, const Shape& x, const Shape& weights, const Shape* past) {
  TANDEM_TRY(refuseGpuOptions(node));
  if (x.rank() != 3 || weights.rank() != 2 || x[2] != weights[0])
    return nodeError(node, "an input " + x.toString() + " does not go with weights " + weights.toString());
  SelfAttention attention;
  attention.widths = TANDEM_TRY(widthsOf(node, weights[1]));
  AttentionExtents& extents = attention.extents;
  extents.batch = x[0];
  extents.queries = x[1];
  extents.heads = extents.keyHeads = node.attributes.getInt("num_heads", 0);
  const auto [query, key, value] = attention.widths;
  if (extents.heads < 1 || query % extents.heads != 0 || value % extents.heads != 0)
    return nodeError(node,
                     "num_heads is " + std::to_string(extents.heads) + ", the hidden size " + std::to_string(query));
  extents.headSize = query / extents.heads;
  extents.valueSize = value / extents.heads;
  if (past) {
    const bool fits = past->rank() == 5 && (*past)[0] == 2 && (*past)[1] == extents.batch &&
                      (*past)[2] == extents.heads && (*past)[4] == extents.headSize &&
                      extents.headSize == extents.valueSize;
    if (!fits) return nodeError(node, "a past of shape " + past->toString() + " does not go with the input");
    extents.past = (*past)[3];
  }
  extents.keys = extents.past + extents.queries;
  return attention;
}

Result<void> inferSelfAttention(InferContext& context, const SelfAttentionInputs& inputs, DataType type) {
  const Shape *x = context.inputShape(0), *weights = context.inputShape(1), *past = context.inputShape(inputs.past);
  const bool pastKnown = !context.hasInput(inputs.past) || (past && past->isStatic());
  if (x && weights && x->isStatic() && weights->isStatic() && pastKnown) {
    const SelfAttention attention = TANDEM_TRY(selfAttention(context.node(), *x, *weights, past));
    context.setOutput(0, type, Shape{(*x)[0], (*x)[1], attention.widths.value});
    context.setOutput(1, type, presentShape(attention.extents));
    return {};
  }
  TANDEM_TRY(refuseGpuOptions(context.node()));
  Shape shape = unknownShape(3);
  if (x && x->rank() == 3) shape[0] = (*x)[0], shape[1] = (*x)[1];
  if (weights && weights->rank() == 2 && (*weights)[1] != kUnknownDim)
    shape[2] = TANDEM_TRY(widthsOf(context.node(), (*weights)[1])).value;
  context.setOutput(0, type, shape);
  context.setOutput(
      1, type, Shape{2, shape[0], context.attributes().getInt("num_heads", kUnknownDim), kUnknownDim, kUnknownDim});
  return {};
}

double selfAttentionFlops(const Graph& graph, const Node& node, const SelfAttentionInputs& inputs) {
  const auto shape = [&](std::size_t i) -> const Shape& { return graph.value(node.inputs[i]).desc.shape; };
  const bool hasPast = node.inputs.size() > inputs.past && node.inputs[inputs.past].valid();
  const auto attention = selfAttention(node, shape(0), shape(1), hasPast ? &shape(inputs.past) : nullptr);
  if (!attention.ok()) return 0;
  const auto real = [](std::int64_t n) { return static_cast<double>(n); };
  const AttentionExtents& e = attention->extents;
  const double projection = 2 * real(e.batch) * real(e.queries) * real(shape(1).elements());
  return projection +
         2 * real(e.batch) * real(e.heads) * real(e.queries) * real(e.keys) * real(e.headSize + e.valueSize);
}

Result<void> attendToProjection(ReferenceContext& context, const SelfAttention& attention,
                                const SelfAttentionInputs& inputs, const std::vector<float>& projection,
                                DataType type) {
  const AttentionExtents& extents = attention.extents;
  const ProjectionWidths& widths = attention.widths;
  std::optional<Elements<float>> bias, past, added;
  if (context.hasInput(inputs.bias)) {
    if (context.input(inputs.bias).elements() != widths.total())
      return context.fail("the bias does not have " + std::to_string(widths.total()) + " numbers");
    bias.emplace(context.input(inputs.bias));
  }
  if (context.hasInput(inputs.past)) past.emplace(context.input(inputs.past));
  AttentionOptions options;
  const float scale = context.attributes().getFloat("scale", 0.0f);
  options.scale = scale == 0 ? 1 / std::sqrt(static_cast<float>(extents.headSize)) : scale;
  options.mask = TANDEM_TRY(keyMask(context, inputs.mask, extents));
  options.mask.filter = context.attributes().getFloat("mask_filter_value", -10000.0f);
  options.mask.causal = context.attributes().getInt("unidirectional", 0) != 0;
  if (context.hasInput(inputs.scoreBias)) {
    added.emplace(context.input(inputs.scoreBias));
    options.bias = TANDEM_TRY(scoreBias(context, inputs.scoreBias, *added, extents));
  }
  const auto [batch, heads, keyHeads, queries, pastSteps, keys, headSize, valueSize] = extents;
  const auto part = [&](std::int64_t offset, std::int64_t size) {
    return splitHeads(projection.data(), extents.batch, extents.queries, widths.total(), offset, extents.heads, size,
                      bias ? bias->data() + offset : nullptr);
  };
  const float* pastKeys = past ? past->data() : nullptr;
  const float* pastValues = past ? past->data() + batch * heads * pastSteps * headSize : nullptr;
  const std::vector<float> q = part(0, headSize);
  const std::vector<float> k =
      appendSteps(pastKeys, pastSteps, part(widths.query, headSize), queries, batch * heads, headSize);
  const std::vector<float> v =
      appendSteps(pastValues, pastSteps, part(widths.query + widths.key, valueSize), queries, batch * heads, valueSize);
  Results<float> y(TANDEM_TRY(makeOutput(context, 0, type, Shape{batch, queries, widths.value})));
  attend(extents, options, q.data(), k.data(), v.data(), y.data());
  y.store();
  return storePresent(context, extents, k, v, type);
}

} // namespace tandem::ops
