// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/gemm_parts.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

void emitProduct(Lowering& lowering, const Product& p, std::size_t bInput, Ref d) {
  if (p.m == 0 || p.n == 0 || p.batches() == 0) return lowering.output(0), void();
  std::string key = productKey(lowering, p);
  if (lowering.halfWeights(bInput)) key += " float16";
  std::vector<Candidate> candidates;
  if (lowering.gpuStyle()) {
    ProductRefs refs{lowering.input(0), lowering.weightInput(bInput), d, Ref(), lowering.output(0)};
    refs.halfB = lowering.halfWeights(bInput);
    addGroupTiles(lowering, p, refs, nullptr, candidates);
    addBlas(lowering, p, refs, std::nullopt, candidates);
  } else {
    if (lowering.inputIsConstant(bInput)) key += " constant";
    addPanels(lowering, p, bInput, d, candidates);
  }
  emitBest(lowering, std::move(key), std::move(candidates));
}

// --- Gemm

Support checkGemm(const NodeView& view) {
  if (const Support support = floatInputs(view); !support.ok()) return support;
  if (view.node.domain == "tandem")
    if (const auto activation = ops::activationOf(view.node); !activation.ok())
      return noAttribute(activation.error().message);
  if (!view.isStatic()) return Support::yes();
  if (view.input(0).desc.shape.rank() != 2 || view.input(1).desc.shape.rank() != 2)
    return noAttribute("Gemm on tensors that are no matrices");
  if (view.hasInput(3)) return noAttribute("FusedGemm with a residual");
  if (view.hasInput(2)) {
    const auto shape = broadcast(view.input(2).desc.shape, view.output(0).desc.shape);
    if (!shape || *shape != view.output(0).desc.shape) return noAttribute("Gemm with a C that does not broadcast");
  }
  return Support::yes();
}

Result<void> lowerGemm(Lowering& lowering) {
  const Node& node = lowering.node();
  const Shape& a = lowering.inputDesc(0).shape;
  const Shape& b = lowering.inputDesc(1).shape;
  const bool transA = node.attributes.getInt("transA", 0) != 0;
  const bool transB = node.attributes.getInt("transB", 0) != 0;
  Product p;
  p.m = transA ? a[1] : a[0];
  p.k = transA ? a[0] : a[1];
  p.n = transB ? b[0] : b[1];
  p.aRow = transA ? 1 : p.k;
  p.aK = transA ? p.m : 1;
  p.bK = transB ? 1 : p.n;
  p.bColumn = transB ? p.k : 1;
  p.scale = node.attributes.getFloat("alpha", 1.0f);
  p.scaleD = node.attributes.getFloat("beta", 1.0f);
  if (node.domain == "tandem") p.activation = TANDEM_TRY(ops::activationOf(node));
  Ref d;
  if (lowering.hasInput(2)) {
    p.add = true;
    const StridedRef c = broadcastTo(lowering.input(2), lowering.inputDesc(2), lowering.outputDesc(0).shape);
    d = c.ref;
    p.dRow = c.strides[0];
    p.dColumn = c.strides[1];
  }
  emitProduct(lowering, p, 1, d);
  return {};
}

// --- MatMul

Support checkMatMul(const NodeView& view) {
  if (const Support support = floatInputs(view); !support.ok()) return support;
  if (view.isStatic() && (view.input(0).desc.shape.rank() == 0 || view.input(1).desc.shape.rank() == 0))
    return noAttribute("MatMul of a scalar");
  return Support::yes();
}

Result<void> lowerMatMul(Lowering& lowering) {
  std::vector<std::int64_t> a = lowering.inputDesc(0).shape.dims();
  std::vector<std::int64_t> b = lowering.inputDesc(1).shape.dims();
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  Product p;
  p.m = a[a.size() - 2];
  p.k = a.back();
  p.n = b.back();
  p.aRow = p.k;
  p.bK = p.n;
  a.resize(a.size() - 2);
  b.resize(b.size() - 2);
  const Shape aBatch(a), bBatch(b);
  const auto batch = broadcast(aBatch, bBatch);
  TANDEM_ASSERT(batch.has_value());
  const StridedRef aStrides = broadcastTo({}, {DataType::Float32, aBatch}, *batch);
  const StridedRef bStrides = broadcastTo({}, {DataType::Float32, bBatch}, *batch);
  for (std::size_t i = 0; i < batch->rank(); ++i) {
    if ((*batch)[i] == 1) continue;
    p.batchDims.push_back((*batch)[i]);
    p.aBatch.push_back(aStrides.strides[i] * p.m * p.k);
    p.bBatch.push_back(bStrides.strides[i] * p.k * p.n);
  }
  // One B for all: the batches of A are just more rows.
  if (std::all_of(p.bBatch.begin(), p.bBatch.end(), [](std::int64_t s) { return s == 0; }) &&
      std::find(p.aBatch.begin(), p.aBatch.end(), 0) == p.aBatch.end()) {
    p.m *= p.batches();
    p.batchDims.clear();
    p.aBatch.clear();
    p.bBatch.clear();
  }
  Ref d;
  if (const ProductTail* tail = lowering.tail()) {
    p.add = true;
    p.activation = tail->activation;
    p.dColumn = lowering.graph().value(tail->addend).constant.elements() == 1 ? 0 : 1;
    d = lowering.plain(tail->addend);
  }
  emitProduct(lowering, p, 1, d);
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "Gemm", checkGemm, lowerGemm, nullptr, true},
    {"tandem", "FusedGemm", checkGemm, lowerGemm, nullptr, true},
    {"", "MatMul", checkMatMul, lowerMatMul, nullptr, true},
};

} // namespace

std::span<const KernelDef> gemmKernels();
std::span<const KernelDef> gemmKernels() { return kTable; }

} // namespace tandem::opencl
