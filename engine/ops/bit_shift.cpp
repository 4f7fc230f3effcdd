// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"

namespace tandem::ops {

// ONNX BitShift: a shifted by b bits; shifting by the width or more leaves nothing.
extern const OpDef kBitShift = binaryOp(
    "BitShift", {11},
    [](ReferenceContext& context) -> Result<void> {
      using UnsignedTypes = TypeList<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
      const std::string_view direction = context.attributes().getString("direction", "");
      auto inRange = []<class T>(T, T bits) { return bits < static_cast<T>(std::numeric_limits<T>::digits); };
      if (direction == "LEFT")
        return mapBinary<UnsignedTypes>(context, [=](auto a, auto b) {
          return inRange(a, b) ? static_cast<decltype(a)>(static_cast<std::uint64_t>(a) << b) : decltype(a)(0);
        });
      if (direction == "RIGHT")
        return mapBinary<UnsignedTypes>(
            context, [=](auto a, auto b) { return inRange(a, b) ? static_cast<decltype(a)>(a >> b) : decltype(a)(0); });
      return context.fail("direction must be LEFT or RIGHT, not '" + std::string(direction) + "'");
    },
    inferBinary);

} // namespace tandem::ops
