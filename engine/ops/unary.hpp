// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/kernel_util.hpp"

namespace tandem::ops {

/// One input, one output of the same type and shape.
Result<void> inferSameAsInput(InferContext& context);
/// One operation per output element.
double flopsPerOutputElement(const Graph& graph, const Node& node);

constexpr OpDef unaryOp(std::string_view type, std::array<std::uint8_t, 12> versions,
                        Result<void> (*reference)(ReferenceContext&)) {
  OpDef def;
  def.type = type;
  def.versions = versions;
  def.traits = OpTrait::Elementwise;
  def.infer = inferSameAsInput;
  def.flops = flopsPerOutputElement;
  def.reference = reference;
  return def;
}

/// output = f(x) computed in ComputeTypeOf<T>, for the element types of the list.
template <class Types, class F> Result<void> mapUnary(ReferenceContext& context, F f) {
  const Tensor& x = context.input(0);
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), x.shape()));
  const bool known = visitOneOf(Types{}, x.type(), [&]<class T>(TypeTag<T>) {
    auto src = x.as<T>();
    auto dst = y.mutableAs<T>();
    for (std::size_t i = 0; i < src.size(); ++i) dst[i] = static_cast<T>(f(static_cast<ComputeTypeOf<T>>(src[i])));
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

template <class F> Result<void> mapFloating(ReferenceContext& context, F f) {
  return mapUnary<FloatingTypes>(context, f);
}
template <class F> Result<void> mapSigned(ReferenceContext& context, F f) { return mapUnary<SignedTypes>(context, f); }

} // namespace tandem::ops
