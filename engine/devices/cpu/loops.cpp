// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/loops.hpp"

#include <cmath>

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

} // namespace

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
  float best = x[0];
  for (std::int64_t i = 1; i < count; ++i) best = x[i] > best || x[i] != x[i] ? x[i] : best;
  return best;
}

} // namespace tandem::cpu
