// SPDX-License-Identifier: GPL-3.0-or-later
// Operators that take or put elements where indices say. E is an unsigned type as wide as one element, T its type where
// elements are joined, I the type of the indices. Negative indices count from the end; one outside is reported, and
// neither read nor written.
#define RESOLVE(at, dim) if (at < 0) at += dim;
#define INSIDE(at, dim) ((at) >= 0 && (at) < (dim))

// dst[outer][k][inner] = src[outer][index[k]][inner]
#ifdef GATHER
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
gather(__global const E* restrict src, __global const I* restrict index, __global E* restrict dst, int count,
       int indices, int axis, int inner, __global int* status, int id) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int x = i % inner;
  const int k = (i / inner) % indices;
  const int outer = i / inner / indices;
  long at = index[k];
  RESOLVE(at, axis)
  if (INSIDE(at, axis)) {
    dst[i] = src[(outer * axis + (int)at) * inner + x];
  } else {
    dst[i] = 0;
    REPORT(status, id, index[k], axis)
  }
}
#endif

// dst[p] = src[p with index[p] at the axis]; p runs over `dims`, and `strides` are those of src with 0 at the axis.
#ifdef GATHER_ELEMENTS
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
gather_elements(__global const E* restrict src, __global const I* restrict index, __global E* restrict dst, int count,
                int8 dims, int8 strides, int axis, int axisStride, __global int* status, int id) {
  const int i = get_global_id(0);
  if (i >= count) return;
  int from = 0;
  OFFSETS1(i, dims, 8, strides, from)
  long at = index[i];
  RESOLVE(at, axis)
  if (INSIDE(at, axis)) {
    dst[i] = src[from + (int)at * axisStride];
  } else {
    dst[i] = 0;
    REPORT(status, id, index[i], axis)
  }
}
#endif

// The offset that a tuple of `tuple` indices names in dims and strides (outermost first), or -1.
#define TUPLE_OFFSET(tuples, offset)                                                                                   \
  int offset = 0;                                                                                                      \
  {                                                                                                                    \
    int d_[8], s_[8];                                                                                                  \
    vstore8(dims, 0, d_);                                                                                              \
    vstore8(strides, 0, s_);                                                                                           \
    for (int k_ = 0; k_ < tuple; ++k_) {                                                                               \
      long at_ = (tuples)[k_];                                                                                         \
      RESOLVE(at_, d_[k_])                                                                                             \
      if (!INSIDE(at_, d_[k_])) {                                                                                      \
        REPORT(status, id, (tuples)[k_], d_[k_])                                                                       \
        offset = -1;                                                                                                   \
        break;                                                                                                         \
      }                                                                                                                \
      offset += (int)at_ * s_[k_];                                                                                     \
    }                                                                                                                  \
  }

// Blocks of `block` elements; `perBatch` tuples work on `batchStride` elements of src.
#ifdef GATHER_ND
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
gather_nd(__global const E* restrict src, __global const I* restrict index, __global E* restrict dst, int count,
          int block, int tuple, int8 dims, int8 strides, int perBatch, int batchStride, __global int* status, int id) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int t = i / block;
  __global const I* tuples = index + t * tuple;
  TUPLE_OFFSET(tuples, offset)
  dst[i] = offset < 0 ? (E)0 : src[t / perBatch * batchStride + offset + i % block];
}
#endif

// How an update joins what is there: 0 replace, 1 add, 2 multiply, 3 max, 4 min.
#ifdef JOINED
#if JOINED == 0
#define JOIN(a, b) (b)
#elif JOINED == 1
#define JOIN(a, b) ((T)((a) + (b)))
#elif JOINED == 2
#define JOIN(a, b) ((T)((a) * (b)))
#elif JOINED == 3
#define JOIN(a, b) ((b) > (a) || (b) != (b) ? (b) : (a))
#else
#define JOIN(a, b) ((b) < (a) || (b) != (b) ? (b) : (a))
#endif

