// SPDX-License-Identifier: GPL-3.0-or-later
// DFT and STFT as sums of products: one work-item per complex number of the result. `circle` holds cosine and sine of
// 2 pi m / length for all m. ACC is what is added up in.
#define TURN(m)                                                                                                        \
  const ACC c_ = circle[2 * (m)];                                                                                      \
  const ACC s_ = circle[2 * (m) + 1];

// x is [outer][available][inner] and y [outer][outputs][inner] of `parts` or two numbers; `toReal`: half a spectrum
// becomes a real signal.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
dft(__global const float* restrict x, __global float* restrict y, __global const float* restrict circle, int count,
    int outputs, int available, int inner, int length, int parts, int inverse, int toReal) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int k = i / inner % outputs;
  __global const float* line = x + (i / inner / outputs * available * inner + i % inner) * parts;
  ACC real = 0, imaginary = 0;
  int m = 0; // n * k modulo length
  for (int n = 0; n < length; ++n) {
    const int mirrored = toReal && 2 * n > length;
    const int from = mirrored ? length - n : n;
    if (from < available) {
      const ACC a = line[from * inner * parts];
      ACC b = parts == 2 ? (ACC)line[from * inner * parts + 1] : (ACC)0;
      if (mirrored) b = -b;
      if (toReal && (n == 0 || 2 * n == length)) b = 0;
      TURN(m)
      const ACC s = inverse ? s_ : -s_;
      real += a * c_ - b * s;
      imaginary += a * s + b * c_;
    }
    m += k;
    if (m >= length) m -= length;
  }
  const ACC scale = inverse ? (ACC)1 / (ACC)length : (ACC)1;
  if (toReal) {
    y[i] = (float)(real * scale);
  } else {
    y[2 * i] = (float)(real * scale);
    y[2 * i + 1] = (float)(imaginary * scale);
  }
}

// Signal [batch][samples] of `parts` numbers; y is [batch][frames][bins][2]. `window` may be null.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
stft(__global const float* restrict x, __global const float* restrict window, __global float* restrict y,
     __global const float* restrict circle, int count, int samples, int frames, int bins, int length, int hop,
     int parts) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int k = i % bins;
  __global const float* frame = x + (i / bins / frames * samples + i / bins % frames * hop) * parts;
  ACC real = 0, imaginary = 0;
  int m = 0;
  for (int n = 0; n < length; ++n) {
    const ACC w = window ? (ACC)window[n] : (ACC)1;
    const ACC a = frame[n * parts] * w;
    const ACC b = parts == 2 ? frame[n * parts + 1] * w : (ACC)0;
    TURN(m)
    real += a * c_ + b * s_;
    imaginary += b * c_ - a * s_;
    m += k;
    if (m >= length) m -= length;
  }
  y[2 * i] = (float)real;
  y[2 * i + 1] = (float)imaginary;
}
