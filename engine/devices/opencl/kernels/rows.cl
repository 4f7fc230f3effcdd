// SPDX-License-Identifier: GPL-3.0-or-later
// Kernels that work on one row (a run of `length` elements, `step` apart) at a time: LX work-items share a row, which
// starts at outer * outerStep + inner. CPUs: LX = 1; GPUs: LX = 64 and a tree through local memory. T is the element
// type, ACC what is added up in.
#ifndef T
#define T float
#endif
#ifndef ACC
#define ACC T
#endif
#if LX > 1
#define SHARED __local ACC shared[LX];
#define COMBINE(value, JOIN)                                                                                           \
  barrier(CLK_LOCAL_MEM_FENCE);                                                                                        \
  shared[lane] = value;                                                                                                \
  for (int half_ = LX / 2; half_ > 0; half_ /= 2) {                                                                    \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                                      \
    if (lane < half_) shared[lane] = JOIN(shared[lane], shared[lane + half_]);                                         \
  }                                                                                                                    \
  barrier(CLK_LOCAL_MEM_FENCE);                                                                                        \
  value = shared[0];
#else
#define SHARED
#define COMBINE(value, JOIN)
#endif
#define SUM(a, b) ((a) + (b))
#define PRODUCT(a, b) ((a) * (b))
#define MAXIMUM(a, b) ((((a) > (b)) | ((a) != (a))) ? (a) : (b))
#define MINIMUM(a, b) ((((a) < (b)) | ((a) != (a))) ? (a) : (b))

#define ROW                                                                                                            \
  const int lane = get_local_id(0);                                                                                    \
  const int row = get_group_id(0);                                                                                    \
  const int start = (row / inner) * outerStep + row % inner;                                                           \
  SHARED

#ifdef SOFTMAX
__kernel __attribute__((reqd_work_group_size(LX, 1, 1))) void softmax(__global const T* restrict x,
                                                                      __global T* restrict y, int length, int step,
                                                                      int inner, int outerStep) {
  ROW
  __global const T* xp = x + start;
  __global T* yp = y + start;
  T top = -INFINITY;
  for (int i = lane; i < length; i += LX) top = fmax(top, xp[i * step]);
  COMBINE(top, fmax)
  T sum = 0.0f;
  for (int i = lane; i < length; i += LX) {
    const T e = exp(xp[i * step] - top);
#if SOFTMAX == 1
    yp[i * step] = e;
#endif
    sum += e;
  }
  COMBINE(sum, SUM)
#if SOFTMAX == 1
  const T scale = 1.0f / sum;
  for (int i = lane; i < length; i += LX) yp[i * step] *= scale;
#else
  const T shift = top + log(sum);
  for (int i = lane; i < length; i += LX) yp[i * step] = xp[i * step] - shift;
#endif
}
#endif

#ifdef NORMALIZE
// (x - mean) / sqrt(variance + epsilon) * scale + shift. Scale and shift have one entry per element of the row
// (NORMALIZE 1: LayerNormalization) or per row, repeating after `channels` rows (2: InstanceNormalization).
__kernel __attribute__((reqd_work_group_size(LX, 1, 1))) void
normalize_row(__global const float* restrict x, __global const float* restrict scale, __global const float* restrict shift,
              __global float* restrict y, int length, int channels, float epsilon) {
  const int step = 1, inner = 1, outerStep = length;
  ROW
  __global const float* xp = x + start;
  __global float* yp = y + start;
  float sum = 0.0f;
  int i = lane;
#if LX == 1
  float16 sums = (float16)(0.0f);
  for (; i + 16 <= length; i += 16) sums += vload16(0, xp + i);
  const float8 half_ = sums.lo + sums.hi;
  const float4 quarter = half_.lo + half_.hi;
  sum = (quarter.x + quarter.y) + (quarter.z + quarter.w);
#endif
  for (; i < length; i += LX) sum += xp[i];
  COMBINE(sum, SUM)
  const float mean = sum / (float)length;
  float squares = 0.0f;
  i = lane;
#if LX == 1
  sums = (float16)(0.0f);
  for (; i + 16 <= length; i += 16) {
    const float16 d = vload16(0, xp + i) - (float16)(mean);
    sums = fma(d, d, sums);
  }
  const float8 half2 = sums.lo + sums.hi;
  const float4 quarter2 = half2.lo + half2.hi;
  squares = (quarter2.x + quarter2.y) + (quarter2.z + quarter2.w);
#endif
  for (; i < length; i += LX) {
    const float d = xp[i] - mean;
    squares = fma(d, d, squares);
  }
  COMBINE(squares, SUM)
  const float inverse = 1.0f / sqrt(squares / (float)length + epsilon);
#if NORMALIZE == 1
  for (i = lane; i < length; i += LX) yp[i] = (xp[i] - mean) * inverse * scale[i] + shift[i];
#else
  const float factor = inverse * scale[row % channels];
  const float offset = shift[row % channels] - mean * factor;
  for (i = lane; i < length; i += LX) yp[i] = fma(xp[i], factor, offset);
#endif
}
#endif

#ifdef REDUCE
#define map_Same(v) (v)
#define map_Abs(v) ((v) < 0 ? -(v) : (v))
#define map_Square(v) ((v) * (v))
#define map_Mean(v) ((v) / (ACC)(length))
#define map_Sqrt(v) sqrt(v)
#define map_Log(v) log(v)
#ifdef CLAMP
#define PASTE_(a, b, c) a##b##c
#define PASTE(a, b, c) PASTE_(a, b, c)
#define STORED(v) ((v) != (v) ? (T)0 : PASTE(convert_, T, _sat_rtz)(v))
#else
#define STORED(v) ((T)(v))
#endif
#if SIMPLE
#define ELEMENT(i, at) const int at = base + i * strides.s7;
#else
#define ELEMENT(i, at)                                                                                                 \
  int at = base;                                                                                                       \
  OFFSETS1(i, dims, 8, strides, at)
#endif
// One result per row; the elements of a row are the indices over dims (outermost first) with strides; rows likewise.
__kernel __attribute__((reqd_work_group_size(LX, 1, 1))) void reduce(__global const T* restrict x,
                                                                     __global T* restrict y, int length,
                                                                     int8 rowDims, int8 rowStrides, int8 dims,
                                                                     int8 strides) {
  const int lane = get_local_id(0);
  const int row = get_group_id(0);
  SHARED
  int base = 0;
  OFFSETS1(row, rowDims, 8, rowStrides, base)
  ACC total = START;
  for (int i = lane; i < length; i += LX) {
    ELEMENT(i, at)
    const ACC value = (ACC)x[at];
    total = JOIN(total, (MAP(value)));
  }
  COMBINE(total, JOIN)
#ifdef LOG_SUM_EXP
  // total is the largest element; equal infinities would give inf - inf = NaN.
  ACC sum = 0;
  for (int i = lane; i < length; i += LX) {
    ELEMENT(i, at)
    const ACC value = (ACC)x[at];
    sum += value == total ? (ACC)1 : exp(value - total);
  }
  COMBINE(sum, SUM)
  if (!isinf(total)) total += log(sum);
#endif
  if (lane == 0) y[row] = STORED(FINISH(total));
}
#endif
