// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/kernels/candidates.hpp"
#include "engine/devices/opencl/kernels/gemm_parts.hpp"
#include "engine/ops/conv_common.hpp"

namespace tandem::opencl {

struct ConvParts {
  ops::ConvGeometry geometry;
  ops::Activation activation;
  bool residual = false;
};

/// A convolution in blocked storage (CPU style) with constant weights and bias.
struct BlockedConv : ConvParts {
  BlockedView x, z, y; ///< input, residual (where there is one), output
  /// Offset of the window at output pixel (0, 0).
  std::int64_t windowOrigin() const;
};

/// What the times of all ways to compute it depend on.
std::string convKey(const Lowering& lowering, const ConvParts& parts);
/// -D... for the fused parts.
std::string fusedOptions(const ConvParts& parts);
/// Constant bias with zeros behind, zeros only where the node has none.
std::vector<float> paddedBias(const Lowering& lowering, std::int64_t padded);
/// Bias as a buffer for row-major kernels; zeros where the node has none.
Ref plainBias(Lowering& lowering, std::int64_t channels);
/// Batch, block, pixel (0, 0) and row strides of a blocked value as the kernels take them.
void addView(std::vector<Arg>& args, const BlockedView& view);
void addActivation(std::vector<Arg>& args, const ops::Activation& activation);

/// Register tile: `pixels` x `blocks` accumulators of 16 floats.
struct TileShape {
  std::int64_t pixels = 8;
  std::int64_t blocks = 2;
  std::string name() const { return std::to_string(pixels) + "x" + std::to_string(blocks); }
};
/// The tiles that fit the processor's registers: accumulators, the weights of one input channel, a broadcast pixel.
std::vector<TileShape> registerTiles(const KernelPreset& preset);
/// Cost of one input channel: multiply-adds, loads, and the chains that hide the latency of two multiply-add units.
/// The unit is half a cycle: two multiply-adds, or two loads, start in each.
double stepCost(const KernelPreset& preset, std::int64_t pixels, std::int64_t blocks);

// Each adds its ways; the conv and the lowering must outlive them.
void addTiles(Lowering& lowering, const BlockedConv& conv, std::vector<Candidate>& candidates);
void addDepthwiseTiles(Lowering& lowering, const BlockedConv& conv, std::vector<Candidate>& candidates);
void addWinograd(Lowering& lowering, const BlockedConv& conv, std::vector<Candidate>& candidates);
/// Beside other candidates, with which the guess compares it.
void addImageWinograd(Lowering& lowering, const ConvParts& conv, std::vector<Candidate>& candidates);
void addDepthwise(Lowering& lowering, const ConvParts& conv, std::vector<Candidate>& candidates);

/// GPU style: the convolution as a product of the weights and the image seen through the window.
class ConvGemm {
 public:
  ConvGemm(Lowering& lowering, const ConvParts& conv); ///< both must outlive it
  void add(std::vector<Candidate>& candidates) const;

 private:
  Lowering& m_lowering;
  const ConvParts& m_conv;
  Product m_product;
  ProductRefs m_refs;
  WindowedB m_window;
};

} // namespace tandem::opencl
