// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/functional.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

// Formulas: keras/src/activations/activations.py and keras/src/backend/*/nn.py; where versions differ it is said.
namespace tandem::detail {
namespace {

/// y = f(x) for functions of one element.
ValueId elementwise(LayerCall& call, const std::string& name, ValueId x) {
  Builder& b = call.b;
  const bool old = b.kerasMajor < 3;
  const auto product = [&](ValueId factor) { return b.node("Mul", {x, factor}); };
  const auto clip = [&](float low, float high) { return b.node("Clip", {x, b.scalar(low), b.scalar(high)}); };
  if (name == "relu") return b.node("Relu", {x});
  if (name == "relu6") return clip(0, 6);
  if (name == "sigmoid") return b.node("Sigmoid", {x});
  if (name == "tanh") return b.node("Tanh", {x});
  if (name == "elu") return b.node("Elu", {x});
  if (name == "selu") return b.node("Selu", {x}, {{"alpha", 1.6732632423543772}, {"gamma", 1.0507009873554805}});
  if (name == "celu") return b.node("Celu", {x});
  if (name == "softplus") return b.node("Softplus", {x});
  if (name == "softsign") return b.node("Softsign", {x});
  if (name == "exponential") return b.node("Exp", {x});
  if (name == "gelu") return b.node("Gelu", {x});
  if (name == "mish") return b.node("Mish", {x});
  if (name == "silu" || name == "swish") return product(b.node("Sigmoid", {x}));
  // Keras 2 has the faster 0.2 x + 0.5, Keras 3 relu6(x + 3) / 6.
  if (name == "hard_sigmoid") return b.node("HardSigmoid", {x}, {{"alpha", old ? 0.2 : 1.0 / 6.0}, {"beta", 0.5}});
  if (name == "hard_silu" || name == "hard_swish") return b.node("HardSwish", {x});
  if (name == "leaky_relu") return b.node("LeakyRelu", {x}, {{"alpha", 0.2}});
  if (name == "hard_tanh") return clip(-1, 1);
  if (name == "tanh_shrink") return b.node("Sub", {x, b.node("Tanh", {x})});
  if (name == "soft_shrink") return b.node("Shrink", {x}, {{"lambd", 0.5}, {"bias", 0.5}});
  if (name == "hard_shrink") return b.node("Shrink", {x}, {{"lambd", 0.5}, {"bias", 0.0}});
  if (name == "log_sigmoid") return b.node("Neg", {b.node("Softplus", {b.node("Neg", {x})})});
  if (name == "squareplus") {
    const ValueId root = b.node("Sqrt", {b.node("Add", {b.node("Mul", {x, x}), b.scalar(4)})});
    return b.node("Mul", {b.node("Add", {x, root}), b.scalar(0.5f)});
  }
  if (name == "sparse_sigmoid") {
    const ValueId line = b.node("Mul", {b.node("Add", {x, b.scalar(1)}), b.scalar(0.5f)});
    return b.node("Clip", {line, b.scalar(0), b.scalar(1)});
  }
  if (name == "sparse_plus") {
    // 0 up to -1, (x + 1)^2 / 4 up to 1, then x.
    const ValueId inner = b.node("Clip", {b.node("Add", {x, b.scalar(1)}), b.scalar(0), b.scalar(2)});
    const ValueId square = b.node("Mul", {b.node("Mul", {inner, inner}), b.scalar(0.25f)});
    return b.node("Add", {square, b.node("Relu", {b.node("Sub", {x, b.scalar(1)})})});
  }
  return {};
}

constexpr const char* kElementwise[] = {
    "relu",         "relu6",       "sigmoid",     "tanh",           "elu",        "selu",        "celu",
    "softplus",     "softsign",    "exponential", "gelu",           "mish",       "silu",        "swish",
    "hard_sigmoid", "hard_silu",   "hard_swish",  "leaky_relu",     "hard_tanh",  "tanh_shrink", "soft_shrink",
    "hard_shrink",  "log_sigmoid", "squareplus",  "sparse_sigmoid", "sparse_plus"};

bool isElementwise(const std::string& name) {
  return std::find(std::begin(kElementwise), std::end(kElementwise), name) != std::end(kElementwise);
}

TensorPtr softmaxOver(Builder& b, const KerasTensor& x, const char* type, std::int64_t axis) {
  return sameForm(x, b.node(type, {valueOf(x)}, {{"axis", axisIn(x, axis)}}));
}

/// Half of the features, each times the sigmoid of one of the other half.
TensorPtr gatedLinear(Builder& b, const KerasTensor& x) {
  Ints shape = x.shape;
  if (shape.back() < 2 || shape.back() % 2) throw KerasError("glu needs an even number of features");
  const std::int64_t axis = axisIn(x, -1), half = shape.back() / 2;
  shape.back() = half;
  const ValueId first = b.slice(valueOf(x), axis, 0, half), second = b.slice(valueOf(x), axis, half, 2 * half);
  TensorPtr result = sameForm(x, b.node("Mul", {first, b.node("Sigmoid", {second})}));
  result->shape = shape;
  return result;
}

// --- layers ---------------------------------------------------------------------------------------------------------

Outputs activation(LayerCall& call) {
  KerasTensor& x = call.input();
  TensorPtr result = applyActivation(call, call.inputs[0], call.options.find("activation"));
  if (result == call.inputs[0]) result = sameForm(x, call.b.node("Identity", {valueOf(x)}));
  return {result};
}

/// max_value where x is above it, x above the threshold, negative_slope (x - threshold) elsewhere.
ValueId generalRelu(Builder& b, ValueId x, double slope, double threshold, std::optional<double> maximum) {
  if (threshold == 0 && slope == 0 && !maximum) return b.node("Relu", {x});
  if (threshold == 0 && slope == 0) return b.node("Clip", {x, b.scalar(0), b.scalar(static_cast<float>(*maximum))});
  ValueId above = x;
  if (maximum) above = b.node("Min", {x, b.scalar(static_cast<float>(*maximum))});
  if (threshold == 0) return b.node("LeakyRelu", {above}, {{"alpha", slope}});
  const ValueId limit = b.scalar(static_cast<float>(threshold));
  ValueId below = b.scalar(0);
  if (slope != 0) below = b.node("Mul", {b.node("Sub", {x, limit}), b.scalar(static_cast<float>(slope))});
  return b.node("Where", {b.node("Greater", {x, limit}), above, below});
}

Outputs relu(LayerCall& call) {
  KerasTensor& x = call.input();
  const double slope = call.options.number("negative_slope", 0), threshold = call.options.number("threshold", 0);
  std::optional<double> maximum;
  if (call.options.has("max_value")) maximum = call.options.number("max_value", 0);
  return {sameForm(x, generalRelu(call.b, valueOf(x), slope, threshold, maximum))};
}

Outputs leakyRelu(LayerCall& call) {
  KerasTensor& x = call.input();
  const Options& options = call.options;
  const double slope =
      options.has("negative_slope") ? options.number("negative_slope", 0.3) : options.number("alpha", 0.3);
  return {sameForm(x, call.b.node("LeakyRelu", {valueOf(x)}, {{"alpha", slope}}))};
}

Outputs elu(LayerCall& call) {
  KerasTensor& x = call.input();
  return {sameForm(x, call.b.node("Elu", {valueOf(x)}, {{"alpha", call.options.number("alpha", 1)}}))};
}

Outputs thresholdedRelu(LayerCall& call) {
  KerasTensor& x = call.input();
  return {sameForm(x, call.b.node("ThresholdedRelu", {valueOf(x)}, {{"alpha", call.options.number("theta", 1)}}))};
}

/// The slopes have the shape of the input without batch, 1 on shared axes.
Outputs prelu(LayerCall& call) {
  KerasTensor& x = call.input();
  Ints shape(x.shape.begin() + 1, x.shape.end());
  for (const std::int64_t axis : call.options.list("shared_axes")) {
    if (axis < 1 || axis > static_cast<std::int64_t>(shape.size())) throw KerasError("a shared axis is out of range");
    shape[static_cast<std::size_t>(axis) - 1] = 1;
  }
  const bool first = x.isChannelsFirst();
  const ValueId slope = call.weight(first ? "alpha_channels_first" : "alpha", Shape(shape), [&](Tensor tensor) {
    Ints permutation{static_cast<std::int64_t>(shape.size()) - 1};
    for (std::int64_t i = 0; i + 1 < static_cast<std::int64_t>(shape.size()); ++i) permutation.push_back(i);
    return first ? permuted(tensor, permutation) : tensor;
  });
  return {sameForm(x, call.b.node("PRelu", {valueOf(x), slope}))};
}

Outputs softmax(LayerCall& call) {
  KerasTensor& x = call.input();
  Builder& b = call.b;
  if (call.tensorArgument("mask") || x.mask) throw KerasError("a Softmax with a mask is not supported");
  Ints axes = call.options.list("axis");
  if (axes.empty()) axes = {-1};
  if (axes.size() == 1) return {softmaxOver(b, x, "Softmax", axes[0])};
  for (std::int64_t& axis : axes) axis = axisIn(x, axis);
  const ValueId over = b.ints(axes), value = valueOf(x);
  const ValueId shifted = b.node("Sub", {value, b.node("ReduceMax", {value, over}, {{"keepdims", 1}})});
  const ValueId power = b.node("Exp", {shifted});
  return {sameForm(x, b.node("Div", {power, b.node("ReduceSum", {power, over}, {{"keepdims", 1}})}))};
}

constexpr LayerDef kLayers[] = {
    {"Activation", activation, true}, {"ReLU", relu, true},
    {"LeakyReLU", leakyRelu, true},   {"ELU", elu, true},
    {"PReLU", prelu, true},           {"ThresholdedReLU", thresholdedRelu, true},
    {"Softmax", softmax, true},
};

} // namespace

std::span<const LayerDef> activationLayers() { return kLayers; }

bool isKnownActivation(const std::string& name) {
  return isElementwise(name) || name == "linear" || name == "softmax" || name == "log_softmax" || name == "glu";
}

std::string activationName(const Json* json) {
  if (!json || json->is_null()) return "linear";
  std::string name;
  if (json->is_string()) {
    name = json->get<std::string>();
  } else if (json->is_object()) {
    // Keras 2.12 and later may write {"class_name": "function", "config": "relu"}, Keras 3 a layer.
    const auto config = json->find("config");
    if (config != json->end() && config->is_string()) name = config->get<std::string>();
  }
  if (const std::size_t mark = name.find('>'); mark != std::string::npos && name.starts_with("keras"))
    name.erase(0, mark + 1);
  if (name == "sparsemax" || name == "threshold") throw KerasError("the activation '" + name + "' is not supported");
  if (!isKnownActivation(name))
    throw KerasError("unsupported: contains code: the activation '" + name.substr(0, 80) + "' is not one of Keras's");
  return name;
}

TensorPtr applyActivation(LayerCall& call, TensorPtr tensor, const Json* json) {
  // A layer in the place of a function: LeakyReLU() as an activation.
  if (json && json->is_object() && json->contains("class_name") && json->contains("config") &&
      json->at("config").is_object()) {
    const LayerSpec layer = layerSpec(*json);
    const LayerDef* def = findLayer(layer.className);
    if (def && def->className != "PReLU") {
      Argument argument;
      argument.tensor = tensor;
      Outputs outputs = call.importer.apply(layer, {argument}, {}, call.weights);
      return outputs.front();
    }
  }
  const std::string name = activationName(json);
  if (name == "linear") return tensor;
  if (name == "softmax") return softmaxOver(call.b, *tensor, "Softmax", -1);
  if (name == "log_softmax") return softmaxOver(call.b, *tensor, "LogSoftmax", -1);
  if (name == "glu") return gatedLinear(call.b, *tensor);
  return sameForm(*tensor, elementwise(call, name, valueOf(*tensor)));
}

} // namespace tandem::detail
