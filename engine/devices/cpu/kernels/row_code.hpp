// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>

// Loops over rows that are compiled once per instruction set (row_vectors.hpp), so this header includes nothing that
// has inline functions: the linker must not keep a copy that needs AVX-512.

namespace tandem::cpu {

/// Rows that lie one after the other.
struct RowNormalization {
  const float* x = nullptr;
  float* y = nullptr;           ///< may be x
  std::int64_t count = 0;       ///< elements of a row
  const float* scale = nullptr; ///< `count` elements; null: 1
  const float* shift = nullptr; ///< `count` elements; null: 0
  float epsilon = 0;
  bool centred = true; ///< false: no mean is subtracted (RMS normalization)
};

/// The functions for one instruction set. `y` may be `x`.
struct RowCode {
  const char* name;
  void (*erf)(const float* x, float* y, std::int64_t count);
  void (*gelu)(const float* x, float* y, std::int64_t count);
  void (*geluTanh)(const float* x, float* y, std::int64_t count);
  void (*sigmoid)(const float* x, float* y, std::int64_t count);
  void (*tanh)(const float* x, float* y, std::int64_t count);
  void (*swish)(const float* x, float* y, std::int64_t count, float alpha); ///< x * sigmoid(alpha * x)
  void (*softmax)(const float* x, float* y, std::int64_t rows, std::int64_t count);
  /// Over the first of two axes, `count` and `inner` long.
  void (*softmaxDown)(const float* x, float* y, std::int64_t count, std::int64_t inner);
  void (*normalize)(const RowNormalization& work, std::int64_t firstRow, std::int64_t endRow);
};

extern const RowCode kRowsPlain;
#if defined(__x86_64__)
extern const RowCode kRowsAvx2;
extern const RowCode kRowsAvx512;
inline constexpr const RowCode* kRowsVersions[] = {&kRowsPlain, &kRowsAvx2, &kRowsAvx512};
#else
inline constexpr const RowCode* kRowsVersions[] = {&kRowsPlain};
#endif

} // namespace tandem::cpu
