// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/checked.hpp"
#include "engine/formats/keras/layers/spatial.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace tandem::detail {
namespace {

constexpr std::int64_t kEnd = std::numeric_limits<std::int64_t>::max();

std::int64_t productOf(const Ints& dims) {
  if (std::any_of(dims.begin(), dims.end(), [](std::int64_t dim) { return dim < 0; })) return -1;
  const auto product = checkedProduct(dims);
  if (!product) throw KerasError("the shape " + shapeText(dims) + " is too large");
  return *product;
}

Outputs flatten(LayerCall& call) {
  const TensorPtr x = call.inputPtr();
  Builder& b = call.b;
  const Ints rest(x->shape.begin() + 1, x->shape.end());
  const std::int64_t size = productOf(rest);
  if (x->rank() == 1) return {b.plain(b.unsqueeze(b.plainOf(*x), {1}), {x->shape[0], 1}, x->type)};
  // Keras flattens in the order of channels_last, whatever the data format.
  ValueId value;
  const bool onePixel = std::all_of(rest.begin(), rest.end() - 1, [](std::int64_t dim) { return dim == 1; });
  if (!isChannelsLast(call.options) && x->rank() > 2)
    value = b.transpose(b.plainOf(*x), toChannelsLast(x->rank()));
  else
    value = onePixel ? valueOf(*x) : b.plainOf(*x);
  return {b.plain(b.node("Flatten", {value}, {{"axis", 1}}), {x->shape[0], size}, x->type)};
}

Outputs reshape(LayerCall& call) {
  const TensorPtr x = call.inputPtr();
  Builder& b = call.b;
  const auto target = call.options.shape("target_shape");
  if (!target) throw KerasError("the option 'target_shape' is missing");
  if (target->size() + 1 > kMaxRank) throw KerasError("the target has too many dimensions");
  if (std::count(target->begin(), target->end(), -1) > 1) throw KerasError("the target has several unknown dimensions");
  const std::int64_t size = productOf(Ints(x->shape.begin() + 1, x->shape.end()));
  Ints shape{x->shape[0]}, request{0};
  std::int64_t known = 1;
  for (const std::int64_t dim : *target) {
    if (dim == 0) throw KerasError("the target has a dimension of 0");
    if (dim > 0) known = checkedMul(known, dim).value_or(kEnd);
    shape.push_back(dim);
    request.push_back(dim);
  }
  if (size >= 0) {
    const auto open = std::find(shape.begin() + 1, shape.end(), -1);
    if (open != shape.end() && size % known == 0) *open = size / known;
    if (open == shape.end() && known != size)
      throw KerasError("the shape " + shapeText(x->shape) + " cannot become " + shapeText(shape));
  }
  return {b.plain(b.reshape(b.plainOf(*x), request), shape, x->type)};
}

Outputs permute(LayerCall& call) {
  const TensorPtr x = call.inputPtr();
  Builder& b = call.b;
  Ints permutation{0};
  for (const std::int64_t dim : call.options.list("dims")) permutation.push_back(dim);
  Ints sorted = permutation;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i)
    if (sorted[i] != static_cast<std::int64_t>(i) || sorted.size() != x->rank())
      throw KerasError("the option 'dims' is no permutation of the dimensions of " + shapeText(x->shape));
  Ints shape;
  for (const std::int64_t axis : permutation) shape.push_back(x->shape[static_cast<std::size_t>(axis)]);
  return {b.plain(b.transpose(b.plainOf(*x), permutation), shape, x->type)};
}

Outputs repeatVector(LayerCall& call) {
  const TensorPtr x = call.inputPtr();
  Builder& b = call.b;
  const std::int64_t count = call.options.integer("n");
  if (x->rank() != 2 || count < 1 || count > (1 << 20))
    throw KerasError("cannot repeat the shape " + shapeText(x->shape));
  const ValueId value = b.node("Expand", {b.unsqueeze(b.plainOf(*x), {1}), b.ints({1, count, 1})});
  return {b.plain(value, {x->shape[0], count, x->shape[1]}, x->type)};
}

