// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <utility>
#if defined(__SSE__)
#include <immintrin.h>
#endif
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 warns of what its own intrinsics leave undefined on purpose.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

// Vectors and their functions for the instruction set that the including file is compiled for. Everything is local to
// that file: the linker must not keep a copy that needs AVX-512. Written with the vector extensions of GCC and Clang.

namespace tandem::cpu {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16, kRegisters = 32;
#elif defined(__AVX2__)
constexpr int kLanes = 8, kRegisters = 16;
#else
constexpr int kLanes = 4, kRegisters = 16;
#endif

using Floats = float __attribute__((vector_size(kLanes * 4)));
using Ints = std::int32_t __attribute__((vector_size(kLanes * 4)));
using FreeFloats = float __attribute__((vector_size(kLanes * 4), aligned(4)));

#define TANDEM_INLINE __attribute__((always_inline)) inline

/// Aligned.
TANDEM_INLINE Floats load(const float* p) { return *reinterpret_cast<const Floats*>(p); }
TANDEM_INLINE void store(float* p, Floats v) { *reinterpret_cast<Floats*>(p) = v; }
TANDEM_INLINE Floats loadFree(const float* p) { return *reinterpret_cast<const FreeFloats*>(p); }
TANDEM_INLINE void storeFree(float* p, Floats v) { *reinterpret_cast<FreeFloats*>(p) = v; }
/// The first `count` < kLanes elements; `rest` in the others.
TANDEM_INLINE Floats loadPart(const float* p, std::int64_t count, float rest = 0) {
#if defined(__AVX512F__)
  return _mm512_mask_loadu_ps(Floats{} + rest, static_cast<__mmask16>((1u << count) - 1u), p);
#else
  alignas(64) float part[kLanes];
  for (int i = 0; i < kLanes; ++i) part[i] = i < count ? p[i] : rest;
  return load(part);
#endif
}
TANDEM_INLINE void storePart(float* p, Floats v, std::int64_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1u), v);
#else
  alignas(64) float part[kLanes];
  store(part, v);
  for (int i = 0; i < count; ++i) p[i] = part[i];
#endif
}
TANDEM_INLINE Floats all(float value) { return Floats{} + value; }

/// Calls f with 0, 1, ... as constants, so that arrays so indexed live in registers.
template <int... I, class F> TANDEM_INLINE void unrolled(std::integer_sequence<int, I...>, [[maybe_unused]] F f) {
  (f(std::integral_constant<int, I>{}), ...);
}
template <int N, class F> TANDEM_INLINE void unrolled(F f) { unrolled(std::make_integer_sequence<int, N>{}, f); }

/// b where a is NaN. The compiler makes two instructions more of a comparison and a choice.
TANDEM_INLINE Floats larger(Floats a, Floats b) {
#if defined(__AVX512F__)
  return _mm512_max_ps(a, b);
#elif defined(__AVX2__)
  return _mm256_max_ps(a, b);
#else
  return a > b ? a : b;
#endif
}
TANDEM_INLINE Floats smaller(Floats a, Floats b) {
#if defined(__AVX512F__)
  return _mm512_min_ps(a, b);
#elif defined(__AVX2__)
  return _mm256_min_ps(a, b);
#else
  return a < b ? a : b;
#endif
}
TANDEM_INLINE Floats magnitude(Floats x) {
  return reinterpret_cast<Floats>(reinterpret_cast<Ints>(x) & std::int32_t{0x7fffffff});
}

TANDEM_INLINE float sumOf(Floats v) {
#if defined(__AVX512F__)
  return _mm512_reduce_add_ps(v);
#else
  float sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += v[i];
  return sum;
#endif
}
/// NaN does not count.
TANDEM_INLINE float mostOf(Floats v) {
#if defined(__AVX512F__)
  return _mm512_reduce_max_ps(v);
#else
  float most = v[0];
  for (int i = 1; i < kLanes; ++i) most = v[i] > most ? v[i] : most;
  return most;
#endif
}

