// SPDX-License-Identifier: GPL-3.0-or-later
// Depthwise convolution. BLOCKED: storage in blocks of 16 channels with zeros around, T pixels in R rows per work-item
// (CPUs), the window KH x KW with strides SH, SW and dilations DH, DW known, so that loads of neighbours are shared;
// otherwise row-major, OUTPUTS neighbours in a row per work-item (GPUs).

#ifdef BLOCKED
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
depthwise_tile(__global const float* restrict x, __global const WEIGHT* restrict w, __global const float* restrict bias,
               __global const float* restrict z, __global float* restrict y, int xBatch, int xBlock, int xOrigin,
               int xRow, int yBatch, int yBlock, int yOrigin, int yRow, int zBatch, int zBlock, int zOrigin, int zRow,
               int ow, int oh, int blocks, float alpha, float beta) {
  const int tile = get_global_id(0) * T;
  // The last rows overlap those before, so that the distance of a work-item's rows is known.
  const int firstRow = get_global_id(1) * R;
  const int row0 = min(firstRow, oh - R);
  const int n = get_global_id(2) / blocks;
  const int block = get_global_id(2) % blocks;
  float16 acc[R][T];
  const float16 b = vload16(block, bias);
#pragma unroll
  for (int i = 0; i < R; ++i)
#pragma unroll
    for (int p = 0; p < T; ++p) acc[i][p] = b;
  __global const float* xp = x + n * xBatch + block * xBlock + xOrigin + row0 * SH * xRow + tile * (SW * 16);
  __global const WEIGHT* wp = w + block * (KH * KW * 16);
#pragma unroll
  for (int i = 0; i < R; ++i)
#pragma unroll
    for (int r = 0; r < KH; ++r)
#pragma unroll
      for (int s = 0; s < KW; ++s) {
        const float16 weights = WEIGHTS16(r * KW + s, wp);
        __global const float* xt = xp + (i * SH + r * DH) * xRow + s * (DW * 16);
#pragma unroll
        for (int p = 0; p < T; ++p) acc[i][p] = fma(vload16(p * SW, xt), weights, acc[i][p]);
      }
#pragma unroll
  for (int i = 0; i < R; ++i) {
    const int row = row0 + i;
    if (row >= firstRow) {
      __global float* yp = y + n * yBatch + block * yBlock + yOrigin + row * yRow + tile * 16;
#ifdef RESIDUAL
      __global const float* zp = z + n * zBatch + block * zBlock + zOrigin + row * zRow + tile * 16;
#endif
#pragma unroll
      for (int p = 0; p < T; ++p) {
        if (tile + p < ow) {
          float16 v = acc[i][p];
#ifdef RESIDUAL
          v += vload16(p, zp);
#endif
          vstore16(ACTIVATE(float16, v), p, yp);
        }
      }
    }
  }
}
#else
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
depthwise(__global const float* restrict x, __global const WEIGHT* restrict w, __global const float* restrict bias,
          __global const float* restrict z, __global float* restrict y, int count, int channels, int multiplier, int ih,
          int iw, int oh, int ow, int kh, int kw, int sh, int dh, int dw, int ph, int pw, float alpha, float beta) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int perRow = (ow + OUTPUTS - 1) / OUTPUTS;
  const int column = i % perRow * OUTPUTS;
  const int row = (i / perRow) % oh;
  const int plane = i / perRow / oh;
  const int channel = plane % channels;
  const int n = plane / channels;
  __global const float* xp = x + (n * (channels / multiplier) + channel / multiplier) * ih * iw;
  __global const WEIGHT* wp = w + channel * kh * kw;
  float sum[OUTPUTS];
#pragma unroll
  for (int p = 0; p < OUTPUTS; ++p) sum[p] = bias[channel];
  for (int r = 0; r < kh; ++r) {
    const int yy = row * sh + r * dh - ph;
    if (yy < 0 || yy >= ih) continue;
    for (int s = 0; s < kw; ++s) {
      const float weight = WEIGHT_AT(wp, r * kw + s);
      const int xx = column * SW + s * dw - pw;
#pragma unroll
      for (int p = 0; p < OUTPUTS; ++p) {
        const int at = xx + p * SW;
        sum[p] = fma(at >= 0 && at < iw ? xp[yy * iw + at] : 0.0f, weight, sum[p]);
      }
    }
  }
#pragma unroll
  for (int p = 0; p < OUTPUTS; ++p) {
    if (column + p < ow) {
      const int at = (plane * oh + row) * ow + column + p;
      float v = sum[p];
#ifdef RESIDUAL
      v += z[at];
#endif
      y[at] = ACTIVATE(float, v);
    }
  }
}
#endif
