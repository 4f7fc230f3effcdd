// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/kernel_util.hpp"

namespace tandem::ops {

/// Writes `x` as elements of type `to` into output 0, with the conversions of convert().
Result<void> castTo(ReferenceContext& context, DataType to);

} // namespace tandem::ops
