// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

#include <cmath>

namespace tandem::ops {

namespace {

/// Remainder with the sign of the divisor, as in Python.
template <class T> T floorMod(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    const T rest = std::fmod(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  } else if constexpr (std::is_signed_v<T>) {
    if (b == -1) return T(0);
    const T rest = static_cast<T>(a % b);
    return rest != 0 && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
  } else {
    return static_cast<T>(a % b);
  }
}

/// Remainder with the sign of the dividend, as C's fmod.
template <class T> T truncMod(T a, T b) {
  if constexpr (std::is_floating_point_v<T>)
    return std::fmod(a, b);
  else if constexpr (std::is_signed_v<T>)
    return b == -1 ? T(0) : static_cast<T>(a % b);
  else
    return static_cast<T>(a % b);
}

Result<void> mod(ReferenceContext& context) {
  TANDEM_TRY(requireNoIntegerZero(context, 1));
  if (context.attributes().getInt("fmod", 0) != 0)
    return mapBinary<NumericTypes>(context, [](auto a, auto b) { return truncMod(a, b); });
  return mapBinary<NumericTypes>(context, [](auto a, auto b) { return floorMod(a, b); });
}

} // namespace

// ONNX Mod: remainder with the sign of the divisor, or with fmod=1 of the dividend. The specification wants fmod=1 for
// floats; without it they are computed as Python does.
extern const OpDef kMod = binaryOp("Mod", {10, 13}, mod, inferBinary);

} // namespace tandem::ops
