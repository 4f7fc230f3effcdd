// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/indexing.hpp"

namespace tandem::ops {

/// The data with updates[i] joined in at position i but for one axis, where indices[i] says.
Result<void> scatterElements(ReferenceContext& context);

} // namespace tandem::ops
