// SPDX-License-Identifier: GPL-3.0-or-later
// C = activation(scale * A B + scaleD * D) for CPUs. B is packed into panels [batch][ceil(n / 32)][k][32], zeros behind
// the last column; a work-item computes T rows of one panel in registers.

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gemm_panel(__global const float* restrict A, __global const float* restrict B, __global const float* restrict D,
           __global float* restrict C, int m, int n, int k, int aRow, int aK, int dRow, int dColumn, float scale,
           float scaleD, int8 batchDims, int8 aBatch, int8 bBatch, int8 dBatch, float alpha, float beta) {
  const int row0 = get_global_id(0) * T;
  const int panel = get_global_id(1);
  const int batch = get_global_id(2);
  int aOffset = 0, bOffset = 0, dOffset = 0;
  OFFSETS1(batch, batchDims, BATCH, aBatch, aOffset)
  OFFSETS1(batch, batchDims, BATCH, bBatch, bOffset)
  OFFSETS1(batch, batchDims, BATCH, dBatch, dOffset)
  float16 acc[T][2];
  __global const float* a[T];
#pragma unroll
  for (int p = 0; p < T; ++p) {
    acc[p][0] = acc[p][1] = (float16)(0.0f);
    a[p] = A + aOffset + min(row0 + p, m - 1) * aRow;
  }
  __global const float* b = B + bOffset + (size_t)panel * k * 32;
  for (int kk = 0; kk < k; ++kk) {
    const float16 b0 = vload16(0, b), b1 = vload16(1, b);
#pragma unroll
    for (int p = 0; p < T; ++p) {
      const float16 value = (float16)(a[p][kk * aK]);
      acc[p][0] = fma(value, b0, acc[p][0]);
      acc[p][1] = fma(value, b1, acc[p][1]);
    }
    b += 32;
  }
#pragma unroll
  for (int p = 0; p < T; ++p) {
    const int row = row0 + p;
    if (row < m) {
#pragma unroll
      for (int o = 0; o < 2; ++o) {
        const int column = panel * 32 + o * 16;
        float16 v = acc[p][o] * (float16)(scale);
        __global float* c = C + (batch * m + row) * n + column;
        if (column + 16 <= n) {
#ifdef ADD
          __global const float* d = D + dOffset + row * dRow + column * dColumn;
          v += (float16)(scaleD) * (dColumn == 1 ? vload16(0, d) : (float16)(d[0]));
#endif
          vstore16(ACTIVATE(float16, v), 0, c);
        } else {
          float parts[16];
          vstore16(v, 0, parts);
          for (int j = 0; column + j < n; ++j) {
            float r = parts[j];
#ifdef ADD
            r += scaleD * D[dOffset + row * dRow + (column + j) * dColumn];
#endif
            c[j] = ACTIVATE(float, r);
          }
        }
      }
    }
  }
}

// Packs B (element (k, column) at k * bK + column * bColumn) into the panels above.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void pack_b(__global const float* restrict B,
                                                                   __global float* restrict packed, int n, int k,
                                                                   int bK, int bColumn, int bBatch) {
  const int panel = get_global_id(0);
  const int batch = get_global_id(1);
  const int panels = get_global_size(0);
  __global const float* src = B + batch * bBatch;
  __global float* dst = packed + (size_t)(batch * panels + panel) * k * 32;
  const int columns = min(32, n - panel * 32);
  for (int kk = 0; kk < k; ++kk) {
    __global const float* from = src + kk * bK + panel * 32 * bColumn;
    for (int j = 0; j < columns; ++j) dst[kk * 32 + j] = from[j * bColumn];
    for (int j = columns; j < 32; ++j) dst[kk * 32 + j] = 0.0f;
  }
}
