// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <array>

namespace tandem::ops {

/// Upper limit of every extent, stride, dilation and pad that window arithmetic accepts, so that no product of two of
/// them, nor a sum of such products, overflows 64 bits.
inline constexpr std::int64_t kMaxWindowExtent = std::int64_t{1} << 30;

/// How a window slides along one axis. Output element o of a convolution or pool reads input element
/// o * stride + tap * dilation - padBegin for tap = 0..kernel-1; positions outside [0, input) are padding. For a
/// transposed convolution the roles are swapped: input element i adds to output i * stride + tap * dilation - padBegin.
/// Fields that depend on an unknown dimension are kUnknownDim (pads: 0). The defaults are an axis that does nothing.
struct WindowAxis {
  std::int64_t input = 1;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t padBegin = 0; ///< may be negative for ConvTranspose only
  std::int64_t padEnd = 0;   ///< what the attributes ask for; ceil_mode may read further, an odd rest may be unread
  std::int64_t output = 1;

  std::int64_t span() const { return (kernel - 1) * dilation + 1; } ///< elements from the first tap to the last
};

/// Always three axes (depth, height, width): a 2-D window has a neutral depth, a 1-D window has only a width.
inline constexpr std::size_t kWindowAxes = 3;
using WindowAxes = std::array<WindowAxis, kWindowAxes>;

/// A half-open range of indices; empty where begin >= end.
struct IndexRange {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// The outputs o for which o * stride + tap * dilation - padBegin lies inside the input.
IndexRange outputsOfTap(const WindowAxis& axis, std::int64_t tap);
/// The taps of the window of output `o` that lie inside the input.
IndexRange tapsInside(const WindowAxis& axis, std::int64_t output);

enum class AutoPad { NotSet, SameUpper, SameLower, Valid };

/// kernel_shape, strides, dilations, pads and auto_pad of a node, checked for count and range.
struct WindowAttributes {
  std::vector<std::int64_t> kernel; ///< entries of `kernelFallback` may be kUnknownDim and then stay so
  std::vector<std::int64_t> strides;
  std::vector<std::int64_t> dilations;
  std::vector<std::int64_t> padsBegin;
  std::vector<std::int64_t> padsEnd;
  AutoPad autoPad = AutoPad::NotSet;
};
/// `kernelFallback` is used where the node has no kernel_shape. Fails with ModelRejected where a list has another
/// length than `spatialRank`, an entry is below 1 (pads: below 0) or above kMaxWindowExtent, or auto_pad is not known.
Result<WindowAttributes> windowAttributes(const Node& node, std::size_t spatialRank,
                                          std::vector<std::int64_t> kernelFallback);

/// Rounds towards plus infinity; b > 0.
constexpr std::int64_t ceilDiv(std::int64_t a, std::int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

/// Fills pads and output of an axis whose input, kernel, stride and dilation are set, for windows that read (Conv,
/// pools). `ceilMode` keeps a last partial window, unless it would start in the end padding (as PyTorch and
/// AveragePool-19 define it). An unknown input gives an unknown output. Fails with ModelRejected where no window fits.
Result<void> placeWindow(const Node& node, WindowAxis& axis, AutoPad autoPad, std::int64_t padBegin,
                         std::int64_t padEnd, bool ceilMode);

/// Fails where a static shape has so many elements that its bytes cannot be counted in 63 bits.
Result<void> checkAddressable(const Node& node, const Shape& shape);

/// ModelRejected with the node's type and name as the place.
Error nodeError(const Node& node, std::string message);

} // namespace tandem::ops
