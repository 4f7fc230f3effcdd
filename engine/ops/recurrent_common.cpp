// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/recurrent_common.hpp"

#include "engine/ops/window.hpp"

#include <algorithm>
#include <cctype>

namespace tandem::ops {
namespace {

using Kind = RecurrentActivation::Kind;

struct Entry {
  std::string_view name; ///< lower case
  Kind kind;
  bool takesAlpha;
  bool takesBeta;
  double alpha; ///< defaults
  double beta;
};
// Names and defaults from the ONNX operator pages of RNN, GRU and LSTM and of the operators of the same name.
constexpr Entry kActivations[] = {
    {"affine", Kind::Affine, true, true, 1, 0},
    {"elu", Kind::Elu, true, false, 1, 0},
    {"hardsigmoid", Kind::HardSigmoid, true, true, 0.2, 0.5},
    {"leakyrelu", Kind::LeakyRelu, true, false, 0.01, 0},
    {"relu", Kind::Relu, false, false, 0, 0},
    {"scaledtanh", Kind::ScaledTanh, true, true, 1, 1},
    {"sigmoid", Kind::Sigmoid, false, false, 0, 0},
    {"softplus", Kind::Softplus, false, false, 0, 0},
    {"softsign", Kind::Softsign, false, false, 0, 0},
    {"tanh", Kind::Tanh, false, false, 0, 0},
    {"thresholdedrelu", Kind::ThresholdedRelu, true, false, 1, 0},
};

const Entry* findActivation(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const Entry& entry : kActivations)
    if (entry.name == lower) return &entry;
  return nullptr;
}

bool agree(std::int64_t a, std::int64_t b) { return a == kUnknownDim || b == kUnknownDim || a == b; }

} // namespace

double RecurrentActivation::operator()(double x) const {
  switch (kind) {
  case Kind::Affine: return alpha * x + beta;
  case Kind::Elu: return x < 0 ? alpha * std::expm1(x) : x;
  case Kind::HardSigmoid: return std::max(0.0, std::min(1.0, alpha * x + beta));
  case Kind::LeakyRelu: return x < 0 ? alpha * x : x;
  case Kind::Relu: return x < 0 ? 0.0 : x;
  case Kind::ScaledTanh: return alpha * std::tanh(beta * x);
  case Kind::Sigmoid: return 1 / (1 + std::exp(-x));
  case Kind::Softplus: return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
  case Kind::Softsign: return x / (1 + std::fabs(x));
  case Kind::Tanh: return std::tanh(x);
  case Kind::ThresholdedRelu: return x > alpha ? x : 0.0;
  }
  return x;
}

Result<std::vector<RecurrentActivation>> recurrentActivations(const Node& node, std::int64_t directions,
                                                              std::span<const std::string_view> defaults) {
  std::vector<std::string> names;
  if (const Attribute* attribute = node.attributes.find("activations"))
    if (const auto* list = std::get_if<std::vector<std::string>>(attribute)) names = *list;
  if (names.empty())
    for (std::int64_t d = 0; d < directions; ++d) names.insert(names.end(), defaults.begin(), defaults.end());
  if (names.size() != defaults.size() * static_cast<std::size_t>(directions))
    return nodeError(node, "activations lists " + std::to_string(names.size()) + " functions");
  const std::vector<float> alphas = node.attributes.getFloats("activation_alpha");
  const std::vector<float> betas = node.attributes.getFloats("activation_beta");
  std::size_t alpha = 0, beta = 0;
  std::vector<RecurrentActivation> functions;
  for (const std::string& name : names) {
    const Entry* entry = findActivation(name);
    if (!entry) return nodeError(node, "activation '" + name + "' is not known");
    RecurrentActivation function{entry->kind, entry->alpha, entry->beta};
    // The lists hold numbers only for functions that take them, in their order.
    if (entry->takesAlpha && alpha < alphas.size()) function.alpha = static_cast<double>(alphas[alpha++]);
    if (entry->takesBeta && beta < betas.size()) function.beta = static_cast<double>(betas[beta++]);
    functions.push_back(function);
  }
  return functions;
}

Shape RecurrentGeometry::sequenceShape() const {
  return batchFirst ? Shape{batch, steps, directions, hidden} : Shape{steps, directions, batch, hidden};
}

Shape RecurrentGeometry::stateShape() const {
  return batchFirst ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
}

