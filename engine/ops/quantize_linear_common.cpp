// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/quantize_linear_common.hpp"

#include "engine/ops/floating.hpp"

#include <type_traits>

namespace tandem::ops {
namespace {

/// Type of the quantized tensor: that of the zero point, else output_dtype, else uint8.
Result<DataType> quantizedType(const Node& node, DataType zeroPoint) {
  const DataType wanted = TANDEM_TRY(typeAttribute(node, "output_dtype"));
  if (zeroPoint != DataType::Undefined) return zeroPoint;
  return wanted == DataType::Undefined ? DataType::UInt8 : wanted;
}

/// The type that x / scale is rounded to: attribute `precision`, else the type of the scale.
Result<DataType> quotientType(const Node& node, DataType scale) {
  const DataType wanted = TANDEM_TRY(typeAttribute(node, "precision"));
  return wanted == DataType::Undefined ? scale : wanted;
}

Result<void> checkZeroPoint(const ReferenceContext& context) {
  if (!context.hasInput(2)) return {};
  if (context.input(2).elements() == context.input(1).elements()) return {};
  return context.fail("the scale " + context.input(1).shape().toString() + " and the zero point " +
                      context.input(2).shape().toString() + " differ in shape");
}

std::vector<std::int64_t> zeroPoints(const ReferenceContext& context) {
  if (context.hasInput(2)) return context.input(2).toInts();
  return std::vector<std::int64_t>(static_cast<std::size_t>(context.input(1).elements()), 0);
}

/// Calls `row(first, count, parameter, step)` for every run of elements along the inner axes: element first + i has the
/// parameter `parameter + i * step`, step 0 or 1.
template <class Row> void forEachRow(const QuantizationLayout& layout, Row&& row) {
  const std::int64_t step = layout.kind == QuantizationLayout::Kind::Blocked ? 1 : 0;
  for (std::int64_t o = 0; o < layout.outer; ++o)
    for (std::int64_t a = 0; a < layout.extent; ++a)
      row((o * layout.extent + a) * layout.inner, layout.inner, layout.parameter(o, a, 0), step);
}

template <class Q, class C>
void quantize(ReferenceContext& context, const QuantizationLayout& layout, DataType quotient, Tensor& y) {
  const Elements<C> x(context.input(0)), scale(context.input(1));
  const std::vector<std::int64_t> zero = zeroPoints(context);
  Q* out = y.mutableAs<Q>().data();
  const auto run = [&](auto round) {
    forEachRow(layout, [&](std::int64_t first, std::int64_t count, std::int64_t p, std::int64_t step) {
      const C* source = x.data() + first;
      Q* target = out + first;
      const C* divisor = scale.data() + p;
      const std::int64_t* offset = zero.data() + p;
      if (step == 0) {
        const C by = *divisor;
        const auto add = static_cast<std::int32_t>(*offset);
        for (std::int64_t i = 0; i < count; ++i) target[i] = quantizeValue<Q>(round(source[i] / by), add);
      } else {
        for (std::int64_t i = 0; i < count; ++i)
          target[i] = quantizeValue<Q>(round(source[i] / divisor[i]), static_cast<std::int32_t>(offset[i]));
      }
    });
  };
  if (quotient == DataType::Float16)
    run([](C value) { return static_cast<float>(Half(static_cast<float>(value))); });
  else if (quotient == DataType::BFloat16)
    run([](C value) { return static_cast<float>(BFloat16(static_cast<float>(value))); });
  else
    run([](C value) { return value; });
}

/// (x - zero point) * scale for one element type.
template <class Q, class C>
void dequantize(const Tensor& x, const QuantizationLayout& layout, const C* scale,
                const std::vector<std::int64_t>& zero, C* out) {
  // Differences of 8 and 16 bit numbers fit 32 bits, those of 32 bit numbers do not.
  using Wide = std::conditional_t<sizeof(Q) < 4, std::int32_t, std::int64_t>;
  const Q* source = x.as<Q>().data();
  forEachRow(layout, [&](std::int64_t first, std::int64_t count, std::int64_t p, std::int64_t step) {
    if (step == 0) {
      const C factor = scale[p];
      const Wide offset = static_cast<Wide>(zero[static_cast<std::size_t>(p)]);
      for (std::int64_t i = first; i < first + count; ++i)
        out[i] = static_cast<C>(static_cast<Wide>(source[i]) - offset) * factor;
    } else {
      for (std::int64_t i = 0; i < count; ++i)
        out[first + i] = static_cast<C>(static_cast<Wide>(source[first + i]) -
                                        static_cast<Wide>(zero[static_cast<std::size_t>(p + i)])) *
                         scale[p + i];
    }
  });
}

} // namespace

Result<void> inferQuantizeLinear(InferContext& context) {
  const DataType type = TANDEM_TRY(quantizedType(context.node(), context.inputType(2)));
  TANDEM_TRY(quotientType(context.node(), context.inputType(1)));
  if (!visitOneOf(QuantizeTargets{}, type, [](auto) {}))
    return context.fail("cannot quantize to " + std::string(toString(type)));
  const Shape* x = context.inputShape(0);
  setOutputMaybe(context, 0, type, x ? std::optional(*x) : std::nullopt);
  return {};
}

Result<void> quantizeLinear(ReferenceContext& context) {
  const Tensor &x = context.input(0), &scale = context.input(1);
  const DataType zero = context.hasInput(2) ? context.input(2).type() : DataType::Undefined;
  const DataType type = TANDEM_TRY(quantizedType(context.node(), zero));
  const DataType quotient = TANDEM_TRY(quotientType(context.node(), scale.type()));
  if (!isFloating(scale.type()) || !isFloating(quotient))
    return context.fail("the scale " + scale.desc().toString() + " is not floating point");
  if (!isFloating(x.type()) && x.type() != DataType::Int32) return unsupportedType(context, x.type());
  TANDEM_TRY(checkZeroPoint(context));
  const QuantizationLayout layout = TANDEM_TRY(quantizationLayout(context, x.shape(), scale.shape(), 1));
  Tensor y = TANDEM_TRY(makeOutput(context, 0, type, x.shape()));
  const bool wide = quotient == DataType::Float64;
  const bool known = visitOneOf(QuantizeTargets{}, type, [&]<class Q>(TypeTag<Q>) {
    if (wide)
      quantize<Q, double>(context, layout, quotient, y);
    else
      quantize<Q, float>(context, layout, quotient, y);
  });
  if (!known) return unsupportedType(context, type);
  return {};
}

Result<void> inferDequantizeLinear(InferContext& context) {
  DataType type = TANDEM_TRY(typeAttribute(context.node(), "output_dtype"));
  if (type == DataType::Undefined) type = context.inputType(1);
  const Shape* x = context.inputShape(0);
  setOutputMaybe(context, 0, type, x ? std::optional(*x) : std::nullopt);
  return {};
}

Result<void> dequantizeLinear(ReferenceContext& context) {
  const Tensor &x = context.input(0), &scale = context.input(1);
  DataType type = TANDEM_TRY(typeAttribute(context.node(), "output_dtype"));
  if (type == DataType::Undefined) type = scale.type();
  if (!isFloating(scale.type())) return context.fail("the scale " + scale.desc().toString() + " is not floating point");
  if (!isFloating(type)) return unsupportedType(context, type);
  TANDEM_TRY(checkZeroPoint(context));
  if (context.hasInput(2)) TANDEM_TRY(requireSameType(context, 0, 2));
  const QuantizationLayout layout = TANDEM_TRY(quantizationLayout(context, x.shape(), scale.shape(), 1));
  const std::vector<std::int64_t> zero = zeroPoints(context);
  Tensor y = TANDEM_TRY(makeOutput(context, 0, type, x.shape()));
  const bool known = visitOneOf(QuantizedTypes{}, x.type(), [&]<class Q>(TypeTag<Q>) {
    visitCompute(type, [&]<class C>(TypeTag<C>) {
      const Elements<C> factors(scale);
      Results<C> result(y);
      dequantize<Q, C>(x, layout, factors.data(), zero, result.data());
      result.store();
    });
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

double quantizeLinearFlops(const Graph& graph, const Node& node) {
  return 2 * static_cast<double>(graph.value(node.outputs[0]).desc.shape.elements());
}

} // namespace tandem::ops
