// SPDX-License-Identifier: GPL-3.0-or-later
// GridSample and RoiAlign: results that read a plane at computed places. C is what coordinates are computed in.
#ifdef GRID
// MODE 0: nearest, 1: linear, 2: cubic. PADDING 0: zeros, 1: border, 2: reflection.
#define CUBIC_A ((C)(-0.75f))

// Mirrors x at low and high until it lies between them.
C reflect(C x, C low, C high) {
  const C range = high - low;
  if (!(range > 0)) return low;
  const C beyond = x < low ? low - x : x - high;
  if (!(beyond > 0)) return x;
  if (isinf(beyond)) return low;
  const C turns = floor(beyond / range), rest = beyond - turns * range;
  const int even = fmod(turns, (C)2) == 0;
  return (x < low) == even ? low + rest : high - rest;
}

C cubic(C x) {
  x = fabs(x);
  if (x <= 1) return ((CUBIC_A + 2) * x - (CUBIC_A + 3)) * x * x + 1;
  return x < 2 ? ((CUBIC_A * x - 5 * CUBIC_A) * x + 8 * CUBIC_A) * x - 4 * CUBIC_A : 0;
}

// The element at `index`, or -1 for a zero.
int padded(int index, int extent, C low, C high) {
  if (index >= 0 && index < extent) return index;
#if PADDING == 0
  return -1;
#elif PADDING == 1
  return clamp(index, 0, extent - 1);
#else
  return clamp((int)reflect((C)index, low, high), 0, extent - 1);
#endif
}

// Indices and weights that the coordinate (in [-1, 1]) reads along an axis; returns how many.
int taps_at(C coordinate, int extent, int corners, int* index, C* weight) {
  const C low = corners ? (C)0 : (C)(-0.5f);
  const C high = (C)extent - (corners ? (C)1 : (C)(0.5f));
  C x = corners ? (coordinate + 1) / 2 * (extent - 1) : ((coordinate + 1) * extent - 1) / 2;
  if (x != x) x = -1;
#if MODE == 0
  x = rint(x);
#endif
  if (x < low || x > high) {
#if PADDING == 1
    x = fmin(fmax(x, (C)0), (C)(extent - 1));
#elif PADDING == 2
    x = reflect(x, low, high);
#endif
  }
  x = fmin(fmax(x, (C)(-8)), (C)extent + 8); // far outside only zeros are read
  const C base = floor(x);
  const int first = (int)base;
#if MODE == 0
  index[0] = padded(first, extent, low, high);
  weight[0] = 1;
  return 1;
#elif MODE == 1
  index[0] = padded(first, extent, low, high);
  weight[0] = 1 - (x - base);
  index[1] = padded(first + 1, extent, low, high);
  weight[1] = x - base;
  return 2;
#else
  for (int k = -1; k <= 2; ++k) {
    index[k + 1] = padded(first + k, extent, low, high);
    weight[k + 1] = cubic(x - base - (C)k);
  }
  return 4;
#endif
}

// One work-item per element of y [n][c][points]; grid is [n][points][spatial], x [n][c][depth][height][width].
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
grid_sample(__global const T* restrict x, __global const T* restrict grid, __global T* restrict y, int count,
            int channels, int points, int spatial, int depth, int height, int width, int corners) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int n = i / points / channels;
  __global const T* point = grid + (n * points + i % points) * spatial;
  __global const T* plane = x + i / points * depth * height * width;
  int id[4] = {0}, ih[4] = {0}, iw[4];
  C wd[4] = {1}, wh[4] = {1}, ww[4];
  int nd = 1, nh = 1;
  // The grid lists coordinates from the last axis to the first.
  const int nw = taps_at((C)point[0], width, corners, iw, ww);
  if (spatial > 1) nh = taps_at((C)point[1], height, corners, ih, wh);
  if (spatial > 2) nd = taps_at((C)point[2], depth, corners, id, wd);
  C sum = 0;
  for (int a = 0; a < nd; ++a)
    for (int b = 0; b < nh; ++b)
      for (int c = 0; c < nw; ++c) {
        if (id[a] < 0 || ih[b] < 0 || iw[c] < 0) continue;
        sum += wd[a] * wh[b] * ww[c] * (C)plane[(id[a] * height + ih[b]) * width + iw[c]];
      }
  y[i] = (T)sum;
}
#endif

#ifdef ROI
// The two neighbours of a position along an axis; outside the input both weights are zero.
void neighbours(C position, int extent, int* at, C* weight) {
  at[0] = at[1] = 0;
  weight[0] = weight[1] = 0;
  if (!(position >= -1) || position > (C)extent) return;
  position = fmax(position, (C)0);
  const int low = (int)position;
  if (low >= extent - 1) {
    at[0] = at[1] = extent - 1;
    weight[0] = 1;
    return;
  }
  at[0] = low;
  at[1] = low + 1;
  weight[1] = position - (C)low;
  weight[0] = 1 - weight[1];
}

// One work-item per element of y [regions][channels][rows][columns]. A region that names a picture that does not exist
// is reported; one with more samples than the reference allows gives zeros.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
roi_align(__global const T* restrict x, __global const T* restrict rois, __global const I* restrict pictures,
          __global T* restrict y, int count, int channels, int height, int width, int rows, int columns, int batch,
          int ratio, float scale, int halfPixel, int takesMaximum, __global int* status, int id) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int column = i % columns, row = i / columns % rows, channel = i / columns / rows % channels;
  const int region = i / columns / rows / channels;
  const long picture = pictures[region];
  if (picture < 0 || picture >= batch) {
    y[i] = 0;
    REPORT(status, id, picture, batch)
    return;
  }
  const C offset = halfPixel ? (C)(0.5f) : (C)0;
  const C left = (C)rois[region * 4] * (C)scale - offset, top = (C)rois[region * 4 + 1] * (C)scale - offset;
  C wide = (C)rois[region * 4 + 2] * (C)scale - offset - left;
  C high = (C)rois[region * 4 + 3] * (C)scale - offset - top;
  if (!halfPixel) {
    wide = fmax(wide, (C)1);
    high = fmax(high, (C)1);
  }
  const C cellW = wide / (C)columns, cellH = high / (C)rows;
  const C samplesW = ratio > 0 ? (C)ratio : ceil(cellW), samplesH = ratio > 0 ? (C)ratio : ceil(cellH);
  if (!(samplesW <= 4096) || !(samplesH <= 4096) || isinf(left) || isinf(top)) {
    y[i] = 0;
    return;
  }
  const int nw = max(0, (int)samplesW), nh = max(0, (int)samplesH);
  __global const T* plane = x + ((int)picture * channels + channel) * height * width;
  C sum = 0, most = 0;
  int any = 0;
  for (int a = 0; a < nh; ++a) {
    int ys[2];
    C wy[2];
    neighbours(top + (C)row * cellH + ((C)a + (C)(0.5f)) * cellH / (C)nh, height, ys, wy);
    for (int b = 0; b < nw; ++b) {
      int xs[2];
      C wx[2];
      neighbours(left + (C)column * cellW + ((C)b + (C)(0.5f)) * cellW / (C)nw, width, xs, wx);
      for (int p = 0; p < 2; ++p)
        for (int q = 0; q < 2; ++q) {
          const C part = wy[p] * wx[q] * (C)plane[ys[p] * width + xs[q]];
          sum += part;
          most = any ? fmax(most, part) : part; // the specification's reference takes the maximum of the weighted corners
          any = 1;
        }
    }
  }
  y[i] = (T)(takesMaximum ? most : sum / (C)max(1, nh * nw));
}
#endif
