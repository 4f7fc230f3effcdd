// SPDX-License-Identifier: GPL-3.0-or-later
// Normalizations in general: groups of elements anywhere in the tensor share their moments, scale and bias broadcast
// any way. The fast ones are in rows.cl. T is the element type. CENTRED: the mean is taken off first; DEVIATION 1:
// divides by sqrt(mean of squares + epsilon), 2: by sqrt(mean of squares) + epsilon.
#if LX > 1
#define SHARED __local T shared[LX];
#define COMBINE(value)                                                                                                 \
  barrier(CLK_LOCAL_MEM_FENCE);                                                                                        \
  shared[lane] = value;                                                                                                \
  for (int half_ = LX / 2; half_ > 0; half_ /= 2) {                                                                    \
    barrier(CLK_LOCAL_MEM_FENCE);                                                                                      \
    if (lane < half_) shared[lane] += shared[lane + half_];                                                            \
  }                                                                                                                    \
  barrier(CLK_LOCAL_MEM_FENCE);                                                                                        \
  value = shared[0];
#else
#define SHARED
#define COMBINE(value)
#endif

// One group per work-group: `rowDims` count the groups, `dims` the elements of one; strides as such of x, of scale (s)
// and of bias (b). `means` and `inverses` may be null.
__kernel __attribute__((reqd_work_group_size(LX, 1, 1))) void
normalize_group(__global const T* restrict x, __global const T* restrict scale, __global const T* restrict bias,
                __global T* restrict y, __global T* restrict means, __global T* restrict inverses, int length,
                int8 rowDims, int8 rowStrides, int8 rowStridesS, int8 rowStridesB, int8 dims, int8 strides,
                int8 stridesS, int8 stridesB, float epsilon) {
  const int lane = get_local_id(0);
  const int row = get_group_id(0);
  SHARED
  int base = 0, baseS = 0, baseB = 0;
  OFFSETS1(row, rowDims, 8, rowStrides, base)
  OFFSETS1(row, rowDims, 8, rowStridesS, baseS)
  OFFSETS1(row, rowDims, 8, rowStridesB, baseB)
  T mean = 0;
#if CENTRED
  for (int i = lane; i < length; i += LX) {
    int at = base;
    OFFSETS1(i, dims, 8, strides, at)
    mean += x[at];
  }
  COMBINE(mean)
  mean /= (T)length;
#endif
  T squares = 0;
  for (int i = lane; i < length; i += LX) {
    int at = base;
    OFFSETS1(i, dims, 8, strides, at)
    const T d = x[at] - mean;
    squares = fma(d, d, squares);
  }
  COMBINE(squares)
#if DEVIATION == 1
  const T inverse = (T)1 / sqrt(squares / (T)length + (T)epsilon);
#else
  const T inverse = (T)1 / (sqrt(squares / (T)length) + (T)epsilon);
#endif
  for (int i = lane; i < length; i += LX) {
    int at = base, atS = baseS, atB = baseB;
    OFFSETS1(i, dims, 8, strides, at)
    OFFSETS1(i, dims, 8, stridesS, atS)
    OFFSETS1(i, dims, 8, stridesB, atB)
    y[at] = (x[at] - mean) * inverse * scale[atS] + bias[atB];
  }
  if (lane == 0 && means) means[row] = mean;
  if (lane == 0 && inverses) inverses[row] = inverse;
}

// The same for CPUs where the elements of a group are one run of float32, seen as [a][b]: the strides of scale and bias
// along b are SCALE_STEP and BIAS_STEP, 0 or 1. `groups` groups per work-item.
#ifdef SCALE_STEP
#define PARAMETER(p, step, i) ((step) ? vload16(0, (p) + (i)) : (float16)(*(p)))
float added(float16 v) {
  const float8 half_ = v.lo + v.hi;
  const float4 quarter = half_.lo + half_.hi;
  return (quarter.x + quarter.y) + (quarter.z + quarter.w);
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
normalize_runs(__global const float* restrict x, __global const float* restrict scale, __global const float* restrict bias,
               __global float* restrict y, __global float* restrict means, __global float* restrict inverses, int count,
               int groups, int8 rowDims, int8 rowStrides, int8 rowStridesS, int8 rowStridesB, int a, int b, int stepS,
               int stepB, float epsilon) {
  const int first = get_global_id(0) * groups, last = min(first + groups, count);
  const int length = a * b;
  for (int row = first; row < last; ++row) {
    int base = 0, baseS = 0, baseB = 0;
    OFFSETS1(row, rowDims, 8, rowStrides, base)
    OFFSETS1(row, rowDims, 8, rowStridesS, baseS)
    OFFSETS1(row, rowDims, 8, rowStridesB, baseB)
    __global const float* from = x + base;
    float mean = 0.0f;
#if CENTRED
    float16 sums = (float16)(0.0f);
    int at = 0;
    for (; at + 16 <= length; at += 16) sums += vload16(0, from + at);
    mean = added(sums);
    for (; at < length; ++at) mean += from[at];
    mean /= (float)length;
#endif
    float16 parts = (float16)(0.0f);
    int i = 0;
    for (; i + 16 <= length; i += 16) {
      const float16 d = vload16(0, from + i) - (float16)(mean);
      parts = fma(d, d, parts);
    }
    float squares = added(parts);
    for (; i < length; ++i) squares = fma(from[i] - mean, from[i] - mean, squares);
#if DEVIATION == 1
    const float inverse = 1.0f / sqrt(squares / (float)length + epsilon);
#else
    const float inverse = 1.0f / (sqrt(squares / (float)length) + epsilon);
#endif
    for (int k = 0; k < a; ++k) {
      __global const float* in = from + k * b;
      __global const float* s = scale + baseS + k * stepS;
      __global const float* t = bias + baseB + k * stepB;
      __global float* out = y + base + k * b;
      int j = 0;
      for (; j + 16 <= b; j += 16) {
        const float16 v = (vload16(0, in + j) - (float16)(mean)) * (float16)(inverse);
        vstore16(fma(v, PARAMETER(s, SCALE_STEP, j), PARAMETER(t, BIAS_STEP, j)), 0, out + j);
      }
      for (; j < b; ++j) out[j] = fma((in[j] - mean) * inverse, s[j * SCALE_STEP], t[j * BIAS_STEP]);
    }
    if (means) means[row] = mean;
    if (inverses) inverses[row] = inverse;
  }
}
#endif
