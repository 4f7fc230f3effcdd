// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twinOf(const Node& node) { return {"LeakyRelu", 16, node.attributes}; }

} // namespace

// com.microsoft QLinearLeakyRelu: X, its scale and zero point, Y's scale and zero point; attribute alpha.
extern const OpDef kMsQLinearLeakyRelu = quantizedUnaryOp<twinOf>("QLinearLeakyRelu");

} // namespace tandem::ops
