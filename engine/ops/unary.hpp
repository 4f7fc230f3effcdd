// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/op_def.hpp"
#include "engine/tensor/visit.hpp"

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

/// Applies `function` to every element; 16-bit floats are computed in float. All numeric types.
template <class Function> Result<void> mapSigned(ReferenceContext& context, Function function) {
  const Tensor& x = context.input(0);
  Tensor y = context.output(0, x.type(), x.shape());
  const bool known = visitType(x.type(), [&]<class T>(TypeTag<T>) {
    if constexpr (!std::is_same_v<T, bool>) {
      auto src = x.as<T>();
      auto dst = y.mutableAs<T>();
      for (std::size_t i = 0; i < src.size(); ++i)
        dst[i] = static_cast<T>(function(static_cast<ComputeTypeOf<T>>(src[i])));
    }
  });
  if (!known) return context.fail("cannot compute on " + x.desc().toString());
  return {};
}

} // namespace tandem::ops
