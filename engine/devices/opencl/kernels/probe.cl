// SPDX-License-Identifier: GPL-3.0-or-later
// What the probe times. CPU: one work-item per group with 16-wide vectors; GPU: many scalar work-items.
#ifdef CPU
typedef float16 V;
#define LOCAL 1
#else
typedef float V;
#define LOCAL 64
#endif

__kernel __attribute__((reqd_work_group_size(LOCAL, 1, 1))) void fma_chains(__global float* out, int rounds) {
  const float start = (float)get_global_id(0);
  const V a = (V)(0.999f), b = (V)(0.001f);
#define CHAIN(i) V x##i = (V)(start + (float)(i));
  CHAIN(0) CHAIN(1) CHAIN(2) CHAIN(3) CHAIN(4) CHAIN(5) CHAIN(6) CHAIN(7)
  CHAIN(8) CHAIN(9) CHAIN(10) CHAIN(11) CHAIN(12) CHAIN(13) CHAIN(14) CHAIN(15)
  for (int r = 0; r < rounds; ++r) {
#define STEP(i) x##i = fma(x##i, a, b);
    STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6) STEP(7)
    STEP(8) STEP(9) STEP(10) STEP(11) STEP(12) STEP(13) STEP(14) STEP(15)
  }
  const V sum = x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + x10 + x11 + x12 + x13 + x14 + x15;
#ifdef CPU
  vstore16(sum, get_global_id(0), out);
#else
  out[get_global_id(0)] = sum;
#endif
}

#ifdef CPU
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void copy(__global const float* restrict src,
                                                                  __global float* restrict dst) {
  const size_t base = get_global_id(0) * 16384;
  for (int i = 0; i < 16384; i += 16) vstore16(vload16(0, src + base + i), 0, dst + base + i);
}
#else
__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void copy(__global const float4* restrict src,
                                                                    __global float4* restrict dst) {
  dst[get_global_id(0)] = src[get_global_id(0)];
}
#endif

__kernel void empty() {}
