// SPDX-License-Identifier: GPL-3.0-or-later
// Row-major NCHW <-> channel-blocked storage [N][C/B][H + halo][W + halo][B]; B is 16, or 1 to 4. A work-item does `rows` rows
// of one block, 16 pixels at a time; the last vector of a row may overlap the one before it.
// One perfect shuffle of B vectors. log2(B) of them turn B channels of 16 pixels into 16 pixels of B channels; for
// B = 16 also the reverse.
#define LOW(a, b) shuffle2(a, b, (uint16)(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23))
#define HIGH(a, b) shuffle2(a, b, (uint16)(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31))
#define SHUFFLED(from, to)                                                                                             \
  _Pragma("unroll") for (int i_ = 0; i_ < B / 2; ++i_) {                                                               \
    to[2 * i_] = LOW(from[i_], from[i_ + B / 2]);                                                                      \
    to[2 * i_ + 1] = HIGH(from[i_], from[i_ + B / 2]);                                                                 \
  }
#define TURNS (B == 4 || B == 16)
#if B == 16
#define TURN(v, t) SHUFFLED(v, t) SHUFFLED(t, v) SHUFFLED(v, t) SHUFFLED(t, v)
#else
#define TURN(v, t) SHUFFLED(v, t) SHUFFLED(t, v)
#endif

// The rows of this work-item; c to origin describe the blocked side.
#define BLOCKED_SIDE                                                                                                   \
  int c, int h, int w, int blocks, int rows, int haloH, int haloW, int rowStride, int blockStride, int batchStride,    \
      int origin
#define PLACE                                                                                                          \
  const int n = get_global_id(1) / blocks, b = get_global_id(1) % blocks;                                              \
  const int first = get_global_id(0) * rows, last = min(first + rows, h);                                              \
  const int channels = min(B, c - b * B);                                                                              \
  const int start = n * batchStride + b * blockStride + origin;

void zero(__global float* to, int count) {
  for (int i = 0; i < count; ++i) to[i] = 0.0f;
}

// Zeros around rows [first, last) of the picture at `inside`, and above and below where they are the first or last.
void zero_around(__global float* inside, int first, int last, int h, int w, int haloH, int haloW, int rowStride) {
  const int width = (w + 2 * haloW) * B;
  inside -= haloW * B;
  for (int y = -haloH; first == 0 && y < 0; ++y) zero(inside + y * rowStride, width);
  for (int y = first; y < last; ++y) {
    zero(inside + y * rowStride, haloW * B);
    zero(inside + y * rowStride + (w + haloW) * B, haloW * B);
  }
  for (int y = h; last == h && y < h + haloH; ++y) zero(inside + y * rowStride, width);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void zero_halo(__global float* restrict dst, BLOCKED_SIDE) {
  PLACE
  zero_around(dst + start, first, last, h, w, haloH, haloW, rowStride);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void block(__global const float* restrict src,
                                                                  __global float* restrict dst, BLOCKED_SIDE) {
  PLACE
  if (haloH + haloW > 0) zero_around(dst + start, first, last, h, w, haloH, haloW, rowStride);
  for (int y = first; y < last; ++y) {
    __global float* out = dst + start + y * rowStride;
    __global const float* in = src + ((n * c + b * B) * h + y) * w;
    if (!TURNS || w < 16) {
      for (int k = 0; k < B; ++k)
        for (int x = 0; x < w; ++x) out[x * B + k] = k < channels ? in[k * h * w + x] : 0.0f;
      continue;
    }
#if TURNS
    for (int i = 0; i < w; i += 16) {
      const int x = min(i, w - 16);
      float16 v[B], t[B];
#pragma unroll
      for (int k = 0; k < B; ++k) v[k] = k < channels ? vload16(0, in + k * h * w + x) : (float16)(0.0f);
      TURN(v, t)
#pragma unroll
      for (int k = 0; k < B; ++k) vstore16(v[k], k, out + x * B);
    }
#endif
  }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void unblock(__global const float* restrict src,
                                                                    __global float* restrict dst, BLOCKED_SIDE) {
  PLACE
  for (int y = first; y < last; ++y) {
    __global const float* in = src + start + y * rowStride;
    __global float* out = dst + ((n * c + b * B) * h + y) * w;
    if (B != 16 || channels < B || w < 16) {
      for (int k = 0; k < channels; ++k)
        for (int x = 0; x < w; ++x) out[k * h * w + x] = in[x * B + k];
      continue;
    }
#if B == 16
    for (int i = 0; i < w; i += 16) {
      const int x = min(i, w - 16);
      float16 v[B], t[B];
#pragma unroll
      for (int k = 0; k < B; ++k) v[k] = vload16(k, in + x * B);
      TURN(v, t)
#pragma unroll
      for (int k = 0; k < B; ++k) vstore16(v[k], 0, out + k * h * w + x);
    }
#endif
  }
}

#if B == 16
// As strided_planes of move.cl where neighbours lie along the rows in dst and across them in src: 16 x 16 elements at a
// time. The last ones may overlap those before; both extents are 16 at least.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
turn_planes(__global const float* restrict src, __global float* restrict dst, int8 dims, int8 srcStrides,
            int8 dstStrides, int outer, int count, int planes, int parts, int mid, int rows, int inner, int srcMid,
            int dstMid, int srcInner, int dstInner, int srcOffset, int dstOffset) {
  const int firstPlane = get_global_id(0) / parts * planes, lastPlane = min(firstPlane + planes, count);
  const int first = get_global_id(0) % parts * rows, last = min(first + rows, mid);
  for (int plane = firstPlane; plane < lastPlane; ++plane) {
    int from = srcOffset, to = dstOffset;
    OFFSETS1(plane, dims, outer, srcStrides, from)
    OFFSETS1(plane, dims, outer, dstStrides, to)
    for (int row = first; row < last; row += 16)
      for (int column = 0; column < inner; column += 16) {
        const int m = min(row, mid - 16), i = min(column, inner - 16);
        float16 v[B], t[B];
#pragma unroll
        for (int k = 0; k < B; ++k) v[k] = vload16(0, src + from + m * srcMid + (i + k) * srcInner);
        TURN(v, t)
#pragma unroll
        for (int k = 0; k < B; ++k) vstore16(v[k], 0, dst + to + (m + k) * dstMid + i * dstInner);
      }
  }
}
#endif
