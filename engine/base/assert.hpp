// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace tandem {
/// Prints the broken assumption and ends the process. Never returns.
[[noreturn]] void assertionFailed(const char* expression, const char* file, int line);
} // namespace tandem

// For bugs only: a condition that no input can make false. Expected failures are Result values.
#ifdef TANDEM_ASSERTS
#define TANDEM_ASSERT(cond) ((cond) ? void(0) : ::tandem::assertionFailed(#cond, __FILE__, __LINE__))
#else
#define TANDEM_ASSERT(cond) void(sizeof(cond))
#endif
