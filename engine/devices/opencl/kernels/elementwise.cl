// SPDX-License-Identifier: GPL-3.0-or-later
// One family for all elementwise operators: -DEXPR names the function (expressions.cl), TO/TA/TB/TC are element types,
// NIN the number of operands, SA/SB/SC their strides along the inner dim (0, 1, or -1 = the argument), OUTER whether
// there are others. VECTOR: 16 floats at a time (all types float, inner strides 0 or 1). CHUNK: elements of the inner dim per work-item.

#ifdef INTEGER_POWER
// By repeated squaring, wrapping; a negative exponent truncates 1 / a^n.
TS integer_power(TS a, long n) {
  if (n < 0) return a == 1 ? (TS)1 : ((TS)(-1) < 0 && a == (TS)(-1)) ? (n % 2 != 0 ? (TS)(-1) : (TS)1) : (TS)0;
  TS result = 1;
  for (; n > 0; n >>= 1) {
    if (n & 1) result = (TS)(result * a);
    a = (TS)(a * a);
  }
  return result;
}
#endif
#ifdef FLOAT_POWER
#define PASTE_(a, b, c) a##b##c
#define PASTE(a, b, c) PASTE_(a, b, c)
TO clamped(double x) { return x != x ? (TO)0 : PASTE(convert_, TO, _sat_rtz)(x); }
#endif

#if SA < 0
#undef SA
#define SA innerA
#endif
#if SB < 0
#undef SB
#define SB innerB
#endif
#if SC < 0
#undef SC
#define SC innerC
#endif

#ifdef VECTOR
#define LOAD(pointer, at, stride) ((stride) ? vload16(0, pointer + at + i) : (float16)(pointer[at]))
#endif

__kernel __attribute__((reqd_work_group_size(LX, 1, 1))) void
elementwise(__global const TA* restrict A, __global const TB* restrict Bp, __global const TC* restrict Cp,
            __global TO* restrict out, int inner, int8 dims, int8 strideA, int8 strideB, int8 strideC, int8 strideO,
            int outer, int innerA, int innerB, int innerC, int innerO, int offsetO, int offsetA, int offsetB, int offsetC, float p,
            float q
#ifdef CHECKED
            ,
            __global int* status, int id
#endif
) {
#ifdef CHECKED
  int bad = 0;
#endif
  ROW_AND_FIRST(inner)
  int oa = offsetA, ob = offsetB, oc = offsetC, oo = offsetO;
#if OUTER > 0
  OFFSETS1(row, dims, outer, strideA, oa)
  OFFSETS1(row, dims, outer, strideO, oo)
#if NIN > 1
  OFFSETS1(row, dims, outer, strideB, ob)
#endif
#if NIN > 2
  OFFSETS1(row, dims, outer, strideC, oc)
#endif
#endif
  const int last = min(first + CHUNK, inner);
  int i = first;
#ifdef VECTOR
  for (; i + 16 <= last; i += 16) {
    const float16 a = LOAD(A, oa, SA);
#if NIN > 1
    const float16 b = LOAD(Bp, ob, SB);
#endif
#if NIN > 2
    const float16 c = LOAD(Cp, oc, SC);
#endif
    vstore16(EXPR(float16, a, b, c), 0, out + oo + i);
  }
#endif
  for (; i < last; ++i) {
    const TA a = A[oa + i * SA];
#if NIN > 1
    const TB b = Bp[ob + i * SB];
#endif
#if NIN > 2
    const TC c = Cp[oc + i * SC];
#endif
    out[oo + i * innerO] = (TO)(EXPR(TS, a, b, c));
  }
#ifdef CHECKED
  if (bad) REPORT(status, id, 0, -1)
#endif
}
