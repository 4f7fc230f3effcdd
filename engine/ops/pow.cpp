// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

#include <cmath>

namespace tandem::ops {

namespace {

/// base^exponent by repeated squaring, wrapping; a negative exponent truncates 1 / base^n.
template <class T> T integerPower(T base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == T(1)) return T(1);
    if constexpr (std::is_signed_v<T>)
      if (base == T(-1)) return exponent % 2 ? T(-1) : T(1);
    return T(0); // also for base 0, where the quotient does not exist
  }
  T result = T(1);
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = wrapMul(result, base);
    base = wrapMul(base, base);
  }
  return result;
}

/// The exponents as E, whatever type they have in the model.
template <class E> std::vector<E> exponentsAs(const Tensor& tensor) {
  std::vector<E> values(static_cast<std::size_t>(tensor.elements()));
  visitOneOf(NumericTypes{}, tensor.type(), [&]<class T>(TypeTag<T>) {
    auto src = tensor.as<T>();
    for (std::size_t i = 0; i < src.size(); ++i) values[i] = convert<E>(src[i]);
  });
  return values;
}

template <class T, class E, class F>
void powerLoop(const BroadcastPlan& plan, const Tensor& base, const Tensor& exponent, Tensor& out, F f) {
  const std::vector<E> exponents = exponentsAs<E>(exponent);
  zip(plan, base.as<T>().data(), exponents.data(), out.mutableAs<T>().data(), f);
}

template <class T> void powerTyped(const BroadcastPlan& plan, const Tensor& base, const Tensor& exponent, Tensor& out) {
  using C = ComputeTypeOf<T>;
  if constexpr (std::is_integral_v<T>) {
    if (isFloating(exponent.type()))
      powerLoop<T, double>(plan, base, exponent, out,
                           [](T x, double y) { return convert<T>(std::pow(static_cast<double>(x), y)); });
    else
      powerLoop<T, std::int64_t>(plan, base, exponent, out, [](T x, std::int64_t y) { return integerPower(x, y); });
  } else if (exponent.elements() == 1 && exponent.asDouble(0) == 2.0) {
    powerLoop<T, C>(plan, base, exponent, out,
                    [](T x, C) { return static_cast<T>(static_cast<C>(x) * static_cast<C>(x)); });
  } else {
    powerLoop<T, C>(plan, base, exponent, out, [](T x, C y) { return static_cast<T>(std::pow(static_cast<C>(x), y)); });
  }
}

Result<void> power(ReferenceContext& context) {
  const Tensor &base = context.input(0), &exponent = context.input(1);
  std::optional<BroadcastPlan> plan;
  if (auto adapted = secondOperandShape(context.node(), base.shape(), exponent.shape())) {
    const std::array<const Shape*, 2> operands{&base.shape(), &*adapted};
    plan = planBroadcast(operands);
  }
  if (!plan)
    return context.fail("shapes " + base.desc().toString() + " and " + exponent.desc().toString() +
                        " do not broadcast");
  if (!isFloating(exponent.type()) && !isInteger(exponent.type())) return unsupportedType(context, exponent.type());
  Tensor out = TANDEM_TRY(makeOutput(context, 0, base.type(), plan->output));
  const bool known =
      visitOneOf(NumericTypes{}, base.type(), [&]<class T>(TypeTag<T>) { powerTyped<T>(*plan, base, exponent, out); });
  if (!known) return unsupportedType(context, base.type());
  return {};
}

} // namespace

// ONNX Pow: base to the power of the exponent; since version 12 their types may differ and the base's is the result's.
extern const OpDef kPow = binaryOp("Pow", {1, 7, 12, 13, 15}, power, inferMixedBinary);

} // namespace tandem::ops
