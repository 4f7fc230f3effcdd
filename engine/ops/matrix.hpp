// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tandem::ops {

/// y[m x n] += a[m x k] * b[k x n], row-major with the given distances between rows. C is float, double or an unsigned
/// integer. The inner loop runs along rows of b and y, so that compilers turn it into vector code.
template <class C>
void addProduct(std::int64_t m, std::int64_t n, std::int64_t k, const C* a, std::int64_t rowA, const C* b,
                std::int64_t rowB, C* y, std::int64_t rowY) {
  for (std::int64_t i = 0; i < m; ++i) {
    const C* row = a + i * rowA;
    C* dst = y + i * rowY;
    std::int64_t p = 0;
    for (; p + 4 <= k; p += 4) { // four products per load and store of dst
      const C a0 = row[p], a1 = row[p + 1], a2 = row[p + 2], a3 = row[p + 3];
      const C* b0 = b + p * rowB;
      const C *b1 = b0 + rowB, *b2 = b1 + rowB, *b3 = b2 + rowB;
      for (std::int64_t j = 0; j < n; ++j) dst[j] += a0 * b0[j] + a1 * b1[j] + a2 * b2[j] + a3 * b3[j];
    }
    for (; p < k; ++p) {
      const C a0 = row[p];
      const C* b0 = b + p * rowB;
      for (std::int64_t j = 0; j < n; ++j) dst[j] += a0 * b0[j];
    }
  }
}

/// Sum of x[i] * y[i]; eight partial sums, so that it vectorizes without reassociation.
template <class C> C dotProduct(std::int64_t n, const C* x, const C* y) {
  C partial[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (std::int64_t j = 0; j < 8; ++j) partial[j] += x[i + j] * y[i + j];
  C sum =
      ((partial[0] + partial[1]) + (partial[2] + partial[3])) + ((partial[4] + partial[5]) + (partial[6] + partial[7]));
  for (; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

/// `a` transposed, [rows x columns] to [columns x rows].
template <class C> std::vector<C> transposed(std::int64_t rows, std::int64_t columns, const C* a) {
  std::vector<C> result(static_cast<std::size_t>(rows * columns));
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) result[static_cast<std::size_t>(j * rows + i)] = a[i * columns + j];
  return result;
}

} // namespace tandem::ops
