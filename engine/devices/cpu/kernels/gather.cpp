// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernel.hpp"
#include "engine/devices/cpu/loops.hpp"

#include <algorithm>
#include <cstring>

namespace tandem::cpu {
namespace {

/// Copies `pieces` of every outer part: `from` and `to` are byte offsets within the part.
struct Pieces {
  struct Piece {
    std::size_t from, to, bytes;
  };
  std::int64_t outer = 1;
  std::size_t srcPart = 0, dstPart = 0; ///< bytes
  std::vector<Piece> pieces;

  void add(std::size_t from, std::size_t to, std::size_t bytes) {
    if (!pieces.empty() && pieces.back().from + pieces.back().bytes == from &&
        pieces.back().to + pieces.back().bytes == to)
      pieces.back().bytes += bytes;
    else
      pieces.push_back({from, to, bytes});
  }
};

KernelPlan copyPlan(const NodeView& view, Pieces pieces) {
  KernelPlan plan = view.plainPlan("copy");
  for (std::size_t i = 1; i < plan.inputs.size(); ++i) plan.inputs[i].used = false;
  const std::int64_t bytes = view.output(0).bytes();
  auto shared = std::make_shared<const Pieces>(std::move(pieces));
  plan.kernel = makeKernel([=, threads = view.threads()](const Binding& binding) {
    return
        [=, src = static_cast<const std::byte*>(binding.inputs[0]), dst = static_cast<std::byte*>(binding.outputs[0])] {
          inPieces(threads, shared->outer, bytes, [&](std::int64_t begin, std::int64_t end) {
            for (auto part = static_cast<std::size_t>(begin); part < static_cast<std::size_t>(end); ++part)
              for (const Pieces::Piece& piece : shared->pieces)
                std::memcpy(dst + part * shared->dstPart + piece.to, src + part * shared->srcPart + piece.from,
                            piece.bytes);
          });
        };
  });
  return plan;
}

/// More entries than this would make a list as large as the data; the reference loops do as well then.
constexpr std::int64_t kMaxIndices = 1 << 16;

/// Byte sizes of what lies outside and inside of `axis`.
struct Around {
  std::int64_t outer = 1;
  std::size_t inner = 1;
};
Around around(const TensorDesc& desc, std::size_t axis) {
  Around result;
  result.inner = byteSize(desc.type);
  for (std::size_t i = 0; i < axis; ++i) result.outer *= desc.shape[i];
  for (std::size_t i = axis + 1; i < desc.shape.rank(); ++i) result.inner *= static_cast<std::size_t>(desc.shape[i]);
  return result;
}

/// The groups of a channel shuffle, if that is what the indices are: index j * groups + i is i * width + j.
std::optional<std::int64_t> shuffledGroups(const std::vector<std::int64_t>& indices, std::int64_t channels) {
  const auto count = static_cast<std::int64_t>(indices.size());
  if (count != channels || count < 4 || indices[0] != 0 || indices[1] < 2 || count % indices[1] != 0)
    return std::nullopt;
  const std::int64_t width = indices[1], groups = count / width;
  for (std::int64_t i = 0; i < count; ++i)
    if (indices[static_cast<std::size_t>(i)] != i % groups * width + i / groups) return std::nullopt;
  return groups;
}

/// Channels of pixels whose channels lie side by side.
std::optional<KernelPlan> channelsPlan(const NodeView& view, std::vector<std::int64_t> indices) {
  if (view.input(0).type != DataType::Float32) return std::nullopt;
  if (view.layout(0).isPlain() || !isChannelsLast(view.layout(0).desc())) return std::nullopt;
  const std::int64_t from = view.input(0).shape[1], to = view.output(0).shape[1];
  const std::int64_t pixels = view.output(0).shape.elements() / to, bytes = view.output(0).bytes();
  KernelPlan plan = view.plainPlan("channels");
  plan.inputs[0].layout = view.layout(0);
  plan.inputs[1].used = false;
  plan.outputs[0] = Layout::of(channelsLastDesc(view.output(0)));
  const std::int64_t groups = shuffledGroups(indices, from).value_or(0);
  auto list = std::make_shared<const std::vector<std::int32_t>>(indices.begin(), indices.end());
  plan.kernel = makeKernel([=, threads = view.threads()](const Binding& binding) {
    return [=, x = static_cast<const float*>(binding.inputs[0]), y = static_cast<float*>(binding.outputs[0])] {
      inPieces(threads, pixels, bytes, [&](std::int64_t begin, std::int64_t end) {
        if (groups > 0)
          shuffleRows(x + begin * from, groups, from / groups, end - begin, y + begin * to);
        else
          gatherRows(x + begin * from, from, list->data(), to, end - begin, y + begin * to);
      });
    };
  });
  return plan;
}

} // namespace

/// Gather with constant indices: whole rows are copied.
std::optional<KernelPlan> gatherKernel(const NodeView& view) {
  const TensorDesc& data = view.input(0);
  const Tensor* indices = view.constant(1);
  const auto axis = normalizeAxis(view.attributes().getInt("axis", 0), data.shape.rank());
  if (!indices || !axis || indices->elements() > kMaxIndices || view.output(0).shape.elements() == 0)
    return std::nullopt;
  std::vector<std::int64_t> rows = indices->toInts();
  for (std::int64_t& index : rows) {
    if (index < 0) index += data.shape[*axis];
    if (index < 0 || index >= data.shape[*axis]) return std::nullopt; // the reference says what is wrong
  }
  if (*axis == 1 && indices->shape().rank() == 1)
    if (auto plan = channelsPlan(view, rows)) return plan;
  const Around sizes = around(data, *axis);
  Pieces pieces;
  pieces.outer = sizes.outer;
  pieces.srcPart = static_cast<std::size_t>(data.shape[*axis]) * sizes.inner;
  pieces.dstPart = static_cast<std::size_t>(indices->elements()) * sizes.inner;
  std::size_t to = 0;
  for (std::int64_t index : rows) {
    pieces.add(static_cast<std::size_t>(index) * sizes.inner, to, sizes.inner);
    to += sizes.inner;
  }
  return copyPlan(view, std::move(pieces));
}

} // namespace tandem::cpu
