// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/floating.hpp"
#include "engine/ops/fourier.hpp"
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/window.hpp"

namespace tandem::ops {
namespace {

/// Six minutes of audio in one transform; work buffers are several times as large as the signal.
constexpr std::int64_t kMaxLength = std::int64_t{1} << 24;

struct Geometry {
  std::size_t axis = 0;
  std::int64_t length = 1; ///< of the transform
  bool inverse = false, oneSided = false;
  Shape output;

  bool toReal() const { return inverse && oneSided; }
};

/// `length` and `axis`: the inputs of those names where present and known. An unknown length gives unknown dims.
template <class Context>
Result<Geometry> geometryOf(const Context& context, const Shape& x, std::optional<std::int64_t> length,
                            std::int64_t axis, bool lengthKnown) {
  Geometry g;
  g.inverse = context.attributes().getInt("inverse", 0) != 0;
  g.oneSided = context.attributes().getInt("onesided", 0) != 0;
  g.axis = TANDEM_TRY(checkedAxis(context, axis, x.rank()));
  const std::int64_t parts = x.rank() ? x[x.rank() - 1] : 0;
  if (g.axis + 1 == x.rank() || (parts != kUnknownDim && parts != 1 && parts != 2))
    return context.fail("the last axis of " + x.toString() + " must hold real and imaginary part, and stay");
  g.length = kUnknownDim;
  if (length)
    g.length = *length;
  else if (lengthKnown && x[g.axis] != kUnknownDim)
    g.length = g.toReal() ? 2 * (x[g.axis] - 1) : x[g.axis];
  const bool known = length || (lengthKnown && x[g.axis] != kUnknownDim);
  if (known && (g.length < 1 || g.length > kMaxLength))
    return context.fail("a transform of length " + std::to_string(g.length) + " is not possible");
  g.output = x;
  g.output[x.rank() - 1] = g.toReal() ? 1 : 2;
  g.output[g.axis] = known && g.oneSided && !g.inverse ? g.length / 2 + 1 : g.length;
  return g;
}

/// Version 17 has the axis as an attribute, 20 as an input.
template <class Context> std::int64_t defaultAxis(const Context& context) {
  return context.version() < 20 ? context.attributes().getInt("axis", 1) : -2;
}

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape* x = context.inputShape(0);
  if (!x) return context.setOutputType(0, type), Result<void>{};
  const auto length = TANDEM_TRY(knownInts(context, 1)), axis = TANDEM_TRY(knownInts(context, 2));
  if ((length && length->size() != 1) || (axis && axis->size() != 1))
    return context.fail("dft_length and axis must be one number each");
  if (context.hasInput(2) && !axis) {
    context.setOutput(0, type, unknownShape(x->rank()));
    return {};
  }
  const Geometry g = TANDEM_TRY(geometryOf(context, *x, length ? std::optional((*length)[0]) : std::nullopt,
                                           axis ? (*axis)[0] : defaultAxis(context), !context.hasInput(1)));
  context.setOutput(0, type, g.output);
  return {};
}

/// One line: reads `count` numbers (the rest is zero), transforms, and writes what is asked for.
class Line {
 public:
  Line(const Geometry& geometry, bool isComplex)
      : g(geometry),
        m_isComplex(isComplex),
        m_plan(geometry.length, geometry.inverse),
        m_data(static_cast<std::size_t>(geometry.length)) {}

