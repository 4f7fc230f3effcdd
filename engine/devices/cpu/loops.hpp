// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

// Functions so marked are compiled once per instruction set and chosen when the program starts, so that one binary is
// fast on AVX-512 and still runs everywhere. Sanitizers cannot start a program with such functions.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TANDEM_VECTOR_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define TANDEM_VECTOR_CLONES
#endif

namespace tandem::cpu {

enum class BinaryFunction { Add, Sub, Mul, Div, Max, Min };

/// out[i] = f(a[i], b[i]), where an operand that repeats has one element. `out` may be `a` or `b`.
void binaryRow(BinaryFunction function, const float* a, bool aRepeats, const float* b, bool bRepeats, float* out,
               std::int64_t count);

/// y[i][c] = x[i][c] * scale[c] + shift[c], kept within bounds, for `period` channels and `repeats` rows; `shift` may
/// be null. NaN stays NaN. `y` may be `x`.
void scaleRow(const float* x, const float* scale, const float* shift, std::array<float, 2> bounds, std::int64_t period,
              std::int64_t repeats, float* y);

enum class UnaryFunction { Neg, Reciprocal, Floor, Ceil, HardSigmoid, Square, Cube };

/// out[i] = f(x[i]); alpha and beta as in ONNX. `out` may be `x`.
void unaryRow(UnaryFunction function, float alpha, float beta, const float* x, float* out, std::int64_t count);

/// 16-bit floats from and to float32, rounded to nearest even; bits as in engine/tensor/half.hpp.
void halfRowToFloat(const std::uint16_t* x, float* out, std::int64_t count);
void floatRowToHalf(const float* x, std::uint16_t* out, std::int64_t count);
void bfloat16RowToFloat(const std::uint16_t* x, float* out, std::int64_t count);
void floatRowToBFloat16(const float* x, std::uint16_t* out, std::int64_t count);
void integerRowToFloat(const std::int32_t* x, float* out, std::int64_t count);
void truthRowToFloat(const std::uint8_t* x, float* out, std::int64_t count); ///< 0 or 1

/// Every second of 2 * count - 1 numbers of 4 bytes.
void everySecond(const void* x, void* out, std::int64_t count);

/// out[i][j * groups + g] = x[i][g * width + j] for `rows` rows: the channel shuffle of ShuffleNet.
void shuffleRows(const float* x, std::int64_t groups, std::int64_t width, std::int64_t rows, float* out);
/// out[i][j] = x[i][indices[j]] for rows of `from` and `to` numbers.
void gatherRows(const float* x, std::int64_t from, const std::int32_t* indices, std::int64_t to, std::int64_t rows,
                float* out);

/// out[j][c] = the sum of weights[j][k] * x[indices[j][k]][c] over `taps` k, for `columns` pixels of `channels`
/// numbers.
void blendColumns(const float* x, const std::int32_t* indices, const float* weights, std::int64_t taps,
                  std::int64_t columns, std::int64_t channels, float* out);
/// out[i] = the sum of weights[k] * rows[k][i] over `count` rows.
void blendRows(const float* const* rows, const float* weights, std::int64_t count, std::int64_t length, float* out);

/// Copies `count` strips of `length` numbers that lie `stride` apart to one row.
void copyStrips(const float* x, std::int64_t stride, std::int64_t length, std::int64_t count, float* out);

double rowSum(const float* x, std::int64_t count);
float rowMax(const float* x, std::int64_t count); ///< NaN where there is one

/// Below this many bytes a second thread costs more than it gives (waking a team takes some microseconds).
constexpr std::int64_t kParallelBytes = 1 << 17;

/// f(begin, end) or f(begin, end, piece) over [0, count) in equal pieces on `threads` threads, or at once where the
/// work of `bytes` is small.
template <class F> void inPieces(int threads, std::int64_t count, std::int64_t bytes, const F& f) {
  const auto piece = [&](std::int64_t begin, std::int64_t end, int i) {
    if constexpr (std::is_invocable_v<const F&, std::int64_t, std::int64_t, int>)
      f(begin, end, i);
    else
      f(begin, end);
  };
  if (threads <= 1 || bytes < kParallelBytes || count < 2) {
    piece(0, count, 0);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int i = 0; i < threads; ++i) piece(count * i / threads, count * (i + 1) / threads, i);
}

} // namespace tandem::cpu
