// SPDX-License-Identifier: GPL-3.0-or-later
// Gather on CPUs. E is an unsigned type as wide as one element, I the type of the indices.

// dst[outer][k][:] = src[outer][index[k]][:], runs of `inner` elements, `runs` of them per work-item.
#ifdef RUNS
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gather_runs(__global const E* restrict src, __global const I* restrict index, __global E* restrict dst, int count,
            int indices, int axis, int inner, int runs, __global int* status, int id) {
  const int first = get_global_id(0) * runs, last = min(first + runs, count);
  for (int run = first; run < last; ++run) {
    const I given = index[run % indices];
    const long at = given < 0 ? given + axis : given;
    __global E* to = dst + run * inner;
    if (at >= 0 && at < axis) {
      __global const E* from = src + (run / indices * axis + (int)at) * inner;
      for (int i = 0; i < inner; ++i) to[i] = from[i];
    } else {
      for (int i = 0; i < inner; ++i) to[i] = 0;
      REPORT(status, id, given, axis)
    }
  }
}
#endif

// Channels in another order, on blocks of 16, `rows` rows of one block per work-item.
#ifdef CHANNELS
#define LANES ((int16)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#define SIDES                                                                                                          \
  int h, int w, int blocks, int rows, int xBatch, int xBlock, int xRow, int xOrigin, int yBatch, int yBlock, int yRow, \
      int yOrigin
#define PLACE                                                                                                          \
  const int n = get_global_id(1) / blocks, block = get_global_id(1) % blocks;                                          \
  const int first = get_global_id(0) * rows, last = min(first + rows, h);                                              \
  x += n * xBatch + xOrigin;                                                                                           \
  y += n * yBatch + block * yBlock + yOrigin;

// By a table of where each channel of the result lies in a pixel of the source.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
gather_channels(__global const float* restrict x, __global const int* restrict offsets, __global float* restrict y,
                SIDES) {
  PLACE
  const int16 o = vload16(block, offsets);
  for (int r = first; r < last; ++r)
    for (int i = 0; i < w; ++i) {
      __global const float* p = x + r * xRow + i * 16;
      vstore16((float16)(p[o.s0], p[o.s1], p[o.s2], p[o.s3], p[o.s4], p[o.s5], p[o.s6], p[o.s7], p[o.s8], p[o.s9],
                         p[o.sa], p[o.sb], p[o.sc], p[o.sd], p[o.se], p[o.sf]),
               i, y + r * yRow);
    }
}

// The shuffle of GROUPS groups of `width` channels: one channel of each in turn. Neighbours of a group lie in one or
// two blocks, so a pixel takes two loads per group instead of sixteen in all.
#ifdef GROUPS
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void shuffle_channels(__global const float* restrict x,
                                                                             __global float* restrict y, int channels,
                                                                             int width, int xBlocks, SIDES) {
  PLACE
  int low[GROUPS], high[GROUPS];
  int16 isLow[GROUPS];
#pragma unroll
  for (int g = 0; g < GROUPS; ++g) {
    const int channel = (block * 16 + g) % GROUPS * width + (block * 16 + g) / GROUPS;
    const int at = min(channel / 16, xBlocks - 1), lane = channel % 16;
    low[g] = at * xBlock + lane;
    high[g] = at + 1 < xBlocks ? (at + 1) * xBlock + lane - 16 : low[g];
    isLow[g] = LANES < (int16)(16 - lane);
  }
  const int16 isChannel = LANES < (int16)(channels - block * 16);
  for (int r = first; r < last; ++r)
    for (int i = 0; i < w; ++i) {
      __global const float* p = x + r * xRow + i * 16;
      float16 v[GROUPS];
#pragma unroll
      for (int g = 0; g < GROUPS; ++g) v[g] = select(vload16(0, p + high[g]), vload16(0, p + low[g]), isLow[g]);
#if GROUPS == 2
      const float16 mixed = shuffle2(v[0], v[1], (uint16)(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
#elif GROUPS == 3
      const float16 two = shuffle2(v[0], v[1], (uint16)(0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5));
      const float16 mixed = shuffle2(two, v[2], (uint16)(0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15));
#else
      const float16 even = shuffle2(v[0], v[2], (uint16)(0, 0, 16, 0, 1, 0, 17, 0, 2, 0, 18, 0, 3, 0, 19, 0));
      const float16 odd = shuffle2(v[1], v[3], (uint16)(0, 0, 0, 16, 0, 1, 0, 17, 0, 2, 0, 18, 0, 3, 0, 19));
      const float16 mixed = shuffle2(even, odd, (uint16)(0, 17, 2, 19, 4, 21, 6, 23, 8, 25, 10, 27, 12, 29, 14, 31));
#endif
      vstore16(select((float16)(0.0f), mixed, isChannel), i, y + r * yRow);
    }
}
#endif
#endif
