// SPDX-License-Identifier: GPL-3.0-or-later
// C[m][n] = activation(scale * sum_k A[m][k] * B[k][n] + scaleD * D[m][n] + Z[m][n]) with 64 x 64 results per
// work-group of 16 x 16, 16 steps of k at a time through local memory: for GPUs, and where nothing faster fits. A, B
// and D have any strides. CONV: B is the image seen through the convolution window (implicit GEMM), read through a
// table of {offset, depth, row, column} per k and computed positions per n.
#define TILE 64
#define STEP 16

__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void
gemm_tile(__global const float* restrict A, __global const float* restrict B, __global const float* restrict D,
          __global const float* restrict Z, __global float* restrict C, int m, int n, int k, int aRow, int aK, int bK,
          int bColumn, int dRow, int dColumn, float scale, float scaleD, int8 batchDims, int8 aBatch, int8 bBatch,
          int8 dBatch,
#ifdef CONV
          __global const int4* restrict taps, int id, int ih, int iw, int ohw, int ow, int sd, int sh, int sw, int pd,
          int ph, int pw,
#endif
          float alpha, float beta) {
  __local float As[STEP][TILE + 4];
  __local float Bs[STEP][TILE + 4];
  const int tx = get_local_id(0), ty = get_local_id(1);
  const int linear = ty * 16 + tx;
  const int column0 = get_group_id(0) * TILE, row0 = get_group_id(1) * TILE;
  const int batch = get_global_id(2);
  int aOffset = 0, bOffset = 0, dOffset = 0;
  OFFSETS1(batch, batchDims, BATCH, aBatch, aOffset)
  OFFSETS1(batch, batchDims, BATCH, bBatch, bOffset)
  OFFSETS1(batch, batchDims, BATCH, dBatch, dOffset)
  float acc[4][4];
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) acc[i][j] = 0.0f;
#ifdef CONV
  // A work-item always loads the same column of B.
  const int pixel = column0 + linear % TILE;
  const int od = pixel / ohw, oy = (pixel % ohw) / ow, ox = pixel % ow;
  const int z0 = od * sd - pd, y0 = oy * sh - ph, x0 = ox * sw - pw;
#endif
  for (int k0 = 0; k0 < k; k0 += STEP) {
    for (int i = 0; i < 4; ++i) {
      const int ka = linear % STEP, ra = linear / STEP + i * 16;
      As[ka][ra] = row0 + ra < m && k0 + ka < k ? A[aOffset + (row0 + ra) * aRow + (k0 + ka) * aK] : 0.0f;
      const int cb = linear % TILE, kb = linear / TILE + i * 4;
      float value = 0.0f;
      if (column0 + cb < n && k0 + kb < k) {
#ifdef CONV
        const int4 tap = taps[k0 + kb];
        const int zz = z0 + tap.y, yy = y0 + tap.z, xx = x0 + tap.w;
        if (zz >= 0 && zz < id && yy >= 0 && yy < ih && xx >= 0 && xx < iw)
          value = B[bOffset + tap.x + (zz * ih + yy) * iw + xx];
#else
        value = B[bOffset + (k0 + kb) * bK + (column0 + cb) * bColumn];
#endif
      }
      Bs[kb][cb] = value;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int kk = 0; kk < STEP; ++kk) {
      float a[4], b[4];
      for (int i = 0; i < 4; ++i) a[i] = As[kk][ty * 4 + i];
      for (int j = 0; j < 4; ++j) b[j] = Bs[kk][tx + j * 16];
      for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 4; ++j) acc[i][j] = fma(a[i], b[j], acc[i][j]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
  }
  for (int i = 0; i < 4; ++i) {
    const int row = row0 + ty * 4 + i;
    for (int j = 0; j < 4; ++j) {
      const int column = column0 + tx + j * 16;
      if (row < m && column < n) {
        const int at = (batch * m + row) * n + column;
        float v = acc[i][j] * scale;
#ifdef ADD
        v += scaleD * D[dOffset + row * dRow + column * dColumn];
#endif
#ifdef RESIDUAL
        v += Z[at];
#endif
        C[at] = ACTIVATE(float, v);
      }
    }
  }
}
