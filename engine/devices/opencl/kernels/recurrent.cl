// SPDX-License-Identifier: GPL-3.0-or-later
// RNN (GATES 1), GRU (3) and LSTM (4) as the ONNX operator pages define them. One work-group runs one sequence in one
// direction from its first step to its last; its state lives in `work`.

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

#ifdef PACKED
// For CPUs, with weights packed for vectors: every gate has `padded` entries, the hidden size rounded up to whole
// vectors. STANDARD: the activations are sigmoid and tanh, without clipping or peepholes; otherwise activate() computes
// element by element.
#define GATE(g) (gates + (g) * padded)

// out[row][:] = bias + W x[row], T rows of two vectors per work-item. w: [direction][pair of vectors][depth][32].
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
input_products(__global const float* restrict x, __global const WEIGHT* restrict w, __global const float* restrict bias,
               __global float* restrict out, int rows, int depth, int vectors) {
  const int row = get_global_id(0) * T, pair = get_global_id(1), d = get_global_id(2);
  const int pairs = (vectors + 1) / 2;
  w += (d * pairs + pair) * depth * 32;
  bias += (d * pairs + pair) * 32;
  out += (d * rows + row) * vectors * 16 + pair * 32;
  // Rows behind the last repeat it, and are not stored.
  __global const float* from[T];
#pragma unroll
  for (int i = 0; i < T; ++i) from[i] = x + min(row + i, rows - 1) * depth;
  float16 a[T], b[T];
#pragma unroll
  for (int i = 0; i < T; ++i) a[i] = vload16(0, bias), b[i] = vload16(1, bias);
  for (int k = 0; k < depth; ++k) {
    const float16 w0 = WEIGHTS16(0, w + k * 32), w1 = WEIGHTS16(1, w + k * 32);
#pragma unroll
    for (int i = 0; i < T; ++i) {
      const float16 v = (float16)(from[i][k]);
      a[i] = fma(v, w0, a[i]);
      b[i] = fma(v, w1, b[i]);
    }
  }
#pragma unroll
  for (int i = 0; i < T; ++i) {
    if (row + i >= rows) continue;
    vstore16(a[i], 0, out + i * vectors * 16);
    if (pair * 2 + 1 < vectors) vstore16(b[i], 1, out + i * vectors * 16);
  }
}

// out = start + R h for `vectors` vectors, in chunks of 8, 4 and 1 of them: [chunk][depth][16 times its vectors].
#define CHUNKS(P)                                                                                                      \
  for (; v + P <= vectors; v += P) {                                                                                   \
    float16 sum[P];                                                                                                    \
    _Pragma("unroll") for (int i = 0; i < P; ++i) sum[i] = vload16(v + i, start);                                      \
    for (int k = 0; k < depth; ++k, r += P * 16) {                                                                     \
      const float16 value = (float16)(h[k]);                                                                           \
      _Pragma("unroll") for (int i = 0; i < P; ++i) sum[i] = fma(value, WEIGHTS16(i, r), sum[i]);                      \
    }                                                                                                                  \
    _Pragma("unroll") for (int i = 0; i < P; ++i) vstore16(sum[i], v + i, out);                                        \
  }
void add_products(__global const WEIGHT* r, __global const float* h, __global const float* start, __global float* out,
                  int vectors, int depth) {
  int v = 0;
  CHUNKS(8)
  CHUNKS(4)
  CHUNKS(1)
}

#define SIGMOID(v) ((float16)(1.0f) / ((float16)(1.0f) + exp(-(v))))
#define EACH(j, count) for (int j = 0; j < (count); ++j)

