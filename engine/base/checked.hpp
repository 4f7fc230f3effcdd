// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <optional>
#include <span>

namespace tandem {

/// Nothing larger than this is allocated on the word of a model file alone; the file's bytes must back the rest.
inline constexpr std::int64_t kUnbackedAllocationLimit = std::int64_t{64} << 20;

/// a * b and a + b for sizes; nullopt on overflow or where an operand is negative.
std::optional<std::int64_t> checkedMul(std::int64_t a, std::int64_t b);
std::optional<std::int64_t> checkedAdd(std::int64_t a, std::int64_t b);
/// Product of all factors (1 for none); nullopt on overflow or a negative factor. A zero makes it zero.
std::optional<std::int64_t> checkedProduct(std::span<const std::int64_t> factors);

} // namespace tandem
