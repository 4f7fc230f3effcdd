// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/loops.hpp"

#include <bit>
#include <cmath>
#include <cstring>

namespace tandem::cpu {
namespace {

// Always inlined, so that the loop takes on the instruction set of the function it is in.
template <class F>
__attribute__((always_inline)) inline void zipRow(const float* a, bool aRepeats, const float* b, bool bRepeats,
                                                  float* out, std::int64_t count, F f) {
  if (aRepeats && bRepeats) {
    const float value = f(*a, *b);
    for (std::int64_t i = 0; i < count; ++i) out[i] = value;
  } else if (aRepeats) {
    const float value = *a;
    for (std::int64_t i = 0; i < count; ++i) out[i] = f(value, b[i]);
  } else if (bRepeats) {
    const float value = *b;
    for (std::int64_t i = 0; i < count; ++i) out[i] = f(a[i], value);
  } else {
    for (std::int64_t i = 0; i < count; ++i) out[i] = f(a[i], b[i]);
  }
}

/// One row of channels, or the channels of one block. `y` may be `x`: element by element, nothing is carried over.
__attribute__((always_inline)) inline void scaleChannels(const float* x, const float* scale, const float* shift,
                                                         float low, float high, std::int64_t count, float* y) {
#pragma GCC ivdep
  for (std::int64_t c = 0; c < count; ++c) {
    float value = x[c] * scale[c] + (shift ? shift[c] : 0.0f);
    value = value < low ? low : value;
    y[c] = value > high ? high : value;
  }
}

/// A number of groups that the compiler knows becomes vector shuffles.
template <std::int64_t Groups>
__attribute__((always_inline)) inline void shuffleChannels(const float* x, std::int64_t width, std::int64_t rows,
                                                           float* out) {
  for (std::int64_t row = 0; row < rows; ++row, x += Groups * width, out += Groups * width)
#pragma GCC ivdep
    for (std::int64_t j = 0; j < width; ++j)
      for (std::int64_t g = 0; g < Groups; ++g) out[j * Groups + g] = x[g * width + j];
}

} // namespace

TANDEM_VECTOR_CLONES
void shuffleRows(const float* x, std::int64_t groups, std::int64_t width, std::int64_t rows, float* out) {
  switch (groups) {
  case 2: return shuffleChannels<2>(x, width, rows, out);
  case 3: return shuffleChannels<3>(x, width, rows, out);
  case 4: return shuffleChannels<4>(x, width, rows, out);
  case 8: return shuffleChannels<8>(x, width, rows, out);
  default: break;
  }
  for (std::int64_t row = 0; row < rows; ++row, x += groups * width, out += groups * width)
    for (std::int64_t g = 0; g < groups; ++g)
      for (std::int64_t j = 0; j < width; ++j) out[j * groups + g] = x[g * width + j];
}

TANDEM_VECTOR_CLONES
void gatherRows(const float* x, std::int64_t from, const std::int32_t* indices, std::int64_t to, std::int64_t rows,
                float* out) {
  for (std::int64_t row = 0; row < rows; ++row, x += from, out += to)
#pragma GCC ivdep
    for (std::int64_t j = 0; j < to; ++j) out[j] = x[indices[j]];
}

TANDEM_VECTOR_CLONES
void blendColumns(const float* x, const std::int32_t* indices, const float* weights, std::int64_t taps,
                  std::int64_t columns, std::int64_t channels, float* out) {
  if (channels == 1 && taps == 2) {
#pragma GCC ivdep
    for (std::int64_t j = 0; j < columns; ++j)
      out[j] = weights[2 * j] * x[indices[2 * j]] + weights[2 * j + 1] * x[indices[2 * j + 1]];
    return;
  }
  for (std::int64_t j = 0; j < columns; ++j, indices += taps, weights += taps, out += channels) {
    for (std::int64_t k = 0; k < taps; ++k) {
      const float* src = x + indices[k] * channels;
      const float weight = weights[k];
#pragma GCC ivdep
      for (std::int64_t c = 0; c < channels; ++c) out[c] = k == 0 ? weight * src[c] : out[c] + weight * src[c];
    }
  }
}

TANDEM_VECTOR_CLONES
void blendRows(const float* const* rows, const float* weights, std::int64_t count, std::int64_t length, float* out) {
  std::int64_t k = 0;
  if (count >= 2) {
    const float *a = rows[0], *b = rows[1];
    const float first = weights[0], second = weights[1];
#pragma GCC ivdep
    for (std::int64_t i = 0; i < length; ++i) out[i] = first * a[i] + second * b[i];
    k = 2;
  } else {
#pragma GCC ivdep
    for (std::int64_t i = 0; i < length; ++i) out[i] = weights[0] * rows[0][i];
    k = 1;
  }
  for (; k < count; ++k) {
    const float* row = rows[k];
    const float weight = weights[k];
#pragma GCC ivdep
    for (std::int64_t i = 0; i < length; ++i) out[i] += weight * row[i];
  }
}

void copyStrips(const float* x, std::int64_t stride, std::int64_t length, std::int64_t count, float* out) {
  // Short strips of one size are single moves, where a call would cost more than the copy.
  if (length == 2)
    for (std::int64_t i = 0; i < count; ++i) std::memcpy(out + i * 2, x + i * stride, 8);
  else if (length == 4)
    for (std::int64_t i = 0; i < count; ++i) std::memcpy(out + i * 4, x + i * stride, 16);
  else
    for (std::int64_t i = 0; i < count; ++i)
      std::memcpy(out + i * length, x + i * stride, static_cast<std::size_t>(length) * sizeof(float));
}

TANDEM_VECTOR_CLONES
void everySecond(const void* x, void* out, std::int64_t count) {
  const auto* src = static_cast<const std::uint32_t*>(x);
  auto* dst = static_cast<std::uint32_t*>(out);
  for (std::int64_t i = 0; i < count; ++i) dst[i] = src[2 * i];
}

TANDEM_VECTOR_CLONES
void scaleRow(const float* x, const float* scale, const float* shift, std::array<float, 2> bounds, std::int64_t period,
              std::int64_t repeats, float* y) {
  const float low = bounds[0], high = bounds[1];
  if (period == 1) {
    const float factor = *scale, term = shift ? *shift : 0.0f;
#pragma GCC ivdep
    for (std::int64_t i = 0; i < repeats; ++i) {
      float value = x[i] * factor + term;
      value = value < low ? low : value;
      y[i] = value > high ? high : value;
    }
  } else if (period == 16) {
    for (std::int64_t i = 0; i < repeats; ++i) scaleChannels(x + i * 16, scale, shift, low, high, 16, y + i * 16);
  } else {
    for (std::int64_t i = 0; i < repeats; ++i)
      scaleChannels(x + i * period, scale, shift, low, high, period, y + i * period);
  }
}

TANDEM_VECTOR_CLONES
void binaryRow(BinaryFunction function, const float* a, bool aRepeats, const float* b, bool bRepeats, float* out,
               std::int64_t count) {
  switch (function) {
  case BinaryFunction::Add: return zipRow(a, aRepeats, b, bRepeats, out, count, [](float x, float y) { return x + y; });
  case BinaryFunction::Sub: return zipRow(a, aRepeats, b, bRepeats, out, count, [](float x, float y) { return x - y; });
  case BinaryFunction::Mul: return zipRow(a, aRepeats, b, bRepeats, out, count, [](float x, float y) { return x * y; });
  case BinaryFunction::Div: return zipRow(a, aRepeats, b, bRepeats, out, count, [](float x, float y) { return x / y; });
  // A NaN on either side is the result, as numpy has it.
  case BinaryFunction::Max:
    return zipRow(a, aRepeats, b, bRepeats, out, count, [](float x, float y) { return x > y || x != x ? x : y; });
  case BinaryFunction::Min:
    return zipRow(a, aRepeats, b, bRepeats, out, count, [](float x, float y) { return x < y || x != x ? x : y; });
  }
}

TANDEM_VECTOR_CLONES
void unaryRow(UnaryFunction function, float alpha, float beta, const float* x, float* out, std::int64_t count) {
  switch (function) {
  case UnaryFunction::Neg:
    for (std::int64_t i = 0; i < count; ++i) out[i] = -x[i];
    return;
  case UnaryFunction::Reciprocal:
    for (std::int64_t i = 0; i < count; ++i) out[i] = 1.0f / x[i];
    return;
  case UnaryFunction::Square:
    for (std::int64_t i = 0; i < count; ++i) out[i] = x[i] * x[i];
    return;
  case UnaryFunction::Cube:
    for (std::int64_t i = 0; i < count; ++i) out[i] = x[i] * x[i] * x[i];
    return;
  case UnaryFunction::Floor:
    for (std::int64_t i = 0; i < count; ++i) out[i] = std::floor(x[i]);
    return;
  case UnaryFunction::Ceil:
    for (std::int64_t i = 0; i < count; ++i) out[i] = std::ceil(x[i]);
    return;
  case UnaryFunction::HardSigmoid:
    for (std::int64_t i = 0; i < count; ++i) {
      const float value = alpha * x[i] + beta;
      const float limited = value > 1.0f ? 1.0f : value;
      out[i] = limited < 0.0f ? 0.0f : limited;
    }
    return;
  }
}

// Without branches, so that they become vector code. Small halves have no implicit bit: as floats they are what is
// above 2^-14, less 2^-14 itself.
TANDEM_VECTOR_CLONES
void halfRowToFloat(const std::uint16_t* x, float* out, std::int64_t count) {
  constexpr std::uint32_t kSmallest = 113u << 23; // 2^-14
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t magnitude = (x[i] & 0x7fffu) << 13, sign = (x[i] & 0x8000u) << 16;
    const std::uint32_t normal = magnitude + (112u << 23);
    const std::uint32_t small =
        std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude + kSmallest) - std::bit_cast<float>(kSmallest));
    const std::uint32_t notFinite = magnitude | 0x7f800000u;
    const std::uint32_t bits = magnitude < (1u << 23) ? small : magnitude >= (31u << 23) ? notFinite : normal;
    out[i] = std::bit_cast<float>(bits | sign);
  }
}

