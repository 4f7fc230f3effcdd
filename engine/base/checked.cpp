// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/checked.hpp"

namespace tandem {

std::optional<std::int64_t> checkedMul(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  if (a < 0 || b < 0 || __builtin_mul_overflow(a, b, &product)) return std::nullopt;
  return product;
}

std::optional<std::int64_t> checkedAdd(std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (a < 0 || b < 0 || __builtin_add_overflow(a, b, &sum)) return std::nullopt;
  return sum;
}

std::optional<std::int64_t> checkedProduct(std::span<const std::int64_t> factors) {
  // Zeros first, so that [2^62, 2^62, 0] is empty rather than an overflow.
  for (std::int64_t factor : factors) {
    if (factor < 0) return std::nullopt;
    if (factor == 0) return 0;
  }
  std::int64_t product = 1;
  for (std::int64_t factor : factors)
    if (__builtin_mul_overflow(product, factor, &product)) return std::nullopt;
  return product;
}

} // namespace tandem
