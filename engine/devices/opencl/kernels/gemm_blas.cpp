// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/blas.hpp"
#include "engine/devices/opencl/kernels/gemm_parts.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

/// CLBlast pays its own set-up per call; below about a million multiply-adds one launch of ours is cheaper.
constexpr std::int64_t kLeastWork = std::int64_t{1} << 20;

bool fits(const Product& p) {
  return p.batchDims.size() <= 1 && (p.aK == 1 || p.aRow == 1) && (p.bColumn == 1 || p.bK == 1) && p.k > 0 &&
         p.batches() * p.m * p.n * p.k >= kLeastWork;
}

BlasProduct callFor(const Product& p, const std::optional<BlasWindow>& window) {
  const auto size = [](std::int64_t value) { return static_cast<std::size_t>(value); };
  BlasProduct call;
  call.m = size(p.m);
  call.n = size(p.n);
  call.k = size(p.k);
  call.transposeA = p.aK != 1;
  call.transposeB = p.bColumn != 1;
  // A matrix of one row has any stride; CLBlast wants at least the row's length.
  call.rowA = size(call.transposeA ? std::max(p.aK, p.m) : std::max(p.aRow, p.k));
  call.rowB = size(call.transposeB ? std::max(p.bColumn, p.k) : std::max(p.bK, p.n));
  call.batches = size(p.batches());
  if (!p.batchDims.empty()) {
    call.strideA = size(p.aBatch[0]);
    call.strideB = size(p.bBatch[0]);
  }
  call.window = window;
  return call;
}

void emitBlas(Lowering& lowering, const Product& p, const ProductRefs& refs, BlasProduct call, bool fused) {
  if (!fused) call.alpha = p.scale;
  const Ref target = fused ? lowering.scratch(p.batches() * p.m * p.n * 4) : refs.c;
  Step step;
  step.kernel = call.window ? "CLBlast Convgemm" : "CLBlast Gemm";
  step.blas = std::move(call);
  step.args = {refs.a, refs.b, target};
  lowering.setKernelName(step.blas->window ? "clblast_convgemm" : "clblast_gemm");
  lowering.launch(std::move(step));
  if (fused) emitSum(lowering, p, refs, target, 1);
}

} // namespace

void addBlas(Lowering& lowering, const Product& p, const ProductRefs& refs, const std::optional<BlasWindow>& window,
             std::vector<Candidate>& candidates) {
  TANDEM_ASSERT(!candidates.empty());
  if (!fits(p) || refs.halfA || refs.halfB) return; // its mixed products are for halves on both sides
  const BlasProduct call = callFor(p, window);
  if (!blasAccepts(lowering.device(), call)) return;
  const bool fused = p.add || p.residual || p.activation.kind != ops::ActivationKind::None;
  double best = candidates[0].cost;
  for (const Candidate& candidate : candidates) best = std::min(best, candidate.cost);
  // It is tuned for many devices, but the end of a fused product is one more pass over the results.
  const double cost = best * (fused ? 1.1 : 0.95);
  candidates.push_back({window ? "convgemm" : "blas", window ? "convgemm" : "blas", cost,
                        [&lowering, &p, refs, call, fused] { emitBlas(lowering, p, refs, call, fused); }});
}

} // namespace tandem::opencl
