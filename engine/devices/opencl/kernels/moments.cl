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
