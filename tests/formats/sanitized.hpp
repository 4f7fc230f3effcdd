// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace tandem::testing {

/// Whether this program runs under AddressSanitizer, which needs more memory than the program. GCC defines a macro,
/// clang a feature.
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kAddressSanitized = true;
#elif defined(__has_feature)
inline constexpr bool kAddressSanitized = __has_feature(address_sanitizer);
#else
inline constexpr bool kAddressSanitized = false;
#endif

} // namespace tandem::testing
