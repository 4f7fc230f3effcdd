// SPDX-License-Identifier: GPL-3.0-or-later
// One family for all elementwise operators: -DEXPR names the function, TO/TA/TB/TC are element types, NIN the number
// of operands, SA/SB/SC their strides along the inner dim (0, 1, or -1 = the argument), OUTER whether there are others.
// VECTOR: 16 floats at a time (all types float, inner strides 0 or 1). CHUNK: elements of the inner dim per work-item.
#define SELECT(V, condition, yes, no) ((condition) ? (V)(yes) : (V)(no))

#define expr_Identity(V, a, b, c) (a)
#define expr_Abs(V, a, b, c) (a < (V)(0) ? -a : a)
#define expr_FAbs(V, a, b, c) fabs(a)
#define expr_Neg(V, a, b, c) (-a)
#define expr_Relu(V, a, b, c) (a <= (V)(0) ? (V)(0) : a)
#define expr_LeakyRelu(V, a, b, c) (a < (V)(0) ? (V)(p) * a : a)
#define expr_ThresholdedRelu(V, a, b, c) (a > (V)(p) ? a : (V)(0))
#define expr_Sigmoid(V, a, b, c) ((V)(1.0f) / ((V)(1.0f) + exp(-a)))
#define expr_Tanh(V, a, b, c) tanh(a)
#define expr_HardSigmoid(V, a, b, c) fmax(fmin((V)(p)*a + (V)(q), (V)(1.0f)), (V)(0.0f))
#define expr_HardSwish(V, a, b, c) (a * fmax(fmin(a * (V)(1.0f / 6.0f) + (V)(0.5f), (V)(1.0f)), (V)(0.0f)))
#define expr_Elu(V, a, b, c) (a < (V)(0) ? (V)(p)*expm1(a) : a)
#define expr_Celu(V, a, b, c) (fmax(a, (V)(0)) + fmin((V)(p)*expm1(a / (V)(p)), (V)(0)))
#define expr_Selu(V, a, b, c) (a > (V)(0) ? (V)(q)*a : (V)(q) * (V)(p)*expm1(a))
#define expr_Softplus(V, a, b, c) (fmax(a, (V)(0)) + log1p(exp(-fabs(a))))
#define expr_Softsign(V, a, b, c) (a / ((V)(1.0f) + fabs(a)))
#define expr_Mish(V, a, b, c) (a * tanh(fmax(a, (V)(0)) + log1p(exp(-fabs(a)))))
#define expr_Swish(V, a, b, c) (a / ((V)(1.0f) + exp(-(V)(p)*a)))
#define expr_Gelu(V, a, b, c) ((V)(0.5f) * a * ((V)(1.0f) + erf(a * (V)(0.70710678118654752440f))))
#define expr_GeluTanh(V, a, b, c)                                                                                      \
  ((V)(0.5f) * a * ((V)(1.0f) + tanh((V)(0.7978845608028654f) * (a + (V)(0.044715f) * a * a * a))))
