// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/conv_common.hpp"

#include <algorithm>
#include <dnnl.hpp>

namespace tandem::cpu {

/// A convolution's window as oneDNN wants it.
struct ConvWindow {
  dnnl::memory::dims strides, dilations, padsBegin, padsEnd;
};

inline ConvWindow windowOf(const ops::ConvGeometry& geometry) {
  ConvWindow window;
  for (std::size_t i = ops::kWindowAxes - geometry.spatialRank; i < ops::kWindowAxes; ++i) {
    const ops::WindowAxis& axis = geometry.axes[i];
    window.strides.push_back(axis.stride);
    window.dilations.push_back(axis.dilation - 1);
    window.padsBegin.push_back(axis.padBegin);
    // Only what the last window reads; padding that no window reaches is no padding.
    const std::int64_t reach = (axis.output - 1) * axis.stride + axis.span() - axis.input - axis.padBegin;
    window.padsEnd.push_back(std::max<std::int64_t>(reach, 0));
  }
  return window;
}

/// Weights with the groups as an axis of their own.
inline dnnl::memory::dims weightDims(const ops::ConvGeometry& geometry, const Shape& weights) {
  dnnl::memory::dims result(weights.begin(), weights.end());
  if (geometry.groups > 1) {
    result[0] /= geometry.groups;
    result.insert(result.begin(), geometry.groups);
  }
  return result;
}

} // namespace tandem::cpu
