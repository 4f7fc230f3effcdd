// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/byte_product.hpp"
#include "engine/devices/cpu/loops.hpp"
#include "engine/ops/quantization.hpp"

#include <array>
#include <cstring>

namespace tandem::cpu {
namespace {

/// One operand: its bytes, and what each of the 256 becomes; no table where they stay what they are.
struct Part {
  std::size_t input = 0;
  std::size_t piece = 0; ///< bytes that lie together
  bool same = true;
  std::array<std::uint8_t, 256> table{};
};

template <class From, class To> Part tableFor(ByteScale from, ByteScale to) {
  Part part;
  for (int byte = 0; byte < 256; ++byte) {
    const auto value = static_cast<From>(static_cast<std::uint8_t>(byte));
    const float real = static_cast<float>(static_cast<std::int32_t>(value) - from.zeroPoint) * from.scale;
    const auto result = ops::quantizeValue<To>(real / to.scale, to.zeroPoint);
    part.table[static_cast<std::size_t>(byte)] = static_cast<std::uint8_t>(result);
    part.same = part.same && static_cast<std::uint8_t>(result) == byte;
  }
  return part;
}

Part partOf(DataType from, ByteScale a, DataType to, ByteScale b) {
  if (from == DataType::Int8)
    return to == DataType::Int8 ? tableFor<std::int8_t, std::int8_t>(a, b) : tableFor<std::int8_t, std::uint8_t>(a, b);
  return to == DataType::Int8 ? tableFor<std::uint8_t, std::int8_t>(a, b) : tableFor<std::uint8_t, std::uint8_t>(a, b);
}

void copy(const Part& part, const std::uint8_t* from, std::uint8_t* to) {
  if (part.same) {
    std::memcpy(to, from, part.piece);
    return;
  }
  for (std::size_t i = 0; i < part.piece; ++i) to[i] = part.table[from[i]];
}

} // namespace

std::optional<KernelPlan> qLinearConcatKernel(const NodeView& view) {
  const Shape& shape = view.output(0).shape;
  const auto axis = normalizeAxis(view.attributes().getInt("axis", 1), shape.rank());
  const auto result = constantScale(view, 0, 1);
  if (!axis || !result || !isByte(view.output(0).type) || shape.elements() == 0) return std::nullopt;
  // Channels last, as the convolutions leave them, where somebody made such a tensor.
  const bool last = *axis == 1 && shape.rank() >= 3 && shape.rank() <= 5 && !view.layout(2).isPlain() &&
                    isChannelsLast(view.layout(2).desc());
  KernelPlan plan = view.plainPlan("copy");
  plan.inputs[0].used = plan.inputs[1].used = false;
  std::int64_t inner = 1, outer = 1;
  for (std::size_t i = *axis + 1; i < shape.rank(); ++i) (last ? outer : inner) *= shape[i];
  for (std::size_t i = 0; i < *axis; ++i) outer *= shape[i];
  std::vector<Part> parts;
  for (std::size_t i = 2; i + 2 < view.inputCount(); i += 3) {
    const auto quantization = constantScale(view, i + 1, i + 2);
    if (!quantization || !isByte(view.input(i).type)) return std::nullopt;
    parts.push_back(partOf(view.input(i).type, *quantization, view.output(0).type, *result));
    parts.back().input = i;
    parts.back().piece = static_cast<std::size_t>(view.input(i).shape[*axis] * inner);
    plan.inputs[i + 1].used = plan.inputs[i + 2].used = false;
    if (last) plan.inputs[i].layout = Layout::of(channelsLastDesc(view.input(i)));
  }
  if (last) plan.outputs[0] = Layout::of(channelsLastDesc(view.output(0)));
  auto shared = std::make_shared<const std::vector<Part>>(std::move(parts));
  const std::int64_t bytes = shape.elements();
  const auto whole = static_cast<std::size_t>(shape[*axis] * inner);
  plan.kernel = makeKernel([=, threads = view.threads()](const Binding& binding) {
    return [=, sources = binding.inputs, dst = static_cast<std::uint8_t*>(binding.outputs[0])] {
      inPieces(threads, outer, bytes, [&](std::int64_t begin, std::int64_t end) {
        for (auto row = static_cast<std::size_t>(begin); row < static_cast<std::size_t>(end); ++row) {
          std::uint8_t* to = dst + row * whole;
          for (const Part& part : *shared) {
            copy(part, static_cast<const std::uint8_t*>(sources[part.input]) + row * part.piece, to);
            to += part.piece;
          }
        }
      });
    };
  });
  return plan;
}

} // namespace tandem::cpu
