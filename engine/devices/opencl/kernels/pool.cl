// SPDX-License-Identifier: GPL-3.0-or-later
// MaxPool and AveragePool. Row-major: one output per work-item; BLOCKED: rows of one block of 16 channels.
#ifdef BLOCKED
typedef float16 V;
#define AT(pointer, i) vload16(0, (pointer) + (i))
#else
typedef float V;
#define AT(pointer, i) (pointer)[i]
#endif

#ifdef MAX
#define START ((V)(-INFINITY))
#define JOIN(sum, value) ((((value) > (sum)) | ((value) != (value))) ? (value) : (sum))
#else
#define START ((V)(0.0f))
#define JOIN(sum, value) ((sum) + (value))
#endif

// What an average divides by along one axis (see PoolGeometry): the taps inside the padded input, or those inside the
// input.
int taps_counted(int output, int input, int kernel_, int stride, int dilation, int padBegin, int padEnd, int mode) {
  const int low = mode == 1 ? -padBegin : 0;
  const int high = mode == 1 ? input + padEnd : input;
  int count = 0;
  for (int k = 0; k < kernel_; ++k) {
    const int at = output * stride + k * dilation - padBegin;
    if (at >= low && at < high) ++count;
  }
  return count;
}

#ifdef BLOCKED
// The first and behind the last tap that lies inside the input.
#define FIRST_TAP(at, dilation) ((at) < 0 ? (-(at) + (dilation)-1) / (dilation) : 0)
#define END_TAP(at, input, dilation, taps) min(taps, (input) > (at) ? ((input) - (at) + (dilation)-1) / (dilation) : 0)

