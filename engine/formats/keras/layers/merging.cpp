// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/layer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace tandem::detail {
namespace {

/// The inputs in one form and of one rank: as Keras does, inputs of fewer dimensions get new ones behind the batch.
struct Aligned {
  std::vector<ValueId> values;
  std::vector<KerasTensor> tensors;
  Ints shape;
  DataType type = DataType::Float32;
  bool channelsFirst = false;
};

std::int64_t broadcastDim(std::int64_t a, std::int64_t b) {
  if (a == 1) return b;
  if (b == 1 || a == b) return a;
  if (a < 0) return b;
  if (b < 0) return a;
  throw KerasError("the inputs do not fit together: " + std::to_string(a) + " and " + std::to_string(b));
}

/// Channels first where that saves transposes: more inputs have that form already than the other.
bool prefersChannelsFirst(const Outputs& inputs, std::size_t rank) {
  if (rank < 3 || rank > 5) return false;
  int balance = 0;
  for (const TensorPtr& input : inputs) {
    if (input->rank() != rank) return false;
    if (input->isChannelsFirst()) ++balance;
    if (input->plain.valid()) --balance;
  }
  return balance > 0 || (balance == 0 && inputs[0]->isChannelsFirst());
}

Aligned align(LayerCall& call) {
  Builder& b = call.b;
  if (call.inputs.empty()) throw KerasError("the layer has no inputs");
  Aligned result;
  result.type = call.inputs[0]->type;
  std::size_t rank = 0;
  bool mixed = false;
  for (const TensorPtr& input : call.inputs) {
    rank = std::max(rank, input->rank());
    mixed = mixed || input->type != result.type;
  }
  if (mixed) {
    for (TensorPtr& input : call.inputs) input = asFloat(b, input);
    result.type = DataType::Float32;
  }
  result.channelsFirst = prefersChannelsFirst(call.inputs, rank);
  for (const TensorPtr& input : call.inputs) {
    Ints shape = input->shape;
    ValueId value;
    if (result.channelsFirst) {
      value = b.channelsFirstOf(*input);
    } else {
      value = b.plainOf(*input);
      Ints added;
      for (std::size_t i = shape.size(); i < rank; ++i) added.push_back(static_cast<std::int64_t>(added.size()) + 1);
      if (!added.empty()) value = b.unsqueeze(value, added);
      shape.insert(shape.begin() + (shape.empty() ? 0 : 1), added.size(), 1);
    }
    result.values.push_back(value);
    result.tensors.push_back(result.channelsFirst ? *b.channelsFirst(value, shape) : *b.plain(value, shape));
    if (result.shape.empty())
      result.shape = shape;
    else
      for (std::size_t i = 0; i < rank; ++i) result.shape[i] = broadcastDim(result.shape[i], shape[i]);
  }
  return result;
}

/// Where all inputs have masks: a step counts where it does for one of them; Keras 2: for all of them.
TensorPtr mergedMask(LayerCall& call) {
  TensorPtr mask;
  for (const TensorPtr& input : call.inputs) {
    if (!input->mask) return nullptr;
    if (!mask || mask == input->mask)
      mask = input->mask;
    else
      mask = call.b.plain(
          call.b.node(call.b.kerasMajor >= 3 ? "Or" : "And", {call.b.plainOf(*mask), call.b.plainOf(*input->mask)}),
          mask->shape, DataType::Bool);
  }
  return mask;
}

TensorPtr merged(LayerCall& call, const Aligned& inputs, ValueId value) {
  TensorPtr result = inputs.channelsFirst ? call.b.channelsFirst(value, inputs.shape, inputs.type)
                                          : call.b.plain(value, inputs.shape, inputs.type);
  result->mask = mergedMask(call);
  return result;
}

/// a op b op c ...
ValueId chain(Builder& b, const char* type, const std::vector<ValueId>& values) {
  ValueId result = values[0];
  for (std::size_t i = 1; i < values.size(); ++i) result = b.node(type, {result, values[i]});
  return values.size() == 1 ? b.node("Identity", {result}) : result;
}

Outputs add(LayerCall& call) {
  const Aligned x = align(call);
  return {merged(call, x, chain(call.b, "Add", x.values))};
}
Outputs multiply(LayerCall& call) {
  const Aligned x = align(call);
  return {merged(call, x, chain(call.b, "Mul", x.values))};
}
Outputs maximum(LayerCall& call) {
  const Aligned x = align(call);
  return {merged(call, x, call.b.node("Max", x.values))};
}
Outputs minimum(LayerCall& call) {
  const Aligned x = align(call);
  return {merged(call, x, call.b.node("Min", x.values))};
}
Outputs subtract(LayerCall& call) {
  const Aligned x = align(call);
  if (x.values.size() != 2) throw KerasError("Subtract takes two inputs");
  return {merged(call, x, call.b.node("Sub", x.values))};
}
Outputs average(LayerCall& call) {
  const Aligned x = align(call);
  const ValueId sum = chain(call.b, "Add", x.values);
  const float share = 1.0f / static_cast<float>(x.values.size());
  return {merged(call, x, call.b.node("Mul", {sum, call.b.scalar(share)}))};
}

/// The residual sum of Keras's InceptionResNetV2: the second input counts `scale` times.
Outputs customScale(LayerCall& call) {
  const Aligned x = align(call);
  if (x.values.size() != 2) throw KerasError("the layer takes two inputs");
  const auto scale = static_cast<float>(call.options.number("scale", 1));
  Builder& b = call.b;
  return {merged(call, x, b.node("Add", {x.values[0], b.node("Mul", {x.values[1], b.scalar(scale)})}))};
}

/// Masks of joined features all have to count; along the steps they are joined as well.
TensorPtr joinedMask(LayerCall& call, std::int64_t axis, const Ints& shape) {
  Builder& b = call.b;
  const bool any = std::any_of(call.inputs.begin(), call.inputs.end(), [](const TensorPtr& t) { return t->mask; });
  if (!any) return nullptr;
  if (axis == 1) {
    std::vector<ValueId> masks;
    for (const TensorPtr& input : call.inputs) {
      if (!input->mask) return nullptr;
      masks.push_back(b.plainOf(*input->mask));
    }
    return b.plain(b.concat(masks, 1), {shape[0], shape[1]}, DataType::Bool);
  }
  TensorPtr mask;
  for (const TensorPtr& input : call.inputs) {
    if (!input->mask || input->mask == mask) continue;
    mask = mask ? b.plain(b.node("And", {b.plainOf(*mask), b.plainOf(*input->mask)}), mask->shape, DataType::Bool)
                : input->mask;
  }
  return mask;
}

Outputs concatenate(LayerCall& call) {
  Builder& b = call.b;
  if (call.inputs.empty()) throw KerasError("the layer has no inputs");
  const std::size_t rank = call.inputs[0]->rank();
  bool mixed = false;
  for (const TensorPtr& input : call.inputs) {
    if (input->rank() != rank) throw KerasError("the inputs have different numbers of dimensions");
    mixed = mixed || input->type != call.inputs[0]->type;
  }
  if (mixed)
    for (TensorPtr& input : call.inputs) input = asFloat(b, input);
  const bool first = prefersChannelsFirst(call.inputs, rank);
  const std::int64_t axis = axisOf(*call.inputs[0], call.options.integer("axis", -1));
  Ints shape = call.inputs[0]->shape;
  std::vector<ValueId> values;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    KerasTensor& input = *call.inputs[i];
    values.push_back(first ? b.channelsFirstOf(input) : b.plainOf(input));
    const auto at = static_cast<std::size_t>(axis);
    if (i > 0) shape[at] = shape[at] < 0 || input.shape[at] < 0 ? -1 : shape[at] + input.shape[at];
    for (std::size_t d = 0; d < rank; ++d)
      if (d != at && shape[d] < 0) shape[d] = input.shape[d];
  }
  const KerasTensor like = first ? *b.channelsFirst(values[0], shape) : *b.plain(values[0], shape);
  TensorPtr result = sameForm(like, b.concat(values, axisIn(like, axis)));
  result->type = call.inputs[0]->type;
  result->mask = joinedMask(call, axis, shape);
  return {result};
}

