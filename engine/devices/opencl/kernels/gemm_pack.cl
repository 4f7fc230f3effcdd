// SPDX-License-Identifier: GPL-3.0-or-later
// Operands of gemm_panel.cl in the order in which it reads them.

// B (element (k, column) at k * bK + column * bColumn) in panels [batch][panel][k][WIDTH], zeros behind the last column.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void pack_b(__global const float* restrict B,
                                                                   __global float* restrict packed, int n, int k,
                                                                   int bK, int bColumn, int bBatch) {
  const int panel = get_global_id(0);
  const int batch = get_global_id(1);
  const int panels = get_global_size(0);
  __global const float* src = B + batch * bBatch + panel * WIDTH * bColumn;
  __global float* dst = packed + (size_t)(batch * panels + panel) * k * WIDTH;
  const int columns = min(WIDTH, n - panel * WIDTH);
  if (bColumn == 1 && columns == WIDTH) {
    for (int kk = 0; kk < k; ++kk)
      for (int j = 0; j < WIDTH; j += 16) vstore16(vload16(0, src + kk * bK + j), 0, dst + kk * WIDTH + j);
    return;
  }
  for (int kk = 0; kk < k; ++kk) {
    __global const float* from = src + kk * bK;
    for (int j = 0; j < columns; ++j) dst[kk * WIDTH + j] = from[j * bColumn];
    for (int j = columns; j < WIDTH; ++j) dst[kk * WIDTH + j] = 0.0f;
  }
}

// A (element (row, k) at row * aRow + k * aK) in tiles [batch][tile][k][WIDTH] of WIDTH rows; rows behind the last are
// that once more.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void pack_a(__global const float* restrict A,
                                                                   __global float* restrict packed, int m, int k,
                                                                   int aRow, int aK, int aBatch) {
  const int tile = get_global_id(0);
  const int batch = get_global_id(1);
  const int tiles = get_global_size(0);
  __global float* dst = packed + (size_t)(batch * tiles + tile) * k * WIDTH;
  __global const float* src[WIDTH];
  for (int p = 0; p < WIDTH; ++p) src[p] = A + batch * aBatch + min(tile * WIDTH + p, m - 1) * aRow;
  for (int kk = 0; kk < k; ++kk)
#pragma unroll
    for (int p = 0; p < WIDTH; ++p) dst[kk * WIDTH + p] = src[p][kk * aK];
}