#define expr_Exp(V, a, b, c) exp(a)
#define expr_Log(V, a, b, c) log(a)
#define expr_Sqrt(V, a, b, c) sqrt(a)
#define expr_Reciprocal(V, a, b, c) ((V)(1.0f) / a)
#define expr_Floor(V, a, b, c) floor(a)
#define expr_Ceil(V, a, b, c) ceil(a)
#define expr_Round(V, a, b, c) rint(a)
#define expr_Sign(V, a, b, c) (a > (V)(0) ? (V)(1) : (a < (V)(0) ? (V)(-1) : a))
#define expr_Erf(V, a, b, c) erf(a)
#define expr_Sin(V, a, b, c) sin(a)
#define expr_Cos(V, a, b, c) cos(a)
#define expr_Tan(V, a, b, c) tan(a)
#define expr_Asin(V, a, b, c) asin(a)
#define expr_Acos(V, a, b, c) acos(a)
#define expr_Atan(V, a, b, c) atan(a)
#define expr_Sinh(V, a, b, c) sinh(a)
#define expr_Cosh(V, a, b, c) cosh(a)
#define expr_Asinh(V, a, b, c) asinh(a)
#define expr_Acosh(V, a, b, c) acosh(a)
#define expr_Atanh(V, a, b, c) atanh(a)
#define expr_Clip(V, a, b, c) (a < (V)(p) ? (V)(fmin(p, q)) : (a > (V)(q) ? (V)(q) : a))
#define expr_ClipBounds(V, a, b, c) (a < b ? (b < c ? b : c) : (a > c ? c : a))
#define expr_ClipLow(V, a, b, c) (a < b ? b : a)
#define expr_ClipHigh(V, a, b, c) (a > b ? b : a)
#define expr_Not(V, a, b, c) (a == 0)
#define expr_Add(V, a, b, c) (a + b)
#define expr_Sub(V, a, b, c) (a - b)
#define expr_Mul(V, a, b, c) (a * b)
#define expr_Div(V, a, b, c) (a / b)
// Integers. A zero divisor, which would trap on a CPU, is reported instead.
#define expr_SDiv(V, a, b, c) (b == 0 ? (bad = 1, (V)0) : b == -1 ? (V)(0 - a) : (V)(a / b))
#define expr_UDiv(V, a, b, c) (b == 0 ? (bad = 1, (V)0) : (V)(a / b))
#define expr_SRem(V, a, b, c) (b == 0 ? (bad = 1, (V)0) : b == -1 ? (V)0 : (V)(a % b))
#define expr_URem(V, a, b, c) (b == 0 ? (bad = 1, (V)0) : (V)(a % b))
#define expr_SMod(V, a, b, c)                                                                                          \
  (b == 0 ? (bad = 1, (V)0) : b == -1 ? (V)0 : (V)(a % b != 0 && ((a % b < 0) != (b < 0)) ? a % b + b : a % b))
#define expr_FloorMod(V, a, b, c) (fmod(a, b) != 0 && ((fmod(a, b) < 0) != (b < 0)) ? fmod(a, b) + b : fmod(a, b))
#define expr_BitAnd(V, a, b, c) (a & b)
#define expr_BitOr(V, a, b, c) (a | b)
#define expr_BitXor(V, a, b, c) (a ^ b)
#define expr_BitNot(V, a, b, c) (~a)
#define expr_ShiftLeft(V, a, b, c) (b >= sizeof(V) * 8 ? (V)0 : (V)(a << b))
#define expr_ShiftRight(V, a, b, c) (b >= sizeof(V) * 8 ? (V)0 : (V)(a >> b))
#define expr_Pow(V, a, b, c) pow(a, b)
#define expr_PowAs(V, a, b, c) pow(a, (V)(b))
#define expr_IntPow(V, a, b, c) integer_power(a, (long)(b))
#define expr_IntPowFloat(V, a, b, c) clamped(pow((double)(a), (double)(b)))
#define expr_Square(V, a, b, c) (a * a)
#define expr_Fmod(V, a, b, c) fmod(a, b)
#define expr_Max(V, a, b, c) (((a > b) | (a != a)) ? a : b)
#define expr_Min(V, a, b, c) (((a < b) | (a != a)) ? a : b)
#define expr_PRelu(V, a, b, c) (a < (V)(0) ? b * a : a)
#define expr_MeanAdd(V, a, b, c) ((a + b) / (V)(p))
#define expr_Scale(V, a, b, c) (a * (V)(p))
#define expr_And(V, a, b, c) ((a != 0) & (b != 0))
#define expr_Or(V, a, b, c) ((a != 0) | (b != 0))
#define expr_Xor(V, a, b, c) ((a != 0) ^ (b != 0))
#define expr_Equal(V, a, b, c) (a == b)
#define expr_Greater(V, a, b, c) (a > b)
#define expr_GreaterOrEqual(V, a, b, c) (a >= b)
#define expr_Less(V, a, b, c) (a < b)
#define expr_LessOrEqual(V, a, b, c) (a <= b)
#define expr_Where(V, a, b, c) (a ? b : c)
#define expr_MulAdd(V, a, b, c) fma(a, b, c)
#define expr_IsNaN(V, a, b, c) (a != a)
#define expr_IsInf(V, a, b, c) (isinf(a) && (a > (V)(0) ? p != 0.0f : q != 0.0f))
#define expr_Shrink(V, a, b, c) (a < (V)(-q) ? a + (V)(p) : a > (V)(q) ? a - (V)(p) : (V)(0))

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
