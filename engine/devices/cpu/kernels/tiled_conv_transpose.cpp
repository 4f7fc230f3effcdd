// SPDX-License-Identifier: GPL-3.0-or-later
// A transposed convolution whose windows do not overlap: every input pixel makes a tile of the output, which is a
// matrix product of pixels and taps. oneDNN's deconvolution multiplies mostly zeros there.
#include "engine/devices/cpu/dnnl_kernel.hpp"
#include "engine/devices/cpu/loops.hpp"
#include "engine/ops/conv_common.hpp"

#include <cstring>

namespace tandem::cpu {
namespace {

using dnnl::memory;

constexpr std::size_t kWeights = 1;
constexpr std::size_t kBias = 2;
// Tiles wait here until they are sorted into rows; a part of the second-level cache.
constexpr std::int64_t kTileFloats = 1 << 16;
constexpr std::int64_t kAlignment = 64;

struct Tiling {
  std::int64_t chunks = 1; ///< of `rows` input rows each, through all pictures
  std::int64_t rows = 1;
  std::int64_t width = 1;  ///< pixels of an input row
  std::int64_t inputs = 1; ///< channels
  std::int64_t high = 1;   ///< rows of a tile
  std::int64_t strip = 1;  ///< floats of one row of a tile: columns times output channels
  std::int64_t tile() const { return high * strip; }
};

std::optional<Tiling> tilingOf(const ops::ConvGeometry& geometry) {
  if (geometry.spatialRank != 2 || geometry.groups != 1) return std::nullopt;
  const ops::WindowAxis &y = geometry.axes[ops::kWindowAxes - 2], &x = geometry.axes[ops::kWindowAxes - 1];
  for (const ops::WindowAxis* axis : {&y, &x})
    if (axis->stride != axis->kernel || axis->dilation != 1 || axis->padBegin != 0 ||
        axis->output != axis->input * axis->stride)
      return std::nullopt;
  Tiling tiling;
  tiling.width = x.input;
  tiling.inputs = geometry.inputChannels;
  tiling.high = y.kernel;
  tiling.strip = x.kernel * geometry.outputChannels;
  for (std::int64_t rows = 1; rows <= y.input && rows * x.input * tiling.tile() <= kTileFloats; ++rows)
    if (y.input % rows == 0) tiling.rows = rows;
  tiling.chunks = geometry.batch * (y.input / tiling.rows);
  return tiling;
}

/// A run of the kernel: a function object.
class TileRun {
 public:
  TileRun(const Tiling& tiling, const dnnl::matmul::primitive_desc& desc, WeightsPtr weights, WeightsPtr bias,
          std::int64_t tileOffset, int threads, const Binding& binding)
      : m_tiling(tiling),
        m_primitive(desc),
        m_stream(binding.stream),
        m_weights(std::move(weights)),
        m_bias(std::move(bias)),
        m_threads(threads),
        m_x(static_cast<float*>(binding.inputs[0])),
        m_y(static_cast<float*>(binding.outputs[0])),
        m_tiles(reinterpret_cast<float*>(static_cast<std::byte*>(binding.scratch) + tileOffset)),
        m_source(desc.src_desc(), engine(), m_x) {
    m_arguments = {{DNNL_ARG_SRC, m_source},
                   {DNNL_ARG_WEIGHTS, memory(desc.weights_desc(), engine(), m_weights->data())},
                   {DNNL_ARG_DST, memory(desc.dst_desc(), engine(), m_tiles)},
                   {DNNL_ARG_SCRATCHPAD, memory(desc.scratchpad_desc(), engine(), binding.scratch)}};
    if (m_bias) m_arguments[DNNL_ARG_BIAS] = memory(desc.bias_desc(), engine(), m_bias->data());
  }

  Result<void> operator()() {
    const std::int64_t pixels = m_tiling.rows * m_tiling.width;
    for (std::int64_t chunk = 0; chunk < m_tiling.chunks; ++chunk) {
      m_source.set_data_handle(m_x + chunk * pixels * m_tiling.inputs);
      try {
        m_primitive.execute(m_stream, m_arguments);
      } catch (const dnnl::error& error) {
        return makeError(ErrorCode::DeviceFailed, std::string("oneDNN failed: ") + error.what());
      }
      float* y = m_y + chunk * pixels * m_tiling.tile();
      inPieces(m_threads, m_tiling.rows, pixels * m_tiling.tile() * 8,
               [&](std::int64_t begin, std::int64_t end) { sortRows(y, begin, end); });
    }
    return {};
  }

