// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/kernel.hpp"
#include "engine/ops/op_def.hpp"

namespace tandem::cpu {

/// The operator's own loops over plain memory: fits every node with static descs.
KernelPlan referencePlan(const NodeView& node, const OpDef& def);

} // namespace tandem::cpu
