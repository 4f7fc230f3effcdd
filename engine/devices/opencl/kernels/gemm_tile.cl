// SPDX-License-Identifier: GPL-3.0-or-later
// C[m][n] = activation(scale * sum_k A[m][k] * B[k][n] + scaleD * D[m][n] + Z[m][n]) with TM x TN results per
// work-group, RM x RN per work-item, TK steps of k at a time through local memory: for GPUs. A, B and D have any
// strides. The next steps travel from memory to registers while these are computed.
//   A_ALONG_ROWS   neighbours in A are rows (else steps of k)
//   B_ALONG_K      neighbours in B are steps of k (else columns)
//   WA, WB         floats of one load of A along k, of B along the columns
//   BUFFERS 2      two pieces of local memory in turn, with one barrier per piece instead of two
//   SPLIT          a work-group sums perSplit steps of k; gemm_sum.cl adds them up and does the rest
//   CONV           B is the image seen through the convolution window (implicit GEMM), read through a table of
//                  {offset, depth, row, column} per k and computed positions per n
//   ROLLED         leaves loops as they are: compilers for CPUs take long over them, and win nothing
#ifdef ROLLED
#define UNROLLED
#else
#define UNROLLED _Pragma("unroll")
#endif
#define LX (TN / RN)
#define LY (TM / RM)
#define ITEMS (LX * LY)
#define LOADS_A (TM * TK / WA / ITEMS)
#define LOADS_B (TN * TK / WB / ITEMS)
// Different columns of B that a work-item loads.
#define COLUMNS (TN > ITEMS ? TN / ITEMS : 1)

// Where the i-th load of a work-item lies in the piece.
#define AT(i) (linear + (i)*ITEMS)
#ifdef A_ALONG_ROWS
#define STEP_A(i) (AT(i) / TM)
#define ROW_A(i) (AT(i) % TM)
#else
#define STEP_A(i) (AT(i) % (TK / WA) * WA)
#define ROW_A(i) (AT(i) / (TK / WA))
#endif
#ifdef B_ALONG_K
#define STEP_B(i) (AT(i) % TK)
#define COLUMN_B(i) (AT(i) / TK)
#else
#define STEP_B(i) (AT(i) / (TN / WB))
#define COLUMN_B(i) (AT(i) % (TN / WB) * WB)
#endif

// Which of the operands are weights; the other is of floats.
#ifdef WEIGHTS_IN_A
#define A_TYPE WEIGHT
#define A_AT(p, i) WEIGHT_AT(p, i)
#define A4(p) WEIGHTS4(0, p)
#else
#define A_TYPE float
#define A_AT(p, i) (p)[i]
#define A4(p) vload4(0, p)
#endif
#ifdef WEIGHTS_IN_B
#define B_TYPE WEIGHT
#define B_AT(p, i) WEIGHT_AT(p, i)
#define B4(p) WEIGHTS4(0, p)
#else
#define B_TYPE float
#define B_AT(p, i) (p)[i]
#define B4(p) vload4(0, p)
#endif
#if WA == 4
#define KEEP_A(i, inside, from) vstore4(inside ? A4(from) : (float4)(0.0f), i, a);
#else
#define KEEP_A(i, inside, from) a[i] = inside ? A_AT(from, 0) : 0.0f;
#endif
#ifdef CONV
#define KEEP_B(i, inside, kb, cb)                                                                                      \
  {                                                                                                                    \
    float value_ = 0.0f;                                                                                               \
    if (inside) {                                                                                                      \
      const int4 tap_ = taps[kb];                                                                                      \
      const int zz_ = z0[(i) % COLUMNS] + tap_.y, yy_ = y0[(i) % COLUMNS] + tap_.z, xx_ = x0[(i) % COLUMNS] + tap_.w;  \
      if (zz_ >= 0 && zz_ < id && yy_ >= 0 && yy_ < ih && xx_ >= 0 && xx_ < iw)                                        \
        value_ = B[bOffset + tap_.x + (zz_ * ih + yy_) * iw + xx_];                                                    \
    }                                                                                                                  \
    b[i] = value_;                                                                                                     \
  }
#elif WB == 4
#define KEEP_B(i, inside, kb, cb)                                                                                      \
  vstore4(inside ? B4(B + bOffset + (kb)*bK + (cb)*bColumn) : (float4)(0.0f), i, b);
#else
#define KEEP_B(i, inside, kb, cb) b[i] = inside ? B_AT(B, bOffset + (kb)*bK + (cb)*bColumn) : 0.0f;
#endif
#define LOAD(first)                                                                                                    \
  {                                                                                                                    \
    UNROLLED for (int i = 0; i < LOADS_A; ++i) {                                                              \
      const int row_ = row0 + ROW_A(i), k_ = (first) + STEP_A(i);                                                      \
      KEEP_A(i, (row_ < m && k_ < kEnd), A + aOffset + row_ * aRow + k_ * aK)                                          \
    }                                                                                                                  \
    UNROLLED for (int i = 0; i < LOADS_B; ++i) {                                                              \
      const int column_ = column0 + COLUMN_B(i), k_ = (first) + STEP_B(i);                                             \
      KEEP_B(i, (column_ < n && k_ < kEnd), k_, column_)                                                               \
    }                                                                                                                  \
  }

