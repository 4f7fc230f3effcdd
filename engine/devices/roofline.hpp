// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"
#include "engine/ops/op_def.hpp"

namespace tandem {

/// The least time one kernel can take on a device with these peaks: the longer of computing and moving its bytes
/// (Williams, Waterman and Patterson, "Roofline", CACM 2009), plus the launch. Peaks of 0 do not limit.
double rooflineMs(const OpCost& cost, const ProbeResult& peaks);

/// Time to copy `bytes` between host and device: half a round trip, plus bytes over bandwidth.
double copyToDeviceMs(std::int64_t bytes, const ProbeResult& peaks);
double copyToHostMs(std::int64_t bytes, const ProbeResult& peaks);

} // namespace tandem
