// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/conv_parts.hpp"

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

void emitImplicitGemm(Lowering& lowering, const ConvParts& parts) {
  const ops::ConvGeometry& g = parts.geometry;
  const auto& [d, h, w] = g.axes;
  const std::int64_t m = g.outputChannelsPerGroup();
  const std::int64_t n = g.outputPositions();
  const std::int64_t k = g.inputChannelsPerGroup() * g.kernelPositions();
  Step step;
  step.source = "gemm_tile";
  step.kernel = "gemm_tile";
  step.options = "-DCONV -DBATCH=2" + activationOption(parts.activation) + (lowering.hasInput(2) ? " -DADD" : "") +
                 (parts.residual ? " -DRESIDUAL" : "");
  step.args = {lowering.input(1),
               lowering.input(0),
               lowering.hasInput(2) ? lowering.input(2) : Ref(),
               parts.residual ? lowering.input(3) : Ref(),
               lowering.output(0),
               toInt(m),
               toInt(n),
               toInt(k),
               toInt(k),
               1,
               0,
               0,
               1,
               0,
               1.0f,
               1.0f,
               int8Front({g.batch, g.groups}, 1),
               int8Front({0, m * k}, 0),
               int8Front({g.inputChannels * g.inputPositions(), g.inputChannelsPerGroup() * g.inputPositions()}, 0),
               int8Front({0, m}, 0),
               lowering.weights(tapTable(g))};
  for (std::int64_t value : {d.input, h.input, w.input, h.output * w.output, w.output, d.stride, h.stride, w.stride,
                             d.padBegin, h.padBegin, w.padBegin})
    step.args.emplace_back(toInt(value));
  step.args.emplace_back(parts.activation.alpha);
  step.args.emplace_back(parts.activation.beta);
  step.global = {roundUp(n, 64) / 4, roundUp(m, 64) / 4, static_cast<std::size_t>(g.batch * g.groups)};
  step.local = {16, 16, 1};
  lowering.setKernelName("conv gemm_tile");
  lowering.launch(std::move(step));
}

} // namespace

void addConvGemm(Lowering& lowering, const ConvParts& conv, std::vector<Candidate>& candidates) {
  candidates.push_back({"gemm", "gemm tile", 1, [&lowering, &conv] { emitImplicitGemm(lowering, conv); }});
}

} // namespace tandem::opencl
