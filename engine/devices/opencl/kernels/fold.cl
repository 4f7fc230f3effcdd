// SPDX-License-Identifier: GPL-3.0-or-later
// Reductions of float32 along neighbouring axes on CPUs: x is [outer][length][inner], y is [outer][inner]. JOIN, MAP and
// FINISH name macros for V, a float or a vector of them; START is the first value. rows.cl has the others.
#define SUM(a, b) ((a) + (b))
#define PRODUCT(a, b) ((a) * (b))
#define MAXIMUM(a, b) ((((a) > (b)) | ((a) != (a))) ? (a) : (b))
#define MINIMUM(a, b) ((((a) < (b)) | ((a) != (a))) ? (a) : (b))
#define map_Same(V, v) (v)
#define map_Abs(V, v) fabs(v)
#define map_Square(V, v) ((v) * (v))
#define map_Mean(V, v) ((v) / (V)((float)(length)))
#define map_Sqrt(V, v) sqrt(v)
#define map_Log(V, v) log(v)

// inner = 1: `lines` lines per work-item.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void fold_lines(__global const float* restrict x,
                                                                       __global float* restrict y, int count,
                                                                       int length, int lines) {
  const int first = get_global_id(0) * lines, last = min(first + lines, count);
  for (int line = first; line < last; ++line) {
    __global const float* from = x + line * length;
    float total = START;
    int i = 0;
    if (length >= 32) {
      // Two at a time, so that one does not wait for the other.
      float16 a = (float16)(START), b = (float16)(START);
      for (; i + 32 <= length; i += 32) {
        const float16 v = vload16(0, from + i), w = vload16(1, from + i);
        const float16 mv = MAP(float16, v), mw = MAP(float16, w);
        a = JOIN(a, mv);
        b = JOIN(b, mw);
      }
      a = JOIN(a, b);
      const float8 half_ = JOIN(a.lo, a.hi);
      const float4 quarter = JOIN(half_.lo, half_.hi);
      const float2 two = JOIN(quarter.lo, quarter.hi);
      total = JOIN(two.x, two.y);
    }
    for (; i < length; ++i) {
      const float v = from[i];
      total = JOIN(total, (MAP(float, v)));
    }
    y[line] = FINISH(float, total);
  }
}

// `vectors` vectors of 16 neighbouring results per work-item, of one of the `outer` in dim 1.
#define COLUMN(V, LOAD, STORE)                                                                                         \
  {                                                                                                                    \
    V total = (V)(START);                                                                                              \
    for (int k = 0; k < length; ++k) {                                                                                 \
      const V v = LOAD(x + k * inner + i);                                                                             \
      total = JOIN(total, (MAP(V, v)));                                                                                \
    }                                                                                                                  \
    STORE(FINISH(V, total), y + i);                                                                                    \
  }
#define LOAD1(p) (*(p))
#define STORE1(v, p) (*(p) = (v))
#define LOAD16(p) vload16(0, p)
#define STORE16(v, p) vstore16(v, 0, p)
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void fold_columns(__global const float* restrict x,
                                                                         __global float* restrict y, int length,
                                                                         int inner, int vectors) {
  x += get_global_id(1) * length * inner;
  y += get_global_id(1) * inner;
  const int first = get_global_id(0) * vectors * 16, last = min(first + vectors * 16, inner);
  int i = first;
  for (; i + 16 <= last; i += 16) COLUMN(float16, LOAD16, STORE16)
  for (; i < last; ++i) COLUMN(float, LOAD1, STORE1)
}