__kernel __attribute__((reqd_work_group_size(LX, LY, 1))) void
gemm_tile(__global const A_TYPE* restrict A, __global const B_TYPE* restrict B, __global const float* restrict D,
          __global const float* restrict Z, __global float* restrict C, int m, int n, int k, int aRow, int aK, int bK,
          int bColumn, int dRow, int dColumn, float scale, float scaleD, int batches, int perSplit, int8 batchDims,
          int8 aBatch, int8 bBatch, int8 dBatch,
#ifdef CONV
          __global const int4* restrict taps, int id, int ih, int iw, int ohw, int ow, int sd, int sh, int sw, int pd,
          int ph, int pw,
#endif
          float alpha, float beta) {
  __local float As[BUFFERS][TK][TM + 4];
  __local float Bs[BUFFERS][TK][TN + 4];
  const int tx = get_local_id(0), ty = get_local_id(1);
  const int linear = ty * LX + tx;
  const int column0 = get_group_id(0) * TN, row0 = get_group_id(1) * TM;
  const int batch = get_group_id(2) % batches;
  const int kBegin = get_group_id(2) / batches * perSplit, kEnd = min(k, kBegin + perSplit);
  int aOffset = 0, bOffset = 0, dOffset = 0;
  OFFSETS1(batch, batchDims, BATCH, aBatch, aOffset)
  OFFSETS1(batch, batchDims, BATCH, bBatch, bOffset)
  OFFSETS1(batch, batchDims, BATCH, dBatch, dOffset)
  float acc[RM][RN];
UNROLLED
  for (int i = 0; i < RM; ++i)
UNROLLED
    for (int j = 0; j < RN; ++j) acc[i][j] = 0.0f;
#ifdef CONV
  int z0[COLUMNS], y0[COLUMNS], x0[COLUMNS];
UNROLLED
  for (int i = 0; i < COLUMNS; ++i) {
    const int pixel = column0 + (linear + i * ITEMS) % TN;
    z0[i] = pixel / ohw * sd - pd;
    y0[i] = pixel % ohw / ow * sh - ph;
    x0[i] = pixel % ow * sw - pw;
  }
#endif
  float a[LOADS_A * WA], b[LOADS_B * WB];
  int buffer = 0;
  LOAD(kBegin)
  for (int k0 = kBegin; k0 < kEnd; k0 += TK) {
#if BUFFERS == 1
    barrier(CLK_LOCAL_MEM_FENCE);
#endif
UNROLLED
    for (int i = 0; i < LOADS_A; ++i)
UNROLLED
      for (int w = 0; w < WA; ++w) As[buffer][STEP_A(i) + w][ROW_A(i)] = a[i * WA + w];
UNROLLED
    for (int i = 0; i < LOADS_B; ++i)
UNROLLED
      for (int w = 0; w < WB; ++w) Bs[buffer][STEP_B(i)][COLUMN_B(i) + w] = b[i * WB + w];
    barrier(CLK_LOCAL_MEM_FENCE);
    if (k0 + TK < kEnd) LOAD(k0 + TK)
UNROLLED
    for (int kk = 0; kk < TK; ++kk) {
      float left[RM], right[RN];
UNROLLED
      for (int i = 0; i < RM; ++i) left[i] = As[buffer][kk][ty * RM + i];
UNROLLED
      for (int j = 0; j < RN; ++j) right[j] = Bs[buffer][kk][tx + j * LX];
UNROLLED
      for (int i = 0; i < RM; ++i)
UNROLLED
        for (int j = 0; j < RN; ++j) acc[i][j] = fma(left[i], right[j], acc[i][j]);
    }
#if BUFFERS == 2
    buffer = 1 - buffer;
#endif
  }
UNROLLED
  for (int i = 0; i < RM; ++i) {
    const int row = row0 + ty * RM + i;
UNROLLED
    for (int j = 0; j < RN; ++j) {
      const int column = column0 + tx + j * LX;
      if (row < m && column < n) {
#ifdef SPLIT
        C[((size_t)get_group_id(2) * m + row) * n + column] = acc[i][j];
#else
        const size_t at = ((size_t)batch * m + row) * n + column;
        float v = acc[i][j] * scale;
#ifdef ADD
        v += scaleD * D[dOffset + row * dRow + column * dColumn];
#endif
#ifdef RESIDUAL
        v += Z[at];
#endif
        C[at] = ACTIVATE(float, v);
#endif
      }
    }
  }
}
