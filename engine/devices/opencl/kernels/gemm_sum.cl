// SPDX-License-Identifier: GPL-3.0-or-later
// C[batch][m][n] = activation(scale * sum of `parts` products + scaleD * D + Z): the end of a product whose sums were
// computed in parts, or by a library that knows no fused operators.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
gemm_sum(__global const float* restrict P, __global const float* restrict D, __global const float* restrict Z,
         __global float* restrict C, int count, int parts, int m, int n, int dRow, int dColumn, float scale,
         float scaleD, int8 batchDims, int8 dBatch, float alpha, float beta) {
  const int i = get_global_id(0);
  if (i >= count) return;
  float v = 0.0f;
  for (int part = 0; part < parts; ++part) v += P[(size_t)part * count + i];
  v *= scale;
#ifdef ADD
  int dOffset = 0;
  OFFSETS1(i / n / m, batchDims, BATCH, dBatch, dOffset)
  v += scaleD * D[dOffset + i / n % m * dRow + i % n * dColumn];
#endif
#ifdef RESIDUAL
  v += Z[i];
#endif
  C[i] = ACTIVATE(float, v);
}
