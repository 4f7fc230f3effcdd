// SPDX-License-Identifier: GPL-3.0-or-later
// C = activation(scale * A B + scaleD * D) for CPUs: a work-item computes T rows of a panel of OB * 16 columns in
// registers. B is packed into panels [batch][panel][k][OB * 16], zeros behind the last column; DIRECT: it is row-major
// with bStep elements per row, a multiple of 16, and read as it is. PACKED_A: A is [batch][tile of T rows][k][T], one
// stream instead of T; else its elements of a row are neighbours (A_ALONG_K) or not.

#ifdef DIRECT
#define B_STEP bStep
#else
#define B_STEP (OB * 16)
#endif
#ifdef PACKED_A
#define A_AT(p, j) a[(j)*T + (p)]
#define A_NEXT(steps) a += (steps)*T;
#else
#ifdef A_ALONG_K
#define A_AT(p, j) a[p][j]
#define A_STEP 1
#else
#define A_AT(p, j) a[p][(j)*aK]
#define A_STEP aK
#endif
#define A_NEXT(steps)                                                                                                  \
  _Pragma("unroll") for (int p = 0; p < T; ++p) a[p] += (steps)*A_STEP;
#endif
// What is read as it is arrives at run time, in float.
#ifdef DIRECT
#define B_TYPE float
#define COLUMNS16(p) vload16(0, p)
#else
#define B_TYPE WEIGHT
#define COLUMNS16(p) WEIGHTS16(0, p)
#endif
#define MULTIPLY(j)                                                                                                    \
  {                                                                                                                    \
    float16 columns_[OB];                                                                                              \
    _Pragma("unroll") for (int o = 0; o < OB; ++o) columns_[o] = COLUMNS16(b + COLUMN(o));                            \
    _Pragma("unroll") for (int p = 0; p < T; ++p) {                                                                    \
      const float16 value_ = (float16)(A_AT(p, j));                                                                    \
      _Pragma("unroll") for (int o = 0; o < OB; ++o) acc[p][o] = fma(value_, columns_[o], acc[p][o]);                  \
    }                                                                                                                  \
    b += B_STEP;                                                                                                       \
  }

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_panel(__global const float* restrict A, __global const B_TYPE* restrict B, __global const float* restrict D,
           __global float* restrict C, int m, int n, int k, int aRow, int aK, int bStep, int dRow, int dColumn,
           float scale, float scaleD, int8 batchDims, int8 aBatch, int8 bBatch, float alpha, float beta) {
  const int row0 = get_global_id(0) * T;
  const int panel = get_global_id(1);
  const int batch = get_global_id(2);
  int aOffset = 0, bOffset = 0;
  OFFSETS1(batch, batchDims, BATCH, aBatch, aOffset)
  OFFSETS1(batch, batchDims, BATCH, bBatch, bOffset)
  float16 acc[T][OB];
#pragma unroll
  for (int p = 0; p < T; ++p)
#pragma unroll
    for (int o = 0; o < OB; ++o) acc[p][o] = (float16)(0.0f);
#ifdef PACKED_A
  __global const float* a = A + aOffset + (size_t)row0 * k;
#else
  __global const float* a[T];
#pragma unroll
  for (int p = 0; p < T; ++p) a[p] = A + aOffset + min(row0 + p, m - 1) * aRow;
#endif
#ifdef DIRECT
  // Columns behind the last are those before it once more.
  __global const float* b = B + bOffset;
  int column_[OB];
#pragma unroll
  for (int o = 0; o < OB; ++o) column_[o] = min(panel * (OB * 16) + o * 16, n - 16);
#define COLUMN(o) column_[o]
#else
  __global const B_TYPE* b = B + bOffset + (size_t)panel * k * (OB * 16);
#define COLUMN(o) ((o)*16)
#endif
  int kk = 0;
  for (; kk + 8 <= k; kk += 8) {
#pragma unroll
    for (int j = 0; j < 8; ++j) MULTIPLY(j)
    A_NEXT(8)
  }
  for (; kk < k; ++kk) {
    MULTIPLY(0)
    A_NEXT(1)
  }
#pragma unroll
  for (int p = 0; p < T; ++p) {
    const int row = row0 + p;
    if (row < m) {
#pragma unroll
      for (int o = 0; o < OB; ++o) {
        const int column = panel * (OB * 16) + o * 16;
        float16 v = acc[p][o] * (float16)(scale);
        __global float* c = C + ((size_t)batch * m + row) * n + column;
        if (column + 16 <= n) {
#ifdef ADD
          __global const float* d = D + row * dRow + column * dColumn;
          v += (float16)(scaleD) * (dColumn == 1 ? vload16(0, d) : (float16)(d[0]));
#endif
          vstore16(ACTIVATE(float16, v), 0, c);
        } else {
          float parts[16];
          vstore16(v, 0, parts);
          for (int j = 0; column + j < n; ++j) {
            float r = parts[j];
#ifdef ADD
            r += scaleD * D[row * dRow + (column + j) * dColumn];
#endif
            c[j] = ACTIVATE(float, r);
          }
        }
      }
    }
  }
}
