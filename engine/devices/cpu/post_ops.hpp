// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/ops/activation.hpp"

#include <dnnl.hpp>

namespace tandem::cpu {

/// Appends what computes `activation` on a primitive's result.
void appendActivation(dnnl::post_ops& ops, const ops::Activation& activation);

} // namespace tandem::cpu
