// SPDX-License-Identifier: GPL-3.0-or-later
// Direct convolution on channel-blocked storage for CPUs: a work-item computes T neighbouring pixels in R rows of OB
// blocks of 16 output channels in registers. Rows count through all images. The input has zeros around it, so there
// are no border cases; columns beyond OW are computed from whatever lies there and not stored. IB: channels of an
// input block; SW: stride along the width. Weights: [group of OB blocks][input block][kernel row][kernel
// column][IB][OB * 16].

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv_tile(__global const float* restrict x, __global const WEIGHT* restrict w, __global const float* restrict bias,
          __global const float* restrict z, __global float* restrict y, __global const int* restrict firstBlock,
          int inputBlocks, int kh, int kw, int xBatch, int xBlock, int xOrigin, int xRowStep, int xTapRow,
          int xTapColumn, int yBatch, int yBlock, int yOrigin, int yRow, int zBatch, int zBlock, int zOrigin, int zRow,
          int ow, int oh, int rows, int outputBlocks, float alpha, float beta) {
  const int tile = get_global_id(0) * T;
  const int row0 = get_global_id(1) * R;
  const int group = get_global_id(2);
  float16 acc[OB][R][T];
  __global const float* xp[R];
#pragma unroll
  for (int o = 0; o < OB; ++o) {
    const float16 b = vload16(group * OB + o, bias);
#pragma unroll
    for (int i = 0; i < R; ++i)
#pragma unroll
      for (int p = 0; p < T; ++p) acc[o][i][p] = b;
  }
#pragma unroll
  for (int i = 0; i < R; ++i) {
    const int row = min(row0 + i, rows - 1);
    xp[i] = x + row / oh * xBatch + xOrigin + row % oh * xRowStep + tile * (SW * IB);
#ifdef GROUPED
    xp[i] += firstBlock[group] * xBlock;
#endif
  }
  __global const WEIGHT* wp = w + (size_t)group * inputBlocks * kh * kw * (IB * OB * 16);
  for (int ib = 0; ib < inputBlocks; ++ib) {
    for (int r = 0; r < kh; ++r) {
      __global const float* xt[R];
#pragma unroll
      for (int i = 0; i < R; ++i) xt[i] = xp[i] + ib * xBlock + r * xTapRow;
      for (int s = 0; s < kw; ++s) {
#pragma unroll
        for (int c = 0; c < IB; ++c) {
          float16 weights[OB];
#pragma unroll
          for (int o = 0; o < OB; ++o) weights[o] = WEIGHTS16(c * OB + o, wp);
#pragma unroll
          for (int i = 0; i < R; ++i) {
#pragma unroll
            for (int p = 0; p < T; ++p) {
              const float16 value = (float16)(xt[i][p * (SW * IB) + c]);
#pragma unroll
              for (int o = 0; o < OB; ++o) acc[o][i][p] = fma(value, weights[o], acc[o][i][p]);
            }
          }
        }
        wp += IB * OB * 16;
#pragma unroll
        for (int i = 0; i < R; ++i) xt[i] += xTapColumn;
      }
    }
  }
#pragma unroll
  for (int i = 0; i < R; ++i) {
    const int row = row0 + i;
#pragma unroll
    for (int o = 0; o < OB; ++o) {
      const int block = group * OB + o;
      if (block < outputBlocks && row < rows) {
        __global float* yp = y + row / oh * yBatch + block * yBlock + yOrigin + row % oh * yRow + tile * 16;
#ifdef RESIDUAL
        __global const float* zp = z + row / oh * zBatch + block * zBlock + zOrigin + row % oh * zRow + tile * 16;
#endif
#pragma unroll
        for (int p = 0; p < T; ++p) {
          if (tile + p < ow) {
            float16 v = acc[o][i][p];
#ifdef RESIDUAL
            v += vload16(p, zp);
#endif
            vstore16(ACTIVATE(float16, v), p, yp);
          }
        }
      }
    }
  }
}
