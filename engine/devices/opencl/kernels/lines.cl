// SPDX-License-Identifier: GPL-3.0-or-later
// Operators that look at a whole line along one axis: `length` elements, `inner` apart. T is the element type.
#define LINE_START(i) ((i) / inner * length * inner + (i) % inner)
#define IS_NAN(v) ((v) != (v))

// Index of the best element; the first of equals, or the last. NaN beats numbers, as in numpy.
#ifdef ARG
#if ARG > 0
#define BEATS(a, b) ((a) > (b))
#else
#define BEATS(a, b) ((a) < (b))
#endif
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
arg_best(__global const T* restrict x, __global long* restrict y, int count, int length, int inner, int takesLast) {
  const int i = get_global_id(0);
  if (i >= count) return;
  __global const T* line = x + LINE_START(i);
  int best = 0;
  T top = line[0];
  for (int k = 1; k < length; ++k) {
    const T v = line[k * inner];
    if (BEATS(v, top) || (IS_NAN(v) && !IS_NAN(top)) || (takesLast && v == top)) {
      best = k;
      top = v;
    }
  }
  y[i] = best;
}
#endif

// Running sum (1) or product (2).
#ifdef CUMULATE
#if CUMULATE == 1
#define NEXT(total, v) ((total) + (v))
#else
#define NEXT(total, v) ((total) * (v))
#endif
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
cumulate(__global const T* restrict x, __global T* restrict y, int count, int length, int inner, int exclusive,
         int reverse) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int start = LINE_START(i);
  ACC total = CUMULATE - 1;
  for (int k = 0; k < length; ++k) {
    const int at = start + (reverse ? length - 1 - k : k) * inner;
    const ACC before = total;
    total = NEXT(total, (ACC)x[at]);
    y[at] = (T)(exclusive ? before : total);
  }
}
#endif

// The k best elements of a line, best first, the lower index first among equals; NaN is the largest number. `values`
// or `indices` may be null.
#ifdef TOP
#define BELOW(a, b) (IS_NAN(b) ? !IS_NAN(a) : (a) < (b))
#if TOP > 0
#define AHEAD(a, ia, b, ib) (BELOW(b, a) || (!BELOW(a, b) && (ia) < (ib)))
#else
#define AHEAD(a, ia, b, ib) (BELOW(a, b) || (!BELOW(b, a) && (ia) < (ib)))
#endif
// One work-item per line: k times the next one in order. For few long lines on a CPU.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
top_lines(__global const T* restrict x, __global T* restrict values, __global long* restrict indices, int length,
          int inner, int k) {
  const int i = get_global_id(0);
  __global const T* line = x + LINE_START(i);
  const int out = i / inner * k * inner + i % inner;
  int last = -1;
  T lastValue = 0;
  for (int n = 0; n < k; ++n) {
    int best = -1;
    T bestValue = 0;
    for (int j = 0; j < length; ++j) {
      const T v = line[j * inner];
      if (last >= 0 && !AHEAD(lastValue, last, v, j)) continue;
      if (best < 0 || AHEAD(v, j, bestValue, best)) {
        best = j;
        bestValue = v;
      }
    }
    if (values) values[out + n * inner] = bestValue;
    if (indices) indices[out + n * inner] = best;
    last = best;
    lastValue = bestValue;
  }
}
// One work-item per element: its rank is the number of elements ahead of it.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
top_ranks(__global const T* restrict x, __global T* restrict values, __global long* restrict indices, int count,
          int length, int inner, int k) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int j = i / inner % length;
  __global const T* line = x + i - j * inner;
  const T own = x[i];
  int rank = 0;
  for (int n = 0; n < length && rank < k; ++n) rank += AHEAD(line[n * inner], n, own, j);
  if (rank >= k) return;
  const int out = (i / inner / length * k + rank) * inner + i % inner;
  if (values) values[out] = own;
  if (indices) indices[out] = j;
}
#endif

#ifdef HARDMAX
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
hardmax(__global const T* restrict x, __global T* restrict y, int count, int length, int inner) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int start = LINE_START(i);
  int best = 0;
  for (int k = 1; k < length; ++k)
    if (x[start + k * inner] > x[start + best * inner]) best = k;
  for (int k = 0; k < length; ++k) y[start + k * inner] = k == best;
}
#endif

// Divides a line by its p-norm (whole = 1), or gives the norm alone, one per line.
#ifdef NORM
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
lp_norm(__global const T* restrict x, __global T* restrict y, int count, int length, int inner, float p, int whole) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int start = LINE_START(i);
  T sum = 0;
  for (int k = 0; k < length; ++k) {
    const T v = fabs(x[start + k * inner]);
    sum += p == 1.0f ? v : p == 2.0f ? v * v : pow(v, (T)p);
  }
  const T norm = p == 1.0f ? sum : p == 2.0f ? sqrt(sum) : pow(sum, (T)1 / (T)p);
  if (!whole) {
    y[i] = norm;
    return;
  }
  for (int k = 0; k < length; ++k) y[start + k * inner] = norm == 0 ? (T)0 : x[start + k * inner] / norm;
}
#endif