TANDEM_VECTOR_CLONES
void floatRowToHalf(const float* x, std::uint16_t* out, std::int64_t count) {
  constexpr std::uint32_t kInfinity = 0x7f800000u, kTooLarge = (127u + 16u) << 23, kSmallest = 113u << 23;
  constexpr float kHalfUnit =
      0.5f; // its unit in the last place is that of the smallest halves: adding it rounds to them
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t all = std::bit_cast<std::uint32_t>(x[i]), sign = (all & 0x80000000u) >> 16;
    const std::uint32_t magnitude = all & 0x7fffffffu;
    const std::uint32_t odd = (magnitude >> 13) & 1u;
    const std::uint32_t normal = (magnitude - (112u << 23) + 0xfffu + odd) >> 13;
    const std::uint32_t small = std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + kHalfUnit) -
                                std::bit_cast<std::uint32_t>(kHalfUnit);
    const std::uint32_t special = magnitude > kInfinity ? 0x7e00u : 0x7c00u;
    const std::uint32_t bits = magnitude >= kTooLarge ? special : magnitude < kSmallest ? small : normal;
    out[i] = static_cast<std::uint16_t>(bits | sign);
  }
}

TANDEM_VECTOR_CLONES
void bfloat16RowToFloat(const std::uint16_t* x, float* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = std::bit_cast<float>(static_cast<std::uint32_t>(x[i]) << 16);
}

