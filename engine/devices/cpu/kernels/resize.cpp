// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernel.hpp"
#include "engine/devices/cpu/loops.hpp"
#include "engine/ops/resample.hpp"

#include <algorithm>
#include <cstring>

namespace tandem::cpu {
namespace {

/// What every output position along one axis reads, in float.
struct Taps {
  std::int64_t input = 1, output = 1, count = 1;
  std::vector<std::int32_t> indices; ///< [output][count]
  std::vector<float> weights;        ///< [output][count]
};

/// Resizing of the two last axes of planes, or of pixels with channels side by side.
struct Resize {
  Taps rows, columns;
  std::int64_t planes = 1;
  std::int64_t channels = 1; ///< elements per pixel: 1 for planes

  bool copies() const { return rows.count == 1 && columns.count == 1; }
  std::int64_t rowLength() const { return columns.output * channels; }
  /// Bytes that a thread needs: see RowBlender.
  std::int64_t scratchBytes() const {
    constexpr std::int64_t kLine = 64;
    const std::int64_t bytes =
        copies() ? 0 : rows.count * (rowLength() * 4 + std::int64_t{sizeof(std::int64_t) + sizeof(const float*)});
    return (bytes + kLine - 1) / kLine * kLine;
  }
};

Taps tapsOf(const ops::ResampleGeometry& geometry, std::size_t axis) {
  ops::ResampleTaps taps = ops::resampleTaps(geometry, geometry.axes[axis]);
  Taps result;
  result.input = geometry.axes[axis].input;
  result.output = geometry.axes[axis].output;
  result.count = static_cast<std::int64_t>(taps.taps);
  result.indices.assign(taps.indices.begin(), taps.indices.end());
  result.weights.assign(taps.weights.begin(), taps.weights.end());
  return result;
}

bool isIdentity(const ops::ResampleGeometry& geometry, std::size_t axis) {
  return geometry.axes[axis].input == geometry.axes[axis].output &&
         ops::resampleTaps(geometry, geometry.axes[axis]).isIdentity;
}

std::optional<ops::ResampleGeometry> geometryOf(const NodeView& view) {
  for (std::size_t i = 1; i < view.inputCount(); ++i)
    if (view.hasInput(i) && !view.constant(i)) return std::nullopt;
  const Shape& x = view.input(0).shape;
  if (view.node().type == "Upsample") {
    auto geometry = ops::upsampleGeometry(view.node(), x, view.constant(1));
    return geometry.ok() ? std::optional(*geometry) : std::nullopt;
  }
  const bool old = view.version() < 11;
  auto geometry = ops::resizeGeometry(
      view.node(), x, {old ? nullptr : view.constant(1), view.constant(old ? 1 : 2), old ? nullptr : view.constant(3)});
  return geometry.ok() ? std::optional(*geometry) : std::nullopt;
}

/// Result row `row` of a plane whose pixels are copies.
void copyRow(const Resize& resize, const float* plane, std::int64_t row, float* dst) {
  const std::int64_t channels = resize.channels;
  const float* line = plane + resize.rows.indices[static_cast<std::size_t>(row)] * resize.columns.input * channels;
  if (channels == 1) {
    for (std::size_t column = 0; column < resize.columns.indices.size(); ++column)
      dst[column] = line[resize.columns.indices[column]];
    return;
  }
  for (std::int32_t column : resize.columns.indices) {
    std::memcpy(dst, line + column * channels, static_cast<std::size_t>(channels) * sizeof(float));
    dst += channels;
  }
}

/// Makes one result row after another: first along the columns, for each input row once, then across rows. The input
/// rows that the last result row needed are kept, for most serve the next one as well.
class RowBlender {
 public:
  RowBlender(const Resize& resize, void* scratch)
      : m_resize(resize),
        m_slots(static_cast<std::size_t>(resize.rows.count)),
        m_blended(static_cast<float*>(scratch)),
        m_held(reinterpret_cast<std::int64_t*>(m_blended + resize.rows.count * resize.rowLength())),
        m_sources(reinterpret_cast<const float**>(m_held + m_slots)) {}

  /// Before the first row of a plane.
  void start(const float* plane) {
    m_plane = plane;
    std::fill_n(m_held, m_slots, std::int64_t{-1});
  }
  void make(std::int64_t row, float* dst) {
    const std::size_t first = static_cast<std::size_t>(row) * m_slots;
    const std::int32_t* wanted = m_resize.rows.indices.data() + first;
    for (std::size_t i = 0; i < m_slots; ++i) m_sources[i] = blended(wanted, wanted[i]);
    blendRows(m_sources, m_resize.rows.weights.data() + first, m_resize.rows.count, m_resize.rowLength(), dst);
  }

