// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/binary.hpp"

namespace tandem::ops {

/// Any number of inputs of one type; all of one shape before version 8, broadcasting since.
Result<void> inferVariadic(InferContext& context);
/// Shape of the result; fails where types or shapes do not fit.
Result<Shape> variadicShape(const ReferenceContext& context);
double variadicFlops(const Graph& graph, const Node& node); ///< one per element and input but the first

/// output = finish(f(f(in0, in1), in2) ...), accumulated in the element type as the broadcasting goes on.
template <class Types, class F, class Finish> Result<void> foldInputs(ReferenceContext& context, F f, Finish finish) {
  const Shape shape = TANDEM_TRY(variadicShape(context));
  const DataType type = context.input(0).type();
  Tensor out = TANDEM_TRY(makeOutput(context, 0, type, shape));
  const bool known = visitOneOf(Types{}, type, [&]<class T>(TypeTag<T>) {
    using C = ComputeTypeOf<T>;
    T* dst = out.mutableAs<T>().data();
    for (std::size_t k = 0; k < context.inputCount(); ++k) {
      const Tensor& input = context.input(k);
      const std::array<const Shape*, 2> operands{&shape, &input.shape()};
      const auto plan = planBroadcast(operands); // fits: variadicShape has checked it
      const T* src = input.as<T>().data();
      if (k == 0)
        zip(*plan, dst, src, dst, [](const T&, T x) { return x; });
      else
        zip(*plan, dst, src, dst, [f](T a, T x) { return static_cast<T>(f(static_cast<C>(a), static_cast<C>(x))); });
    }
    const auto count = static_cast<C>(context.inputCount());
    for (T& value : out.mutableAs<T>()) value = static_cast<T>(finish(static_cast<C>(value), count));
  });
  if (!known) return unsupportedType(context, type);
  return {};
}

template <class Types, class F> Result<void> foldInputs(ReferenceContext& context, F f) {
  return foldInputs<Types>(context, f, [](auto value, auto) { return value; });
}

constexpr OpDef variadicOp(std::string_view type, std::array<std::uint8_t, 12> versions,
                           Result<void> (*reference)(ReferenceContext&)) {
  OpDef def;
  def.type = type;
  def.versions = versions;
  def.maxInputs = 255;
  def.traits = OpTrait::Elementwise;
  def.infer = inferVariadic;
  def.flops = variadicFlops;
  def.reference = reference;
  return def;
}

} // namespace tandem::ops
