// SPDX-License-Identifier: GPL-3.0-or-later
// Kernels that only move elements; E is an unsigned type as wide as one element.
#ifndef LX
#define LX 1
#define CHUNK 1
#endif
#ifndef E
#define E uchar
#endif

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void copy_bytes(__global const uchar* restrict src,
                                                                         __global uchar* restrict dst, int bytes) {
  const int first = get_global_id(0) * 16;
  if (first + 16 <= bytes) {
    vstore16(vload16(0, src + first), 0, dst + first);
  } else {
    for (int i = first; i < bytes; ++i) dst[i] = src[i];
  }
}

// dst[dstOffset + sum(i_k * dstStride_k)] = src[srcOffset + sum(i_k * srcStride_k)] over all indices of dims. The
// innermost dim has `inner` elements, of which a work-item does CHUNK.
__kernel __attribute__((reqd_work_group_size(LX, 1, 1))) void
strided(__global const E* restrict src, __global E* restrict dst, int8 dims, int8 srcStrides, int8 dstStrides,
        int outer, int inner, int srcInner, int dstInner, int srcOffset, int dstOffset) {
  ROW_AND_FIRST(inner)
  int from = srcOffset, to = dstOffset;
  OFFSETS1(row, dims, outer, srcStrides, from)
  OFFSETS1(row, dims, outer, dstStrides, to)
#if CHUNK == 1
  if (first < inner) dst[to + first * dstInner] = src[from + first * srcInner];
#else
  const int last = min(first + CHUNK, inner);
  if (srcInner == 1 && dstInner == 1) {
    for (int i = first; i < last; ++i) dst[to + i] = src[from + i];
  } else {
    for (int i = first; i < last; ++i) dst[to + i * dstInner] = src[from + i * srcInner];
  }
#endif
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void fill(__global E* restrict dst,
                                                                   __global const E* restrict value, int count) {
  const int i = get_global_id(0);
  if (i < count) dst[i] = value[0];
}

// ONNX Pad with mode edge (MODE 1), reflect (2) or wrap (3): one work-item per element of the result. `begin` may be
// negative (crop).
#ifdef MODE
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void pad(__global const E* restrict src,
                                                                  __global E* restrict dst, int count, int rank,
                                                                  int8 outDims, int8 inDims, int8 inStrides,
                                                                  int8 begin) {
  const int i = get_global_id(0);
  if (i >= count) return;
  int out[8], in[8], stride[8], pads[8];
  vstore8(outDims, 0, out);
  vstore8(inDims, 0, in);
  vstore8(inStrides, 0, stride);
  vstore8(begin, 0, pads);
  int rest = i, from = 0;
  for (int k = rank - 1; k >= 0; --k) {
    int at = rest % out[k] - pads[k];
    rest /= out[k];
    const int n = in[k];
#if MODE == 1
    at = clamp(at, 0, n - 1);
#elif MODE == 2
    if (n == 1) {
      at = 0;
    } else {
      const int period = 2 * (n - 1);
      at = ((at % period) + period) % period;
      if (at >= n) at = period - at;
    }
#else
    at = ((at % n) + n) % n;
#endif
    from += at * stride[k];
  }
  dst[i] = src[from];
}
#endif
