// SPDX-License-Identifier: GPL-3.0-or-later
// ONNX LRN: x / (bias + alpha / size * sum of squares over `size` channels around)^beta. BEFORE and AFTER are the
// channels summed on either side; POWER(t) is t^-beta.
#if QUARTERS == 2
#define POWER(V, t) ((V)(1.0f) / sqrt(t))
#elif QUARTERS == 3
#define POWER(V, t) ((V)(1.0f) / (sqrt(t) * sqrt(sqrt(t))))
#elif QUARTERS == 4
#define POWER(V, t) ((V)(1.0f) / (t))
#else
#define POWER(V, t) pow(t, (V)(-beta))
#endif

#ifdef BLOCKED
#define LANES ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#define ZERO ((float16)(0.0f))
// On blocks of 16 channels, `rows` rows of one block per work-item. What lies behind the last channel does not count.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
lrn_blocked(__global const float* restrict x, __global float* restrict y, int channels, int h, int w, int blocks,
            int rows, int xBatch, int xBlock, int xRow, int xOrigin, int yBatch, int yBlock, int yRow, int yOrigin,
            float scale, float beta, float bias) {
  const int n = get_global_id(1) / blocks, block = get_global_id(1) % blocks;
  const int first = get_global_id(0) * rows, last = min(first + rows, h);
  const int before = block > 0 ? -xBlock : 0, after = block + 1 < blocks ? xBlock : 0;
  const int16 isBefore = LANES < (int16)(block > 0 ? 16 : 0);
  const int16 isOwn = LANES < (int16)(channels - block * 16);
  const int16 isAfter = LANES < (int16)(channels - block * 16 - 16);
  for (int r = first; r < last; ++r) {
    __global const float* xp = x + n * xBatch + block * xBlock + r * xRow + xOrigin;
    __global float* yp = y + n * yBatch + block * yBlock + r * yRow + yOrigin;
    for (int i = 0; i < w; ++i) {
      const float16 v = vload16(i, xp), l = vload16(i, xp + before), h_ = vload16(i, xp + after);
      const float16 own = select(ZERO, v * v, isOwn);
      const float16 low = select(ZERO, l * l, isBefore), high = select(ZERO, h_ * h_, isAfter);
      float16 sum = own;
#pragma unroll
      for (int k = 1; k <= BEFORE; ++k) sum += shuffle2(low, own, convert_uint16(LANES + (int16)(16 - k)));
#pragma unroll
      for (int k = 1; k <= AFTER; ++k) sum += shuffle2(own, high, convert_uint16(LANES + (int16)(k)));
      const float16 t = fma(sum, (float16)(scale), (float16)(bias));
      vstore16(v * POWER(float16, t), i, yp);
    }
  }
}
#elif defined(PIXELS)
// Row-major, PIXELS vectors of 16 neighbouring pixels of all channels per work-item.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void lrn_pixels(__global const float* restrict x,
                                                                       __global float* restrict y, int channels,
                                                                       int plane, int before, int after, float scale,
                                                                       float beta, float bias) {
  x += get_global_id(1) * channels * plane;
  y += get_global_id(1) * channels * plane;
  const int first = get_global_id(0) * PIXELS * 16, last = min(first + PIXELS * 16, plane);
  for (int c = 0; c < channels; ++c) {
    const int low = max(0, c - before), high = min(channels - 1, c + after);
    int i = first;
    for (; i + 16 <= last; i += 16) {
      float16 sum = (float16)(0.0f);
      for (int k = low; k <= high; ++k) {
        const float16 v = vload16(0, x + k * plane + i);
        sum = fma(v, v, sum);
      }
      const float16 t = fma(sum, (float16)(scale), (float16)(bias));
      vstore16(vload16(0, x + c * plane + i) * POWER(float16, t), 0, y + c * plane + i);
    }
    for (; i < last; ++i) {
      float sum = 0.0f;
      for (int k = low; k <= high; ++k) sum = fma(x[k * plane + i], x[k * plane + i], sum);
      const float t = fma(sum, scale, bias);
      y[c * plane + i] = x[c * plane + i] * POWER(float, t);
    }
  }
}
#else
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void lrn(__global const float* restrict x,
                                                                  __global float* restrict y, int count, int channels,
                                                                  int plane, int before, int after, float scale,
                                                                  float beta, float bias) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int channel = (i / plane) % channels;
  const int first = max(0, channel - before), last = min(channels - 1, channel + after);
  float squares = 0.0f;
  for (int c = first; c <= last; ++c) {
    const float v = x[i + (c - channel) * plane];
    squares = fma(v, v, squares);
  }
  const float t = bias + scale * squares;
  y[i] = x[i] * POWER(float, t);
}
#endif
