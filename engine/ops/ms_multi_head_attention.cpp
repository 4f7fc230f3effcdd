// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_attention_common.hpp"

namespace tandem::ops {
namespace {

/// How the operands come, as their ranks say: rows of all heads, one tensor with a part per operand, or heads apart.
struct Operands {
  AttentionExtents extents;
  enum class Form { Rows, PackedKeys, PackedAll, HeadedKeys } form = Form::Rows;
};

Result<void> refuseGpuInputs(const Node& node) {
  for (std::size_t i : {std::size_t{8}, std::size_t{9}})
    if (i < node.inputs.size() && node.inputs[i].valid())
      return makeError(ErrorCode::Unsupported,
                       "shared state buffers (input " + std::to_string(i) + ") are not supported",
                       node.type + " '" + node.name + "'", "export the model for the CPU");
  return {};
}

Result<Operands> operandsOf(const Node& node, const Shape& q, const Shape* k, const Shape* v, const Shape* past) {
  TANDEM_TRY(refuseGpuInputs(node));
  const auto wrong = [&] {
    return nodeError(node, "a query " + q.toString() + ", key " + (k ? k->toString() : "none") + " and value " +
                               (v ? v->toString() : "none") + " do not go together");
  };
  Operands operands;
  AttentionExtents& e = operands.extents;
  e.heads = e.keyHeads = node.attributes.getInt("num_heads", 0);
  if (e.heads < 1 || e.heads > kMaxWindowExtent) return nodeError(node, "num_heads is " + std::to_string(e.heads));
  if (q.rank() < 3) return wrong();
  e.batch = q[0];
  e.queries = e.keys = q[1];
  if (q.rank() == 5) {
    if (q[2] != e.heads || q[3] != 3 || k || v) return wrong();
    operands.form = Operands::Form::PackedAll;
    e.headSize = e.valueSize = q[4];
  } else if (q.rank() == 3 && k && k->rank() >= 3 && q[2] % e.heads == 0 && (*k)[0] == e.batch) {
    e.headSize = e.valueSize = q[2] / e.heads;
    if (k->rank() == 5 && !v) {
      if ((*k)[2] != e.heads || (*k)[3] != 2 || (*k)[4] != e.headSize) return wrong();
      operands.form = Operands::Form::PackedKeys;
      e.keys = (*k)[1];
    } else if (k->rank() == 4 && v && v->rank() == 4) {
      if ((*k)[1] != e.heads || (*k)[3] != e.headSize || (*v)[0] != e.batch || (*v)[1] != e.heads || (*v)[2] != (*k)[2])
        return wrong();
      operands.form = Operands::Form::HeadedKeys;
      e.keys = (*k)[2];
      e.valueSize = (*v)[3];
    } else if (k->rank() == 3 && v && v->rank() == 3) {
      if ((*k)[2] != q[2] || (*v)[0] != e.batch || (*v)[1] != (*k)[1] || (*v)[2] % e.heads != 0) return wrong();
      e.keys = (*k)[1];
      e.valueSize = (*v)[2] / e.heads;
    } else {
      return wrong();
    }
  } else {
    return wrong();
  }
  if (past) {
    if (past->rank() != 4 || (*past)[0] != e.batch || (*past)[1] != e.heads || (*past)[3] != e.headSize)
      return nodeError(node, "a past of shape " + past->toString() + " does not go with the query " + q.toString());
    e.past = (*past)[2];
  }
  e.keys += e.past;
  return operands;
}

Result<void> infer(InferContext& context) {
  TANDEM_TRY(refuseGpuInputs(context.node()));
  const DataType type = context.inputType(0);
  const Shape* shapes[4] = {context.inputShape(0), context.inputShape(1), context.inputShape(2), context.inputShape(6)};
  const std::size_t indices[4] = {0, 1, 2, 6};
  bool known = true;
  for (std::size_t i = 0; i < 4; ++i)
    if (context.hasInput(indices[i]) && (!shapes[i] || !shapes[i]->isStatic())) known = false;
  if (!known) {
    Shape shape = unknownShape(3);
    if (shapes[0] && shapes[0]->rank() >= 3) shape[0] = (*shapes[0])[0], shape[1] = (*shapes[0])[1];
    if (shapes[2] && shapes[2]->rank() == 3) shape[2] = (*shapes[2])[2];
    context.setOutput(0, type, shape);
    for (std::size_t i : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) context.setOutput(i, type, unknownShape(4));
    return {};
  }
  const Operands operands = TANDEM_TRY(operandsOf(context.node(), *shapes[0], shapes[1], shapes[2], shapes[3]));
  const AttentionExtents& e = operands.extents;
  context.setOutput(0, type, Shape{e.batch, e.queries, e.heads * e.valueSize});
  context.setOutput(1, type, Shape{e.batch, e.heads, e.keys, e.headSize});
  context.setOutput(2, type, Shape{e.batch, e.heads, e.keys, e.valueSize});
  context.setOutput(3, type, Shape{e.batch, e.heads, e.queries, e.keys});
  return {};
}

double flops(const Graph& graph, const Node& node) {
  const auto shape = [&](std::size_t i) -> const Shape* {
    return i < node.inputs.size() && node.inputs[i].valid() ? &graph.value(node.inputs[i]).desc.shape : nullptr;
  };
  const auto operands = operandsOf(node, *shape(0), shape(1), shape(2), shape(6));
  if (!operands.ok()) return 0;
  const auto real = [](std::int64_t n) { return static_cast<double>(n); };
  const AttentionExtents& e = operands->extents;
  return 2 * real(e.batch) * real(e.heads) * real(e.queries) * real(e.keys) * real(e.headSize + e.valueSize);
}

struct Heads {
  std::vector<float> q, k, v;
};

/// Queries, keys and values (without the past) as [batch][heads][steps][size].
Result<Heads> headsOf(const ReferenceContext& context, const Operands& operands) {
  const AttentionExtents& extents = operands.extents;
  const std::int64_t batch = extents.batch, heads = extents.heads, queries = extents.queries, size = extents.headSize,
                     valueSize = extents.valueSize, width = heads * size, steps = extents.keys - extents.past;
  std::optional<Elements<float>> bias;
  if (context.hasInput(3)) {
    if (context.input(3).elements() != 2 * width + heads * valueSize)
      return context.fail("the bias " + context.input(3).shape().toString() + " does not go with the operands");
    bias.emplace(context.input(3));
  }
  const float* biasQ = bias ? bias->data() : nullptr;
  const float* biasK = bias ? bias->data() + width : nullptr;
  const float* biasV = bias ? bias->data() + 2 * width : nullptr;
  const Elements<float> query(context.input(0));
  Heads result;
  if (operands.form == Operands::Form::PackedAll) {
    // Rows of [heads][3][size]: part p of head h starts at (h * 3 + p) * size.
    const auto part = [&](std::int64_t p, const float* added) {
      std::vector<float> out;
      for (std::int64_t b = 0; b < batch; ++b)
        for (std::int64_t h = 0; h < heads; ++h)
          for (std::int64_t s = 0; s < queries; ++s)
            for (std::int64_t i = 0; i < size; ++i)
              out.push_back(query[(((b * queries + s) * heads + h) * 3 + p) * size + i] +
                            (added ? added[h * size + i] : 0.0f));
      return out;
    };
    result = {part(0, biasQ), part(1, biasK), part(2, biasV)};
    return result;
  }
  result.q = splitHeads(query.data(), batch, queries, width, 0, heads, size, biasQ);
  const Elements<float> key(context.input(1));
  if (operands.form == Operands::Form::PackedKeys) {
    const auto part = [&](std::int64_t p, const float* added) {
      std::vector<float> out;
      for (std::int64_t b = 0; b < batch; ++b)
        for (std::int64_t h = 0; h < heads; ++h)
          for (std::int64_t s = 0; s < steps; ++s)
            for (std::int64_t i = 0; i < size; ++i)
              out.push_back(key[(((b * steps + s) * heads + h) * 2 + p) * size + i] +
                            (added ? added[h * size + i] : 0.0f));
      return out;
    };
    result.k = part(0, biasK);
    result.v = part(1, biasV);
    return result;
  }
  const Elements<float> value(context.input(2));
  if (operands.form == Operands::Form::HeadedKeys) { // of a cross attention, with the bias in them already
    result.k.assign(key.data(), key.data() + context.input(1).elements());
    result.v.assign(value.data(), value.data() + context.input(2).elements());
    return result;
  }
  result.k = splitHeads(key.data(), batch, steps, width, 0, heads, size, biasK);
  result.v = splitHeads(value.data(), batch, steps, heads * valueSize, 0, heads, valueSize, biasV);
  return result;
}

Result<void> store(ReferenceContext& context, std::size_t index, const Shape& shape, const std::vector<float>& values) {
  if (!context.wantsOutput(index)) return {};
  Results<float> out(TANDEM_TRY(makeOutput(context, index, context.input(0).type(), shape)));
  std::copy(values.begin(), values.end(), out.data());
  out.store();
  return {};
}

Result<void> addPast(const ReferenceContext& context, const AttentionExtents& e, Heads& heads) {
  if (context.hasInput(6) != context.hasInput(7)) return context.fail("past keys and past values go together");
  if (!context.hasInput(6)) return {};
  const Shape& values = context.input(7).shape();
  if (values != Shape{e.batch, e.heads, e.past, e.valueSize})
    return context.fail("past values of shape " + values.toString() + " do not go with the past keys");
  const Elements<float> pastKeys(context.input(6)), pastValues(context.input(7));
  const std::int64_t steps = e.keys - e.past;
  heads.k = appendSteps(pastKeys.data(), e.past, heads.k, steps, e.batch * e.heads, e.headSize);
  heads.v = appendSteps(pastValues.data(), e.past, heads.v, steps, e.batch * e.heads, e.valueSize);
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const DataType type = context.input(0).type();
  if (!isFloating(type) || type == DataType::Float64) return unsupportedType(context, type);
  const auto shape = [&](std::size_t i) { return context.hasInput(i) ? &context.input(i).shape() : nullptr; };
  const Operands operands = TANDEM_TRY(operandsOf(context.node(), *shape(0), shape(1), shape(2), shape(6)));
  const AttentionExtents& e = operands.extents;
  Heads heads = TANDEM_TRY(headsOf(context, operands));
  TANDEM_TRY(addPast(context, e, heads));
  AttentionOptions options;
  const float scale = context.attributes().getFloat("scale", 0.0f);
  options.scale = scale == 0 ? 1 / std::sqrt(static_cast<float>(e.headSize)) : scale;
  options.mask = TANDEM_TRY(keyMask(context, 4, e));
  options.mask.filter = context.attributes().getFloat("mask_filter_value", -10000.0f);
  options.mask.causal = context.attributes().getInt("unidirectional", 0) != 0;
  std::optional<Elements<float>> added;
  if (context.hasInput(5)) {
    added.emplace(context.input(5));
    options.bias = TANDEM_TRY(scoreBias(context, 5, *added, e));
  }
  std::vector<float> scores;
  if (context.wantsOutput(3)) {
    scores.resize(static_cast<std::size_t>(e.batch * e.heads * e.queries * e.keys));
    options.scores = scores.data();
  }
  Results<float> y(TANDEM_TRY(makeOutput(context, 0, type, Shape{e.batch, e.queries, e.heads * e.valueSize})));
  attend(e, options, heads.q.data(), heads.k.data(), heads.v.data(), y.data());
  y.store();
  TANDEM_TRY(store(context, 1, Shape{e.batch, e.heads, e.keys, e.headSize}, heads.k));
  TANDEM_TRY(store(context, 2, Shape{e.batch, e.heads, e.keys, e.valueSize}, heads.v));
  return store(context, 3, Shape{e.batch, e.heads, e.queries, e.keys}, scores);
}

} // namespace

// com.microsoft MultiHeadAttention: query, key, value, bias, key_padding_mask, attention_bias, past_key, past_value;
// outputs the result, present key, present value and the scores before the softmax.
extern const OpDef kMsMultiHeadAttention = {.type = "MultiHeadAttention",
                                            .domain = "com.microsoft",
                                            .versions = {1},
                                            .minInputs = 1,
                                            .maxInputs = 10,
                                            .maxOutputs = 4,
                                            .infer = infer,
                                            .flops = flops,
                                            .reference = reference};

} // namespace tandem::ops
