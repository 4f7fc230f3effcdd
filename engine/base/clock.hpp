// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>

namespace tandem {

/// Nanoseconds of CLOCK_MONOTONIC_RAW: the axis of every trace. OpenCL-on-CPU drivers such as PoCL stamp their events
/// with the same clock, so their times need no conversion. Cheap (vDSO); callable from any thread.
std::int64_t nowNs();

inline double toMs(std::int64_t ns) { return static_cast<double>(ns) * 1e-6; }

} // namespace tandem
