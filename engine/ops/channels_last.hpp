// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

namespace tandem::ops {

/// N[D][H]WC to NC[D][H]W: a shape with its channel axis moved from the end to place 1. Rank 2 and below stay.
Shape toChannelsFirst(const Shape& shape);
/// NC[D][H]W to N[D][H]WC.
Shape toChannelsLast(const Shape& shape);
/// A tensor so rearranged; any type.
Tensor toChannelsFirst(const Tensor& x);
Tensor toChannelsLast(const Tensor& x);

} // namespace tandem::ops
