// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  if (context.attributes().getInt("size", 0) < 1) return context.fail("size is not positive");
  if (const Shape* x = context.inputShape(0); x && x->rank() < 2)
    return context.fail("the input " + x->toString() + " has no channel axis");
  return inferSameAsInput(context);
}

template <class C> void normalize(ReferenceContext& context, std::int64_t size) {
  const Tensor& x = context.input(0);
  const Attributes& attributes = context.attributes();
  const double alpha = static_cast<double>(attributes.getFloat("alpha", 1e-4f));
  const double beta = static_cast<double>(attributes.getFloat("beta", 0.75f));
  const double bias = static_cast<double>(attributes.getFloat("bias", 1.0f));
  const std::int64_t batch = x.shape()[0], channels = x.shape()[1];
  const std::int64_t inner = batch * channels == 0 ? 0 : x.elements() / (batch * channels);
  const std::int64_t below = (size - 1) / 2, above = size - 1 - below; // floor and ceil of (size - 1) / 2
  const Elements<C> source(x);
  Results<C> y(context.output(0, x.type(), x.shape()));
  std::vector<double> squares(static_cast<std::size_t>(inner));
  for (std::int64_t plane = 0; plane < batch * channels; ++plane) {
    const std::int64_t channel = plane % channels;
    std::fill(squares.begin(), squares.end(), 0.0);
    const std::int64_t last = channel + std::min(above, channels - 1 - channel);
    for (std::int64_t c = channel - std::min(below, channel); c <= last; ++c) {
      const C* src = source.data() + (plane - channel + c) * inner;
      for (std::int64_t i = 0; i < inner; ++i)
        squares[static_cast<std::size_t>(i)] += static_cast<double>(src[i]) * static_cast<double>(src[i]);
    }
    for (std::int64_t i = 0; i < inner; ++i) {
      const double sum = bias + alpha / static_cast<double>(size) * squares[static_cast<std::size_t>(i)];
      y[plane * inner + i] = static_cast<C>(static_cast<double>(source[plane * inner + i]) / std::pow(sum, beta));
    }
  }
  y.store();
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const std::int64_t size = context.attributes().getInt("size", 0);
  if (x.shape().rank() < 2 || size < 1) return context.fail("cannot normalize " + x.desc().toString());
  if (!visitCompute(x.type(), [&]<class C>(TypeTag<C>) { normalize<C>(context, size); }))
    return context.fail("cannot normalize " + x.desc().toString());
  return {};
}

double flops(const Graph& graph, const Node& node) {
  const double size = static_cast<double>(node.attributes.getInt("size", 1));
  return (2 * size + 4) * flopsPerOutputElement(graph, node);
}

} // namespace

// ONNX LRN: each element is divided by (bias + alpha / size * sum of squares of the nearby channels) ^ beta.
extern const OpDef kLRN = {
    .type = "LRN", .domain = "", .versions = {1, 13}, .infer = infer, .flops = flops, .reference = reference};

} // namespace tandem::ops