ValueId unitLength(Builder& b, ValueId value, std::int64_t axis) {
  const ValueId sum = b.node("ReduceSum", {b.node("Mul", {value, value}), b.ints({axis})}, {{"keepdims", 1}});
  return b.node("Div", {value, b.node("Sqrt", {b.node("Max", {sum, b.scalar(1e-12f)})})});
}

/// batch_dot: the sum over one axis of each input, batch by batch.
Outputs dot(LayerCall& call) {
  Builder& b = call.b;
  if (call.inputs.size() != 2) throw KerasError("Dot takes two inputs");
  const TensorPtr x = asFloat(b, call.inputs[0]), y = asFloat(b, call.inputs[1]);
  const Ints axes = call.options.integers("axes", 2);
  const std::int64_t axisX = axisOf(*x, axes[0]), axisY = axisOf(*y, axes[1]);
  if (axisX == 0 || axisY == 0 || x->rank() < 2 || y->rank() < 2 || x->rank() + y->rank() > 8)
    throw KerasError("the axes of Dot are not supported");
  ValueId left = b.plainOf(*x), right = b.plainOf(*y);
  if (call.options.flag("normalize", false)) {
    left = unitLength(b, left, axisX);
    right = unitLength(b, right, axisY);
  }
  // "bij,bkj->bik": letters by axis, the summed one common.
  std::string first = "z", second = "z", result = "z";
  Ints shape{x->shape[0]};
  for (std::size_t i = 1; i < x->rank(); ++i) {
    const char letter = static_cast<std::int64_t>(i) == axisX ? 's' : static_cast<char>('a' + i);
    first += letter;
    if (letter != 's') result += letter, shape.push_back(x->shape[i]);
  }
  for (std::size_t i = 1; i < y->rank(); ++i) {
    const char letter = static_cast<std::int64_t>(i) == axisY ? 's' : static_cast<char>('j' + i);
    second += letter;
    if (letter != 's') result += letter, shape.push_back(y->shape[i]);
  }
  if (x->rank() == 3 && y->rank() == 3) {
    if (axisX == 1) left = b.transpose(left, {0, 2, 1});
    if (axisY == 2) right = b.transpose(right, {0, 2, 1});
    return {b.plain(b.node("MatMul", {left, right}), shape)};
  }
  ValueId value = b.node("Einsum", {left, right}, {{"equation", first + "," + second + "->" + result}});
  if (shape.size() == 1) {
    value = b.unsqueeze(value, {1});
    shape.push_back(1);
  }
  return {b.plain(value, shape)};
}

constexpr LayerDef kLayers[] = {
    {"Add", add},
    {"Multiply", multiply},
    {"Maximum", maximum},
    {"Minimum", minimum},
    {"Subtract", subtract},
    {"Average", average},
    {"Concatenate", concatenate},
    {"Dot", dot},
    {"CustomScaleLayer", customScale},
};

} // namespace

std::span<const LayerDef> mergingLayers() { return kLayers; }

} // namespace tandem::detail
