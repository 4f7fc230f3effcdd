// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

/// Softmax as of the opset that the attribute names: before 13 the axes from `axis` on count as one.
Twin twinOf(const Node& node) {
  Twin twin{"Softmax", node.attributes.getInt("opset", 13) < 13 ? 11 : 13};
  twin.attributes.set("axis", node.attributes.getInt("axis", -1));
  return twin;
}

} // namespace

// com.microsoft QLinearSoftmax: X, its scale and zero point, Y's scale and zero point; attributes axis and opset.
extern const OpDef kMsQLinearSoftmax = quantizedUnaryOp<twinOf>("QLinearSoftmax");

} // namespace tandem::ops
