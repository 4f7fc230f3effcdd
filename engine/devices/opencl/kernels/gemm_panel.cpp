// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/conv_parts.hpp"
#include "engine/devices/opencl/kernels/gemm_parts.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

struct PanelPlan {
  TileShape tile; ///< rows x blocks of 16 columns
  bool direct = false;
  bool packedRows = false;
  std::string name;
  std::int64_t width() const { return tile.blocks * 16; }
};

/// How many matrices an operand has when it does not repeat; its batch strides are row-major over them or zero.
std::int64_t matrices(const Product& p, const std::vector<std::int64_t>& strides) {
  std::int64_t count = 1;
  for (std::size_t i = 0; i < p.batchDims.size(); ++i)
    if (strides[i] != 0) count *= p.batchDims[i];
  return count;
}

/// Batch strides over matrices of `size` elements as strides over matrices of `packedSize`.
std::vector<std::int64_t> packedStrides(std::vector<std::int64_t> strides, std::int64_t size, std::int64_t packedSize) {
  for (std::int64_t& stride : strides) stride = stride / std::max<std::int64_t>(size, 1) * packedSize;
  return strides;
}

std::vector<float> packPanels(const Product& p, const float* b, std::int64_t count, std::int64_t width) {
  const std::int64_t panels = ceilDivide(p.n, width);
  std::vector<float> packed(static_cast<std::size_t>(count * panels * p.k * width), 0.0f);
  for (std::int64_t matrix = 0; matrix < count; ++matrix)
    for (std::int64_t panel = 0; panel < panels; ++panel)
      for (std::int64_t k = 0; k < p.k; ++k) {
        const float* from = b + matrix * p.k * p.n + k * p.bK + panel * width * p.bColumn;
        float* to = packed.data() + ((matrix * panels + panel) * p.k + k) * width;
        const std::int64_t columns = std::min(width, p.n - panel * width);
        for (std::int64_t j = 0; j < columns; ++j) to[j] = from[j * p.bColumn];
      }
  return packed;
}

Ref packedRows(Lowering& lowering, const Product& p, std::int64_t rows) {
  const std::int64_t tiles = ceilDivide(p.m, rows), count = matrices(p, p.aBatch);
  const Ref packed = lowering.scratch(count * tiles * p.k * rows * 4);
  Step step;
  step.source = "gemm_pack";
  step.kernel = "pack_a";
  step.options = "-DWIDTH=" + std::to_string(rows);
  step.args = {lowering.input(0), packed, toInt(p.m), toInt(p.k), toInt(p.aRow), toInt(p.aK), toInt(p.m * p.k)};
  step.global = {static_cast<std::size_t>(tiles), static_cast<std::size_t>(count), 1};
  lowering.launch(std::move(step));
  return packed;
}

Ref packedColumns(Lowering& lowering, const Product& p, std::size_t bInput, std::int64_t width) {
  const std::int64_t panels = ceilDivide(p.n, width), count = matrices(p, p.bBatch);
  if (lowering.inputIsConstant(bInput))
    return lowering.packedWeights(packPanels(p, lowering.inputTensor(bInput).as<float>().data(), count, width),
                                  lowering.halfWeights(bInput));
  const Ref packed = lowering.scratch(count * panels * p.k * width * 4);
  Step step;
  step.source = "gemm_pack";
  step.kernel = "pack_b";
  step.options = "-DWIDTH=" + std::to_string(width);
  step.args = {lowering.input(bInput), packed, toInt(p.n), toInt(p.k), toInt(p.bK), toInt(p.bColumn), toInt(p.k * p.n)};
  step.global = {static_cast<std::size_t>(panels), static_cast<std::size_t>(count), 1};
  lowering.launch(std::move(step));
  return packed;
}

