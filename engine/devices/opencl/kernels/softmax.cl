// SPDX-License-Identifier: GPL-3.0-or-later
// Softmax (SOFTMAX 1) and LogSoftmax (2) of float32 lines, 16 elements at a time; for CPUs. rows.cl has the others.
#define LOWEST ((float16)(-INFINITY))

float largest(float16 v) {
  const float8 half_ = fmax(v.lo, v.hi);
  const float4 quarter = fmax(half_.lo, half_.hi);
  return fmax(fmax(quarter.x, quarter.y), fmax(quarter.z, quarter.w));
}

float total(float16 v) {
  const float8 half_ = v.lo + v.hi;
  const float4 quarter = half_.lo + half_.hi;
  return (quarter.x + quarter.y) + (quarter.z + quarter.w);
}

// The last elements of a row, and behind them what neither raises the maximum nor adds to the sum.
float16 load_rest(__global const float* from, int count) {
  float rest[16];
  for (int k = 0; k < 16; ++k) rest[k] = k < count ? from[k] : -INFINITY;
  return vload16(0, rest);
}

void store_rest(float16 v, __global float* to, int count) {
  float rest[16];
  vstore16(v, 0, rest);
  for (int k = 0; k < count; ++k) to[k] = rest[k];
}

// Lines that lie in one run; `lines` of them per work-item.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void softmax_rows(__global const float* restrict x,
                                                                         __global float* restrict y, int length,
                                                                         int count, int lines) {
  const int first = get_global_id(0) * lines, last = min(first + lines, count);
  const int whole = length / 16 * 16, left = length - whole;
  for (int line = first; line < last; ++line) {
    __global const float* xp = x + line * length;
    __global float* yp = y + line * length;
    const float16 rest = left ? load_rest(xp + whole, left) : LOWEST;
    float16 tops = rest;
    for (int i = 0; i < whole; i += 16) tops = fmax(tops, vload16(0, xp + i));
    const float top = largest(tops);
    const float16 last_ = left ? exp(rest - (float16)(top)) : (float16)(0.0f);
    float16 sums = last_;
    for (int i = 0; i < whole; i += 16) {
      const float16 e = exp(vload16(0, xp + i) - (float16)(top));
#if SOFTMAX == 1
      vstore16(e, 0, yp + i);
#endif
      sums += e;
    }
#if SOFTMAX == 1
    const float16 scale = (float16)(1.0f / total(sums));
    for (int i = 0; i < whole; i += 16) vstore16(vload16(0, yp + i) * scale, 0, yp + i);
    if (left) store_rest(last_ * scale, yp + whole, left);
#else
    const float16 shift = (float16)(top + log(total(sums)));
    for (int i = 0; i < whole; i += 16) vstore16(vload16(0, xp + i) - shift, 0, yp + i);
    if (left) store_rest(rest - shift, yp + whole, left);
#endif
  }
}

// Lines beside each other, `inner` of them at each of gridDim 1 places; VECTORS times 16 of them per work-item.
#define LINE(V, LOAD, STORE)                                                                                           \
  {                                                                                                                    \
    V top = (V)(-INFINITY), sum = (V)(0.0f);                                                                           \
    for (int k = 0; k < length; ++k) top = fmax(top, LOAD(x + k * inner + i));                                         \
    for (int k = 0; k < length; ++k) {                                                                                 \
      const V e = exp(LOAD(x + k * inner + i) - top);                                                                  \
      if (SOFTMAX == 1) STORE(e, y + k * inner + i);                                                                   \
      sum += e;                                                                                                        \
    }                                                                                                                  \
    const V end = SOFTMAX == 1 ? (V)(1.0f) / sum : top + log(sum);                                                     \
    for (int k = 0; k < length; ++k) {                                                                                 \
      const int at = k * inner + i;                                                                                    \
      STORE(SOFTMAX == 1 ? LOAD(y + at) * end : LOAD(x + at) - end, y + at);                                           \
    }                                                                                                                  \
  }
#define LOAD1(p) (*(p))
#define STORE1(v, p) (*(p) = (v))
#define LOAD16(p) vload16(0, p)
#define STORE16(v, p) vstore16(v, 0, p)
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void softmax_columns(__global const float* restrict x,
                                                                            __global float* restrict y, int length,
                                                                            int inner, int vectors) {
  x += get_global_id(1) * length * inner;
  y += get_global_id(1) * length * inner;
  const int first = get_global_id(0) * vectors * 16, last = min(first + vectors * 16, inner);
  int i = first;
  for (; i + 16 <= last; i += 16) LINE(float16, LOAD16, STORE16)
  for (; i < last; ++i) LINE(float, LOAD1, STORE1)
}
