// SPDX-License-Identifier: GPL-3.0-or-later
// 3x3 convolution with stride 1 by minimal filtering (Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2015) on channel-blocked storage for CPUs: M x M outputs per tile from A = M + 2 squared sums of products.
//   input   V[position][input block][tile][16] = B' d B of the tiles' A x A inputs
//   product P[position][output block][tile][16] = V U, with T tiles x OB blocks in registers; U, transformed on the
//           host and divided by `scale`, is [position][group of OB blocks][input channel][OB * 16]
//   output  y = activation(A' P A + bias + residual)
// Each is a kernel; `winograd` does all three for SPAN tiles at a time, so that V and P stay in the core's cache.
// IMAGE: row-major tensors, one tile of one channel per work-item, and the product is that of gemm_tile.cl (GPUs).
#define A (M + 2)
#ifdef IMAGE
typedef float V;
#else
typedef float16 V;
#endif

#if M == 4
#define TRANSFORM_INPUT(out, d)                                                                                        \
  {                                                                                                                    \
    const V even_ = fma((V)(-4.0f), d[2], d[4]), odd_ = fma((V)(-4.0f), d[1], d[3]);                 \
    const V evenTwo_ = d[4] - d[2], oddTwo_ = (V)(2.0f) * (d[3] - d[1]);                                   \
    out(0, fma((V)(4.0f), d[0], fma((V)(-5.0f), d[2], d[4])))                                              \
    out(1, even_ + odd_)                                                                                               \
    out(2, even_ - odd_)                                                                                               \
    out(3, evenTwo_ + oddTwo_)                                                                                         \
    out(4, evenTwo_ - oddTwo_)                                                                                         \
    out(5, fma((V)(4.0f), d[1], fma((V)(-5.0f), d[3], d[5])))                                              \
  }
#define TRANSFORM_OUTPUT(out, p)                                                                                       \
  {                                                                                                                    \
    const V s1_ = p[1] + p[2], d1_ = p[1] - p[2], s2_ = p[3] + p[4], d2_ = p[3] - p[4];                          \
    out(0, p[0] + s1_ + s2_)                                                                                           \
    out(1, fma((V)(2.0f), d2_, d1_))                                                                             \
    out(2, fma((V)(4.0f), s2_, s1_))                                                                             \
    out(3, fma((V)(8.0f), d2_, d1_) + p[5])                                                                      \
  }
#else
#define TRANSFORM_INPUT(out, d)                                                                                        \
  {                                                                                                                    \
    out(0, d[0] - d[2])                                                                                                \
    out(1, d[1] + d[2])                                                                                                \
    out(2, d[2] - d[1])                                                                                                \
    out(3, d[1] - d[3])                                                                                                \
  }
#define TRANSFORM_OUTPUT(out, p)                                                                                       \
  {                                                                                                                    \
    out(0, p[0] + p[1] + p[2])                                                                                         \
    out(1, p[1] - p[2] - p[3])                                                                                         \
  }
#endif

#ifdef IMAGE
// V is [position][channel][tile of all images]; `tiles` may be more than there are.
__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
winograd_image_input(__global const float* restrict x, __global float* restrict v, int count, int tiles, int batch,
                     int tilesY, int tilesX, int channels, int ih, int iw, int ph, int pw) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int tile = i % tiles, c = i / tiles;
  const int y0 = tile / tilesX % tilesY * M - ph, x0 = tile % tilesX * M - pw;
  const int n = tile / tilesX / tilesY;
  __global const float* from = x + (size_t)(min(n, batch - 1) * channels + c) * ih * iw;
  float half_[A][A];
#pragma unroll
  for (int q = 0; q < A; ++q) {
    float d[A];
#pragma unroll
    for (int p = 0; p < A; ++p) {
      const int yy = y0 + p, xx = x0 + q;
      d[p] = n < batch && yy >= 0 && yy < ih && xx >= 0 && xx < iw ? from[yy * iw + xx] : 0.0f;
    }
#define KEEP(p, value) half_[p][q] = value;
    TRANSFORM_INPUT(KEEP, d)
#undef KEEP
  }
  const size_t plane = (size_t)channels * tiles;
#pragma unroll
  for (int p = 0; p < A; ++p) {
#define STORE(q, value) v[(p * A + q) * plane + i] = value;
    TRANSFORM_INPUT(STORE, half_[p])
#undef STORE
  }
}

