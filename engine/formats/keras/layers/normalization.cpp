// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/layer.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

namespace tandem::detail {
namespace {

/// The axes of an option that holds one or a list, counted from the front, ascending.
Ints axesOf(const Options& options, const KerasTensor& x, const char* name) {
  Ints axes = options.list(name);
  if (axes.empty()) axes = {-1};
  for (std::int64_t& axis : axes) axis = axisOf(x, axis);
  std::sort(axes.begin(), axes.end());
  if (std::adjacent_find(axes.begin(), axes.end()) != axes.end()) throw KerasError("an axis is named twice");
  return axes;
}

/// The extents of these axes; throws where one is unknown.
Shape extentsOf(const KerasTensor& x, const Ints& axes) {
  Ints dims;
  for (const std::int64_t axis : axes) dims.push_back(x.shape[static_cast<std::size_t>(axis)]);
  if (std::any_of(dims.begin(), dims.end(), [](std::int64_t d) { return d < 1; }))
    throw KerasError("the extent of an axis is not known");
  return Shape(dims);
}

/// A tensor over some axes of `x`, in a shape that broadcasts against the form of `x` that exists.
Tensor broadcastable(const KerasTensor& x, const Ints& axes, const Tensor& tensor) {
  Ints dims(x.rank(), 1);
  for (std::size_t i = 0; i < axes.size(); ++i) dims[static_cast<std::size_t>(axes[i])] = tensor.shape()[i];
  const Tensor plain = tensor.reshaped(Shape(dims));
  return x.isChannelsFirst() ? permuted(plain, toChannelsFirst(x.rank())) : plain;
}

template <class Function> Tensor mapped(const Tensor& tensor, Function&& function) {
  Tensor result = tensor.clone();
  for (float& element : result.mutableAs<float>()) element = static_cast<float>(function(static_cast<double>(element)));
  return result;
}

Tensor filled(const Shape& shape, float value) {
  Tensor tensor = Tensor::uninitialized({DataType::Float32, shape});
  std::fill_n(tensor.mutableAs<float>().data(), tensor.elements(), value);
  return tensor;
}

/// A weight that an option may leave out.
Tensor optionalWeight(LayerCall& call, const char* option, const char* name, const Shape& shape, float otherwise) {
  return call.options.flag(option, true) ? call.weightTensor(name, shape) : filled(shape, otherwise);
}

struct Statistics {
  Tensor gamma, beta, mean, variance;
};

Outputs batchNormalization(LayerCall& call) {
  KerasTensor& x = call.input();
  Builder& b = call.b;
  if (call.options.flag("renorm", false)) throw KerasError("batch renormalization is not supported");
  const Ints axes = axesOf(call.options, x, "axis");
  if (axes.size() != 1) throw KerasError("statistics over several axes are not supported");
  const Shape shape = extentsOf(x, axes);
  Statistics s;
  s.gamma = optionalWeight(call, "scale", "gamma", shape, 1);
  s.beta = optionalWeight(call, "center", "beta", shape, 0);
  s.mean = call.weightTensor("moving_mean", shape);
  s.variance = call.weightTensor("moving_variance", shape);
  const double epsilon = call.options.number("epsilon", 1e-3);

  const bool overLast = axes[0] == static_cast<std::int64_t>(x.rank()) - 1;
  const bool asOnnx = x.rank() >= 4 ? overLast || (axes[0] == 1 && !x.isChannelsFirst()) : axisIn(x, axes[0]) == 1;
  if (asOnnx) {
    const bool inSecond = axisIn(x, axes[0]) == 1;
    const ValueId value = inSecond ? valueOf(x) : b.channelsFirstOf(x);
    const auto constant = [&](const char* name, const Tensor& tensor) {
      return b.weight(name, [&] { return tensor; });
    };
    const ValueId result = b.node("BatchNormalization",
                                  {value, constant("gamma", s.gamma), constant("beta", s.beta),
                                   constant("moving_mean", s.mean), constant("moving_variance", s.variance)},
                                  {{"epsilon", epsilon}});
    return {inSecond ? sameForm(x, result) : b.channelsFirst(result, x.shape)};
  }
  // On other axes it is a product and a sum.
  Tensor scale = s.gamma.clone(), shift = s.beta.clone();
  for (std::size_t i = 0; i < static_cast<std::size_t>(scale.elements()); ++i) {
    const double factor = s.gamma.as<float>()[i] / std::sqrt(static_cast<double>(s.variance.as<float>()[i]) + epsilon);
    scale.mutableAs<float>()[i] = static_cast<float>(factor);
    shift.mutableAs<float>()[i] = static_cast<float>(s.beta.as<float>()[i] - s.mean.as<float>()[i] * factor);
  }
  const std::string form = x.isChannelsFirst() ? "_channels_first" : "";
  const ValueId factor = b.weight("scale" + form, [&] { return broadcastable(x, axes, scale); });
  const ValueId offset = b.weight("shift" + form, [&] { return broadcastable(x, axes, shift); });
  return {sameForm(x, b.node("Add", {b.node("Mul", {valueOf(x), factor}), offset}))};
}

/// (x - mean) / sqrt(variance + epsilon) over `axes` of a value; without the mean where `rootOnly`.
ValueId standardized(Builder& b, ValueId x, const Ints& axes, double epsilon, bool rootOnly) {
  const ValueId over = b.ints(axes);
  const auto mean = [&](ValueId value) { return b.node("ReduceMean", {value, over}, {{"keepdims", 1}}); };
  const ValueId centered = rootOnly ? x : b.node("Sub", {x, mean(x)});
  const ValueId variance = mean(b.node("Mul", {centered, centered}));
  const ValueId deviation = b.node("Sqrt", {b.node("Add", {variance, b.scalar(static_cast<float>(epsilon))})});
  return b.node("Div", {centered, deviation});
}

Outputs layerNormalization(LayerCall& call) {
  KerasTensor& x = call.input();
  Builder& b = call.b;
  const Ints axes = axesOf(call.options, x, "axis");
  const Shape shape = extentsOf(x, axes);
  const double epsilon = call.options.number("epsilon", 1e-3);
  const bool rootOnly = call.options.flag("rms_scaling", false);
  const bool scale = call.options.flag("scale", true), center = call.options.flag("center", true);
  Ints last(axes.size());
  std::iota(last.begin(), last.end(), static_cast<std::int64_t>(x.rank() - axes.size()));
  if (axes == last && !rootOnly) {
    const ValueId gamma = scale ? call.weight("gamma", shape) : b.weight("gamma", [&] { return filled(shape, 1); });
    std::vector<ValueId> inputs{b.plainOf(x), gamma};
    if (center) inputs.push_back(call.weight("beta", shape));
    const ValueId value = b.node("LayerNormalization", inputs, {{"axis", axes[0]}, {"epsilon", epsilon}});
    return {b.plain(value, x.shape)};
  }
  const ValueId input = b.plainOf(x);
  const KerasTensor plain = *b.plain(input, x.shape);
  ValueId value = standardized(b, input, axes, epsilon, rootOnly);
  const auto change = [&](const Tensor& t) { return broadcastable(plain, axes, t); };
  if (scale || rootOnly) value = b.node("Mul", {value, call.weight("gamma", shape, change)});
  if (center && !rootOnly) value = b.node("Add", {value, call.weight("beta", shape, change)});
  return {b.plain(value, x.shape)};
}

Outputs rmsNormalization(LayerCall& call) {
  KerasTensor& x = call.input();
  Builder& b = call.b;
  const Ints axes = axesOf(call.options, x, "axis");
  const Shape shape = extentsOf(x, axes);
  const ValueId input = b.plainOf(x);
  const KerasTensor plain = *b.plain(input, x.shape);
  const ValueId value = standardized(b, input, axes, call.options.number("epsilon", 1e-6), true);
  const ValueId scale = call.weight("scale", shape, [&](const Tensor& t) { return broadcastable(plain, axes, t); });
  return {b.plain(b.node("Mul", {value, scale}), x.shape)};
}

/// Statistics over all positions and the channels of one group.
Outputs groupNormalization(LayerCall& call) {
  KerasTensor& x = call.input();
  Builder& b = call.b;
  const Ints axes = axesOf(call.options, x, "axis");
  const Shape shape = extentsOf(x, axes);
  if (axes.size() != 1 || x.rank() < 2 || axes[0] == 0) throw KerasError("the axis is not supported");
  std::int64_t groups = call.options.integer("groups", 32);
  if (groups == -1) groups = shape[0];
  if (groups < 1 || shape[0] % groups)
    throw KerasError(std::to_string(shape[0]) + " channels do not divide into " + std::to_string(groups) + " groups");
  const bool overLast = axes[0] == static_cast<std::int64_t>(x.rank()) - 1;
  if (!overLast && axes[0] != 1) throw KerasError("the axis is not supported");
  // In the form with channels in second place.
  KerasTensor moved = x;
  if (x.rank() > 2 && overLast) {
    b.channelsFirstOf(x);
    moved = *b.channelsFirst(x.channelsFirst, x.shape);
  } else {
    moved = *b.plain(b.plainOf(x), x.shape);
  }
  const ValueId value = valueOf(moved);
  const ValueId grouped = b.reshape(value, {0, groups, -1});
  const ValueId normal = standardized(b, grouped, {2}, call.options.number("epsilon", 1e-3), false);
  ValueId result = b.node("Reshape", {normal, b.node("Shape", {value})});
  const auto change = [&](const Tensor& t) { return broadcastable(moved, axes, t); };
  if (call.options.flag("scale", true)) result = b.node("Mul", {result, call.weight("gamma", shape, change)});
  if (call.options.flag("center", true)) result = b.node("Add", {result, call.weight("beta", shape, change)});
  return {sameForm(moved, result)};
}

Outputs unitNormalization(LayerCall& call) {
  KerasTensor& x = call.input();
  Builder& b = call.b;
  Ints axes = axesOf(call.options, x, "axis");
  for (std::int64_t& axis : axes) axis = axisIn(x, axis);
  const ValueId value = valueOf(x);
  const ValueId sum = b.node("ReduceSum", {b.node("Mul", {value, value}), b.ints(axes)}, {{"keepdims", 1}});
  const ValueId length = b.node("Sqrt", {b.node("Max", {sum, b.scalar(1e-12f)})});
  return {sameForm(x, b.node("Div", {value, length}))};
}

/// Numbers of an option as Keras writes them: one, a list, or nested lists.
std::vector<float> numbersOf(const Json& json) {
  std::vector<float> numbers;
  std::vector<const Json*> open{&json};
  while (!open.empty()) {
    const Json& at = *open.back();
    open.pop_back();
    if (at.is_number()) {
      numbers.push_back(at.get<float>());
    } else if (at.is_array()) {
      for (std::size_t i = at.size(); i-- > 0;) open.push_back(&at[i]);
    } else if (at.is_object() && at.contains("value")) {
      open.push_back(&at.at("value")); // {"class_name": "__numpy__" or "__tensor__", "config": ...}
    } else if (at.is_object() && at.contains("config")) {
      open.push_back(&at.at("config"));
    } else {
      throw KerasError("an option is no list of numbers");
    }
  }
  return numbers;
}

Tensor spread(const std::vector<float>& numbers, const Shape& shape) {
  if (numbers.size() == 1) return filled(shape, numbers[0]);
  if (static_cast<std::int64_t>(numbers.size()) != shape.elements())
    throw KerasError(std::to_string(numbers.size()) + " numbers are given for " + shape.toString() + " elements");
  return Tensor::of<float>(shape, std::span<const float>(numbers));
}

/// The Normalization layer: statistics from adapt(), as weights, or given as options.
Outputs normalization(LayerCall& call) {
  KerasTensor& x = call.input();
  Builder& b = call.b;
  Ints axes;
  if (call.options.has("axis")) axes = axesOf(call.options, x, "axis");
  const Json* axisOption = call.options.find("axis");
  if (axisOption && axisOption->is_array() && axisOption->empty()) axes.clear();
  const Shape shape = axes.empty() ? Shape{} : extentsOf(x, axes);
  Tensor mean, variance;
  if (const Json* given = call.options.find("mean")) {
    const Json* givenVariance = call.options.find("variance");
    if (!givenVariance) throw KerasError("the option 'variance' is missing");
    mean = spread(numbersOf(*given), shape);
    variance = spread(numbersOf(*givenVariance), shape);
  } else {
    mean = call.weightTensor("mean", shape);
    variance = call.weightTensor("variance", shape);
    if (call.weights.hasNext()) (void)call.weights.next("count", Shape{});
  }
  const Tensor deviation = mapped(variance, [](double v) { return std::max(std::sqrt(v), 1e-7); });
  const std::string form = x.isChannelsFirst() ? "_channels_first" : "";
  const ValueId center = b.weight("mean" + form, [&] { return broadcastable(x, axes, mean); });
  const ValueId scale = b.weight("deviation" + form, [&] { return broadcastable(x, axes, deviation); });
  const ValueId value = valueOf(x);
  if (call.options.flag("invert", false)) return {sameForm(x, b.node("Add", {b.node("Mul", {value, scale}), center}))};
  return {sameForm(x, b.node("Div", {b.node("Sub", {value, center}), scale}))};
}

/// x * scale + offset; both may be lists over the last axis.
Outputs rescaling(LayerCall& call) {
  KerasTensor& x = call.input();
  Builder& b = call.b;
  const auto constant = [&](const char* name, float otherwise) {
    const Json* given = call.options.find(name);
    const std::vector<float> numbers = given ? numbersOf(*given) : std::vector<float>{otherwise};
    if (numbers.size() == 1) return b.scalar(numbers[0]);
    const Ints last{static_cast<std::int64_t>(x.rank()) - 1};
    const Tensor tensor = spread(numbers, extentsOf(x, last));
    return b.weight(std::string(name) + (x.isChannelsFirst() ? "_channels_first" : ""),
                    [&] { return broadcastable(x, last, tensor); });
  };
  const ValueId scaled = b.node("Mul", {valueOf(x), constant("scale", 1)});
  return {sameForm(x, b.node("Add", {scaled, constant("offset", 0)}))};
}

/// ConvNeXt's product with one weight per channel.
Outputs layerScale(LayerCall& call) {
  KerasTensor& x = call.input();
  const Ints last{static_cast<std::int64_t>(x.rank()) - 1};
  const std::int64_t width = call.options.integer("projection_dim");
  if (width != x.shape.back()) throw KerasError("projection_dim is not the number of channels");
  const ValueId gamma = call.weight(x.isChannelsFirst() ? "gamma_channels_first" : "gamma", {width},
                                    [&](const Tensor& t) { return broadcastable(x, last, t); });
  return {sameForm(x, call.b.node("Mul", {valueOf(x), gamma}))};
}

constexpr LayerDef kLayers[] = {
    {"BatchNormalization", batchNormalization, true},
    {"SyncBatchNormalization", batchNormalization, true},
    {"BatchNormalizationV1", batchNormalization, true},
    {"LayerNormalization", layerNormalization, true},
    {"RMSNormalization", rmsNormalization, true},
    {"GroupNormalization", groupNormalization, true},
    {"UnitNormalization", unitNormalization, true},
    {"Normalization", normalization, true},
    {"Rescaling", rescaling, true},
    {"LayerScale", layerScale},
};

} // namespace

std::span<const LayerDef> normalizationLayers() { return kLayers; }

} // namespace tandem::detail
