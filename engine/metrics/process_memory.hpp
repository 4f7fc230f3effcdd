// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>

namespace tandem {

/// Resident set size of this process in bytes, from /proc/self/statm; 0 where it cannot be read.
std::int64_t processRssBytes();
/// Processor time this process has used so far (all threads), in ns.
std::int64_t processCpuNs();
/// Processor time the calling thread has used so far, in ns.
std::int64_t threadCpuNs();

} // namespace tandem