void emitPanel(Lowering& lowering, const Product& p, std::size_t bInput, Ref d, const PanelPlan& plan) {
  const std::int64_t panels = ceilDivide(p.n, plan.width()), tiles = ceilDivide(p.m, plan.tile.pixels);
  const std::int64_t rows = plan.tile.pixels;
  const Ref b = plan.direct ? lowering.input(bInput) : packedColumns(lowering, p, bInput, plan.width());
  const Ref a = plan.packedRows ? packedRows(lowering, p, rows) : lowering.input(0);
  const std::vector<std::int64_t> aBatch =
      plan.packedRows ? packedStrides(p.aBatch, p.m * p.k, tiles * rows * p.k) : p.aBatch;
  const std::vector<std::int64_t> bBatch =
      plan.direct ? p.bBatch : packedStrides(p.bBatch, p.k * p.n, panels * p.k * plan.width());
  Step step;
  step.source = "weights+gemm_panel";
  step.kernel = "gemm_panel";
  step.options = "-DT=" + std::to_string(rows) + " -DOB=" + std::to_string(plan.tile.blocks) +
                 " -DBATCH=" + std::to_string(p.batchDims.size()) + activationOption(p.activation) +
                 (p.add ? " -DADD" : "") + (plan.direct ? " -DDIRECT" : weightOption(lowering.halfWeights(bInput))) +
                 (plan.packedRows ? " -DPACKED_A"
                  : p.aK == 1     ? " -DA_ALONG_K"
                                  : "");
  step.args = {a,
               b,
               d,
               lowering.output(0),
               toInt(p.m),
               toInt(p.n),
               toInt(p.k),
               toInt(p.aRow),
               toInt(p.aK),
               toInt(p.bK),
               toInt(p.dRow),
               toInt(p.dColumn),
               p.scale,
               p.scaleD,
               int8Front(p.batchDims, 1),
               int8Front(aBatch, 0),
               int8Front(bBatch, 0),
               p.activation.alpha,
               p.activation.beta};
  step.global = {static_cast<std::size_t>(tiles), static_cast<std::size_t>(panels),
                 static_cast<std::size_t>(p.batches())};
  lowering.setKernelName("gemm " + plan.name);
  lowering.launch(std::move(step));
}

/// In half cycles, as stepCost.
double costOf(const Lowering& lowering, const Product& p, bool constantB, const PanelPlan& plan) {
  constexpr double kStart = 80, kStore = 4;       // of a work-item, and per accumulator
  constexpr double kPackRow = 3, kPackVector = 6; // per element of A, and per 16 of B
  constexpr double kShortRow = 24;                // a row of the panel in another page than the last
  constexpr std::int64_t kSameSet = 1024;         // floats between rows that fall into one set of the cache
  const KernelPreset& preset = lowering.device().preset;
  const auto rows = static_cast<double>(plan.tile.pixels);
  const auto k = static_cast<double>(p.k);
  double stepOf = stepCost(preset, plan.tile.pixels, plan.tile.blocks);
  if (!plan.packedRows) {
    stepOf += rows / 8; // pointers that do not fit the registers
    if (p.aK != 1) stepOf += rows;
    if (p.aK == 1 && p.aRow % kSameSet == 0 && plan.tile.pixels > 8) stepOf += rows;
  }
  if (plan.direct) stepOf += static_cast<double>(plan.tile.blocks) / 2 + (p.m == 1 ? kShortRow : 0);
  const double item =
      k * stepOf + kStart + kStore * rows * static_cast<double>(plan.tile.blocks * preset.registersPerBlock());
  const std::int64_t tiles = ceilDivide(p.m, plan.tile.pixels), panels = ceilDivide(p.n, plan.width());
  double cost = costOnUnits(lowering, tiles * panels * p.batches(), item);
  if (plan.packedRows) cost += costOnUnits(lowering, tiles * matrices(p, p.aBatch), kStart + rows * k * kPackRow);
  if (!plan.direct && !constantB)
    cost += costOnUnits(lowering, panels * matrices(p, p.bBatch),
                        kStart +
                            k * static_cast<double>(plan.tile.blocks) * (p.bColumn == 1 ? kPackVector : 16 * kPackRow));
  return cost;
}

} // namespace

void addPanels(Lowering& lowering, const Product& p, std::size_t bInput, Ref d, std::vector<Candidate>& candidates) {
  const bool constantB = lowering.inputIsConstant(bInput);
  const bool canRead = !constantB && p.bColumn == 1 && p.n % 16 == 0;
  std::vector<TileShape> tiles = registerTiles(lowering.device().preset);
  // A vector times a matrix waits for memory, which likes long rows.
  if (p.m == 1 && canRead) tiles.push_back({1, 8}), tiles.push_back({1, 16});
  for (const TileShape& tile : tiles) {
    if (tile.blocks > 1 && (tile.blocks - 1) * 16 >= p.n) continue;
    if (tile.pixels > p.m) continue;
    for (bool direct : {false, true}) {
      if (direct && !canRead) continue;
      for (bool packedRows : {false, true}) {
        if (packedRows && p.m == 1) continue;
        PanelPlan plan{tile, direct, packedRows, ""};
        plan.name = std::string(direct ? "direct " : "panel ") + std::to_string(tile.pixels) + "x" +
                    std::to_string(plan.width()) + (packedRows ? " packed rows" : "");
        candidates.push_back({std::string(direct ? "direct" : "panel") + (packedRows ? " rows" : ""), plan.name,
                              costOf(lowering, p, constantB, plan),
                              [&lowering, &p, bInput, d, plan] { emitPanel(lowering, p, bInput, d, plan); }});
      }
    }
  }
}

} // namespace tandem::opencl
