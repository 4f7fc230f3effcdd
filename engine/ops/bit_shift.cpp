// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {
namespace {

/// Shifting by the width or more (or by a negative number) leaves the sign only: -1 or 0.
template <class T> T shiftRight(T a, T bits) {
  const auto count = static_cast<std::make_unsigned_t<T>>(bits);
  if (count < sizeof(T) * 8) return static_cast<T>(a >> count);
  return a < T(0) ? static_cast<T>(-1) : T(0);
}

template <class T> T shiftLeft(T a, T bits) {
  using U = std::make_unsigned_t<T>;
  const U count = static_cast<U>(bits);
  if (count >= sizeof(T) * 8) return T(0);
  return static_cast<T>(static_cast<U>(static_cast<std::uint64_t>(static_cast<U>(a)) << count));
}

} // namespace

// ONNX BitShift: a shifted by b bits. Signed integers since version 28; to the right the sign comes in.
extern const OpDef kBitShift = binaryOp(
    "BitShift", {11, 28},
    [](ReferenceContext& context) -> Result<void> {
      const std::string_view direction = context.attributes().getString("direction", "");
      if (direction == "LEFT") return mapBinary<IntegerTypes>(context, [](auto a, auto b) { return shiftLeft(a, b); });
      if (direction == "RIGHT")
        return mapBinary<IntegerTypes>(context, [](auto a, auto b) { return shiftRight(a, b); });
      return context.fail("direction must be LEFT or RIGHT, not '" + std::string(direction) + "'");
    },
    inferBinary);

} // namespace tandem::ops
