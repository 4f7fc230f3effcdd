// SPDX-License-Identifier: GPL-3.0-or-later
// Depthwise convolution. BLOCKED: storage in blocks of 16 channels with zeros around, T pixels per work-item (CPUs);
// otherwise row-major, one output per work-item (GPUs).

#ifdef BLOCKED
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
depthwise_tile(__global const float* restrict x, __global const float* restrict w, __global const float* restrict bias,
               __global const float* restrict z, __global float* restrict y, int kh, int kw, int xBatch, int xBlock,
               int xOrigin, int xRowStep, int xTapRow, int xTapColumn, int yBatch, int yBlock, int yOrigin, int yRow,
               int zBatch, int zBlock, int zOrigin, int zRow, int ow, int blocks, float alpha, float beta) {
  const int tile = get_global_id(0) * T;
  const int oh = get_global_id(1);
  const int n = get_global_id(2) / blocks;
  const int block = get_global_id(2) % blocks;
  float16 acc[T];
  const float16 b = vload16(block, bias);
#pragma unroll
  for (int p = 0; p < T; ++p) acc[p] = b;
  __global const float* xp = x + n * xBatch + block * xBlock + xOrigin + oh * xRowStep + tile * (SW * 16);
  __global const float* wp = w + block * kh * kw * 16;
  for (int r = 0; r < kh; ++r) {
    __global const float* xt = xp + r * xTapRow;
    for (int s = 0; s < kw; ++s) {
      const float16 weights = vload16(0, wp);
#pragma unroll
      for (int p = 0; p < T; ++p) acc[p] = fma(vload16(p * SW, xt), weights, acc[p]);
      wp += 16;
      xt += xTapColumn;
    }
  }
  __global float* yp = y + n * yBatch + block * yBlock + yOrigin + oh * yRow + tile * 16;
#ifdef RESIDUAL
  __global const float* zp = z + n * zBatch + block * zBlock + zOrigin + oh * zRow + tile * 16;
#endif
#pragma unroll
  for (int p = 0; p < T; ++p) {
    if (tile + p < ow) {
      float16 v = acc[p];
#ifdef RESIDUAL
      v += vload16(p, zp);
#endif
      vstore16(ACTIVATE(float16, v), p, yp);
    }
  }
}
#else
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
depthwise(__global const float* restrict x, __global const float* restrict w, __global const float* restrict bias,
          __global const float* restrict z, __global float* restrict y, int count, int channels, int multiplier, int ih,
          int iw, int oh, int ow, int kh, int kw, int sh, int sw, int dh, int dw, int ph, int pw, float alpha,
          float beta) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int column = i % ow;
  const int row = (i / ow) % oh;
  const int plane = i / ow / oh;
  const int channel = plane % channels;
  const int n = plane / channels;
  __global const float* xp = x + (n * (channels / multiplier) + channel / multiplier) * ih * iw;
  __global const float* wp = w + channel * kh * kw;
  float sum = bias[channel];
  for (int r = 0; r < kh; ++r) {
    const int yy = row * sh + r * dh - ph;
    if (yy < 0 || yy >= ih) continue;
    for (int s = 0; s < kw; ++s) {
      const int xx = column * sw + s * dw - pw;
      if (xx >= 0 && xx < iw) sum = fma(xp[yy * iw + xx], wp[r * kw + s], sum);
    }
  }
#ifdef RESIDUAL
  sum += z[i];
#endif
  y[i] = ACTIVATE(float, sum);
}
#endif
