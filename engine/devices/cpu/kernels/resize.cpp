// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernel.hpp"
#include "engine/devices/cpu/loops.hpp"
#include "engine/ops/resample.hpp"

#include <cstring>

namespace tandem::cpu {
namespace {

/// What every output position along one axis reads, in float.
struct Taps {
  std::int64_t input = 1, output = 1, count = 1;
  std::vector<std::int64_t> indices; ///< [output][count]
  std::vector<float> weights;        ///< [output][count]
};

/// Resizing of the two last axes of planes, or of pixels with channels side by side.
struct Resize {
  Taps rows, columns;
  std::int64_t planes = 1;
  std::int64_t channels = 1; ///< elements per pixel: 1 for planes
};

Taps tapsOf(const ops::ResampleGeometry& geometry, std::size_t axis) {
  ops::ResampleTaps taps = ops::resampleTaps(geometry, geometry.axes[axis]);
  Taps result;
  result.input = geometry.axes[axis].input;
  result.output = geometry.axes[axis].output;
  result.count = static_cast<std::int64_t>(taps.taps);
  result.indices = std::move(taps.indices);
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

/// dst[c] = sum of weights times the pixels that (row, column) of the result reads.
void blendPixel(const Resize& resize, const float* plane, std::int64_t row, std::int64_t column, float* dst) {
  const Taps &rows = resize.rows, &columns = resize.columns;
  const std::int64_t channels = resize.channels;
  std::fill_n(dst, channels, 0.0f);
  for (std::int64_t i = row * rows.count; i < (row + 1) * rows.count; ++i) {
    const float* line = plane + rows.indices[static_cast<std::size_t>(i)] * columns.input * channels;
    for (std::int64_t k = column * columns.count; k < (column + 1) * columns.count; ++k) {
      const float weight = rows.weights[static_cast<std::size_t>(i)] * columns.weights[static_cast<std::size_t>(k)];
      const float* src = line + columns.indices[static_cast<std::size_t>(k)] * channels;
      for (std::int64_t c = 0; c < channels; ++c) dst[c] += weight * src[c];
    }
  }
}

/// Result rows [begin, end), counted through all planes.
void resizeRows(const Resize& resize, const float* x, float* y, std::int64_t begin, std::int64_t end) {
  const Taps &rows = resize.rows, &columns = resize.columns;
  const std::int64_t channels = resize.channels;
  const bool copies = rows.count == 1 && columns.count == 1;
  for (std::int64_t at = begin; at < end; ++at) {
    const std::int64_t row = at % rows.output;
    const float* plane = x + at / rows.output * rows.input * columns.input * channels;
    float* dst = y + at * columns.output * channels;
    for (std::int64_t column = 0; column < columns.output; ++column, dst += channels) {
      if (!copies) {
        blendPixel(resize, plane, row, column, dst);
        continue;
      }
      const float* src = plane + (rows.indices[static_cast<std::size_t>(row)] * columns.input +
                                  columns.indices[static_cast<std::size_t>(column)]) *
                                     channels;
      if (channels == 1)
        *dst = *src;
      else
        std::memcpy(dst, src, static_cast<std::size_t>(channels) * sizeof(float));
    }
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
  const std::int64_t bytes = view.output(0).bytes();
  plan.kernel = makeKernel([=, threads = view.threads()](const Binding& binding) {
    return [=, x = static_cast<const float*>(binding.inputs[0]), y = static_cast<float*>(binding.outputs[0])] {
      inPieces(threads, resize->planes * resize->rows.output, bytes,
               [&](std::int64_t begin, std::int64_t end) { resizeRows(*resize, x, y, begin, end); });
    };
  });
  return plan;
}

} // namespace tandem::cpu
