// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernel.hpp"
#include "engine/devices/cpu/loops.hpp"

#include <cstring>

namespace tandem::cpu {
namespace {

/// How the parts of a Concat interleave: `outer` times one piece of each.
struct Interleaving {
  std::int64_t outer = 1;
  std::int64_t inner = 1; ///< elements that belong to one index along the joined axis
  Layout whole;
  std::vector<Layout> parts;
};

std::optional<Interleaving> plainInterleaving(const NodeView& view, std::size_t axis) {
  const Shape& shape = view.output(0).shape;
  Interleaving result;
  for (std::size_t i = 0; i < axis; ++i) result.outer *= shape[i];
  for (std::size_t i = axis + 1; i < shape.rank(); ++i) result.inner *= shape[i];
  result.parts.resize(view.inputCount());
  return result;
}

std::int64_t spatialSize(const Shape& shape) {
  std::int64_t size = 1;
  for (std::size_t i = 2; i < shape.rank(); ++i) size *= shape[i];
  return size;
}

/// Joining channels in the layout that the first parts have: channels last or in blocks.
std::optional<Interleaving> channelInterleaving(const NodeView& view) {
  const Shape& shape = view.output(0).shape;
  if (view.layout(0).isPlain() || shape.rank() < 3 || shape.rank() > 5) return std::nullopt;
  const dnnl::memory::desc& first = view.layout(0).desc();
  Interleaving result;
  const std::int64_t block = channelBlock(first);
  const bool last = isChannelsLast(first);
  if (!last && block != 8 && block != 16) return std::nullopt;
  for (std::size_t i = 0; i < view.inputCount(); ++i) {
    if (block > 0 && view.input(i).shape[1] % block != 0) return std::nullopt;
    result.parts.push_back(Layout::of(last ? channelsLastDesc(view.input(i)) : blockedDesc(view.input(i), block)));
  }
  result.whole = Layout::of(last ? channelsLastDesc(view.output(0)) : blockedDesc(view.output(0), block));
  result.outer = last ? shape[0] * spatialSize(shape) : shape[0];
  result.inner = last ? 1 : spatialSize(shape);
  return result;
}

} // namespace

std::optional<KernelPlan> concatKernel(const NodeView& view) {
  const Shape& shape = view.output(0).shape;
  const auto axis = normalizeAxis(view.attributes().getInt("axis", 1), shape.rank());
  if (!axis || shape.elements() == 0) return std::nullopt;
  std::optional<Interleaving> how;
  if (*axis == 1 && view.output(0).type == DataType::Float32 && view.allFloat()) how = channelInterleaving(view);
  if (!how) how = plainInterleaving(view, *axis);
  const auto elementBytes = static_cast<std::int64_t>(byteSize(view.output(0).type));
  std::vector<std::size_t> pieces;
  for (std::size_t i = 0; i < view.inputCount(); ++i)
    pieces.push_back(static_cast<std::size_t>(view.input(i).shape[*axis] * how->inner * elementBytes));
  const auto wholePiece = static_cast<std::size_t>(shape[*axis] * how->inner * elementBytes);

  KernelPlan plan = view.plainPlan("copy");
  for (std::size_t i = 0; i < plan.inputs.size(); ++i) plan.inputs[i].layout = how->parts[i];
  plan.outputs[0] = how->whole;
  const std::int64_t outer = how->outer, bytes = view.output(0).bytes();
  plan.kernel = makeKernel([=, threads = view.threads()](const Binding& binding) {
    return [=, sources = binding.inputs, dst = static_cast<std::byte*>(binding.outputs[0])] {
      inPieces(threads, outer, bytes, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
          const auto at = static_cast<std::size_t>(row);
          std::byte* to = dst + at * wholePiece;
          for (std::size_t i = 0; i < pieces.size(); ++i) {
            if (pieces[i] > 0) std::memcpy(to, static_cast<const std::byte*>(sources[i]) + at * pieces[i], pieces[i]);
            to += pieces[i];
          }
        }
      });
    };
  });
  return plan;
}

} // namespace tandem::cpu
