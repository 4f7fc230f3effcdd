// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"
#include "engine/ops/activation.hpp"

#include <optional>

namespace tandem::opencl {

/// What follows a matrix product within its kernel: a constant added to every row, then an activation. Graph passes
/// take these into Gemm; a MatMul of more than two dims has no such operator.
struct ProductTail {
  std::vector<NodeId> nodes; ///< one or two
  ValueId addend;            ///< a constant of one number, or of one per column
  ops::Activation activation;
};

/// Nullopt where the product's result is read by others as well, or by something else.
std::optional<ProductTail> productTail(const Segment& segment, NodeId product);

} // namespace tandem::opencl