// dst[p with index[p] at the axis] joined with updates[p]. One work-item per line along the axis, so that updates of
// one element come in order; `dims` are those of the lines, without the axis.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
scatter_elements(__global const I* restrict index, __global const T* restrict updates, __global T* restrict dst,
                 int lines, int8 dims, int8 dstStrides, int8 indexStrides, int length, int indexStep, int axis,
                 int axisStride, __global int* status, int id) {
  const int i = get_global_id(0);
  if (i >= lines) return;
  int to = 0, from = 0;
  OFFSETS1(i, dims, 8, dstStrides, to)
  OFFSETS1(i, dims, 8, indexStrides, from)
  for (int k = 0; k < length; ++k) {
    const I given = index[from + k * indexStep];
    long at = given;
    RESOLVE(at, axis)
    if (!INSIDE(at, axis)) {
      REPORT(status, id, given, axis)
      continue;
    }
    const int target = to + (int)at * axisStride;
    const T a = dst[target], b = updates[from + k * indexStep];
    dst[target] = JOIN(a, b);
  }
}

// Blocks of dst joined with blocks of the updates. SERIAL: a work-item does one element of all blocks, in order;
// otherwise every element has its own (no two tuples may name the same block then).
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
scatter_nd(__global const I* restrict index, __global const T* restrict updates, __global T* restrict dst, int count,
           int block, int tuples_, int tuple, int8 dims, int8 strides, __global int* status, int id) {
  const int i = get_global_id(0);
  if (i >= count) return;
#if SERIAL
  const int first = 0, last = tuples_, e = i;
#else
  const int first = i / block, last = first + 1, e = i % block;
#endif
  for (int t = first; t < last; ++t) {
    __global const I* tuples = index + t * tuple;
    TUPLE_OFFSET(tuples, offset)
    if (offset < 0) continue;
    const T a = dst[offset + e], b = updates[t * block + e];
    dst[offset + e] = JOIN(a, b);
  }
}
#endif

// values = [off, on]; an index out of range gives a line of off. ONE_HOT 1: integers as indices; 2: floats, truncated.
#ifdef ONE_HOT
#if ONE_HOT == 1
#define WHOLE(i) (long)(i)
#else
#define WHOLE(i) convert_long_sat_rtz(i)
#endif
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
one_hot(__global const I* restrict index, __global const E* restrict values, __global E* restrict dst, int count,
        int depth, int inner, int countsBack) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const I given = index[i / inner / depth * inner + i % inner];
  long at = WHOLE(given);
  if (at < 0 && countsBack && at >= -depth) at += depth;
  dst[i] = values[at == (i / inner) % depth];
}
#endif

// Matrices with elements on one side of a diagonal (`upper` 1 or 0) kept and others zero.
#ifdef TRIANGLE
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void triangle(__global const E* restrict src,
                                                                      __global E* restrict dst, int count, int rows,
                                                                      int columns, int diagonal, int upper) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int distance = i % columns - i / columns % rows - diagonal;
  dst[i] = (upper ? distance >= 0 : distance <= 0) ? src[i] : (E)0;
}
#endif

// A matrix with `one` on a diagonal and zeros elsewhere.
#ifdef EYE
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void eye(__global const E* restrict one,
                                                                 __global E* restrict dst, int count, int columns,
                                                                 int diagonal) {
  const int i = get_global_id(0);
  if (i < count) dst[i] = i % columns - i / columns == diagonal ? one[0] : (E)0;
}
#endif

// first + i * step
#ifdef RANGE
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void range(__global const T* restrict firstAndStep,
                                                                   __global T* restrict dst, int count) {
  const int i = get_global_id(0);
  if (i < count) dst[i] = (T)(firstAndStep[0] + (T)i * firstAndStep[1]);
}
#endif

// The first lengths[b] steps of each batch entry backwards, the rest as it is; x is [steps][batch][block], or
// [batch][steps][block] where `timeFirst` is 0.
#ifdef REVERSE
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
reverse_sequence(__global const E* restrict src, __global const I* restrict lengths, __global E* restrict dst,
                 int count, int block, int steps, int batch, int timeFirst, __global int* status, int id) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int row = i / block;
  const int t = timeFirst ? row / batch : row % steps, b = timeFirst ? row % batch : row / steps;
  const long length = lengths[b];
  if (length < 0 || length > steps) {
    dst[i] = 0;
    REPORT(status, id, length, steps)
    return;
  }
  const int from = t < length ? (int)length - 1 - t : t;
  dst[i] = src[(timeFirst ? from * batch + b : b * steps + from) * block + i % block];
}
#endif
