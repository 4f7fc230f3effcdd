// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/byte_product.hpp"
#include "engine/devices/cpu/loops.hpp"

#include <cstring>

namespace tandem::cpu {
namespace {

struct Part {
  std::size_t input = 0;
  std::int64_t piece = 0; ///< bytes that lie together
  ByteScale scale;
};

struct Join {
  std::vector<Part> parts;
  ByteScale scale;        ///< of the result
  std::int64_t outer = 1; ///< how often a piece of each operand comes
  std::int64_t whole = 0; ///< bytes of one such row
  int threads = 1;
};

template <class Q> std::shared_ptr<const Kernel> joinKernel(Join join) {
  auto shared = std::make_shared<const Join>(std::move(join));
  return makeKernel([shared](const Binding& binding) {
    return [shared, sources = binding.inputs, dst = static_cast<Q*>(binding.outputs[0])] {
      const Join& how = *shared;
      inPieces(how.threads, how.outer, how.outer * how.whole * 2, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
          Q* to = dst + row * how.whole;
          for (const Part& part : how.parts) {
            const Q* from = static_cast<const Q*>(sources[part.input]) + row * part.piece;
            if (part.scale == how.scale)
              std::memcpy(to, from, static_cast<std::size_t>(part.piece));
            else
              requantizeRow(from, part.scale, how.scale, to, part.piece);
            to += part.piece;
          }
        }
      });
    };
  });
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
  Join join;
  join.scale = *result;
  join.threads = view.threads();
  std::int64_t inner = 1;
  for (std::size_t i = *axis + 1; i < shape.rank(); ++i) (last ? join.outer : inner) *= shape[i];
  for (std::size_t i = 0; i < *axis; ++i) join.outer *= shape[i];
  for (std::size_t i = 2; i + 2 < view.inputCount(); i += 3) {
    const auto scale = constantScale(view, i + 1, i + 2);
    if (!scale || view.input(i).type != view.output(0).type) return std::nullopt;
    join.parts.push_back({i, view.input(i).shape[*axis] * inner, *scale});
    plan.inputs[i + 1].used = plan.inputs[i + 2].used = false;
    if (last) plan.inputs[i].layout = Layout::of(channelsLastDesc(view.input(i)));
  }
  join.whole = shape[*axis] * inner;
  if (last) plan.outputs[0] = Layout::of(channelsLastDesc(view.output(0)));
  plan.kernel = view.output(0).type == DataType::Int8 ? joinKernel<std::int8_t>(std::move(join))
                                                      : joinKernel<std::uint8_t>(std::move(join));
  return plan;
}

} // namespace tandem::cpu
