// SPDX-License-Identifier: GPL-3.0-or-later
// Resize and Upsample over the last three axes: every output position of an axis has `taps` input indices and weights.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
resize(__global const float* restrict x, __global float* restrict y, __global const int* restrict indexD,
       __global const float* restrict weightD, __global const int* restrict indexH, __global const float* restrict weightH,
       __global const int* restrict indexW, __global const float* restrict weightW, int count, int id, int ih, int iw,
       int od, int oh, int ow, int tapsD, int tapsH, int tapsW) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int ox = i % ow, oy = (i / ow) % oh, oz = (i / ow / oh) % od;
  __global const float* plane = x + (i / ow / oh / od) * id * ih * iw;
  float sum = 0.0f;
  for (int a = 0; a < tapsD; ++a) {
    const int z = indexD[oz * tapsD + a];
    float slice = 0.0f;
    for (int b = 0; b < tapsH; ++b) {
      __global const float* row = plane + (z * ih + indexH[oy * tapsH + b]) * iw;
      float line = 0.0f;
      for (int c = 0; c < tapsW; ++c) line += weightW[ox * tapsW + c] * row[indexW[ox * tapsW + c]];
      slice += weightH[oy * tapsH + b] * line;
    }
    sum += weightD[oz * tapsD + a] * slice;
  }
  y[i] = sum;
}

// The same on storage in blocks of 16 channels, height and width only; one row of one block per work-item.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
resize_blocked(__global const float* restrict x, __global float* restrict y, __global const int* restrict indexH,
               __global const float* restrict weightH, __global const int* restrict indexW,
               __global const float* restrict weightW, int ow, int tapsH, int tapsW, int blocks, int xBatch, int xBlock,
               int xRow, int xOrigin, int yBatch, int yBlock, int yRow, int yOrigin) {
  const int oy = get_global_id(0);
  const int n = get_global_id(1) / blocks, block = get_global_id(1) % blocks;
  __global const float* xp = x + n * xBatch + block * xBlock + xOrigin;
  __global float* yp = y + n * yBatch + block * yBlock + oy * yRow + yOrigin;
  for (int ox = 0; ox < ow; ++ox) {
    float16 sum = (float16)(0.0f);
    for (int b = 0; b < tapsH; ++b) {
      __global const float* row = xp + indexH[oy * tapsH + b] * xRow;
      float16 line = (float16)(0.0f);
      for (int c = 0; c < tapsW; ++c) line += (float16)(weightW[ox * tapsW + c]) * vload16(indexW[ox * tapsW + c], row);
      sum += (float16)(weightH[oy * tapsH + b]) * line;
    }
    vstore16(sum, ox, yp);
  }
}

// One axis alone: x is [outer][in][inner], y is [outer][out][inner].
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
resize_axis(__global const float* restrict x, __global float* restrict y, __global const int* restrict index,
            __global const float* restrict weight, int count, int inner, int in, int out, int taps) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int o = i / inner % out;
  __global const float* line = x + i / inner / out * in * inner + i % inner;
  float sum = 0.0f;
  for (int k = 0; k < taps; ++k) sum += weight[o * taps + k] * line[index[o * taps + k] * inner];
  y[i] = sum;
}

// tf_crop_and_resize: what lies outside along the axis has a value of its own.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
fill_outside(__global float* restrict y, __global const int* restrict outside, int count, int inner, int out,
             float value) {
  const int i = get_global_id(0);
  if (i < count && outside[i / inner % out]) y[i] = value;
}
