// SPDX-License-Identifier: GPL-3.0-or-later
// BatchNormalization whose statistics are computed on the device.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
batch_norm(__global const float* restrict x, __global const float* restrict scale, __global const float* restrict shift,
           __global const float* restrict mean, __global const float* restrict variance, __global float* restrict y,
           int count, int channels, int plane, float epsilon) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int c = (i / plane) % channels;
  y[i] = (x[i] - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + shift[c];
}
