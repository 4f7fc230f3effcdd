// SPDX-License-Identifier: GPL-3.0-or-later
// Kernels that only move elements; E is an unsigned type as wide as one element.
#ifndef LX
#define LX 1
#define CHUNK 1
#endif
#ifndef E
#define E uchar
#endif
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

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
// innermost dim has `inner` elements; LX work-items do one each.
__kernel __attribute__((reqd_work_group_size(LX, 1, 1))) void
strided(__global const E* restrict src, __global E* restrict dst, int8 dims, int8 srcStrides, int8 dstStrides,
        int outer, int inner, int srcInner, int dstInner, int srcOffset, int dstOffset) {
  ROW_AND_FIRST(inner)
  int from = srcOffset, to = dstOffset;
  OFFSETS1(row, dims, outer, srcStrides, from)
  OFFSETS1(row, dims, outer, dstStrides, to)
  if (first < inner) dst[to + first * dstInner] = src[from + first * srcInner];
}

#ifdef PLANES
// The same for CPUs. The last two dims are planes of `mid` rows; a work-item does either `planes` whole planes, or
// `rows` rows of one, which then has several `parts`.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
strided_planes(__global const E* restrict src, __global E* restrict dst, int8 dims, int8 srcStrides, int8 dstStrides,
               int outer, int count, int planes, int parts, int mid, int rows, int inner, int srcMid, int dstMid,
               int srcInner, int dstInner, int srcOffset, int dstOffset) {
  const int firstPlane = get_global_id(0) / parts * planes, lastPlane = min(firstPlane + planes, count);
  const int first = get_global_id(0) % parts * rows, last = min(first + rows, mid);
  for (int plane = firstPlane; plane < lastPlane; ++plane) {
    int from = srcOffset, to = dstOffset;
    OFFSETS1(plane, dims, outer, srcStrides, from)
    OFFSETS1(plane, dims, outer, dstStrides, to)
    for (int m = first; m < last; ++m) {
      __global const E* s = src + from + m * srcMid;
      __global E* d = dst + to + m * dstMid;
      int i = 0;
      if (srcInner == 1 && dstInner == 1) {
        for (; i < inner; ++i) d[i] = s[i];
      } else if (srcInner == 2 && dstInner == 1) {
        for (; i + 16 < inner; i += 16) {
          const PASTE(E, 16) low = vload16(0, s + 2 * i), high = vload16(1, s + 2 * i);
          vstore16((PASTE(E, 16))(low.even, high.even), 0, d + i);
        }
      }
      for (; i < inner; ++i) d[i * dstInner] = s[i * srcInner];
    }
  }
}
#endif

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
