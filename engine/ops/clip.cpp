// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

namespace tandem::ops {

namespace {

bool boundsAreInputs(const Node& node) { return node.version >= 11; }

/// A bound from input `index`: one element of the type of input 0.
template <class T> Result<std::optional<T>> boundInput(const ReferenceContext& context, std::size_t index) {
  if (!context.hasInput(index)) return std::optional<T>();
  const Tensor& bound = context.input(index);
  if (bound.type() != dataTypeOf<T>() || bound.elements() != 1)
    return context.fail("the bound in input " + std::to_string(index) + " must be one element of type " +
                        std::string(toString(dataTypeOf<T>())) + ", not " + bound.desc().toString());
  return std::optional<T>(bound.as<T>()[0]);
}

template <class T> std::optional<T> boundAttribute(const ReferenceContext& context, std::string_view name) {
  if (!context.attributes().has(name)) return std::nullopt;
  return convert<T>(context.attributes().getFloat(name, 0.0f));
}

template <class T> Result<void> clipTyped(ReferenceContext& context) {
  using C = ComputeTypeOf<T>;
  std::optional<T> low, high;
  if (boundsAreInputs(context.node())) {
    low = TANDEM_TRY(boundInput<T>(context, 1));
    high = TANDEM_TRY(boundInput<T>(context, 2));
  } else {
    low = boundAttribute<T>(context, "min");
    high = boundAttribute<T>(context, "max");
  }
  const bool hasLow = low.has_value(), hasHigh = high.has_value();
  const C least = static_cast<C>(low.value_or(T(0))), most = static_cast<C>(high.value_or(T(0)));
  // In this order, max wins where min is above it, as the specification says; NaN passes through.
  return mapUnary<TypeList<T>>(context, [=](C x) {
    if (hasLow && x < least) x = least;
    if (hasHigh && x > most) x = most;
    return x;
  });
}

Result<void> clip(ReferenceContext& context) {
  Result<void> result = {};
  const DataType type = context.input(0).type();
  if (!visitOneOf(NumericTypes{}, type, [&]<class T>(TypeTag<T>) { result = clipTyped<T>(context); }))
    return unsupportedType(context, type);
  return result;
}

constexpr OpDef makeClip() {
  OpDef def = unaryOp("Clip", {1, 6, 11, 12, 13}, clip);
  def.maxInputs = 3;
  return def;
}

} // namespace

// ONNX Clip: x limited to [min, max]; attributes before version 11, optional inputs since.
extern const OpDef kClip = makeClip();

} // namespace tandem::ops
