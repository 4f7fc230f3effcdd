// SPDX-License-Identifier: GPL-3.0-or-later
// Row-major NCHW <-> channel-blocked storage [N][C/B][H + halo][W + halo][B]; B = 4 or 16. One work-item per row.

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
block(__global const float* restrict src, __global float* restrict dst, int c, int h, int w, int blocks, int haloH,
      int haloW) {
  const int row = get_global_id(1);
  const int nb = get_global_id(2);
  const int n = nb / blocks, b = nb % blocks;
  const int width = w + 2 * haloW;
  __global float* out = dst + ((nb * (h + 2 * haloH)) + row) * width * B;
  const int y = row - haloH;
  if (y < 0 || y >= h) {
    for (int i = 0; i < width * B; ++i) out[i] = 0.0f;
    return;
  }
  for (int i = 0; i < haloW * B; ++i) out[i] = out[(width - haloW) * B + i] = 0.0f;
  out += haloW * B;
  for (int k = 0; k < B; ++k) {
    const int channel = b * B + k;
    if (channel < c) {
      __global const float* in = src + ((n * c + channel) * h + y) * w;
      for (int x = 0; x < w; ++x) out[x * B + k] = in[x];
    } else {
      for (int x = 0; x < w; ++x) out[x * B + k] = 0.0f;
    }
  }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
unblock(__global const float* restrict src, __global float* restrict dst, int c, int h, int w, int blocks,
        int rowStride, int blockStride, int batchStride, int origin) {
  const int y = get_global_id(1);
  const int nb = get_global_id(2);
  const int n = nb / blocks, b = nb % blocks;
  __global const float* in = src + n * batchStride + b * blockStride + y * rowStride + origin;
  for (int k = 0; k < B && b * B + k < c; ++k) {
    __global float* out = dst + ((n * c + b * B + k) * h + y) * w;
    for (int x = 0; x < w; ++x) out[x] = in[x * B + k];
  }
}

// Zeros around one channel block; the producer wrote the inside.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void zero_halo(__global float* restrict dst, int h, int w,
                                                                      int haloH, int haloW) {
  const int width = (w + 2 * haloW) * B;
  const int height = h + 2 * haloH;
  __global float* out = dst + get_global_id(0) * height * width;
  for (int i = 0; i < haloH * width; ++i) out[i] = 0.0f;
  for (int i = (height - haloH) * width; i < height * width; ++i) out[i] = 0.0f;
  for (int y = haloH; y < height - haloH; ++y) {
    __global float* row = out + y * width;
    for (int i = 0; i < haloW * B; ++i) row[i] = 0.0f;
    for (int i = width - haloW * B; i < width; ++i) row[i] = 0.0f;
  }
}
