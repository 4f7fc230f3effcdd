// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twinOf(const Node&) { return {"Mul", 14, {}, {0, 3}}; }

} // namespace

// com.microsoft QLinearMul: A, B and C = A * B, each with a scale and a zero point.
extern const OpDef kMsQLinearMul = quantizedBinaryOp<twinOf>("QLinearMul");

} // namespace tandem::ops