TANDEM_VECTOR_CLONES
void floatRowToBFloat16(const float* x, std::uint16_t* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(x[i]);
    const std::uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const std::uint32_t notANumber = (bits >> 16) | 0x40u;
    out[i] = static_cast<std::uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? notANumber : rounded);
  }
}

TANDEM_VECTOR_CLONES
void integerRowToFloat(const std::int32_t* x, float* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(x[i]);
}

TANDEM_VECTOR_CLONES
void truthRowToFloat(const std::uint8_t* x, float* out, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) out[i] = x[i] != 0 ? 1.0f : 0.0f;
}

TANDEM_VECTOR_CLONES
double rowSum(const float* x, std::int64_t count) {
  // Independent partial sums: vector code without reassociation, and less rounding than one running sum.
  constexpr std::int64_t kLanes = 16;
  double partial[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane) partial[lane] += static_cast<double>(x[i + lane]);
  double sum = 0;
  for (double part : partial) sum += part;
  for (; i < count; ++i) sum += static_cast<double>(x[i]);
  return sum;
}

TANDEM_VECTOR_CLONES
float rowMax(const float* x, std::int64_t count) {
  constexpr std::int64_t kLanes = 64;
  const auto greater = [](float best, float value) { return value > best || value != value ? value : best; };
  float best = x[0];
  std::int64_t i = 0;
  if (count >= kLanes) {
    float lanes[kLanes];
    for (std::int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] = x[lane];
    for (i = kLanes; i + kLanes <= count; i += kLanes)
      for (std::int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] = greater(lanes[lane], x[i + lane]);
    for (float value : lanes) best = greater(best, value);
  }
  for (; i < count; ++i) best = greater(best, x[i]);
  return best;
}

} // namespace tandem::cpu
