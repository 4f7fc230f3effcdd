// SPDX-License-Identifier: GPL-3.0-or-later
// Einsum of up to three operands in general: one work-item per element of the result adds up the products over the
// summed labels. Operands and result are walked by strides; T is the element type.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
einsum(__global const T* restrict a, __global const T* restrict b, __global const T* restrict c, __global T* restrict y,
       int count, int terms, int8 outDims, int8 sumDims, int8 outA, int8 sumA, int8 outB, int8 sumB, int8 outC,
       int8 sumC) {
  const int i = get_global_id(0);
  if (i >= count) return;
  int baseA = 0, baseB = 0, baseC = 0;
  OFFSETS1(i, outDims, 8, outA, baseA)
#if NIN > 1
  OFFSETS1(i, outDims, 8, outB, baseB)
#endif
#if NIN > 2
  OFFSETS1(i, outDims, 8, outC, baseC)
#endif
  T sum = 0;
  for (int k = 0; k < terms; ++k) {
    int atA = baseA, atB = baseB, atC = baseC;
#if SIMPLE
    atA += k * sumA.s7;
    atB += k * sumB.s7;
    atC += k * sumC.s7;
#else
    OFFSETS1(k, sumDims, 8, sumA, atA)
    OFFSETS1(k, sumDims, 8, sumB, atB)
    OFFSETS1(k, sumDims, 8, sumC, atC)
#endif
    T term = a[atA];
#if NIN > 1
    term *= b[atB];
#endif
#if NIN > 2
    term *= c[atC];
#endif
    sum += term;
  }
  y[i] = sum;
}
