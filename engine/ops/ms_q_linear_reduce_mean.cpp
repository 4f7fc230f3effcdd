// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twinOf(const Node& node) { return {"ReduceMean", 13, node.attributes}; }

} // namespace

// com.microsoft QLinearReduceMean: data, its scale and zero point, the result's scale and zero point; attributes axes
// and keepdims.
extern const OpDef kMsQLinearReduceMean = quantizedUnaryOp<twinOf>("QLinearReduceMean");

} // namespace tandem::ops
