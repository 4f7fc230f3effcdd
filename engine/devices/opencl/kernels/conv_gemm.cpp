// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/conv_parts.hpp"
#include "engine/devices/opencl/kernels/gemm_parts.hpp"

namespace tandem::opencl {
namespace {

/// Per k of the implicit matrix: offset of its channel in the image of a group, and the window position.
std::vector<std::int32_t> tapTable(const ops::ConvGeometry& g) {
  const auto& [d, h, w] = g.axes;
  std::vector<std::int32_t> taps;
  for (std::int64_t c = 0; c < g.inputChannelsPerGroup(); ++c)
    for (std::int64_t t = 0; t < d.kernel; ++t)
      for (std::int64_t r = 0; r < h.kernel; ++r)
        for (std::int64_t s = 0; s < w.kernel; ++s)
          for (std::int64_t value : {c * g.inputPositions(), t * d.dilation, r * h.dilation, s * w.dilation})
            taps.push_back(toInt(value));
  return taps;
}

/// What CLBlast can do: two axes, one group, the same padding on both sides.
std::optional<BlasWindow> blasWindow(const ops::ConvGeometry& g) {
  const auto& [d, h, w] = g.axes;
  if (g.groups != 1 || g.spatialRank != 2 || h.padBegin != h.padEnd || w.padBegin != w.padEnd) return std::nullopt;
  const auto size = [](std::int64_t value) { return static_cast<std::size_t>(value); };
  return BlasWindow{size(g.inputChannels), size(h.input),    size(w.input),    size(h.kernel),
                    size(w.kernel),        size(h.padBegin), size(w.padBegin), size(h.stride),
                    size(w.stride),        size(h.dilation), size(w.dilation)};
}

/// Weights times the image, of which each group of each image is a matrix of the batch.
Product productOf(const ConvParts& conv, bool bias) {
  const ops::ConvGeometry& g = conv.geometry;
  Product p;
  p.m = g.outputChannelsPerGroup();
  p.n = g.outputPositions();
  p.k = g.inputChannelsPerGroup() * g.kernelPositions();
  p.aRow = p.k;
  p.bK = p.n; // of a 1x1 convolution; others go through the table
  p.batchDims = {g.batch, g.groups};
  p.aBatch = {0, p.m * p.k};
  p.bBatch = {g.inputChannels * g.inputPositions(), g.inputChannelsPerGroup() * g.inputPositions()};
  p.dBatch = {0, p.m};
  if (g.groups == 1)
    for (auto* list : {&p.batchDims, &p.aBatch, &p.bBatch, &p.dBatch}) list->pop_back();
  p.add = bias;
  p.dRow = 1;
  p.residual = conv.residual;
  p.activation = conv.activation;
  return p;
}

} // namespace

ConvGemm::ConvGemm(Lowering& lowering, const ConvParts& conv)
    : m_lowering(lowering),
      m_conv(conv),
      m_product(productOf(conv, lowering.hasInput(2))),
      m_refs{lowering.weightInput(),
             lowering.input(0),
             lowering.hasInput(2) ? lowering.input(2) : Ref(),
             conv.residual ? lowering.input(3) : Ref(),
             lowering.output(0),
             lowering.halfWeights()} {
  const auto& [d, h, w] = conv.geometry.axes;
  if (conv.geometry.isPointwise()) return;
  m_window.extents = {d.input,  h.input,  w.input,    h.output * w.output, w.output,  d.stride,
                      h.stride, w.stride, d.padBegin, h.padBegin,          w.padBegin};
  m_window.taps = lowering.weights(tapTable(conv.geometry));
}

void ConvGemm::add(std::vector<Candidate>& candidates) const {
  const bool pointwise = m_conv.geometry.isPointwise();
  addGroupTiles(m_lowering, m_product, m_refs, pointwise ? nullptr : &m_window, candidates);
  if (pointwise && m_conv.geometry.groups == 1)
    addBlas(m_lowering, m_product, m_refs, std::nullopt, candidates);
  else if (const auto window = blasWindow(m_conv.geometry); window && !pointwise)
    addBlas(m_lowering, m_product, m_refs, window, candidates);
}

} // namespace tandem::opencl
