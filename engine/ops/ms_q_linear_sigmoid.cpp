// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twinOf(const Node&) { return {"Sigmoid", 13}; }

} // namespace

// com.microsoft QLinearSigmoid: X, its scale and zero point, Y's scale and zero point.
extern const OpDef kMsQLinearSigmoid = quantizedUnaryOp<twinOf>("QLinearSigmoid");

} // namespace tandem::ops
