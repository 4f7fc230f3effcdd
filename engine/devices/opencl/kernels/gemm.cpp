// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/emit.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

/// C[batch][m][n] = activation(scale * A B + scaleD * D), with strides in elements.
struct Product {
  std::int64_t m = 1, n = 1, k = 1;
  std::vector<std::int64_t> batchDims; ///< at most 6
  std::vector<std::int64_t> aBatch, bBatch;
  std::int64_t aRow = 0, aK = 1;
  std::int64_t bK = 0, bColumn = 1;
  bool add = false;
  std::int64_t dRow = 0, dColumn = 0;
  float scale = 1, scaleD = 1;
  ops::Activation activation;
};

constexpr int kPanel = 32;

std::int64_t batches(const Product& p) {
  std::int64_t count = 1;
  for (std::int64_t dim : p.batchDims) count *= dim;
  return count;
}

/// How many matrices B has when it does not repeat; its batch strides are row-major over them or zero.
std::int64_t matricesOfB(const Product& p) {
  std::int64_t count = 1;
  for (std::size_t i = 0; i < p.batchDims.size(); ++i)
    if (p.bBatch[i] != 0) count *= p.batchDims[i];
  return count;
}

std::vector<float> packPanels(const Product& p, const float* b, std::int64_t matrices) {
  const std::int64_t panels = ceilDivide(p.n, kPanel);
  std::vector<float> packed(static_cast<std::size_t>(matrices * panels * p.k * kPanel), 0.0f);
  for (std::int64_t matrix = 0; matrix < matrices; ++matrix)
    for (std::int64_t k = 0; k < p.k; ++k)
      for (std::int64_t n = 0; n < p.n; ++n)
        packed[static_cast<std::size_t>(((matrix * panels + n / kPanel) * p.k + k) * kPanel + n % kPanel)] =
            b[matrix * p.k * p.n + k * p.bK + n * p.bColumn];
  return packed;
}

int rowsPerTile(std::int64_t m) {
  int best = 14;
  double bestCost = 0;
  for (int rows : {14, 12, 10, 8, 6, 4, 2, 1}) {
    const double cost = static_cast<double>(ceilDivide(m, rows)) * (std::max(rows * 2, 8) + 2);
    if (bestCost == 0 || cost < bestCost) best = rows, bestCost = cost;
  }
  return best;
}

/// `b` is input `bInput`; panels are packed now where it is constant, else by a kernel before.
void emitPanel(Lowering& lowering, const Product& p, std::size_t bInput, Ref d) {
  const std::int64_t panels = ceilDivide(p.n, kPanel);
  const std::int64_t matrices = matricesOfB(p);
  const std::int64_t panelBytes = matrices * panels * p.k * kPanel * 4;
  Ref packed;
  if (lowering.inputIsConstant(bInput)) {
    packed = lowering.weights(packPanels(p, lowering.inputTensor(bInput).as<float>().data(), matrices));
  } else {
    packed = lowering.scratch(panelBytes);
    Step pack;
    pack.source = "gemm_panel";
    pack.kernel = "pack_b";
    pack.options = "-DT=14 -DBATCH=0";
    pack.args = {lowering.input(bInput), packed,          toInt(p.n), toInt(p.k), toInt(p.bK),
                 toInt(p.bColumn),       toInt(p.k * p.n)};
    pack.global = {static_cast<std::size_t>(panels), static_cast<std::size_t>(matrices), 1};
    lowering.launch(std::move(pack));
  }
  // Strides over packed matrices instead of row-major ones.
  std::vector<std::int64_t> bBatch = p.bBatch;
  for (std::int64_t& stride : bBatch) stride = stride / std::max<std::int64_t>(p.k * p.n, 1) * panels * p.k * kPanel;
  const int rows = rowsPerTile(p.m);
  Step step;
  step.source = "gemm_panel";
  step.kernel = "gemm_panel";
  step.options = "-DT=" + std::to_string(rows) + " -DBATCH=" + std::to_string(p.batchDims.size()) +
                 activationOption(p.activation) + (p.add ? " -DADD" : "");
  const Ref a = lowering.input(0);
  step.args = {a,
               packed,
               d,
               lowering.output(0),
               toInt(p.m),
               toInt(p.n),
               toInt(p.k),
               toInt(p.aRow),
               toInt(p.aK),
               toInt(p.dRow),
               toInt(p.dColumn),
               p.scale,
               p.scaleD,
               int8Front(p.batchDims, 1),
               int8Front(p.aBatch, 0),
               int8Front(bBatch, 0),
               int8Front({}, 0),
               p.activation.alpha,
               p.activation.beta};
  step.global = {static_cast<std::size_t>(ceilDivide(p.m, rows)), static_cast<std::size_t>(panels),
                 static_cast<std::size_t>(batches(p))};
  lowering.setKernelName("gemm_panel_" + std::to_string(rows) + "x32");
  lowering.launch(std::move(step));
}