// `rows` rows of one block per work-item, up to COLUMNS pixels at a time: first the taps above each other, for every
// input column that these pixels see, then those beside each other.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
pool_blocked(__global const float* restrict x, __global float* restrict y, int blocks, int rows, int oh, int ow, int ih,
             int iw, int kh, int kw, int sh, int sw, int dh, int dw, int ph, int pw, int phEnd, int pwEnd, int mode,
             int xBatch, int xBlock, int xRow, int xOrigin, int yBatch, int yBlock, int yRow, int yOrigin) {
  const int first = get_global_id(0) * rows, last = min(first + rows, oh);
  const int n = get_global_id(1) / blocks, block = get_global_id(1) % blocks;
  x += n * xBatch + block * xBlock + xOrigin;
  y += n * yBatch + block * yBlock + yOrigin;
  for (int oy = first; oy < last; ++oy) {
    const int top = oy * sh - ph;
    const int r0 = FIRST_TAP(top, dh), r1 = END_TAP(top, ih, dh, kh);
#ifndef MAX
    const int taps = taps_counted(oy, ih, kh, sh, dh, ph, phEnd, mode);
#endif
#if COLUMNS > 1
    for (int ox = 0; ox < ow; ox += COLUMNS) {
      const int count = min(COLUMNS, ow - ox), left = ox * sw - pw;
      const int columns = (count - 1) * sw + (kw - 1) * dw + 1;
      V column[BUFFER];
      for (int c = 0; c < columns; ++c) {
        V sum = START;
        if (left + c >= 0 && left + c < iw)
          for (int r = r0; r < r1; ++r) {
            const V value = AT(x, (top + r * dh) * xRow + (left + c) * 16);
            sum = JOIN(sum, value);
          }
        column[c] = sum;
      }
      for (int o = 0; o < count; ++o) {
        V sum = START;
        for (int s = 0; s < kw; ++s) {
          const V value = column[o * sw + s * dw];
          sum = JOIN(sum, value);
        }
#else
    {
      for (int o = 0, ox = 0; o < ow; ++o) {
        const int left = o * sw - pw;
        const int s0 = FIRST_TAP(left, dw), s1 = END_TAP(left, iw, dw, kw);
        V sum = START;
        for (int r = r0; r < r1; ++r)
          for (int s = s0; s < s1; ++s) {
            const V value = AT(x, (top + r * dh) * xRow + (left + s * dw) * 16);
            sum = JOIN(sum, value);
          }
#endif
#ifndef MAX
        sum /= (V)((float)max(taps * taps_counted(ox + o, iw, kw, sw, dw, pw, pwEnd, mode), 1));
#endif
        vstore16(sum, ox + o, y + oy * yRow);
      }
    }
  }
}
#else
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
pool(__global const float* restrict x, __global float* restrict y, int count, int id, int ih, int iw, int od, int oh,
     int ow, int kd, int kh, int kw, int sd, int sh, int sw, int dd, int dh, int dw, int pd, int ph, int pw, int pdEnd,
     int phEnd, int pwEnd, int mode) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int ox = i % ow, oy = (i / ow) % oh, oz = (i / ow / oh) % od, plane = i / ow / oh / od;
  __global const float* xp = x + plane * id * ih * iw;
  V sum = START;
  for (int t = 0; t < kd; ++t) {
    const int zz = oz * sd + t * dd - pd;
    if (zz < 0 || zz >= id) continue;
    for (int r = 0; r < kh; ++r) {
      const int yy = oy * sh + r * dh - ph;
      if (yy < 0 || yy >= ih) continue;
      for (int s = 0; s < kw; ++s) {
        const int xx = ox * sw + s * dw - pw;
        if (xx < 0 || xx >= iw) continue;
        const V value = AT(xp, (zz * ih + yy) * iw + xx);
        sum = JOIN(sum, value);
      }
    }
  }
#ifndef MAX
  sum /= (float)max(taps_counted(oz, id, kd, sd, dd, pd, pdEnd, mode) * taps_counted(oy, ih, kh, sh, dh, ph, phEnd, mode) *
                        taps_counted(ox, iw, kw, sw, dw, pw, pwEnd, mode),
                    1);
#endif
  y[i] = sum;
}
#endif

// Global pools on blocks: `each` blocks of 16 channels per work-item; the result has one pixel.
#ifdef BLOCKED
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
global_pool_blocked(__global const float* restrict x, __global float* restrict y, int blocks, int count, int each,
                    int ih, int iw, int xBatch, int xBlock, int xRow, int xOrigin, int yBatch, int yBlock, int yOrigin) {
  const int first = get_global_id(0) * each, last = min(first + each, count);
  for (int at = first; at < last; ++at) {
    const int n = at / blocks, block = at % blocks;
    __global const float* xp = x + n * xBatch + block * xBlock + xOrigin;
    V sum = START;
    for (int r = 0; r < ih; ++r) {
      V part = START;
      for (int s = 0; s < iw; ++s) {
        const V value = AT(xp, r * xRow + s * 16);
        part = JOIN(part, value);
      }
      sum = JOIN(sum, part);
    }
#ifndef MAX
    sum /= (V)((float)(ih * iw));
#endif
    vstore16(sum, 0, y + n * yBatch + block * yBlock + yOrigin);
  }
}
#endif

#ifdef INDEXED
// MaxPool that also says where each maximum was: in the flattened tensor, the last axis fastest, or with `columnMajor`
// the first spatial axis; -1 where a window lies in the padding.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
max_pool_indices(__global const float* restrict x, __global float* restrict y, __global long* restrict indices,
                 int count, int id, int ih, int iw, int od, int oh, int ow, int kd, int kh, int kw, int sd, int sh,
                 int sw, int dd, int dh, int dw, int pd, int ph, int pw, int columnMajor) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int ox = i % ow, oy = i / ow % oh, oz = i / ow / oh % od, plane = i / ow / oh / od;
  const int size = id * ih * iw;
  float best = -INFINITY;
  int where = -1;
  for (int a = 0; a < kd; ++a)
    for (int b = 0; b < kh; ++b)
      for (int c = 0; c < kw; ++c) {
        const int z = oz * sd + a * dd - pd, r = oy * sh + b * dh - ph, s = ox * sw + c * dw - pw;
        if (z < 0 || z >= id || r < 0 || r >= ih || s < 0 || s >= iw) continue;
        const float value = x[plane * size + (z * ih + r) * iw + s];
        if (!(value > best) && value == value && where >= 0) continue;
        best = value;
        where = columnMajor ? (s * ih + r) * id + z : (z * ih + r) * iw + s;
      }
  y[i] = best;
  indices[i] = where < 0 ? -1 : plane * size + where;
}
#endif