Result<RecurrentGeometry> recurrentGeometry(const Node& node, std::int64_t gates, const Shape& x, const Shape& w,
                                            const Shape& r) {
  if (x.rank() != 3 || w.rank() != 3 || r.rank() != 3)
    return nodeError(node,
                     "X, W and R need three axes, not " + x.toString() + ", " + w.toString() + " and " + r.toString());
  RecurrentGeometry geometry;
  geometry.batchFirst = node.version >= 14 && node.attributes.getInt("layout", 0) != 0;
  geometry.steps = x[geometry.batchFirst ? 1 : 0];
  geometry.batch = x[geometry.batchFirst ? 0 : 1];
  geometry.inputSize = x[2];
  geometry.hidden = r[2] == kUnknownDim ? node.attributes.getInt("hidden_size", kUnknownDim) : r[2];
  const std::string_view direction = node.attributes.getString("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional")
    return nodeError(node, "direction '" + std::string(direction) + "' is not known");
  geometry.directions = direction == "bidirectional" ? 2 : 1;
  geometry.reverse = direction == "reverse";
  if (geometry.hidden != kUnknownDim && (geometry.hidden < 1 || geometry.hidden > kMaxWindowExtent))
    return nodeError(node, "hidden_size is " + std::to_string(geometry.hidden));
  const std::int64_t width = geometry.hidden == kUnknownDim ? kUnknownDim : gates * geometry.hidden;
  const bool fits = agree(w[0], geometry.directions) && agree(r[0], geometry.directions) && agree(w[1], width) &&
                    agree(r[1], width) && agree(w[2], geometry.inputSize) &&
                    agree(node.attributes.getInt("hidden_size", kUnknownDim), geometry.hidden);
  if (!fits)
    return nodeError(node, "W " + w.toString() + " and R " + r.toString() + " do not go with the input " +
                               x.toString() + ", hidden_size and direction");
  TANDEM_TRY(checkAddressable(node, geometry.sequenceShape()));
  return geometry;
}

Result<void> inferRecurrent(InferContext& context, std::int64_t gates) {
  const DataType type = context.inputType(0);
  const Shape *x = context.inputShape(0), *w = context.inputShape(1), *r = context.inputShape(2);
  if (!x || !w || !r) {
    for (std::size_t i = 0; i < 3; ++i) context.setOutputType(i, type);
    return {};
  }
  const RecurrentGeometry geometry = TANDEM_TRY(recurrentGeometry(context.node(), gates, *x, *w, *r));
  context.setOutput(0, type, geometry.sequenceShape());
  context.setOutput(1, type, geometry.stateShape());
  context.setOutput(2, type, geometry.stateShape());
  return {};
}

double recurrentFlops(const Graph& graph, const Node& node, std::int64_t gates) {
  const auto shape = [&](std::size_t i) -> const Shape& { return graph.value(node.inputs[i]).desc.shape; };
  const auto geometry = recurrentGeometry(node, gates, shape(0), shape(1), shape(2));
  if (!geometry.ok()) return 0;
  const auto real = [](std::int64_t n) { return static_cast<double>(n); };
  const double cells = real(geometry->steps) * real(geometry->batch) * real(geometry->directions);
  const double width = real(gates) * real(geometry->hidden);
  // Two products, two biases and an activation per gate, about six operations to join the gates.
  return cells *
         (2 * width * (real(geometry->inputSize) + real(geometry->hidden)) + 3 * width + 6 * real(geometry->hidden));
}

Result<void> checkRecurrentInputs(const ReferenceContext& context, const RecurrentGeometry& geometry,
                                  std::int64_t gates) {
  const std::int64_t states = geometry.directions * geometry.batch * geometry.hidden;
  const std::int64_t expected[] = {0,
                                   0,
                                   0,
                                   geometry.directions * 2 * gates * geometry.hidden,
                                   geometry.batch,
                                   states,
                                   states,
                                   geometry.directions * 3 * geometry.hidden};
  for (std::size_t i = 3; i < std::min<std::size_t>(8, context.inputCount()); ++i)
    if (context.hasInput(i) && context.input(i).elements() != expected[i])
      return context.fail("input " + std::to_string(i) + " needs " + std::to_string(expected[i]) + " elements, not " +
                          context.input(i).shape().toString());
  if (context.hasInput(4))
    for (std::int64_t length : context.input(4).toInts())
      if (length < 0 || length > geometry.steps)
        return context.fail("a sequence length is " + std::to_string(length) + " of " + std::to_string(geometry.steps) +
                            " steps");
  for (std::size_t i = 0; i < 3; ++i)
    if (context.input(i).type() != context.input(0).type()) return context.fail("X, W and R differ in type");
  return {};
}

} // namespace tandem::ops
