// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// For engine/formats/tensors only.
#include <cstddef>

namespace tandem::detail {

/// Protects the process from files that shrink while they are mapped: reading behind their end raises SIGBUS, which
/// would end it. A guarded mapping gets pages of zeros there instead, and is marked. Any thread.
///
/// Returns the number of the guard, or -1 where all are taken: then the file must be read, not mapped.
int guardMapping(void* data, std::size_t size);
/// Before the mapping goes.
void releaseGuard(int guard);
/// Whether bytes of the mapping were lost so far.
bool lostBytes(int guard);

} // namespace tandem::detail
