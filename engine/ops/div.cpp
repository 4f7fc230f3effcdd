// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

namespace {

template <class T> T divide(T a, T b) {
  if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
    return b == -1 ? wrapSub(T(0), a) : static_cast<T>(a / b); // the most negative number has no counterpart
  else
    return static_cast<T>(a / b);
}

Result<void> div(ReferenceContext& context) {
  TANDEM_TRY(requireNoIntegerZero(context, 1));
  return mapBinary<NumericTypes>(context, [](auto a, auto b) { return divide(a, b); });
}

} // namespace

// ONNX Div: a / b; integers are truncated towards zero.
extern const OpDef kDiv = binaryOp("Div", {1, 6, 7, 13, 14}, div, inferBinary);

} // namespace tandem::ops
