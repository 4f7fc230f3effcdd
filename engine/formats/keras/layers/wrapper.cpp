// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/functional.hpp"

#include <nlohmann/json.hpp>

namespace tandem::detail {
namespace {

/// Applies to each step on its own whatever the number of dimensions.
bool worksOnLastAxis(const LayerSpec& layer) {
  return layer.className == "Dense" || layer.className == "Dropout" || layer.className == "Activation";
}

/// [N, T, rest] to [N * T, rest].
TensorPtr joinSteps(Builder& b, KerasTensor& x) {
  Ints shape(x.shape.begin() + 1, x.shape.end());
  shape[0] = -1;
  Ints request = shape;
  int unknown = 0;
  for (const std::int64_t dim : shape) unknown += dim < 0;
  const ValueId value = b.plainOf(x);
  if (unknown <= 1) return b.plain(b.reshape(value, request), shape, x.type);
  const ValueId rest = b.node("Shape", {value}, {{"start", 2}});
  return b.plain(b.node("Reshape", {value, b.concat({b.ints({-1}), rest}, 0)}), shape, x.type);
}

/// [N * T, rest] to [N, T, rest], with N and T of `like`.
TensorPtr splitSteps(Builder& b, KerasTensor& y, KerasTensor& like) {
  Ints shape{like.shape[0], like.shape[1]};
  shape.insert(shape.end(), y.shape.begin() + 1, y.shape.end());
  bool known = like.shape[1] >= 0;
  for (std::size_t i = 1; i < y.rank(); ++i) known = known && y.shape[i] >= 0;
  const ValueId value = b.plainOf(y);
  if (known) {
    Ints request = shape;
    request[0] = -1;
    return b.plain(b.reshape(value, request), shape, y.type);
  }
  const ValueId head = b.node("Shape", {b.plainOf(like)}, {{"start", 0}, {"end", 2}});
  const ValueId rest = b.node("Shape", {value}, {{"start", 1}});
  return b.plain(b.node("Reshape", {value, b.concat({head, rest}, 0)}), shape, y.type);
}

Outputs timeDistributed(LayerCall& call) {
  const TensorPtr x = call.inputPtr();
  const Json* entry = call.options.find("layer");
  if (!entry) throw KerasError("the option 'layer' is missing");
  const LayerSpec inner = layerSpec(*entry);
  if (x->rank() < 3) throw KerasError("the input has the shape " + shapeText(x->shape) + ", without steps");
  const auto weights = call.weights.part({"layer"});
  const auto scope = call.b.enter(inner.name.empty() ? toSnakeCase(inner.className) : inner.name);
  Argument argument;
  if (worksOnLastAxis(inner)) {
    argument.tensor = x;
    return call.importer.apply(inner, {argument}, {}, *weights);
  }
  argument.tensor = joinSteps(call.b, *x);
  Outputs outputs = call.importer.apply(inner, {argument}, {}, *weights);
  for (TensorPtr& output : outputs) output = splitSteps(call.b, *output, *x);
  return outputs;
}

constexpr LayerDef kLayers[] = {{"TimeDistributed", timeDistributed, true}};

} // namespace

std::span<const LayerDef> wrapperLayers() { return kLayers; }

} // namespace tandem::detail
