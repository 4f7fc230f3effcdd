// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/layer.hpp"

#include <nlohmann/json.hpp>

namespace tandem::detail {
namespace {

Outputs dense(LayerCall& call) {
  KerasTensor& x = call.input();
  Builder& b = call.b;
  if (x.rank() < 2) throw KerasError("the input has the shape " + shapeText(x.shape));
  const std::int64_t units = call.options.integer("units");
  const ValueId kernel = call.weight("kernel", {x.shape.back(), units});
  std::vector<ValueId> inputs{b.plainOf(x), kernel};
  if (call.options.flag("use_bias", true)) inputs.push_back(call.weight("bias", {units}));
  Ints shape = x.shape;
  shape.back() = units;
  ValueId value;
  if (x.rank() == 2) {
    value = b.node("Gemm", inputs);
  } else {
    value = b.node("MatMul", {inputs[0], inputs[1]});
    if (inputs.size() == 3) value = b.node("Add", {value, inputs[2]});
  }
  return {applyActivation(call, b.plain(value, shape), call.options.find("activation"))};
}

/// A product by an equation such as "abc,cd->abd". Its letters give the extents; the bias stands over `bias_axes`, with
/// ones between them.
Outputs einsumDense(LayerCall& call) {
  KerasTensor& x = call.input();
  Builder& b = call.b;
  const std::string equation = call.options.text("equation", "");
  const std::size_t comma = equation.find(','), arrow = equation.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || comma > arrow ||
      equation.find_first_of(". ") != std::string::npos)
    throw KerasError("the equation '" + equation.substr(0, 80) + "' is not supported");
  const std::string in = equation.substr(0, comma), weight = equation.substr(comma + 1, arrow - comma - 1);
  const std::string out = equation.substr(arrow + 2), biasAxes = call.options.text("bias_axes", "");
  if (in.size() != x.rank() || weight.size() > kMaxRank || out.empty() || out.size() > kMaxRank)
    throw KerasError("the equation '" + equation + "' does not fit the input " + shapeText(x.shape));
  std::map<char, std::int64_t> extents;
  for (std::size_t i = 0; i < in.size(); ++i) extents[in[i]] = x.shape[i];
  Ints dims;
  for (const char letter : weight) dims.push_back(extents.contains(letter) ? extents[letter] : -1);
  const ValueId kernel = call.weight("kernel", Shape(dims));
  const Shape& actual = b.graph().value(kernel).constant.shape();
  for (std::size_t i = 0; i < weight.size(); ++i) extents[weight[i]] = actual[i];
  Ints shape;
  for (const char letter : out) shape.push_back(extents.contains(letter) ? extents[letter] : -1);
  ValueId value = b.node("Einsum", {b.plainOf(x), kernel}, {{"equation", equation}});
  if (const std::size_t first = out.find_first_of(biasAxes); first != std::string::npos) {
    Ints biasShape;
    for (std::size_t i = first; i < out.size(); ++i)
      biasShape.push_back(biasAxes.find(out[i]) == std::string::npos ? 1 : shape[i]);
    value = b.node("Add", {value, call.weight("bias", Shape(biasShape))});
  }
  return {applyActivation(call, b.plain(value, shape), call.options.find("activation"))};
}

/// What does something in training only.
Outputs identity(LayerCall& call) {
  const TensorPtr x = call.inputPtr();
  return {sameForm(*x, call.b.node("Identity", {valueOf(*x)}))};
}

Outputs embedding(LayerCall& call) {
  const TensorPtr x = call.inputPtr();
  Builder& b = call.b;
  ValueId indices = b.plainOf(*x);
  if (x->type != DataType::Int32 && x->type != DataType::Int64) indices = b.cast(indices, DataType::Int32);
  const std::int64_t width = call.options.integer("output_dim");
  const ValueId table = call.weight("embeddings", {call.options.integer("input_dim"), width});
  Ints shape = x->shape;
  shape.push_back(width);
  TensorPtr result = b.plain(b.node("Gather", {table, indices}, {{"axis", 0}}), shape);
  if (call.options.flag("mask_zero", false)) {
    const DataType type = x->type == DataType::Int64 ? DataType::Int64 : DataType::Int32;
    const ValueId isZero = b.node("Equal", {indices, b.intScalar(0, type)});
    result->mask = b.plain(b.node("Not", {isZero}), x->shape, DataType::Bool);
  }
  return {result};
}

/// A step counts where any of its features differs from the value; features of the others become zero.
Outputs masking(LayerCall& call) {
  KerasTensor& x = call.input();
  Builder& b = call.b;
  const auto value = static_cast<float>(call.options.number("mask_value", 0));
  const ValueId differs = b.node("Not", {b.node("Equal", {b.plainOf(x), b.scalar(value)})});
  const ValueId counts = b.node("ReduceMax", {b.cast(differs, DataType::Float32), b.ints({-1})}, {{"keepdims", 1}});
  TensorPtr result = b.plain(b.node("Mul", {b.plainOf(x), counts}), x.shape);
  Ints steps(x.shape.begin(), x.shape.end() - 1);
  result->mask = b.plain(b.cast(b.squeeze(counts, {-1}), DataType::Bool), steps, DataType::Bool);
  return {result};
}

constexpr LayerDef kLayers[] = {
    {"Dense", dense, true},
    {"EinsumDense", einsumDense},
    {"Embedding", embedding},
    {"Masking", masking},
    {"Dropout", identity, true},
    {"AlphaDropout", identity, true},
    {"GaussianDropout", identity, true},
    {"GaussianNoise", identity, true},
    {"SpatialDropout1D", identity, true},
    {"SpatialDropout2D", identity, true},
    {"SpatialDropout3D", identity, true},
    {"ActivityRegularization", identity, true},
    {"Identity", identity, true},
    {"StochasticDepth", identity, true},
    {"RandomFlip", identity},
    {"RandomRotation", identity},
    {"RandomZoom", identity},
    {"RandomTranslation", identity},
    {"RandomContrast", identity},
    {"RandomBrightness", identity},
    {"RandomHeight", identity},
    {"RandomWidth", identity},
    {"RandomShear", identity},
    {"RandomHue", identity},
    {"RandomSaturation", identity},
    {"RandomColorJitter", identity},
    {"RandomColorDegeneration", identity},
    {"RandomSharpness", identity},
    {"RandomGrayscale", identity},
    {"RandomPosterization", identity},
    {"RandomErasing", identity},
    {"RandomGaussianBlur", identity},
    {"RandomPerspective", identity},
    {"RandomInvert", identity},
    {"RandomElasticTransform", identity},
};

} // namespace

std::span<const LayerDef> coreLayers() { return kLayers; }

} // namespace tandem::detail