 private:
  /// Rows [begin, end) of the chunk: strip by strip from the tiles of a row of pixels to the output's rows.
  void sortRows(float* y, std::int64_t begin, std::int64_t end) const {
    const std::int64_t width = m_tiling.width, high = m_tiling.high, strip = m_tiling.strip;
    for (std::int64_t row = begin; row < end; ++row)
      for (std::int64_t line = 0; line < high; ++line)
        copyStrips(m_tiles + row * width * high * strip + line * strip, high * strip, strip, width,
                   y + (row * high + line) * width * strip);
  }

  Tiling m_tiling;
  dnnl::matmul m_primitive;
  dnnl::stream m_stream;
  WeightsPtr m_weights, m_bias;
  int m_threads;
  float *m_x, *m_y, *m_tiles;
  memory m_source;
  std::unordered_map<int, memory> m_arguments;
};

/// ONNX keeps [input][output][row][column]; a product wants [input] by [row][column][output].
void writeTaps(const float* weights, std::int64_t inputs, std::int64_t outputs, std::int64_t taps, float* result) {
  for (std::int64_t i = 0; i < inputs; ++i)
    for (std::int64_t o = 0; o < outputs; ++o)
      for (std::int64_t t = 0; t < taps; ++t)
        result[(i * taps + t) * outputs + o] = weights[(i * outputs + o) * taps + t];
}

} // namespace

std::optional<KernelPlan> tiledConvTransposeKernel(const NodeView& view) {
  if (!view.allFloat() || !view.constant(kWeights) || (view.hasInput(kBias) && !view.constant(kBias)))
    return std::nullopt;
  const auto geometry = ops::convTransposeGeometry(view.node(), view.input(0).shape, view.input(kWeights).shape);
  if (!geometry.ok()) return std::nullopt;
  const auto tiling = tilingOf(*geometry);
  if (!tiling) return std::nullopt;
  const std::int64_t columns = tiling->tile(), taps = geometry->kernelPositions();
  constexpr auto kFloat = memory::data_type::f32;
  const memory::desc weights = plainDesc(kFloat, {tiling->inputs, columns});
  const memory::desc any({tiling->inputs, columns}, kFloat, memory::format_tag::any);
  const memory::desc bias = view.hasInput(kBias) ? plainDesc(kFloat, {1, columns}) : memory::desc();
  const std::int64_t pixels = tiling->rows * tiling->width;
  const dnnl::matmul::desc product(plainDesc(kFloat, {pixels, tiling->inputs}), any, bias,
                                   plainDesc(kFloat, {pixels, columns}));
  const dnnl::matmul::primitive_desc desc(product, DnnlKernelBuilder::attributes(), engine());
  if (isDnnlReference(desc.impl_info_str())) return std::nullopt;

  KernelPlan plan = view.plainPlan("tiles, " + dnnlName(desc.impl_info_str()));
  plan.inputs[0].layout = Layout::of(channelsLastDesc(view.input(0)));
  plan.outputs[0] = Layout::of(channelsLastDesc(view.output(0)));
  for (std::size_t i = kWeights; i < plan.inputs.size(); ++i) plan.inputs[i].used = false;
  const std::string form = "tiles of " + std::to_string(taps) + " taps";
  const WeightsPtr prepared = view.weights().rewrite(
      *view.constant(kWeights), form, weights, desc.weights_desc(), [&](const float* source, float* target) {
        writeTaps(source, tiling->inputs, geometry->outputChannels, taps, target);
      });
  WeightsPtr repeated;
  if (view.hasInput(kBias))
    repeated = view.weights().pack(*view.constant(kBias), form, static_cast<std::size_t>(columns) * sizeof(float),
                                   [&](const void* source, void* target) {
                                     for (std::int64_t tap = 0; tap < taps; ++tap)
                                       std::copy_n(static_cast<const float*>(source), geometry->outputChannels,
                                                   static_cast<float*>(target) + tap * geometry->outputChannels);
                                   });
  const auto own = static_cast<std::int64_t>(desc.scratchpad_desc().get_size());
  const std::int64_t tileOffset = (own + kAlignment - 1) / kAlignment * kAlignment;
  plan.scratchBytes = tileOffset + pixels * columns * static_cast<std::int64_t>(sizeof(float));

  plan.kernel = makeKernel([=, tiling = *tiling, threads = view.threads()](const Binding& binding) {
    return TileRun(tiling, desc, prepared, repeated, tileOffset, threads, binding);
  });
  return plan;
}

} // namespace tandem::cpu