  /// Distances are in complex numbers.
  template <class C> void run(const C* src, std::int64_t available, C* dst, std::int64_t outputs, std::int64_t step) {
    const std::int64_t usable = g.toReal() ? g.length / 2 + 1 : g.length;
    const std::int64_t count = std::min(available, usable);
    std::fill(m_data.begin(), m_data.end(), Complex());
    for (std::int64_t k = 0; k < count; ++k) {
      const C* at = src + k * step * (m_isComplex ? 2 : 1);
      m_data[static_cast<std::size_t>(k)] = {static_cast<double>(at[0]),
                                             m_isComplex ? static_cast<double>(at[1]) : 0.0};
    }
    if (g.toReal()) mirror();
    m_plan.run(m_data.data());
    const double scale = g.inverse ? 1 / static_cast<double>(g.length) : 1;
    for (std::int64_t k = 0; k < outputs; ++k) {
      const Complex value = m_data[static_cast<std::size_t>(k)] * scale;
      C* at = dst + k * step * (g.toReal() ? 1 : 2);
      at[0] = static_cast<C>(value.real());
      if (!g.toReal()) at[1] = static_cast<C>(value.imag());
    }
  }

 private:
  /// Completes half a spectrum to that of a real signal.
  void mirror() {
    const std::size_t n = m_data.size();
    m_data[0] = m_data[0].real();
    if (n % 2 == 0) m_data[n / 2] = m_data[n / 2].real();
    for (std::size_t k = 1; 2 * k < n; ++k) m_data[n - k] = std::conj(m_data[k]);
  }

  const Geometry& g;
  bool m_isComplex;
  FourierPlan m_plan;
  std::vector<Complex> m_data;
};

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  std::optional<std::int64_t> length;
  std::int64_t axis = defaultAxis(context);
  for (std::size_t index = 1; index <= 2; ++index) {
    if (!context.hasInput(index)) continue;
    const std::vector<std::int64_t> value = TANDEM_TRY(readInts(context, index));
    if (value.size() != 1) return context.fail("dft_length and axis must be one number each");
    if (index == 1)
      length = value[0];
    else
      axis = value[0];
  }
  const Geometry g = TANDEM_TRY(geometryOf(context, x.shape(), length, axis, true));
  if (!isFloating(x.type())) return unsupportedType(context, x.type());
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), g.output));
  if (y.elements() == 0) return {};
  const std::size_t rank = x.shape().rank();
  const bool isComplex = x.shape()[rank - 1] == 2;
  const std::int64_t outer = dimProduct(x.shape(), 0, g.axis), available = x.shape()[g.axis];
  const std::int64_t inner = dimProduct(x.shape(), g.axis + 1, rank - 1), outputs = g.output[g.axis];
  visitCompute(x.type(), [&]<class C>(TypeTag<C>) {
    const Elements<C> source(x);
    Results<C> results(y);
    Line line(g, isComplex);
    for (std::int64_t o = 0; o < outer; ++o)
      for (std::int64_t i = 0; i < inner; ++i)
        line.run(source.data() + (o * available * inner + i) * (isComplex ? 2 : 1), available,
                 results.data() + (o * outputs * inner + i) * (g.toReal() ? 1 : 2), outputs, inner);
    results.store();
  });
  return {};
}

double flops(const Graph& graph, const Node& node) {
  const Shape &x = graph.value(node.inputs[0]).desc.shape, &y = graph.value(node.outputs[0]).desc.shape;
  // The transformed axis is the one that changes, or any if none does; one-sided results are half as long.
  std::int64_t length = 1, elements = 1;
  for (std::size_t i = 0; i + 1 < x.rank(); ++i) {
    length = std::max(length, x[i] == y[i] ? std::int64_t{1} : std::max(x[i], y[i]));
    elements *= std::max(x[i], y[i]);
  }
  if (length == 1 && x.rank() >= 2) length = x[x.rank() - 2];
  return static_cast<double>(elements) / static_cast<double>(std::max<std::int64_t>(1, length)) *
         FourierPlan::flops(length);
}

} // namespace

// ONNX DFT: discrete Fourier transform along one axis; the last axis holds real and imaginary part.
extern const OpDef kDFT = {.type = "DFT",
                           .domain = "",
                           .versions = {17, 20},
                           .minInputs = 1,
                           .maxInputs = 3,
                           .shapeInputs = 0b110,
                           .infer = infer,
                           .flops = flops,
                           .reference = reference};

} // namespace tandem::ops