/// Two numbers, begin and end, for each axis of positions: from one number, one each, or a pair each.
Ints pairsOf(const Options& options, const char* name, std::size_t axes, std::int64_t otherwise) {
  const Json* given = options.find(name);
  Ints pairs(2 * axes, otherwise);
  if (!given) return pairs;
  const std::string what = std::string("the option '") + name + "'";
  const auto whole = [&](const Json& json) {
    const std::int64_t value = integerOf(json, what);
    if (value < 0 || value > (1 << 24)) throw KerasError(what + " is out of range");
    return value;
  };
  if (!given->is_array()) return Ints(2 * axes, whole(*given));
  // A single axis has its pair without a list around it.
  if (axes == 1 && given->size() == 2) return {whole((*given)[0]), whole((*given)[1])};
  if (given->size() != axes) throw KerasError(what + " has not " + std::to_string(axes) + " entries");
  for (std::size_t i = 0; i < axes; ++i) {
    const Json& entry = (*given)[i];
    if (entry.is_array() && entry.size() != 2) throw KerasError(what + " has an entry that is no pair");
    pairs[2 * i] = whole(entry.is_array() ? entry[0] : entry);
    pairs[2 * i + 1] = whole(entry.is_array() ? entry[1] : entry);
  }
  return pairs;
}

template <std::size_t Axes> Outputs zeroPadding(LayerCall& call) {
  const SpatialInput x = spatialInput(call, Axes);
  const Ints pairs = pairsOf(call.options, "padding", Axes, 1);
  Ints pads(2 * (Axes + 2), 0), positions = x.positions;
  for (std::size_t i = 0; i < Axes; ++i) {
    pads[2 + i] = pairs[2 * i];
    pads[Axes + 4 + i] = pairs[2 * i + 1];
    if (positions[i] >= 0) positions[i] += pairs[2 * i] + pairs[2 * i + 1];
  }
  return {spatialOutput(call, x, call.b.node("Pad", {x.value, call.b.ints(pads)}), x.channels, positions)};
}

template <std::size_t Axes> Outputs cropping(LayerCall& call) {
  const SpatialInput x = spatialInput(call, Axes);
  const Ints pairs = pairsOf(call.options, "cropping", Axes, 1);
  Ints begins, ends, axes, positions = x.positions;
  for (std::size_t i = 0; i < Axes; ++i) {
    const std::int64_t cut = pairs[2 * i] + pairs[2 * i + 1];
    if (positions[i] >= 0 && positions[i] <= cut) throw KerasError("nothing is left after cropping");
    if (positions[i] >= 0) positions[i] -= cut;
    if (cut == 0) continue;
    axes.push_back(static_cast<std::int64_t>(i) + 2);
    begins.push_back(pairs[2 * i]);
    ends.push_back(pairs[2 * i + 1] > 0 ? -pairs[2 * i + 1] : kEnd);
  }
  Builder& b = call.b;
  const ValueId value = axes.empty() ? b.node("Identity", {x.value})
                                     : b.node("Slice", {x.value, b.ints(begins), b.ints(ends), b.ints(axes)});
  return {spatialOutput(call, x, value, x.channels, positions)};
}

constexpr LayerDef kLayers[] = {
    {"Flatten", flatten},
    {"Reshape", reshape},
    {"Permute", permute},
    {"RepeatVector", repeatVector},
    {"ZeroPadding1D", zeroPadding<1>},
    {"ZeroPadding2D", zeroPadding<2>},
    {"ZeroPadding3D", zeroPadding<3>},
    {"Cropping1D", cropping<1>},
    {"Cropping2D", cropping<2>},
    {"Cropping3D", cropping<3>},
};

} // namespace

std::span<const LayerDef> reshapingLayers() { return kLayers; }

} // namespace tandem::detail