/// e^x = 2^n e^r with n = round(x / ln 2): `scale` is 2^n and `rest` e^r - 1, by its Taylor series (|r| < 0.35, so the
/// term left out is below 1e-8), summed in pairs to keep the chain of dependent operations short.
struct Exponential {
  Floats scale, rest;
};
/// For -86 <= x <= 86, where 2^n and the result are normal; NaN stays.
TANDEM_INLINE Exponential boundedExponential(Floats x) {
  constexpr float kRounder = 12582912.0f; // 1.5 * 2^23: adding it leaves the rounded integer in the low bits
  const Floats shifted = x * 1.44269504f + kRounder;
  const Floats n = shifted - kRounder;
  // ln 2 in two parts, the first exact when multiplied by n.
  const Floats r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  const Floats r2 = r * r;
  const Floats low = r * (1.0f / 6) + 0.5f, middle = r * (1.0f / 120) + 1.0f / 24,
               high = r * (1.0f / 5040) + 1.0f / 720;
  const Floats p = (high * r2 + middle) * r2 + low;
  const Ints exponent = (reinterpret_cast<Ints>(shifted) << 23) + reinterpret_cast<Ints>(all(1.0f));
  return {reinterpret_cast<Floats>(exponent), p * r2 + r};
}
/// For any x: limited to the bounds above.
TANDEM_INLINE Exponential exponential(Floats x) {
  return boundedExponential(smaller(all(86.0f), larger(all(-86.0f), x)));
}

TANDEM_INLINE Floats expm1(Floats x) {
  const Exponential e = exponential(x);
  return e.rest * e.scale + (e.scale - 1.0f);
}
TANDEM_INLINE Floats sigmoid(Floats x) {
  const Exponential e = exponential(-x);
  return 1.0f / (e.rest * e.scale + (e.scale + 1.0f));
}
/// x * sigmoid(alpha * x); 0 where the limit of the exponential would show.
TANDEM_INLINE Floats swish(Floats x, float alpha) {
  const Floats scaled = x * alpha;
  const Exponential e = exponential(-scaled);
  return (scaled < -86.0f ? Floats{} : x) / (e.rest * e.scale + (e.scale + 1.0f));
}
/// (e^2x - 1) / (e^2x + 1), which keeps its relative precision at zero because e^2x - 1 does.
TANDEM_INLINE Floats tanh(Floats x) {
  const Floats e = expm1(x + x);
  return e / (e + 2.0f);
}

/// -ln(erfc(z)) / z for 0 <= z <= kErfcEnd: a polynomial fitted for the least error of erfc (2e-7) and, near zero, of
/// erf (6e-7, relative).
constexpr float kErfcEnd = 4.0f; ///< erfc is below 2e-8 from here on
TANDEM_INLINE Floats erfcExponent(Floats z) {
  const Floats z2 = z * z, z4 = z2 * z2;
  const Floats a = z * 0.636595786f + 1.1283797f, b = z * -0.0195830986f + 0.102939978f;
  const Floats c = z * 0.00126211997f + 0.000406778068f, d = z * 9.24141423e-05f - 0.000479253766f;
  const Floats e = z * 4.31428248e-07f - 9.64770334e-06f;
  return (b * z2 + a) + ((e * z4) + (d * z2 + c)) * z4;
}

/// erf(|x|) = 1 - e^-q, which keeps its relative precision at zero.
TANDEM_INLINE Floats erf(Floats x) {
  const Floats z = smaller(all(kErfcEnd), magnitude(x));
  const Exponential e = boundedExponential(-z * erfcExponent(z));
  const Floats value = (1.0f - e.scale) - e.rest * e.scale;
  const Ints sign = reinterpret_cast<Ints>(x) & static_cast<std::int32_t>(0x80000000u);
  return reinterpret_cast<Floats>(reinterpret_cast<Ints>(value) | sign);
}

/// x Phi(x), with Phi(-|x|) = erfc(|x| / sqrt(2)) / 2: the larger of x and 0, less |x| Phi(-|x|).
TANDEM_INLINE Floats gelu(Floats x) {
  const Floats size = magnitude(x);
  const Floats scaled = size * 0.707106781f;
  const Floats z = smaller(all(kErfcEnd), scaled);
  const Exponential e = boundedExponential(-z * erfcExponent(z));
  const Floats half = scaled > kErfcEnd ? Floats{} : 0.5f * size;
  return larger(Floats{}, x) - half * (e.rest * e.scale + e.scale);
}

/// x (1 + tanh(u)) / 2 = x sigmoid(2u) with u = sqrt(2 / pi) (x + 0.044715 x^3).
TANDEM_INLINE Floats geluTanh(Floats x) { return x * sigmoid(x * (x * x * 0.0713548163f + 1.59576912f)); }

} // namespace
} // namespace tandem::cpu