void emitTile(Lowering& lowering, const Product& p, std::size_t bInput, Ref d) {
  Step step;
  step.source = "gemm_tile";
  step.kernel = "gemm_tile";
  step.options =
      "-DBATCH=" + std::to_string(p.batchDims.size()) + activationOption(p.activation) + (p.add ? " -DADD" : "");
  step.args = {lowering.input(0),
               lowering.input(bInput),
               d,
               Ref(),
               lowering.output(0),
               toInt(p.m),
               toInt(p.n),
               toInt(p.k),
               toInt(p.aRow),
               toInt(p.aK),
               toInt(p.bK),
               toInt(p.bColumn),
               toInt(p.dRow),
               toInt(p.dColumn),
               p.scale,
               p.scaleD,
               int8Front(p.batchDims, 1),
               int8Front(p.aBatch, 0),
               int8Front(p.bBatch, 0),
               int8Front({}, 0),
               p.activation.alpha,
               p.activation.beta};
  step.global = {roundUp(p.n, 64) / 4, roundUp(p.m, 64) / 4, static_cast<std::size_t>(batches(p))};
  step.local = {16, 16, 1};
  lowering.launch(std::move(step));
}

/// CLBlast pays its own set-up per call; below about a million multiply-adds one launch of ours is cheaper.
constexpr std::int64_t kLeastBlasWork = std::int64_t{1} << 20;

bool fitsBlas(const Product& p) {
  return batches(p) == 1 && !p.add && p.activation.kind == ops::ActivationKind::None && (p.aK == 1 || p.aRow == 1) &&
         (p.bColumn == 1 || p.bK == 1) && p.m * p.n * p.k >= kLeastBlasWork;
}

void emitBlas(Lowering& lowering, const Product& p, std::size_t bInput) {
  BlasProduct product;
  product.m = static_cast<std::size_t>(p.m);
  product.n = static_cast<std::size_t>(p.n);
  product.k = static_cast<std::size_t>(p.k);
  product.transposeA = p.aK != 1;
  product.transposeB = p.bColumn != 1;
  // A matrix of one row has any stride; CLBlast wants at least the row's length.
  product.rowA = static_cast<std::size_t>(product.transposeA ? std::max(p.aK, p.m) : std::max(p.aRow, p.k));
  product.rowB = static_cast<std::size_t>(product.transposeB ? std::max(p.bColumn, p.k) : std::max(p.bK, p.n));
  product.alpha = p.scale;
  Step step;
  step.blas = product;
  step.kernel = "CLBlast Gemm";
  step.args = {lowering.input(0), lowering.input(bInput), lowering.output(0)};
  lowering.setKernelName("clblast_gemm");
  lowering.launch(std::move(step));
}

void emitProduct(Lowering& lowering, const Product& p, std::size_t bInput, Ref d) {
  if (p.m == 0 || p.n == 0 || batches(p) == 0) return lowering.output(0), void();
  if (lowering.gpuStyle() && fitsBlas(p))
    emitBlas(lowering, p, bInput);
  else if (lowering.gpuStyle())
    emitTile(lowering, p, bInput, d);
  else
    emitPanel(lowering, p, bInput, d);
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
    p.m *= batches(p);
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
