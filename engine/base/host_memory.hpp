// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>

namespace tandem {

/// Bytes this process could still use without the system having to kill somebody: the smaller of what the machine has
/// available and what its control group leaves (Linux). INT64_MAX where neither can be read. Takes some 20 us.
std::int64_t availableHostMemory();

/// Whether `bytes` more are there. Small sizes are not looked at: the system promises them, and swaps if need be.
bool fitsHostMemory(std::int64_t bytes);

} // namespace tandem