__kernel __attribute__((reqd_work_group_size(64, 1, 1))) void
winograd_image_output(__global const float* restrict p, __global const float* restrict bias,
                      __global const float* restrict z, __global float* restrict y, int count, int tiles, int batch,
                      int tilesY, int tilesX, int channels, int oh, int ow, float alpha, float beta) {
  const int i = get_global_id(0);
  if (i >= count) return;
  const int tile = i % tiles, c = i / tiles;
  const int y0 = tile / tilesX % tilesY * M, x0 = tile % tilesX * M;
  const int n = tile / tilesX / tilesY;
  if (n >= batch) return;
  const size_t plane = (size_t)channels * tiles;
  float half_[M][A];
#pragma unroll
  for (int q = 0; q < A; ++q) {
    float d[A];
#pragma unroll
    for (int r = 0; r < A; ++r) d[r] = p[(r * A + q) * plane + i];
#define KEEP(r, value) half_[r][q] = value;
    TRANSFORM_OUTPUT(KEEP, d)
#undef KEEP
  }
#pragma unroll
  for (int r = 0; r < M; ++r) {
    float sums[M];
#define KEEP(q, value) sums[q] = value;
    TRANSFORM_OUTPUT(KEEP, half_[r])
#undef KEEP
#pragma unroll
    for (int q = 0; q < M; ++q) {
      if (y0 + r < oh && x0 + q < ow) {
        const size_t at = ((size_t)(n * channels + c) * oh + y0 + r) * ow + x0 + q;
        float value = sums[q] + bias[c];
#ifdef RESIDUAL
        value += z[at];
#endif
        y[at] = ACTIVATE(float, value);
      }
    }
  }
}
#else
// Tiles of all images, counted along the rows.
typedef struct {
  int n, y, x;
} Place;

Place place_of(int tile, int tilesY, int tilesX) {
  Place at;
  at.x = tile % tilesX;
  at.y = tile / tilesX % tilesY;
  at.n = tile / tilesX / tilesY;
  return at;
}

void next_place(Place* at, int tilesY, int tilesX) {
  if (++at->x < tilesX) return;
  at->x = 0;
  if (++at->y < tilesY) return;
  at->y = 0;
  ++at->n;
}

// `x` is the window at the tile's first output; rows and columns of it that exist are zeros or pixels.
void input_tile(__global const float* x, int xRow, int rows, int columns, __global float* v, size_t plane) {
  float16 half_[A][A];
#pragma unroll
  for (int j = 0; j < A; ++j) {
    float16 d[A];
#pragma unroll
    for (int i = 0; i < A; ++i)
      d[i] = i < rows && j < columns ? vload16(0, x + i * xRow + j * 16) : (float16)(0.0f);
#define KEEP(i, value) half_[i][j] = value;
    TRANSFORM_INPUT(KEEP, d)
#undef KEEP
  }
#pragma unroll
  for (int i = 0; i < A; ++i) {
#define STORE(j, value) vstore16(value, 0, v + (i * A + j) * plane);
    TRANSFORM_INPUT(STORE, half_[i])
#undef STORE
  }
}

void product_tiles(__global const float* v, int vBlock, int inputBlocks, __global const WEIGHT* u, float scale,
                   __global float* p, int pBlock, int outputBlocks) {
  float16 acc[OB][T];
#pragma unroll
  for (int o = 0; o < OB; ++o)
#pragma unroll
    for (int t = 0; t < T; ++t) acc[o][t] = (float16)(0.0f);
  for (int ib = 0; ib < inputBlocks; ++ib) {
#pragma unroll
    for (int c = 0; c < 16; ++c) {
      float16 weights[OB];
#pragma unroll
      for (int o = 0; o < OB; ++o) weights[o] = WEIGHTS16(c * OB + o, u);
#pragma unroll
      for (int t = 0; t < T; ++t) {
        const float16 value = (float16)(v[t * 16 + c]);
#pragma unroll
        for (int o = 0; o < OB; ++o) acc[o][t] = fma(value, weights[o], acc[o][t]);
      }
    }
    u += 16 * OB * 16;
    v += vBlock;
  }
#pragma unroll
  for (int o = 0; o < OB; ++o)
    if (o < outputBlocks)
#pragma unroll
      for (int t = 0; t < T; ++t) vstore16(acc[o][t] * (float16)(scale), t, p + o * pBlock);
}

void output_tile(__global const float* p, size_t plane, float16 bias, __global const float* z, int zRow,
                 __global float* y, int yRow, int rows, int columns, float alpha, float beta) {
  float16 half_[M][A];
#pragma unroll
  for (int j = 0; j < A; ++j) {
    float16 d[A];
#pragma unroll
    for (int i = 0; i < A; ++i) d[i] = vload16(0, p + (i * A + j) * plane);
#define KEEP(i, value) half_[i][j] = value;
    TRANSFORM_OUTPUT(KEEP, d)
#undef KEEP
  }
#pragma unroll
  for (int i = 0; i < M; ++i) {
    if (i < rows) {
      float16 v[M];
#define KEEP(j, value) v[j] = value;
      TRANSFORM_OUTPUT(KEEP, half_[i])
#undef KEEP
#pragma unroll
      for (int j = 0; j < M; ++j) {
        if (j < columns) {
          float16 r = v[j] + bias;
#ifdef RESIDUAL
          r += vload16(j, z + i * zRow);
#endif
          vstore16(ACTIVATE(float16, r), j, y + i * yRow);
        }
      }
    }
  }
}

