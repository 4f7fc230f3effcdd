// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/activation.hpp"
#include "engine/ops/conv_common.hpp"

namespace tandem::ops {

/// Reference kernel of Conv and FusedConv: activation(conv(X, W, B) + residual), where the residual is input
/// `residualInput` if the node has one; it must have the shape of the output.
Result<void> convReference(ReferenceContext& context, std::size_t residualInput, const Activation& activation);

/// Fails where input `index` is present and does not have `channels` elements.
Result<void> checkBias(const ReferenceContext& context, std::size_t index, std::int64_t channels);

} // namespace tandem::ops
