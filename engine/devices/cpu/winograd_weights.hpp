// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <dnnl.hpp>

namespace tandem::cpu {

/// Brings plain float32 weights (OIHW, 3x3) into the form of oneDNN's Winograd convolutions, about ten times as fast as
/// its own reorder. False, and nothing written, where `to` is another form or oneDNN another version than the one whose
/// forms are known here.
bool transformWinogradWeights(const dnnl::memory::desc& from, const float* source, const dnnl::memory::desc& to,
                              float* target);

} // namespace tandem::cpu
