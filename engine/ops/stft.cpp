// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/fourier.hpp"
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/window.hpp"

namespace tandem::ops {
namespace {

constexpr std::int64_t kMaxLength = std::int64_t{1} << 24; ///< as in DFT

enum Input : std::size_t { kSignal, kStep, kWindow, kLength };

struct Geometry {
  std::int64_t step = 1, length = 1, frames = 1, bins = 1;
  Shape output;
};

/// `step` and `length`: where given and known. Unknown numbers give unknown dims.
template <class Context>
Result<Geometry> geometryOf(const Context& context, const Shape& signal, const Shape* window,
                            std::optional<std::int64_t> step, std::optional<std::int64_t> length) {
  const std::size_t rank = signal.rank();
  if ((rank != 2 && rank != 3) || (rank == 3 && signal[2] != kUnknownDim && signal[2] != 1 && signal[2] != 2))
    return context.fail("the signal " + signal.toString() + " is not [batch][samples][1 or 2]");
  if (window && window->rank() != 1) return context.fail("the window " + window->toString() + " is not a list");
  if (!length && !context.hasInput(kLength)) length = window ? (*window)[0] : signal[1];
  const bool known = length && (context.hasInput(kLength) || *length != kUnknownDim);
  if (window && known && (*window)[0] != kUnknownDim && (*window)[0] != *length)
    return context.fail("the window and frame_length differ");
  const bool oneSided = context.attributes().getInt("onesided", 1) != 0;
  Geometry g{kUnknownDim, kUnknownDim, kUnknownDim, kUnknownDim, {}};
  if (step && (*step < 1 || *step > kMaxWindowExtent)) return context.fail("frame_step must be positive");
  if (known) {
    if (*length < 1 || *length > kMaxLength || (signal[1] != kUnknownDim && *length > signal[1]))
      return context.fail("frames of " + std::to_string(*length) + " do not fit a signal of " +
                          std::to_string(signal[1]));
    g.length = *length;
    g.bins = oneSided ? g.length / 2 + 1 : g.length;
  }
  if (step) g.step = *step;
  if (step && known && signal[1] != kUnknownDim) g.frames = (signal[1] - g.length) / g.step + 1;
  g.output = {signal[0], g.frames, g.bins, 2};
  return g;
}

Result<std::optional<std::int64_t>> single(const InferContext& context, std::size_t index) {
  const auto values = TANDEM_TRY(knownInts(context, index));
  if (values && values->size() != 1) return context.fail("input " + std::to_string(index) + " is not one number");
  return values ? std::optional((*values)[0]) : std::optional<std::int64_t>();
}

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(kSignal);
  const Shape* signal = context.inputShape(kSignal);
  const auto step = TANDEM_TRY(single(context, kStep)), length = TANDEM_TRY(single(context, kLength));
  const Shape* window = context.inputShape(kWindow);
  if (!signal || (context.hasInput(kWindow) && !window)) {
    context.setOutput(0, type, {kUnknownDim, kUnknownDim, kUnknownDim, 2});
    return {};
  }
  context.setOutput(0, type, TANDEM_TRY(geometryOf(context, *signal, window, step, length)).output);
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& signal = context.input(kSignal);
  std::array<std::optional<std::int64_t>, 4> numbers;
  for (std::size_t index : {kStep, kLength}) {
    if (!context.hasInput(index)) continue;
    const std::vector<std::int64_t> value = TANDEM_TRY(readInts(context, index));
    if (value.size() != 1) return context.fail("input " + std::to_string(index) + " is not one number");
    numbers[index] = value[0];
  }
  const Shape* windowShape = context.hasInput(kWindow) ? &context.input(kWindow).shape() : nullptr;
  const Geometry g = TANDEM_TRY(geometryOf(context, signal.shape(), windowShape, numbers[kStep], numbers[kLength]));
  if (windowShape) TANDEM_TRY(requireSameType(context, kSignal, kWindow));
  if (!isFloating(signal.type())) return unsupportedType(context, signal.type());
  Tensor y = TANDEM_TRY(makeOutput(context, 0, signal.type(), g.output));
  if (y.elements() == 0) return {};
  const bool isComplex = signal.shape().rank() == 3 && signal.shape()[2] == 2;
  visitCompute(signal.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> source(signal);
    std::optional<Elements<C>> window;
    if (windowShape) window.emplace(context.input(kWindow));
    Results<C> results(y);
    C* dst = results.data();
    FourierPlan plan(g.length, false);
    std::vector<Complex> frame(static_cast<std::size_t>(g.length));
    for (std::int64_t b = 0; b < signal.shape()[0]; ++b)
      for (std::int64_t f = 0; f < g.frames; ++f) {
        const C* src = source.data() + (b * signal.shape()[1] + f * g.step) * (isComplex ? 2 : 1);
        for (std::int64_t k = 0; k < g.length; ++k) {
          const Complex value(static_cast<double>(src[isComplex ? 2 * k : k]),
                              isComplex ? static_cast<double>(src[2 * k + 1]) : 0.0);
          frame[static_cast<std::size_t>(k)] = value * (window ? static_cast<double>((*window)[k]) : 1.0);
        }
        plan.run(frame.data());
        for (std::int64_t k = 0; k < g.bins; ++k) {
          *dst++ = static_cast<C>(frame[static_cast<std::size_t>(k)].real());
          *dst++ = static_cast<C>(frame[static_cast<std::size_t>(k)].imag());
        }
      }
    results.store();
  });
  return {};
}

/// One transform per frame; its length follows from the window or the number of bins.
double flops(const Graph& graph, const Node& node) {
  const Shape& y = graph.value(node.outputs[0]).desc.shape;
  const bool oneSided = node.attributes.getInt("onesided", 1) != 0;
  const std::int64_t length = oneSided ? 2 * (y[2] - 1) : y[2];
  return static_cast<double>(y[0]) * static_cast<double>(y[1]) *
         (FourierPlan::flops(length) + static_cast<double>(length));
}

} // namespace

// ONNX STFT: Fourier transforms of overlapping, windowed pieces of a signal.
extern const OpDef kSTFT = {.type = "STFT",
                            .domain = "",
                            .versions = {17},
                            .minInputs = 2,
                            .maxInputs = 4,
                            .shapeInputs = 0b1010,
                            .infer = infer,
                            .flops = flops,
                            .reference = reference};

} // namespace tandem::ops
