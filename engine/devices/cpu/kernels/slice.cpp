// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernel.hpp"
#include "engine/devices/cpu/loops.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace tandem::cpu {
namespace {

/// Copies a part of a row-major tensor to one piece of memory, row by row. Axes that lie one in the other are merged,
/// so that rows are as long as they can be.
class PartCopy {
 public:
  explicit PartCopy(std::size_t elementBytes) : m_elementBytes(static_cast<std::int64_t>(elementBytes)) {}

  /// The next axis, from the outermost to the innermost: `count` elements, `stride` bytes apart in the source.
  void addAxis(std::int64_t count, std::int64_t stride) {
    if (count == 1) return;
    if (m_rank > 0 && m_axes[m_rank - 1].stride == count * stride) {
      m_axes[m_rank - 1] = {m_axes[m_rank - 1].count * count, stride};
      return;
    }
    m_axes[m_rank++] = {count, stride};
  }
  void moveTo(std::int64_t offset) { m_offset = offset; } ///< bytes from the tensor's start to the first element

  /// The outermost axis is what threads can share.
  std::int64_t pieces() const { return m_rank > 0 ? m_axes[0].count : 1; }
  std::int64_t bytes() const {
    std::int64_t bytes = m_elementBytes;
    for (std::size_t i = 0; i < m_rank; ++i) bytes *= m_axes[i].count;
    return bytes;
  }

  /// Copies the pieces [begin, end) between the starts of the tensor and of the result.
  void run(const std::byte* src, std::byte* dst, std::int64_t begin, std::int64_t end) const {
    PartCopy part = *this;
    if (m_rank > 0) {
      part.m_axes[0].count = end - begin;
      part.m_offset += begin * m_axes[0].stride;
      dst += begin * (bytes() / pieces());
    }
    if (end > begin) part.copyRows(src + part.m_offset, dst);
  }

 private:
  void copyRows(const std::byte* src, std::byte* dst) const {
    std::array<std::int64_t, kMaxRank> index{};
    const std::size_t outer = m_rank > 0 ? m_rank - 1 : 0;
    for (;;) {
      dst = row(src, dst);
      std::size_t axis = outer;
      for (; axis > 0; --axis) {
        const Axis& a = m_axes[axis - 1];
        src += a.stride;
        if (++index[axis - 1] < a.count) break;
        src -= a.stride * a.count;
        index[axis - 1] = 0;
      }
      if (axis == 0) return;
    }
  }

  struct Axis {
    std::int64_t count, stride;
  };

  std::byte* row(const std::byte* src, std::byte* dst) const {
    const Axis last = m_rank > 0 ? m_axes[m_rank - 1] : Axis{1, m_elementBytes};
    if (last.stride == m_elementBytes) {
      std::memcpy(dst, src, static_cast<std::size_t>(last.count * m_elementBytes));
      return dst + last.count * m_elementBytes;
    }
    if (m_elementBytes == 4 && last.stride == 8) {
      everySecond(src, dst, last.count);
      return dst + last.count * 4;
    }
    switch (m_elementBytes) {
    case 1: return pick<1>(src, dst, last);
    case 2: return pick<2>(src, dst, last);
    case 4: return pick<4>(src, dst, last);
    case 8: return pick<8>(src, dst, last);
    default: return pick<16>(src, dst, last);
    }
  }
  template <std::size_t Bytes> static std::byte* pick(const std::byte* src, std::byte* dst, const Axis& axis) {
    for (std::int64_t i = 0; i < axis.count; ++i, src += axis.stride, dst += Bytes) std::memcpy(dst, src, Bytes);
    return dst;
  }

