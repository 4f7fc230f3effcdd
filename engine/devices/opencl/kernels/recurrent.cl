// SPDX-License-Identifier: GPL-3.0-or-later
// RNN (GATES 1), GRU (3) and LSTM (4) as the ONNX operator pages define them. One work-group of LX work-items runs one
// sequence in one direction from its first step to its last; its state lives in `work`.

// The numbers are the order of ops::RecurrentActivation::Kind.
float activate(int kind, float alpha, float beta, float x) {
  switch (kind) {
  case 0: return alpha * x + beta;
  case 1: return x < 0 ? alpha * expm1(x) : x;
  case 2: return fmax(0.0f, fmin(1.0f, alpha * x + beta));
  case 3: return x < 0 ? alpha * x : x;
  case 4: return x < 0 ? 0.0f : x;
  case 5: return alpha * tanh(beta * x);
  case 6: return 1.0f / (1.0f + exp(-x));
  case 7: return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
  case 8: return x / (1.0f + fabs(x));
  case 9: return tanh(x);
  default: return x > alpha ? x : 0.0f;
  }
}
#define FUNCTION(k, x) activate(kinds[k], constants[2 * (k)], constants[2 * (k) + 1], x)
#define CLIPPED(x) (clip > 0 ? fmin(fmax(x, -clip), clip) : (x))

float dot_rows(__global const float* a, __global const float* b, int n) {
  float sum = 0.0f;
  int i = 0;
  float16 sums = (float16)(0.0f);
  for (; i + 16 <= n; i += 16) sums = fma(vload16(0, a + i), vload16(0, b + i), sums);
  const float8 half_ = sums.lo + sums.hi;
  const float4 quarter = half_.lo + half_.hi;
  sum = (quarter.x + quarter.y) + (quarter.z + quarter.w);
  for (; i < n; ++i) sum = fma(a[i], b[i], sum);
  return sum;
}
#define SYNC barrier(CLK_GLOBAL_MEM_FENCE);
#define EACH(j, count) for (int j = lane; j < (count); j += LX)

// b, lengths, h0, c0, p, y, yh and yc may be null. `option`: GRU's linear_before_reset, LSTM's input_forget.
__kernel __attribute__((reqd_work_group_size(LX, 1, 1))) void
recurrent(__global const float* restrict x, __global const float* restrict w, __global const float* restrict r,
          __global const float* restrict b, __global const int* restrict lengths, __global const float* restrict h0,
          __global const float* restrict c0, __global const float* restrict p, __global float* restrict y,
          __global float* restrict yh, __global float* restrict yc, __global float* work,
          __global const int* restrict allKinds, __global const float* restrict allConstants, int steps, int batch,
          int inputSize, int hidden, int directions, int reverse, int batchFirst, int functions, float clip, int option,
          __global int* status, int id) {
  const int lane = get_local_id(0);
  const int d = get_group_id(0) / batch, n = get_group_id(0) % batch;
  const int width = GATES * hidden;
  w += d * width * inputSize;
  r += d * width * hidden;
  __global const float* wb = b ? b + d * 2 * width : 0;
  __global const float* rb = b ? wb + width : 0;
  __global const float* peephole = p ? p + d * 3 * hidden : 0;
  __global const int* kinds = allKinds + d * functions;
  __global const float* constants = allConstants + d * functions * 2;
  __global float* h = work + get_group_id(0) * (3 * hidden + width);
  __global float* next = h + hidden;
  __global float* c = next + hidden; // LSTM: the cell state; GRU: scratch
  __global float* gates = c + hidden;
  const int at = (batchFirst ? n * directions + d : d * batch + n) * hidden;
  EACH(j, hidden) {
    h[j] = h0 ? h0[at + j] : 0.0f;
    c[j] = GATES == 4 && c0 ? c0[at + j] : 0.0f;
  }
  int length = lengths ? lengths[n] : steps;
  if (length < 0 || length > steps) {
    if (lane == 0) REPORT(status, id, length, steps)
    length = 0;
  }
  SYNC
  const int backwards = reverse || d == 1;
  for (int i = 0; i < length; ++i) {
    const int t = backwards ? length - 1 - i : i;
    __global const float* xt = x + (batchFirst ? n * steps + t : t * batch + n) * inputSize;
    EACH(j, width) {
      float sum = dot_rows(w + j * inputSize, xt, inputSize) + (b ? wb[j] : 0.0f);
#if GATES == 3
      if (j < 2 * hidden || option) {
        const float recurrent_ = dot_rows(r + j * hidden, h, hidden) + (b ? rb[j] : 0.0f);
        if (j < 2 * hidden)
          sum += recurrent_;
        else
          c[j - 2 * hidden] = recurrent_;
      }
#else
      sum += dot_rows(r + j * hidden, h, hidden) + (b ? rb[j] : 0.0f);
#endif
      gates[j] = sum;
    }
    SYNC
#if GATES == 1
    EACH(j, hidden) h[j] = FUNCTION(0, CLIPPED(gates[j]));
#elif GATES == 3
    if (!option) {
      EACH(j, hidden) c[j] = FUNCTION(0, CLIPPED(gates[hidden + j])) * h[j];
      SYNC
    }
    EACH(j, hidden) {
      const float update = FUNCTION(0, CLIPPED(gates[j]));
      float candidate = gates[2 * hidden + j];
      if (option)
        candidate += FUNCTION(0, CLIPPED(gates[hidden + j])) * c[j];
      else
        candidate += dot_rows(r + (2 * hidden + j) * hidden, c, hidden) + (b ? rb[2 * hidden + j] : 0.0f);
      candidate = FUNCTION(1, CLIPPED(candidate));
      next[j] = (1.0f - update) * candidate + update * h[j];
    }
    SYNC
    EACH(j, hidden) h[j] = next[j];
#else
    EACH(j, hidden) {
      const float old = c[j];
      const float in = FUNCTION(0, CLIPPED(gates[j] + (peephole ? peephole[j] * old : 0.0f)));
      const float forgotten = gates[2 * hidden + j] + (peephole ? peephole[2 * hidden + j] * old : 0.0f);
      const float forget = option ? 1.0f - in : FUNCTION(0, CLIPPED(forgotten));
      const float cell = forget * old + in * FUNCTION(1, CLIPPED(gates[3 * hidden + j]));
      const float out = FUNCTION(0, CLIPPED(gates[hidden + j] + (peephole ? peephole[hidden + j] * cell : 0.0f)));
      c[j] = cell;
      h[j] = out * FUNCTION(2, cell);
    }
#endif
    SYNC
    if (y) {
      const int to = (batchFirst ? (n * steps + t) * directions + d : (t * directions + d) * batch + n) * hidden;
      EACH(j, hidden) y[to + j] = h[j];
    }
  }
  if (y)
    for (int t = length; t < steps; ++t) {
      const int to = (batchFirst ? (n * steps + t) * directions + d : (t * directions + d) * batch + n) * hidden;
      EACH(j, hidden) y[to + j] = 0.0f;
    }
  EACH(j, hidden) {
    if (yh) yh[at + j] = h[j];
    if (GATES == 4 && yc) yc[at + j] = c[j];
  }
}