 private:
  /// Input row `index` along the columns, in the place of one that is not among the wanted.
  const float* blended(const std::int32_t* wanted, std::int32_t index) {
    const std::size_t slot = static_cast<std::size_t>(std::find(m_held, m_held + m_slots, index) - m_held);
    if (slot < m_slots) return slotAt(slot);
    const auto isFree = [&](std::int64_t held) {
      return std::find(wanted, wanted + m_slots, held) == wanted + m_slots;
    };
    const std::size_t free = static_cast<std::size_t>(std::find_if(m_held, m_held + m_slots, isFree) - m_held);
    const Taps& columns = m_resize.columns;
    blendColumns(m_plane + index * columns.input * m_resize.channels, columns.indices.data(), columns.weights.data(),
                 columns.count, columns.output, m_resize.channels, slotAt(free));
    m_held[free] = index;
    return slotAt(free);
  }
  float* slotAt(std::size_t slot) const { return m_blended + static_cast<std::int64_t>(slot) * m_resize.rowLength(); }

  const Resize& m_resize;
  std::size_t m_slots;
  float* m_blended;
  std::int64_t* m_held; ///< the input row in each slot; -1: none
  const float** m_sources;
  const float* m_plane = nullptr;
};

/// Result rows [begin, end), counted through all planes.
void resizeRows(const Resize& resize, const float* x, float* y, std::int64_t begin, std::int64_t end, void* scratch) {
  RowBlender blender(resize, scratch);
  for (std::int64_t at = begin; at < end; ++at) {
    const std::int64_t row = at % resize.rows.output;
    const float* plane = x + at / resize.rows.output * resize.rows.input * resize.columns.input * resize.channels;
    float* dst = y + at * resize.rowLength();
    if (resize.copies()) {
      copyRow(resize, plane, row, dst);
      continue;
    }
    if (at == begin || row == 0) blender.start(plane);
    blender.make(row, dst);
  }
}

} // namespace

/// Resize and Upsample of pictures (rank 4, channels kept), in any mode and layout.
std::optional<KernelPlan> resizeKernel(const NodeView& view) {
  const TensorDesc& input = view.input(0);
  if (input.type != DataType::Float32 || input.shape.rank() != 4 || input.shape.elements() == 0 ||
      view.output(0).shape.elements() == 0)
    return std::nullopt;
  const std::optional<ops::ResampleGeometry> geometry = geometryOf(view);
  if (!geometry || geometry->axes.size() != 4 || geometry->coordinates == ops::CoordinateMode::TfCropAndResize ||
      !isIdentity(*geometry, 0) || !isIdentity(*geometry, 1))
    return std::nullopt;
  auto resize = std::make_shared<Resize>();
  resize->rows = tapsOf(*geometry, 2);
  resize->columns = tapsOf(*geometry, 3);
  KernelPlan plan = view.plainPlan("rows");
  for (std::size_t i = 1; i < plan.inputs.size(); ++i) plan.inputs[i].used = false;
  if (!view.layout(0).isPlain()) {
    const bool last = isChannelsLast(view.layout(0).desc());
    const std::int64_t block = channelBlock(view.layout(0).desc());
    if (last || block == 8 || block == 16) {
      plan.inputs[0].layout = view.layout(0);
      plan.outputs[0] = Layout::of(last ? channelsLastDesc(view.output(0)) : blockedDesc(view.output(0), block));
      resize->channels = last ? input.shape[1] : block;
    }
  }
  resize->planes = input.shape[0] * input.shape[1] / resize->channels;
  const std::int64_t bytes = view.output(0).bytes(), scratchBytes = resize->scratchBytes();
  plan.scratchBytes = scratchBytes * view.threads();
  plan.kernel = makeKernel([=, threads = view.threads()](const Binding& binding) {
    return [=, x = static_cast<const float*>(binding.inputs[0]), y = static_cast<float*>(binding.outputs[0]),
            scratch = static_cast<std::byte*>(binding.scratch)] {
      inPieces(threads, resize->planes * resize->rows.output, bytes,
               [&](std::int64_t begin, std::int64_t end, int piece) {
                 resizeRows(*resize, x, y, begin, end, scratch + piece * scratchBytes);
               });
    };
  });
  return plan;
}

} // namespace tandem::cpu
