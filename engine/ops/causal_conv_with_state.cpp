// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/window.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

enum Input : std::size_t { kInput, kWeight, kBias, kPast };

/// Length of the kernel; kUnknownDim while not known.
Result<std::int64_t> kernelOf(const Node& node, const Shape& x, const Shape& w) {
  const auto same = [](std::int64_t a, std::int64_t b) { return a == b || a == kUnknownDim || b == kUnknownDim; };
  const bool fits = x.rank() == 3 && w.rank() == 3 && same(x[1], w[0]) && same(w[1], 1) &&
                    (w[2] == kUnknownDim || (w[2] >= 1 && w[2] <= kMaxWindowExtent));
  if (!fits) return nodeError(node, "weights " + w.toString() + " do not go with the input " + x.toString());
  return w[2];
}

Result<bool> usesSilu(const Node& node) {
  const std::string_view name = node.attributes.getString("activation", "none");
  if (name != "none" && name != "silu" && name != "swish")
    return nodeError(node, "activation '" + std::string(name) + "' is not known");
  return name != "none";
}

Result<void> infer(InferContext& context) {
  TANDEM_TRY(usesSilu(context.node()));
  const DataType type = context.inputType(kInput);
  const Shape *x = context.inputShape(kInput), *w = context.inputShape(kWeight);
  setOutputMaybe(context, 0, type, x ? std::optional(*x) : std::nullopt);
  context.setOutputType(1, type);
  if (!x || !w) return {};
  const std::int64_t kernel = TANDEM_TRY(kernelOf(context.node(), *x, *w));
  context.setOutput(1, type, {(*x)[0], (*x)[1], kernel == kUnknownDim ? kUnknownDim : kernel - 1});
  return {};
}

template <class C> void convolve(ReferenceContext& context, std::int64_t kernel, bool silu, Tensor result) {
  const Tensor& input = context.input(kInput);
  const std::int64_t rows = input.shape()[0] * input.shape()[1], channels = input.shape()[1], length = input.shape()[2];
  const std::int64_t before = kernel - 1;
  const Elements<C> x(input), w(context.input(kWeight));
  std::optional<Elements<C>> past, bias;
  if (context.hasInput(kPast)) past.emplace(context.input(kPast));
  if (context.hasInput(kBias)) bias.emplace(context.input(kBias));
  Results<C> y(std::move(result));
  std::optional<Results<C>> present;
  if (context.wantsOutput(1)) present.emplace(context.output(1, input.type(), {input.shape()[0], channels, before}));
  std::vector<C> line(static_cast<std::size_t>(before + length), C(0));
  for (std::int64_t row = 0; row < rows; ++row) {
    if (past) std::copy_n(past->data() + row * before, before, line.begin());
    std::copy_n(x.data() + row * length, length, line.begin() + before);
    const C* taps = w.data() + row % channels * kernel;
    for (std::int64_t t = 0; t < length; ++t) {
      C sum = bias ? (*bias)[row % channels] : C(0);
      for (std::int64_t k = 0; k < kernel; ++k) sum += taps[k] * line[static_cast<std::size_t>(t + k)];
      y[row * length + t] = silu ? sum / (1 + std::exp(-sum)) : sum;
    }
    if (present) std::copy_n(line.end() - before, before, present->data() + row * before);
  }
  y.store();
  if (present) present->store();
}

Result<void> reference(ReferenceContext& context) {
  const Shape &x = context.input(kInput).shape(), &w = context.input(kWeight).shape();
  const std::int64_t kernel = TANDEM_TRY(kernelOf(context.node(), x, w));
  const bool silu = TANDEM_TRY(usesSilu(context.node()));
  for (std::size_t index = 0; index < context.inputCount(); ++index)
    if (context.hasInput(index)) TANDEM_TRY(requireSameType(context, 0, index));
  if (context.hasInput(kBias) && context.input(kBias).shape() != Shape{x[1]})
    return context.fail("the bias does not hold one number per channel");
  if (context.hasInput(kPast) && context.input(kPast).shape() != Shape{x[0], x[1], kernel - 1})
    return context.fail("past_state " + context.input(kPast).shape().toString() + " does not go with the kernel");
  TANDEM_TRY(checkAddressable(context.node(), {x[0], x[1], x[2] + kernel}));
  if (!isFloating(context.input(kInput).type())) return unsupportedType(context, context.input(kInput).type());
  Tensor y = TANDEM_TRY(makeOutput(context, 0, context.input(kInput).type(), x));
  visitCompute(y.type(), [&]<class C>(TypeTag<C>) { convolve<C>(context, kernel, silu, y); });
  return {};
}

double flops(const Graph& graph, const Node& node) {
  const Shape& w = graph.value(node.inputs[kWeight]).desc.shape;
  return static_cast<double>(graph.value(node.inputs[kInput]).desc.shape.elements()) *
         (2 * static_cast<double>(w.rank() == 3 ? w[2] : 1) + 1);
}

} // namespace

// ONNX CausalConvWithState: a depthwise convolution over time that sees the past only, and carries it along.
extern const OpDef kCausalConvWithState = {.type = "CausalConvWithState",
                                           .domain = "",
                                           .versions = {27},
                                           .minInputs = 2,
                                           .maxInputs = 4,
                                           .minOutputs = 1,
                                           .maxOutputs = 2,
                                           .infer = infer,
                                           .flops = flops,
                                           .reference = reference};

} // namespace tandem::ops
