// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twinOf(const Node& node) {
  Twin twin{"GlobalAveragePool", 1};
  twin.channelsLast = node.attributes.getInt("channels_last", 0) != 0;
  return twin;
}

} // namespace

// com.microsoft QLinearGlobalAveragePool: X, its scale and zero point, Y's scale and zero point; attribute
// channels_last.
extern const OpDef kMsQLinearGlobalAveragePool = quantizedUnaryOp<twinOf>("QLinearGlobalAveragePool");

} // namespace tandem::ops