// One sequence in one direction per work-item. products: as input_products makes them. candidateBias: GRU's recurrent
// bias of the candidate, added before the reset gate. The rest as below.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
recurrent_packed(__global const float* restrict products, __global const WEIGHT* restrict r,
                 __global const float* restrict candidateBias, __global const int* restrict lengths,
                 __global const float* restrict h0, __global const float* restrict c0, __global const float* restrict p,
                 __global float* restrict y, __global float* restrict yh, __global float* restrict yc,
                 __global float* work, __global const int* restrict allKinds,
                 __global const float* restrict allConstants, int steps, int batch, int hidden, int padded,
                 int directions, int reverse, int batchFirst, int functions, float clip, int option,
                 __global int* status, int id) {
  const int d = get_group_id(0) / batch, n = get_group_id(0) % batch;
  const int width = GATES * padded, vectors = padded / 16;
  products += d * steps * batch * width;
  r += d * width * hidden;
  candidateBias += d * padded;
  __global const float* peephole = p ? p + d * 3 * hidden : 0;
  __global const int* kinds = allKinds + d * functions;
  __global const float* constants = allConstants + d * functions * 2;
  __global float* h = work + get_group_id(0) * (3 * padded + width);
  __global float* scratch = h + padded;
  __global float* c = scratch + padded; // LSTM: the cell state; GRU: scratch
  __global float* gates = c + padded;
  const int at = (batchFirst ? n * directions + d : d * batch + n) * hidden;
  EACH(j, padded) {
    h[j] = h0 && j < hidden ? h0[at + j] : 0.0f;
    c[j] = GATES == 4 && c0 && j < hidden ? c0[at + j] : 0.0f;
  }
  int length = lengths ? lengths[n] : steps;
  if (length < 0 || length > steps) {
    REPORT(status, id, length, steps)
    length = 0;
  }
  const int backwards = reverse || d == 1;
  for (int i = 0; i < length; ++i) {
    const int t = backwards ? length - 1 - i : i;
    __global const float* given = products + (batchFirst ? n * steps + t : t * batch + n) * width;
#if GATES == 3
    add_products(r, h, given, gates, 2 * vectors, hidden);
    __global const WEIGHT* rc = r + 2 * padded * hidden;
    if (option) add_products(rc, h, candidateBias, c, vectors, hidden);
#else
    add_products(r, h, given, gates, GATES * vectors, hidden);
#endif
#if GATES == 1 && defined(STANDARD)
    EACH(j, vectors) vstore16(tanh(vload16(j, gates)), j, h);
#elif GATES == 1
    EACH(j, hidden) h[j] = FUNCTION(0, CLIPPED(gates[j]));
#elif GATES == 3 && defined(STANDARD)
    if (option) {
      EACH(j, vectors) {
        const float16 reset = SIGMOID(vload16(j, GATE(1)));
        vstore16(fma(reset, vload16(j, c), vload16(j, given + 2 * padded)), j, GATE(2));
      }
    } else {
      EACH(j, vectors) vstore16(SIGMOID(vload16(j, GATE(1))) * vload16(j, h), j, scratch);
      add_products(rc, scratch, given + 2 * padded, GATE(2), vectors, hidden);
    }
    EACH(j, vectors) {
      const float16 update = SIGMOID(vload16(j, GATE(0))), candidate = tanh(vload16(j, GATE(2)));
      vstore16(((float16)(1.0f) - update) * candidate + update * vload16(j, h), j, h);
    }
#elif GATES == 3
    if (option) {
      EACH(j, hidden) GATE(2)[j] = given[2 * padded + j] + FUNCTION(0, CLIPPED(GATE(1)[j])) * c[j];
    } else {
      EACH(j, hidden) scratch[j] = FUNCTION(0, CLIPPED(GATE(1)[j])) * h[j];
      add_products(rc, scratch, given + 2 * padded, GATE(2), vectors, hidden);
    }
    EACH(j, hidden) {
      const float update = FUNCTION(0, CLIPPED(GATE(0)[j]));
      h[j] = (1.0f - update) * FUNCTION(1, CLIPPED(GATE(2)[j])) + update * h[j];
    }
#elif defined(STANDARD)
    EACH(j, vectors) {
      const float16 in = SIGMOID(vload16(j, GATE(0)));
      const float16 forget = option ? (float16)(1.0f) - in : SIGMOID(vload16(j, GATE(2)));
      const float16 cell = forget * vload16(j, c) + in * tanh(vload16(j, GATE(3)));
      vstore16(cell, j, c);
      vstore16(SIGMOID(vload16(j, GATE(1))) * tanh(cell), j, h);
    }
#else
    EACH(j, hidden) {
      const float old = c[j];
      const float in = FUNCTION(0, CLIPPED(GATE(0)[j] + (peephole ? peephole[j] * old : 0.0f)));
      const float forgotten = GATE(2)[j] + (peephole ? peephole[2 * hidden + j] * old : 0.0f);
      const float forget = option ? 1.0f - in : FUNCTION(0, CLIPPED(forgotten));
      const float cell = forget * old + in * FUNCTION(1, CLIPPED(GATE(3)[j]));
      const float out = FUNCTION(0, CLIPPED(GATE(1)[j] + (peephole ? peephole[hidden + j] * cell : 0.0f)));
      c[j] = cell;
      h[j] = out * FUNCTION(2, cell);
    }
#endif
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
#else
float dot_rows(__global const WEIGHT* a, __global const float* b, int n) {
  float sum = 0.0f;
  int i = 0;
  float16 sums = (float16)(0.0f);
  for (; i + 16 <= n; i += 16) sums = fma(WEIGHTS16(0, a + i), vload16(0, b + i), sums);
  const float8 half_ = sums.lo + sums.hi;
  const float4 quarter = half_.lo + half_.hi;
  sum = (quarter.x + quarter.y) + (quarter.z + quarter.w);
  for (; i < n; ++i) sum = fma(WEIGHT_AT(a, i), b[i], sum);
  return sum;
}
#define SYNC barrier(CLK_GLOBAL_MEM_FENCE);
#define EACH(j, count) for (int j = lane; j < (count); j += LX)

// b, lengths, h0, c0, p, y, yh and yc may be null. `option`: GRU's linear_before_reset, LSTM's input_forget.
__kernel __attribute__((reqd_work_group_size(LX, 1, 1))) void
recurrent(__global const float* restrict x, __global const WEIGHT* restrict w, __global const WEIGHT* restrict r,
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
#endif
