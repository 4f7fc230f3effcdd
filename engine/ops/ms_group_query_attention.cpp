// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/ms_attention_common.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::ops {
namespace {

/// Inputs, in order.
enum Input : std::size_t {
  kQuery,
  kKey,
  kValue,
  kPastKey,
  kPastValue,
  kLengths,
  kTotal,
  kCosines,
  kSines,
  kPositions,
  kScoreBias,
  kSinks,
  kKeyScale,
  kValueScale,
  kQueryNorm,
  kKeyNorm
};

struct Geometry {
  AttentionExtents extents; ///< keys: of the present state
  std::int64_t steps = 0;   ///< of key and value
  bool packed = false;      ///< the query holds keys and values as well
};

Result<void> refuseOptions(const Node& node) {
  const auto refuse = [&](std::string what) {
    return makeError(ErrorCode::Unsupported, what + " is not supported", node.type + " '" + node.name + "'",
                     "export the model without it");
  };
  for (std::string_view name : {"k_quant_type", "v_quant_type"})
    if (const auto kind = node.attributes.getString(name, "NONE"); kind != "NONE" && !kind.empty())
      return refuse("a quantized state (" + std::string(name) + " " + std::string(kind) + ")");
  if (node.attributes.getInt("sliding_window_cache", 0) != 0) return refuse("attribute sliding_window_cache");
  for (std::size_t i : {kKeyScale, kValueScale})
    if (i < node.inputs.size() && node.inputs[i].valid()) return refuse("a quantized state");
  return {};
}

/// `total` is the greatest number of keys of a sequence, past and new.
Result<Geometry> geometryOf(const Node& node, const Shape& q, const Shape* k, const Shape* v, const Shape* past,
                            std::int64_t total) {
  TANDEM_TRY(refuseOptions(node));
  Geometry geometry;
  AttentionExtents& e = geometry.extents;
  e.heads = node.attributes.getInt("num_heads", 0);
  e.keyHeads = node.attributes.getInt("kv_num_heads", 0);
  if (e.heads < 1 || e.keyHeads < 1 || e.heads > kMaxWindowExtent || e.heads % e.keyHeads != 0)
    return nodeError(node,
                     "num_heads is " + std::to_string(e.heads) + " and kv_num_heads " + std::to_string(e.keyHeads));
  geometry.packed = !k;
  const std::int64_t parts = geometry.packed ? e.heads + 2 * e.keyHeads : e.heads;
  if (q.rank() != 3 || q[2] % parts != 0 || static_cast<bool>(k) != static_cast<bool>(v))
    return nodeError(node, "a query of shape " + q.toString() + " does not go with the numbers of heads");
  e.batch = q[0];
  e.queries = geometry.steps = q[1];
  e.headSize = e.valueSize = q[2] / parts;
  const Shape rows{e.batch, e.queries, e.keyHeads * e.headSize};
  if (k && (*k != rows || *v != rows))
    return nodeError(node, "a key " + k->toString() + " and value " + v->toString() + " do not go with the query " +
                               q.toString());
  if (past) {
    if (past->rank() != 4 || (*past)[0] != e.batch || (*past)[1] != e.keyHeads || (*past)[3] != e.headSize)
      return nodeError(node, "a past of shape " + past->toString() + " does not go with the query " + q.toString());
    e.past = (*past)[2];
  }
  // Nothing backs the total: it is a number from a tensor.
  if (total < 0 || total > e.past + e.queries)
    return nodeError(node, "total_sequence_length is " + std::to_string(total) + " with " + std::to_string(e.past) +
                               " past and " + std::to_string(e.queries) + " new steps");
  e.keys = std::max(e.past, total);
  return geometry;
}

Result<void> infer(InferContext& context) {
  TANDEM_TRY(refuseOptions(context.node()));
  const DataType type = context.inputType(kQuery);
  const auto shape = [&](std::size_t i) { return context.inputShape(i); };
  bool known = true;
  for (std::size_t i : {kQuery, kKey, kValue, kPastKey})
    if (context.hasInput(i) && (!shape(i) || !shape(i)->isStatic())) known = false;
  if (!known) {
    Shape out = unknownShape(3);
    if (const Shape* q = shape(kQuery); q && q->rank() == 3) {
      out = *q;
      if (!context.hasInput(kKey)) out[2] = kUnknownDim;
    }
    context.setOutput(0, type, out);
    for (std::size_t i : {std::size_t{1}, std::size_t{2}, std::size_t{3}}) context.setOutput(i, type, unknownShape(4));
    return {};
  }
  const auto total = TANDEM_TRY(knownInts(context, kTotal));
  const Geometry geometry = TANDEM_TRY(geometryOf(context.node(), *shape(kQuery), shape(kKey), shape(kValue),
                                                  shape(kPastKey), total && total->size() == 1 ? total->front() : 0));
  const AttentionExtents& e = geometry.extents;
  const std::int64_t present = total ? e.keys : kUnknownDim;
  context.setOutput(0, type, Shape{e.batch, e.queries, e.heads * e.headSize});
  context.setOutput(1, type, Shape{e.batch, e.keyHeads, present, e.headSize});
  context.setOutput(2, type, Shape{e.batch, e.keyHeads, present, e.headSize});
  context.setOutput(3, type, Shape{e.batch, e.heads, e.queries, total ? total->front() : kUnknownDim});
  return {};
}

double flops(const Graph& graph, const Node& node) {
  const Shape& q = graph.value(node.inputs[kQuery]).desc.shape;
  if (q.rank() != 3) return 0;
  const bool hasPast = node.inputs.size() > kPastKey && node.inputs[kPastKey].valid();
  const Shape* past = hasPast ? &graph.value(node.inputs[kPastKey]).desc.shape : nullptr;
  const double keys = static_cast<double>(q[1] + (past && past->rank() == 4 ? (*past)[2] : 0));
  return 4 * static_cast<double>(graph.value(node.outputs[0]).desc.shape.elements()) * keys;
}

/// Number of keys of each sequence, past and new.
Result<std::vector<std::int64_t>> totalsOf(const ReferenceContext& context, const Geometry& geometry) {
  std::vector<std::int64_t> totals = TANDEM_TRY(readInts(context, kLengths));
  if (static_cast<std::int64_t>(totals.size()) != geometry.extents.batch)
    return context.fail("seqlens_k does not have one entry for each sequence");
  for (std::int64_t& total : totals)
    if (++total < 1 || total > geometry.extents.keys)
      return context.fail("seqlens_k says " + std::to_string(total) + " keys where the state has room for " +
                          std::to_string(geometry.extents.keys));
  return totals;
}

/// The root mean square normalization of every head (inputs kQueryNorm and kKeyNorm).
Result<void> normalizeHeads(const ReferenceContext& context, std::size_t index, std::int64_t size,
                            std::vector<float>& heads) {
  if (!context.hasInput(index)) return {};
  if (context.input(index).elements() != size)
    return context.fail("input " + std::to_string(index) + " does not have one entry per number of a head");
  const Elements<float> weight(context.input(index));
  const double epsilon = static_cast<double>(context.attributes().getFloat("qk_norm_epsilon", 1e-6f));
  for (auto head = heads.begin(); head != heads.end(); head += size) {
    double squares = 0;
    for (std::int64_t i = 0; i < size; ++i) squares += static_cast<double>(head[i]) * static_cast<double>(head[i]);
    const double inverse = 1 / std::sqrt(squares / static_cast<double>(size) + epsilon);
    for (std::int64_t i = 0; i < size; ++i)
      head[i] = static_cast<float>(static_cast<double>(head[i]) * inverse) * weight[i];
  }
  return {};
}

/// Turns the heads of the new steps, whose first lies at position `pasts[b]`.
Result<void> rotateHeads(const ReferenceContext& context, const Geometry& geometry, std::int64_t headCount,
                         const std::vector<std::int64_t>& pasts, std::vector<float>& heads) {
  if (!context.hasInput(kCosines) || !context.hasInput(kSines))
    return context.fail("do_rotary needs cos_cache and sin_cache");
  const AttentionExtents& e = geometry.extents;
  const Tensor &cosines = context.input(kCosines), &sines = context.input(kSines);
  if (cosines.shape().rank() != 2 || sines.shape() != cosines.shape() || 2 * cosines.shape()[1] > e.headSize)
    return context.fail("the caches " + cosines.shape().toString() + " and " + sines.shape().toString() +
                        " do not go with heads of " + std::to_string(e.headSize));
  const Elements<float> cosineCache(cosines), sineCache(sines);
  const Rotation rotation{cosineCache.data(), sineCache.data(), cosines.shape()[0], cosines.shape()[1],
                          context.attributes().getInt("rotary_interleaved", 0) != 0};
  std::vector<std::int64_t> positions;
  if (context.hasInput(kPositions)) {
    positions = context.input(kPositions).toInts();
    if (static_cast<std::int64_t>(positions.size()) != e.batch * e.queries)
      return context.fail("position_ids do not go with the query");
  }
  for (std::int64_t b = 0; b < e.batch; ++b)
    for (std::int64_t s = 0; s < e.queries; ++s) {
      const std::int64_t position = positions.empty() ? pasts[static_cast<std::size_t>(b)] + s
                                                      : positions[static_cast<std::size_t>(b * e.queries + s)];
      if (position < 0 || position >= rotation.positions)
        return context.fail("position " + std::to_string(position) + " is outside the caches");
      for (std::int64_t h = 0; h < headCount; ++h)
        rotate(rotation, position, heads.data() + ((b * headCount + h) * e.queries + s) * e.headSize);
    }
  return {};
}

/// The present state: the past of each sequence, the new steps behind it, zeros to the end.
Result<std::vector<float>> presentState(const ReferenceContext& context, const Geometry& geometry,
                                        std::size_t pastInput, const std::vector<std::int64_t>& pasts,
                                        const std::vector<float>& current) {
  const AttentionExtents& e = geometry.extents;
  std::optional<Elements<float>> past;
  if (context.hasInput(pastInput)) past.emplace(context.input(pastInput));
  std::vector<float> present(static_cast<std::size_t>(e.batch * e.keyHeads * e.keys * e.headSize), 0.0f);
  for (std::int64_t i = 0; i < e.batch * e.keyHeads; ++i) {
    const std::int64_t before = pasts[static_cast<std::size_t>(i / e.keyHeads)];
    const std::int64_t added = std::min(geometry.steps, e.keys - before);
    float* out = present.data() + i * e.keys * e.headSize;
    if (past) std::copy_n(past->data() + i * e.past * e.headSize, before * e.headSize, out);
    std::copy_n(current.data() + i * geometry.steps * e.headSize, added * e.headSize, out + before * e.headSize);
  }
  return present;
}

struct State {
  std::vector<float> q, k, v;
};

Result<State> operandsOf(const ReferenceContext& context, const Geometry& geometry,
                         const std::vector<std::int64_t>& pasts) {
  const AttentionExtents& e = geometry.extents;
  const Elements<float> query(context.input(kQuery));
  State state;
  const std::int64_t keyWidth = e.keyHeads * e.headSize, queryWidth = e.heads * e.headSize;
  if (geometry.packed) {
    const auto part = [&](std::int64_t offset, std::int64_t heads) {
      return splitHeads(query.data(), e.batch, e.queries, queryWidth + 2 * keyWidth, offset, heads, e.headSize,
                        nullptr);
    };
    state = {part(0, e.heads), part(queryWidth, e.keyHeads), part(queryWidth + keyWidth, e.keyHeads)};
  } else {
    const Elements<float> key(context.input(kKey)), value(context.input(kValue));
    state.q = splitHeads(query.data(), e.batch, e.queries, queryWidth, 0, e.heads, e.headSize, nullptr);
    state.k = splitHeads(key.data(), e.batch, e.queries, keyWidth, 0, e.keyHeads, e.headSize, nullptr);
    state.v = splitHeads(value.data(), e.batch, e.queries, keyWidth, 0, e.keyHeads, e.headSize, nullptr);
  }
  TANDEM_TRY(normalizeHeads(context, kQueryNorm, e.headSize, state.q));
  TANDEM_TRY(normalizeHeads(context, kKeyNorm, e.headSize, state.k));
  if (context.attributes().getInt("do_rotary", 0) != 0) {
    TANDEM_TRY(rotateHeads(context, geometry, e.heads, pasts, state.q));
    TANDEM_TRY(rotateHeads(context, geometry, e.keyHeads, pasts, state.k));
  }
  state.k = TANDEM_TRY(presentState(context, geometry, kPastKey, pasts, state.k));
  state.v = TANDEM_TRY(presentState(context, geometry, kPastValue, pasts, state.v));
  return state;
}

/// Which keys query s of sequence b sees.
std::vector<IndexRange> rangesOf(const Node& node, const AttentionExtents& e, const std::vector<std::int64_t>& totals,
                                 const std::vector<std::int64_t>& pasts) {
  const bool causal = node.attributes.getInt("causal", 1) != 0;
  const std::int64_t window = node.attributes.getInt("local_window_size", -1);
  std::vector<IndexRange> ranges;
  for (std::size_t b = 0; b < totals.size(); ++b)
    for (std::int64_t s = 0; s < e.queries; ++s) {
      IndexRange range{0, causal ? std::min(pasts[b] + s + 1, e.keys) : totals[b]};
      if (window >= 0) range.begin = std::max<std::int64_t>(0, range.end - window);
      ranges.push_back(range);
    }
  return ranges;
}

/// A bias may be as long as the longest sequence or as the whole state; it is laid out for the whole state here.
Result<std::vector<float>> paddedBias(const ReferenceContext& context, const AttentionExtents& e) {
  const Tensor& bias = context.input(kScoreBias);
  const Shape& shape = bias.shape();
  const bool fits = shape.rank() == 4 && (shape[0] == 1 || shape[0] == e.batch) &&
                    (shape[1] == 1 || shape[1] == e.heads) && shape[2] == e.queries && shape[3] <= e.keys;
  if (!fits) return context.fail("an attention bias of shape " + shape.toString() + " does not go with the operands");
  const Elements<float> source(bias);
  std::vector<float> padded(static_cast<std::size_t>(dimProduct(shape, 0, 3) * e.keys), 0.0f);
  for (std::int64_t row = 0; row < dimProduct(shape, 0, 3); ++row)
    std::copy_n(source.data() + row * shape[3], shape[3], padded.data() + row * e.keys);
  return padded;
}

Result<void> store(ReferenceContext& context, std::size_t index, const Shape& shape, const std::vector<float>& values) {
  if (!context.wantsOutput(index)) return {};
  Results<float> out(TANDEM_TRY(makeOutput(context, index, context.input(kQuery).type(), shape)));
  std::copy(values.begin(), values.end(), out.data());
  out.store();
  return {};
}

Result<void> checkOptional(const ReferenceContext& context, const Geometry& geometry) {
  const AttentionExtents& e = geometry.extents;
  if (context.hasInput(kPastKey) != context.hasInput(kPastValue))
    return context.fail("past keys and past values go together");
  if (context.hasInput(kPastValue) && context.input(kPastValue).shape() != context.input(kPastKey).shape())
    return context.fail("past keys and past values differ in shape");
  if (context.hasInput(kSinks) && context.input(kSinks).elements() != e.heads)
    return context.fail("head_sink does not have one entry for each head");
  if (context.wantsOutput(3)) return context.fail("output_qk is not computed");
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const DataType type = context.input(kQuery).type();
  if (!isFloating(type) || type == DataType::Float64) return unsupportedType(context, type);
  const auto shape = [&](std::size_t i) { return context.hasInput(i) ? &context.input(i).shape() : nullptr; };
  const std::vector<std::int64_t> total = TANDEM_TRY(readInts(context, kTotal));
  if (total.size() != 1 || total[0] < 0) return context.fail("total_sequence_length must be one number");
  const Geometry geometry =
      TANDEM_TRY(geometryOf(context.node(), *shape(kQuery), shape(kKey), shape(kValue), shape(kPastKey), total[0]));
  const AttentionExtents& e = geometry.extents;
  TANDEM_TRY(checkOptional(context, geometry));
  const std::vector<std::int64_t> totals = TANDEM_TRY(totalsOf(context, geometry));
  // A prompt starts at position 0 even where a sequence is padded at its end.
  std::vector<std::int64_t> pasts;
  for (std::int64_t each : totals)
    pasts.push_back(total[0] == e.queries ? 0 : std::max<std::int64_t>(0, each - e.queries));
  for (std::int64_t each : pasts)
    if (each > e.past)
      return context.fail("seqlens_k says that " + std::to_string(each) + " keys are past, the past has " +
                          std::to_string(e.past));
  const State state = TANDEM_TRY(operandsOf(context, geometry, pasts));
  AttentionOptions options;
  const float scale = context.attributes().getFloat("scale", 0.0f);
  options.scale = scale == 0 ? 1 / std::sqrt(static_cast<float>(e.headSize)) : scale;
  options.softcap = context.attributes().getFloat("softcap", 0.0f);
  options.ranges = rangesOf(context.node(), e, totals, pasts);
  std::optional<Elements<float>> sinks;
  if (context.hasInput(kSinks)) sinks.emplace(context.input(kSinks));
  options.sinks = sinks ? sinks->data() : nullptr;
  options.smooth = context.attributes().getInt("smooth_softmax", -1) == 1;
  std::vector<float> bias;
  if (context.hasInput(kScoreBias)) {
    bias = TANDEM_TRY(paddedBias(context, e));
    const Shape& given = context.input(kScoreBias).shape();
    options.bias.data = bias.data();
    options.bias.headStep = given[1] == 1 ? 0 : e.queries * e.keys;
    options.bias.batchStep = given[0] == 1 ? 0 : e.queries * e.keys * given[1];
  }
  Results<float> y(TANDEM_TRY(makeOutput(context, 0, type, Shape{e.batch, e.queries, e.heads * e.headSize})));
  attend(e, options, state.q.data(), state.k.data(), state.v.data(), y.data());
  y.store();
  const Shape present{e.batch, e.keyHeads, e.keys, e.headSize};
  TANDEM_TRY(store(context, 1, present, state.k));
  return store(context, 2, present, state.v);
}

} // namespace

// com.microsoft GroupQueryAttention: causal attention of many query heads to few key heads, with a state; inputs as
// above. Quantized states, sliding_window_cache and output_qk are refused.
extern const OpDef kMsGroupQueryAttention = {.type = "GroupQueryAttention",
                                             .domain = "com.microsoft",
                                             .versions = {1},
                                             .minInputs = 1,
                                             .maxInputs = 16,
                                             .maxOutputs = 4,
                                             .shapeInputs = 1u << 6,
                                             .infer = infer,
                                             .flops = flops,
                                             .reference = reference};

} // namespace tandem::ops