  std::int64_t m_elementBytes;
  std::int64_t m_offset = 0;
  std::size_t m_rank = 0;
  std::array<Axis, kMaxRank> m_axes{};
};

/// What goes to one output of the node.
struct OutputPart {
  std::size_t output;
  PartCopy copy;
};

KernelPlan copyPlan(const NodeView& view, std::vector<OutputPart> parts) {
  KernelPlan plan = view.plainPlan("copy");
  for (std::size_t i = 1; i < plan.inputs.size(); ++i) plan.inputs[i].used = false;
  plan.kernel = makeKernel([parts = std::move(parts), threads = view.threads()](const Binding& binding) {
    return [parts, threads, src = static_cast<const std::byte*>(binding.inputs[0]), outputs = binding.outputs] {
      for (const OutputPart& part : parts) {
        auto* dst = static_cast<std::byte*>(outputs[part.output]);
        inPieces(threads, part.copy.pieces(), part.copy.bytes(),
                 [&](std::int64_t begin, std::int64_t end) { part.copy.run(src, dst, begin, end); });
      }
    };
  });
  return plan;
}

/// Where the result starts on an axis and how far its elements are apart.
struct Cut {
  std::int64_t first = 0, step = 1;
};

/// One per axis of the data; nullopt where a bound is computed or the node is not valid (the reference says why).
std::optional<std::vector<Cut>> cutsOf(const NodeView& view) {
  const Shape& data = view.input(0).shape;
  const bool fromInputs = view.version() >= 10;
  for (std::size_t i = 1; fromInputs && i < view.inputCount(); ++i)
    if (view.hasInput(i) && !view.constant(i)) return std::nullopt;
  const auto list = [&](std::size_t index, const char* name) {
    if (!fromInputs) return view.attributes().getInts(name);
    return view.hasInput(index) ? view.constant(index)->toInts() : std::vector<std::int64_t>();
  };
  const auto starts = list(1, "starts"), axes = list(3, "axes");
  const auto steps = fromInputs ? list(4, "") : std::vector<std::int64_t>();
  if ((!axes.empty() && axes.size() != starts.size()) || (!steps.empty() && steps.size() != starts.size()))
    return std::nullopt;
  std::vector<Cut> cuts(data.rank());
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const auto axis = normalizeAxis(axes.empty() ? static_cast<std::int64_t>(i) : axes[i], data.rank());
    if (!axis) return std::nullopt;
    const std::int64_t length = data[*axis], step = steps.empty() ? 1 : steps[i];
    const std::int64_t start = starts[i] < 0 ? starts[i] + length : starts[i];
    cuts[*axis] = {std::clamp<std::int64_t>(start, 0, step > 0 ? length : length - 1), step};
  }
  return cuts;
}

/// Byte distances of neighbours along the axes of a row-major tensor.
std::vector<std::int64_t> byteStrides(const TensorDesc& desc) {
  std::vector<std::int64_t> strides(desc.shape.rank());
  std::int64_t bytes = static_cast<std::int64_t>(byteSize(desc.type));
  for (std::size_t i = strides.size(); i-- > 0; bytes *= desc.shape[i]) strides[i] = bytes;
  return strides;
}

} // namespace

/// Slice with constant bounds.
std::optional<KernelPlan> sliceKernel(const NodeView& view) {
  const TensorDesc &data = view.input(0), &result = view.output(0);
  if (result.shape.elements() == 0 || data.shape.rank() > kMaxRank || byteSize(data.type) == 0) return std::nullopt;
  const auto cuts = cutsOf(view);
  if (!cuts) return std::nullopt;
  const std::vector<std::int64_t> strides = byteStrides(data);
  PartCopy copy(byteSize(data.type));
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < cuts->size(); ++i) {
    const auto [first, step] = (*cuts)[i];
    const std::int64_t count = result.shape[i];
    // A step that is taken once or never is of no account, however large it is.
    const std::int64_t last = count == 1 ? first : first + (count - 1) * step;
    if (first >= data.shape[i] || last < 0 || last >= data.shape[i]) return std::nullopt;
    offset += first * strides[i];
    copy.addAxis(count, count == 1 ? 0 : step * strides[i]);
  }
  copy.moveTo(offset);
  return copyPlan(view, {{0, copy}});
}

/// Split: parts along one axis, whose lengths the results' shapes tell.
std::optional<KernelPlan> splitKernel(const NodeView& view) {
  const TensorDesc& data = view.input(0);
  const auto axis = normalizeAxis(view.attributes().getInt("axis", 0), data.shape.rank());
  if (!axis || data.shape.elements() == 0 || data.shape.rank() > kMaxRank || byteSize(data.type) == 0 ||
      (view.hasInput(1) && !view.constant(1)))
    return std::nullopt;
  const std::vector<std::int64_t> strides = byteStrides(data);
  std::vector<OutputPart> parts;
  std::int64_t first = 0;
  for (std::size_t i = 0; i < view.outputCount(); ++i) {
    // The length of a part that nobody wants is not known here.
    if (!view.wantsOutput(i)) return std::nullopt;
    const Shape& shape = view.output(i).shape;
    PartCopy copy(byteSize(data.type));
    for (std::size_t k = 0; k < shape.rank(); ++k) copy.addAxis(shape[k], strides[k]);
    copy.moveTo(first * strides[*axis]);
    first += shape[*axis];
    if (shape.elements() > 0) parts.push_back({i, copy});
  }
  if (first != data.shape[*axis]) return std::nullopt;
  return copyPlan(view, std::move(parts));
}

} // namespace tandem::cpu
