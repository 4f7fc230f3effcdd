// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/moments.hpp"
#include "engine/ops/op_def.hpp"

namespace tandem::ops {
namespace {

bool trains(const Node& node) { return node.version >= 14 && node.attributes.getInt("training_mode", 0) != 0; }

/// Shape of scale, bias, mean and variance: one per channel, or one per feature with spatial = 0 (versions below 9).
std::optional<Shape> statisticsShape(const Node& node, const Shape& x) {
  if (node.version < 9 && node.attributes.getInt("spatial", 1) == 0) {
    if (x.rank() < 2) return std::nullopt;
    return Shape(std::vector<std::int64_t>(x.begin() + 1, x.end()));
  }
  // A vector is a batch with one channel, by the specification of version 9.
  if (x.rank() == 1) return Shape{1};
  if (x.rank() < 1) return std::nullopt;
  return Shape{x[1]};
}

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(0);
  const DataType statistics = context.version() >= 14 ? context.inputType(3) : type;
  const Shape* x = context.inputShape(0);
  if (!x) {
    context.setOutputType(0, type);
    for (std::size_t i = 1; i < context.outputCount(); ++i) context.setOutputType(i, statistics);
    return {};
  }
  const auto shape = statisticsShape(context.node(), *x);
  if (!shape) return context.fail("the input " + x->toString() + " has no channel axis");
  for (std::size_t i = 1; i < 5; ++i) {
    const Shape* parameter = context.inputShape(i);
    if (!parameter || !parameter->isStatic() || !shape->isStatic()) continue;
    if (parameter->checkedElements() != shape->checkedElements())
      return context.fail("scale, bias, mean and variance need the shape " + shape->toString() + ", not " +
                          parameter->toString());
  }
  context.setOutput(0, type, *x);
  for (std::size_t i = 1; i < context.outputCount(); ++i) context.setOutput(i, statistics, *shape);
  return {};
}

/// How the input folds into [batch][channels][inner], statistics being per channel.
struct Layout {
  std::int64_t batch = 1, channels = 1, inner = 1;
};

template <class C> struct Statistics { std::vector<C> mean, variance; };

template <class C> Statistics<C> measure(const Layout& layout, const C* x) {
  Statistics<C> statistics;
  for (std::int64_t c = 0; c < layout.channels; ++c) {
    Moments moments;
    for (std::int64_t n = 0; n < layout.batch; ++n)
      moments.addSum(x + (n * layout.channels + c) * layout.inner, layout.inner);
    moments.finishMean();
    for (std::int64_t n = 0; n < layout.batch; ++n)
      moments.addSquares(x + (n * layout.channels + c) * layout.inner, layout.inner);
    statistics.mean.push_back(static_cast<C>(moments.mean()));
    statistics.variance.push_back(static_cast<C>(moments.variance()));
  }
  return statistics;
}

/// running = old * momentum + measured * (1 - momentum), as version 14 defines it.
template <class C>
void updateRunning(ReferenceContext& context, std::size_t output, std::size_t input, const std::vector<C>& measured) {
  if (!context.wantsOutput(output)) return;
  const double momentum = static_cast<double>(context.attributes().getFloat("momentum", 0.9f));
  const Elements<C> old(context.input(input));
  Results<C> running(context.output(output, context.input(input).type(), context.input(input).shape()));
  for (std::size_t i = 0; i < measured.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    running[at] =
        static_cast<C>(static_cast<double>(old[at]) * momentum + static_cast<double>(measured[i]) * (1 - momentum));
  }
  running.store();
}

template <class C> void normalize(ReferenceContext& context, const Layout& layout) {
  const Tensor& x = context.input(0);
  const Elements<C> source(x), scale(context.input(1)), bias(context.input(2));
  Statistics<C> used;
  if (trains(context.node())) {
    used = measure(layout, source.data());
    updateRunning(context, 1, 3, used.mean);
    updateRunning(context, 2, 4, used.variance);
  } else {
    const Elements<C> mean(context.input(3)), variance(context.input(4));
    used.mean.assign(mean.data(), mean.data() + layout.channels);
    used.variance.assign(variance.data(), variance.data() + layout.channels);
  }
  const double epsilon = static_cast<double>(context.attributes().getFloat("epsilon", 1e-5f));
  Results<C> y(context.output(0, x.type(), x.shape()));
  for (std::int64_t n = 0; n < layout.batch; ++n)
    for (std::int64_t c = 0; c < layout.channels; ++c) {
      const auto at = static_cast<std::size_t>(c);
      const C factor =
          static_cast<C>(static_cast<double>(scale[c]) / std::sqrt(static_cast<double>(used.variance[at]) + epsilon));
      const C* src = source.data() + (n * layout.channels + c) * layout.inner;
      C* dst = y.data() + (n * layout.channels + c) * layout.inner;
      for (std::int64_t i = 0; i < layout.inner; ++i) dst[i] = (src[i] - used.mean[at]) * factor + bias[c];
    }
  y.store();
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const auto statistics = statisticsShape(context.node(), x.shape());
  if (!statistics) return context.fail("the input " + x.shape().toString() + " has no channel axis");
  for (std::size_t i = 1; i < 5; ++i)
    if (context.input(i).elements() != statistics->elements())
      return context.fail("scale, bias, mean and variance need the shape " + statistics->toString());
  for (std::size_t i = 1; i < context.outputCount(); ++i)
    if (context.wantsOutput(i) && !trains(context.node()))
      return makeError(ErrorCode::Unsupported, "the training outputs of this version are not computed",
                       "BatchNormalization '" + context.node().name + "'", "export the model for inference");
  Layout layout;
  layout.channels = statistics->elements();
  layout.batch = x.shape().rank() == 0 ? 1 : x.shape()[0];
  layout.inner = layout.batch * layout.channels == 0 ? 0 : x.elements() / (layout.batch * layout.channels);
  if (!visitCompute(x.type(), [&]<class C>(TypeTag<C>) { normalize<C>(context, layout); }))
    return context.fail("cannot normalize " + x.desc().toString());
  return {};
}

double flops(const Graph& graph, const Node& node) {
  const double elements = static_cast<double>(graph.value(node.inputs[0]).desc.shape.elements());
  return elements * (trains(node) ? 6 : 2); // inference folds to one multiply-add
}

} // namespace

// ONNX BatchNormalization: 7 drops is_test, 9 drops spatial, 14 adds training_mode, 15 lets the types differ.
extern const OpDef kBatchNormalization = {.type = "BatchNormalization",
                                          .domain = "",
                                          .versions = {1, 6, 7, 9, 14, 15},
                                          .minInputs = 5,
                                          .maxInputs = 5,
                                          .maxOutputs = 5,
                                          .infer = infer,
                                          .flops = flops,
                                          .reference = reference};

} // namespace tandem::ops
