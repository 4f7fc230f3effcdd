// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/twin.hpp"

namespace tandem::ops {
namespace {

Twin twinOf(const Node& node) {
  Twin twin{"AveragePool", 11, node.attributes};
  twin.channelsLast = node.attributes.getInt("channels_last", 0) != 0;
  return twin;
}

} // namespace

// com.microsoft QLinearAveragePool: X, its scale and zero point, Y's scale and zero point; AveragePool's attributes and
// channels_last.
extern const OpDef kMsQLinearAveragePool = quantizedUnaryOp<twinOf>("QLinearAveragePool");

} // namespace tandem::ops
