// SPDX-License-Identifier: GPL-3.0-or-later
// ConvTranspose, row-major: one output per work-item gathers the inputs that reach it. Weights: [C][M/groups][k...].
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
conv_transpose(__global const float* restrict x, __global const WEIGHT* restrict w, __global const float* restrict bias,
               __global float* restrict y, int count, int inPerGroup, int outPerGroup, int groups, int id, int ih, int iw,
               int od, int oh, int ow, int kd, int kh, int kw, int sd, int sh, int sw, int dd, int dh, int dw, int pd,
               int ph, int pw) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int ox = i % ow, oy = (i / ow) % oh, oz = (i / ow / oh) % od;
  const int plane = i / ow / oh / od;
  const int channel = plane % (outPerGroup * groups), n = plane / (outPerGroup * groups);
  const int group = channel / outPerGroup, local_ = channel % outPerGroup;
  float sum = bias[channel];
  for (int t = 0; t < kd; ++t) {
    const int z = oz + pd - t * dd;
    if (z < 0 || z % sd != 0 || z / sd >= id) continue;
    for (int r = 0; r < kh; ++r) {
      const int yy = oy + ph - r * dh;
      if (yy < 0 || yy % sh != 0 || yy / sh >= ih) continue;
      for (int s = 0; s < kw; ++s) {
        const int xx = ox + pw - s * dw;
        if (xx < 0 || xx % sw != 0 || xx / sw >= iw) continue;
        __global const float* xp =
            x + (((n * groups + group) * inPerGroup * id + z / sd) * ih + yy / sh) * iw + xx / sw;
        __global const WEIGHT* wp =
            w + (((group * inPerGroup * outPerGroup + local_) * kd + t) * kh + r) * kw + s;
        for (int c = 0; c < inPerGroup; ++c)
          sum = fma(xp[c * id * ih * iw], WEIGHT_AT(wp, c * outPerGroup * kd * kh * kw), sum);
      }
    }
  }
  y[i] = sum;
}