#define INPUT_OF(at) x + at.n * xBatch + ib * xBlock + xOrigin + at.y * (M * xRow) + at.x * (M * 16)

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
winograd_input(__global const float* restrict x, __global float* restrict v, int xBatch, int xBlock, int xOrigin,
               int xRow, int rows, int columns, int tiles, int tilesY, int tilesX, int vBlock, int vPlane) {
  const int ib = get_global_id(1);
  const int first = get_global_id(0) * SPAN, last = min(first + SPAN, tiles);
  Place at = place_of(first, tilesY, tilesX);
  for (int tile = first; tile < last; ++tile) {
    input_tile(INPUT_OF(at), xRow, rows - at.y * M, columns - at.x * M, v + ib * vBlock + tile * 16, vPlane);
    next_place(&at, tilesY, tilesX);
  }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
winograd_product(__global const float* restrict v, __global const WEIGHT* restrict u, __global float* restrict p,
                 float scale, int inputBlocks, int outputBlocks, int groups, int vBlock, int vPlane, int pPlane) {
  const int tile = get_global_id(0) * T;
  const int group = get_global_id(1);
  const int position = get_global_id(2);
  product_tiles(v + (size_t)position * vPlane + tile * 16, vBlock, inputBlocks,
                u + (size_t)(position * groups + group) * inputBlocks * (16 * OB * 16), scale,
                p + (size_t)position * pPlane + group * OB * vBlock + tile * 16, vBlock, outputBlocks - group * OB);
}

#ifdef RESIDUAL
#define RESIDUAL_OF(at) z + at.n * zBatch + ob * zBlock + zOrigin + at.y * (M * zRow) + at.x * (M * 16)
#else
#define RESIDUAL_OF(at) 0
#endif
#define OUTPUT_OF(at) y + at.n * yBatch + ob * yBlock + yOrigin + at.y * (M * yRow) + at.x * (M * 16)

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
winograd_output(__global const float* restrict p, __global const float* restrict bias, __global const float* restrict z,
                __global float* restrict y, int tiles, int tilesY, int tilesX, int pBlock, int pPlane, int yBatch,
                int yBlock, int yOrigin, int yRow, int zBatch, int zBlock, int zOrigin, int zRow, int oh, int ow,
                float alpha, float beta) {
  const int ob = get_global_id(1);
  const int first = get_global_id(0) * SPAN, last = min(first + SPAN, tiles);
  const float16 b = vload16(ob, bias);
  Place at = place_of(first, tilesY, tilesX);
  for (int tile = first; tile < last; ++tile) {
    output_tile(p + ob * pBlock + tile * 16, pPlane, b, RESIDUAL_OF(at), zRow, OUTPUT_OF(at), yRow, oh - at.y * M,
                ow - at.x * M, alpha, beta);
    next_place(&at, tilesY, tilesX);
  }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
winograd(__global const float* restrict x, __global const WEIGHT* restrict u, __global const float* restrict bias,
         __global const float* restrict z, __global float* restrict y, __global float* restrict memory, float scale,
         int inputBlocks, int outputBlocks, int groups, int xBatch, int xBlock, int xOrigin, int xRow, int rows,
         int columns, int tiles, int tilesY, int tilesX, int vPlane, int pPlane, int yBatch, int yBlock, int yOrigin,
         int yRow, int zBatch, int zBlock, int zOrigin, int zRow, int oh, int ow, float alpha, float beta) {
  __global float* v = memory + get_global_id(0) * (size_t)(A * A) * (vPlane + pPlane);
  __global float* p = v + A * A * vPlane;
  for (int first = get_global_id(0) * SPAN; first < tiles; first += get_global_size(0) * SPAN) {
    const int count = min(SPAN, tiles - first);
    const Place start = place_of(first, tilesY, tilesX);
    for (int ib = 0; ib < inputBlocks; ++ib) {
      Place at = start;
      for (int tile = 0; tile < count; ++tile) {
        input_tile(INPUT_OF(at), xRow, rows - at.y * M, columns - at.x * M, v + (ib * SPAN + tile) * 16, vPlane);
        next_place(&at, tilesY, tilesX);
      }
    }
    for (int position = 0; position < A * A; ++position)
      for (int group = 0; group < groups; ++group)
        for (int tile = 0; tile < count; tile += T)
          product_tiles(v + position * vPlane + tile * 16, SPAN * 16, inputBlocks,
                        u + (size_t)(position * groups + group) * inputBlocks * (16 * OB * 16), scale,
                        p + position * pPlane + (group * OB * SPAN + tile) * 16, SPAN * 16, outputBlocks - group * OB);
    for (int ob = 0; ob < outputBlocks; ++ob) {
      const float16 b = vload16(ob, bias);
      Place at = start;
      for (int tile = 0; tile < count; ++tile) {
        output_tile(p + (ob * SPAN + tile) * 16, pPlane, b, RESIDUAL_OF(at), zRow, OUTPUT_OF(at), yRow,
                    oh - at.y * M, ow - at.x * M, alpha, beta);
        next_place(&at, tilesY, tilesX);
      }
    }
  }
}
#endif
