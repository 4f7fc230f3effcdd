// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/layer.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace tandem::detail {
namespace {

/// What a score gets where the mask is false: Keras adds it, and float32 swallows the score itself.
constexpr float kVeryNegative = -1e9f;

/// Query, value and key, from positions, a list, or keywords; the key is the value where there is none.
struct AttentionInputs {
  TensorPtr query, value, key;
  bool ownKey = false;
};

AttentionInputs attentionInputs(LayerCall& call) {
  Outputs given = call.inputs;
  for (const char* name : {"value", "key"})
    if (const TensorPtr tensor = call.tensorArgument(name)) given.push_back(tensor);
  if (given.size() < 2 || given.size() > 3) throw KerasError("attention takes a query, a value and perhaps a key");
  AttentionInputs inputs;
  inputs.query = asFloat(call.b, given[0]);
  inputs.value = asFloat(call.b, given[1]);
  inputs.ownKey = given.size() == 3 && given[2] != given[1];
  inputs.key = given.size() == 3 ? asFloat(call.b, given[2]) : inputs.value;
  for (const TensorPtr& tensor : {inputs.query, inputs.value, inputs.key})
    if (tensor->rank() != 3)
      throw KerasError("attention over the shape " + shapeText(tensor->shape) + " is not supported");
  return inputs;
}

ValueId asBool(Builder& b, KerasTensor& mask) {
  const ValueId value = b.plainOf(mask);
  return mask.type == DataType::Bool ? value : b.cast(value, DataType::Bool);
}

ValueId both(Builder& b, ValueId first, ValueId second) {
  if (!first.valid()) return second;
  return second.valid() ? b.node("And", {first, second}) : first;
}

/// Bool [T, S]: no step looks at later ones.
ValueId causalMask(Builder& b, KerasTensor& query, KerasTensor& value) {
  const ValueId extents = b.concat({b.dimension(b.plainOf(query), 1), b.dimension(b.plainOf(value), 1)}, 0);
  const ValueId ones = b.node("Expand", {b.scalar(1), extents});
  return b.cast(b.node("Trilu", {ones}, {{"upper", 0}}), DataType::Bool);
}

ValueId masked(Builder& b, ValueId scores, ValueId mask) {
  if (!mask.valid()) return scores;
  return b.node("Add", {scores, b.node("Where", {mask, b.scalar(0), b.scalar(kVeryNegative)})});
}

ValueId softmax(Builder& b, ValueId scores) { return b.node("Softmax", {scores}, {{"axis", -1}}); }

// --- MultiHeadAttention ---------------------------------------------------------------------------------------------

/// x [N, T, D] times a kernel [D, heads, width] of a part of the layer: [N, T, heads, width].
ValueId project(LayerCall& call, KerasTensor& x, const char* name, std::initializer_list<const char*> parts,
                std::int64_t heads, std::int64_t width) {
  Builder& b = call.b;
  const auto weights = call.weights.part(parts);
  const std::int64_t features = x.shape[2];
  const auto weight = [&](const std::string& what, const Shape& shape, const Shape& flat) {
    const std::string full = std::string(name) + "/" + what;
    if (b.hasWeight(full)) weights->skip();
    return b.weight(full, [&] { return weights->next(full, shape).reshaped(flat); });
  };
  ValueId value =
      b.node("MatMul", {b.plainOf(x), weight("kernel", {features, heads, width}, {features, heads * width})});
  if (call.options.flag("use_bias", true))
    value = b.node("Add", {value, weight("bias", {heads, width}, {heads * width})});
  return b.reshape(value, {0, 0, heads, width});
}

/// The masks of the inputs and those of the call, as one that fits scores [N, heads, T, S]; invalid for none.
ValueId headMask(LayerCall& call, const AttentionInputs& inputs) {
  Builder& b = call.b;
  const auto maskOf = [&](const char* argument, const TensorPtr& tensor) {
    const TensorPtr given = call.tensorArgument(argument);
    return given ? given : tensor->mask;
  };
  ValueId mask;
  if (const TensorPtr m = maskOf("query_mask", inputs.query)) mask = both(b, mask, b.unsqueeze(asBool(b, *m), {1, 3}));
  if (const TensorPtr m = maskOf("value_mask", inputs.value)) mask = both(b, mask, b.unsqueeze(asBool(b, *m), {1, 2}));
  if (inputs.ownKey)
    if (const TensorPtr m = maskOf("key_mask", inputs.key)) mask = both(b, mask, b.unsqueeze(asBool(b, *m), {1, 2}));
  if (call.flagArgument("use_causal_mask", false)) mask = both(b, mask, causalMask(b, *inputs.query, *inputs.value));
  if (const TensorPtr m = call.tensorArgument("attention_mask")) {
    ValueId value = asBool(b, *m);
    if (m->rank() == 3) value = b.unsqueeze(value, {1});
    mask = both(b, mask, value);
  } else if (const auto it = call.kwargs.find("attention_mask");
             it != call.kwargs.end() && it->second.json && !it->second.json->is_null()) {
    throw KerasError("a constant attention_mask is not supported");
  }
  return mask;
}

void checkAttentionAxes(const Options& options) {
  for (const std::int64_t axis : options.list("attention_axes"))
    if (axis != 1 && axis != -2) throw KerasError("attention over axis " + std::to_string(axis) + " is not supported");
  if (options.has("sliding_window")) throw KerasError("a sliding window is not supported");
  if (options.flag("use_gate", false)) throw KerasError("gated attention is not supported");
}

std::int64_t sizeOption(const Options& options, const char* name, std::int64_t otherwise) {
  const std::int64_t size = options.integer(name, otherwise);
  if (size < 1 || size > (1 << 20)) throw KerasError(std::string("the option '") + name + "' is out of range");
  return size;
}

Outputs multiHeadAttention(LayerCall& call) {
  Builder& b = call.b;
  checkAttentionAxes(call.options);
  const AttentionInputs inputs = attentionInputs(call);
  const std::int64_t heads = sizeOption(call.options, "num_heads", 0),
                     keyWidth = sizeOption(call.options, "key_dim", 0);
  const std::int64_t valueWidth = sizeOption(call.options, "value_dim", keyWidth);
  std::int64_t outputWidth = inputs.query->shape[2];
  if (const auto given = call.options.list("output_shape"); !given.empty()) {
    if (given.size() != 1) throw KerasError("an output_shape of several dimensions is not supported");
    outputWidth = given[0];
  }
  const ValueId query = project(call, *inputs.query, "query", {"query_dense", "_query_dense"}, heads, keyWidth);
  const ValueId key = project(call, *inputs.key, "key", {"key_dense", "_key_dense"}, heads, keyWidth);
  const ValueId value = project(call, *inputs.value, "value", {"value_dense", "_value_dense"}, heads, valueWidth);
  const float scale = 1.0f / std::sqrt(static_cast<float>(keyWidth));
  const ValueId scaled = b.node("Mul", {b.transpose(query, {0, 2, 1, 3}), b.scalar(scale)});
  const ValueId scores = b.node("MatMul", {scaled, b.transpose(key, {0, 2, 3, 1})}); // [N, heads, T, S]
  const ValueId weights = softmax(b, masked(b, scores, headMask(call, inputs)));
  const ValueId mixed = b.node("MatMul", {weights, b.transpose(value, {0, 2, 1, 3})});
  const ValueId joined = b.reshape(b.transpose(mixed, {0, 2, 1, 3}), {0, 0, heads * valueWidth});

  const auto output = call.weights.part({"output_dense", "_output_dense"});
  const auto weight = [&](const char* name, const Shape& shape, const Shape& flat) {
    const std::string full = std::string("attention_output/") + name;
    if (b.hasWeight(full)) output->skip();
    return b.weight(full, [&] { return output->next(full, shape).reshaped(flat); });
  };
  ValueId result =
      b.node("MatMul", {joined, weight("kernel", {heads, valueWidth, outputWidth}, {heads * valueWidth, outputWidth})});
  if (call.options.flag("use_bias", true))
    result = b.node("Add", {result, weight("bias", {outputWidth}, {outputWidth})});
  const Ints& q = inputs.query->shape;
  Outputs outputs{b.plain(result, {q[0], q[1], outputWidth})};
  if (call.flagArgument("return_attention_scores", false))
    outputs.push_back(b.plain(weights, {q[0], heads, q[1], inputs.value->shape[1]}));
  return outputs;
}

// --- Attention and AdditiveAttention --------------------------------------------------------------------------------

/// Masks of query and value: given as a list, or those of the tensors.
std::pair<TensorPtr, TensorPtr> masksOf(LayerCall& call, const AttentionInputs& inputs) {
  const auto it = call.kwargs.find("mask");
  if (it == call.kwargs.end() || !it->second.isList) return {inputs.query->mask, inputs.value->mask};
  const std::vector<Argument>& items = it->second.items;
  return {items.empty() ? nullptr : items[0].tensor, items.size() < 2 ? nullptr : items[1].tensor};
}

Outputs attend(LayerCall& call, const AttentionInputs& inputs, ValueId scores) {
  Builder& b = call.b;
  const auto [queryMask, valueMask] = masksOf(call, inputs);
  ValueId mask;
  if (valueMask) mask = b.unsqueeze(asBool(b, *valueMask), {1});
  if (call.flagArgument("use_causal_mask", false) || call.options.flag("causal", false))
    mask = both(b, mask, causalMask(b, *inputs.query, *inputs.value));
  const ValueId weights = softmax(b, masked(b, scores, mask));
  ValueId result = b.node("MatMul", {weights, b.plainOf(*inputs.value)});
  if (queryMask) result = b.node("Mul", {result, b.unsqueeze(b.cast(asBool(b, *queryMask), DataType::Float32), {2})});
  const Ints& q = inputs.query->shape;
  Outputs outputs{b.plain(result, {q[0], q[1], inputs.value->shape[2]})};
  if (call.flagArgument("return_attention_scores", false))
    outputs.push_back(b.plain(weights, {q[0], q[1], inputs.value->shape[1]}));
  return outputs;
}

/// tanh(query + key) for each pair of steps: [N, T, S, D].
ValueId pairwiseTanh(Builder& b, const AttentionInputs& inputs, ValueId scale) {
  const ValueId sum =
      b.node("Add", {b.unsqueeze(b.plainOf(*inputs.query), {2}), b.unsqueeze(b.plainOf(*inputs.key), {1})});
  return b.node("Tanh", {scale.valid() ? b.node("Mul", {sum, scale}) : sum});
}

Outputs attention(LayerCall& call) {
  Builder& b = call.b;
  const AttentionInputs inputs = attentionInputs(call);
  const bool concat = call.options.text("score_mode", "dot") == "concat";
  ValueId scale, concatWeight;
  if (call.options.flag("use_scale", false)) scale = call.weight("scale", {});
  if (concat) concatWeight = call.weight("concat_score_weight", {});
  ValueId scores;
  if (concat) {
    scores = b.node("ReduceSum", {pairwiseTanh(b, inputs, scale), b.ints({-1})}, {{"keepdims", 0}});
    scores = b.node("Mul", {scores, concatWeight});
  } else {
    scores = b.node("MatMul", {b.plainOf(*inputs.query), b.transpose(b.plainOf(*inputs.key), {0, 2, 1})});
    if (scale.valid()) scores = b.node("Mul", {scores, scale});
  }
  return attend(call, inputs, scores);
}

Outputs additiveAttention(LayerCall& call) {
  Builder& b = call.b;
  const AttentionInputs inputs = attentionInputs(call);
  ValueId terms = pairwiseTanh(b, inputs, {});
  if (call.options.flag("use_scale", true))
    terms = b.node("Mul", {terms, call.weight("scale", {inputs.query->shape[2]})});
  return attend(call, inputs, b.node("ReduceSum", {terms, b.ints({-1})}, {{"keepdims", 0}}));
}

constexpr LayerDef kLayers[] = {
    {"MultiHeadAttention", multiHeadAttention, true},
    {"Attention", attention, true},
    {"AdditiveAttention", additiveAttention, true},
};

} // namespace

std::span<const LayerDef> attentionLayers() { return kLayers; }

} // namespace tandem::detail
