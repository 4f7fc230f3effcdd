// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/kernels/candidates.hpp"
#include "engine/devices/opencl/kernels/emit.hpp"

namespace tandem::opencl {

/// C[batch][m][n] = activation(scale * A B + scaleD * D + Z), with strides in elements. C and Z are row-major.
struct Product {
  std::int64_t m = 1, n = 1, k = 1;
  std::vector<std::int64_t> batchDims; ///< at most 6
  std::vector<std::int64_t> aBatch, bBatch, dBatch;
  std::int64_t aRow = 0, aK = 1;
  std::int64_t bK = 0, bColumn = 1;
  bool add = false, residual = false;
  std::int64_t dRow = 0, dColumn = 0;
  float scale = 1, scaleD = 1;
  ops::Activation activation;
  std::int64_t batches() const;
};

/// Where they lie, for kernels that read them as they are.
struct ProductRefs {
  Ref a, b, d, z, c;
  bool halfA = false, halfB = false; ///< stored as halves
};

/// B of `product` is the image seen through the window of a convolution; `taps` holds {offset, depth, row, column} per
/// k, the rest are the extents and strides that gemm_tile.cl asks for.
struct WindowedB {
  Ref taps;
  std::vector<std::int64_t> extents;
};

/// What the times of all ways to compute it depend on.
std::string productKey(const Lowering& lowering, const Product& product);

/// CPU style: B (input `bInput`) in panels, packed where it is constant, else packed first or read as it is.
void addPanels(Lowering& lowering, const Product& product, std::size_t bInput, Ref d,
               std::vector<Candidate>& candidates);
/// GPU style: work-groups with local memory. The product, and the window where there is one, must outlive the emission.
void addGroupTiles(Lowering& lowering, const Product& product, const ProductRefs& refs, const WindowedB* window,
                   std::vector<Candidate>& candidates);
/// The tile of the preset, for products inside other algorithms.
void emitGroupTile(Lowering& lowering, const Product& product, const ProductRefs& refs);
/// The end of a product of which `parts` holds `count` sums without scale: adds them up, and what is fused.
void emitSum(Lowering& lowering, const Product& product, const ProductRefs& refs, Ref parts, std::int64_t count);
/// CLBlast where it takes the call; only beside other candidates, which it is compared with. `window`: Convgemm.
void addBlas(Lowering& lowering, const Product& product, const ProductRefs& refs,
             const std::optional<BlasWindow>& window, std::vector<Candidate>& candidates);

} // namespace tandem::opencl
