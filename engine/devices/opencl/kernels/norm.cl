// SPDX-License-Identifier: GPL-3.0-or-later
// Normalizations that look at neighbouring channels, or whose statistics are computed on the device.

// ONNX LRN: x / (bias + alpha / size * sum of squares over `size` channels around)^beta.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void lrn(__global const float* restrict x,
                                                                  __global float* restrict y, int count, int channels,
                                                                  int plane, int size, float scale, float power,
                                                                  float bias) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int channel = (i / plane) % channels;
  const int first = max(0, channel - (size - 1) / 2);
  const int last = min(channels - 1, channel + size / 2);
  float squares = 0.0f;
  for (int c = first; c <= last; ++c) {
    const float v = x[i + (c - channel) * plane];
    squares = fma(v, v, squares);
  }
  y[i] = x[i] * pow(bias + scale * squares, -power);
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
batch_norm(__global const float* restrict x, __global const float* restrict scale, __global const float* restrict shift,
           __global const float* restrict mean, __global const float* restrict variance, __global float* restrict y,
           int count, int channels, int plane, float epsilon) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int c = (i / plane) % channels;
  y[i] = (x[i] - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + shift[c];
}
