// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/lowering.hpp"

namespace tandem::opencl {

/// Output 0 is input 0, `lines` runs of `length` float32 elements, folded run by run as the operator `op`
/// ("ReduceMean") does it. For CPUs.
void emitFold(Lowering& lowering, std::string_view op, std::int64_t lines, std::int64_t length);

} // namespace tandem::opencl
