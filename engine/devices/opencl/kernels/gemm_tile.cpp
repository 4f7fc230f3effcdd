// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/gemm_parts.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

/// The macros of gemm_tile.cl.
struct GroupTile {
  std::int64_t rows = 64, columns = 64, depth = 16; ///< of a work-group
  std::int64_t itemRows = 4, itemColumns = 4;       ///< results of a work-item
  bool twoBuffers = false;
  std::int64_t splits = 1;

  std::int64_t items() const { return rows / itemRows * (columns / itemColumns); }
  std::int64_t localBytes() const { return depth * (rows + columns + 8) * 4 * (twoBuffers ? 2 : 1); }
  std::string name() const {
    const auto text = [](std::int64_t value) { return std::to_string(value); };
    return "tile" + text(rows) + "x" + text(columns) + "x" + text(depth) + " " + text(itemRows) + "x" +
           text(itemColumns) + (twoBuffers ? " two buffers" : "") + (splits > 1 ? " split " + text(splits) : "");
  }
};

constexpr std::int64_t kLeastLocalBytes = 32768; // that every device of OpenCL's full profile has

/// Every work-item loads the same number of elements, and the group fits the device.
bool fits(const Lowering& lowering, const GroupTile& tile) {
  const std::int64_t items = tile.items();
  return static_cast<std::size_t>(items) <= std::max<std::size_t>(lowering.device().maxWorkGroup, 1) &&
         tile.localBytes() <= kLeastLocalBytes && tile.rows * tile.depth % items == 0 &&
         tile.columns * tile.depth % items == 0;
}

std::vector<GroupTile> groupTiles() {
  std::vector<GroupTile> tiles;
  const auto add = [&](std::int64_t rows, std::int64_t columns, std::int64_t itemRows, std::int64_t itemColumns) {
    for (std::int64_t depth : {8, 16, 32}) {
      if (depth == 32 && itemRows * itemColumns > 16) continue; // the compiler would unroll too much
      for (bool twoBuffers : {false, true})
        tiles.push_back({rows, columns, depth, itemRows, itemColumns, twoBuffers, 1});
    }
  };
  add(32, 32, 2, 2);
  add(32, 32, 4, 4);
  add(64, 64, 4, 4);
  add(64, 64, 8, 8);
  add(32, 128, 4, 8);
  add(128, 64, 8, 4);
  add(128, 128, 8, 8);
  return tiles;
}

std::string optionsOf(const Product& p, const GroupTile& tile, bool window) {
  const std::int64_t items = tile.items();
  const bool alongRows = p.aK != 1 && p.aRow == 1;
  const bool alongK = !window && p.bColumn != 1 && p.bK == 1;
  const bool wideA = p.aK == 1 && p.k % 4 == 0 && tile.rows * tile.depth / 4 % items == 0;
  const bool wideB = !window && p.bColumn == 1 && p.n % 4 == 0 && tile.columns * tile.depth / 4 % items == 0;
  const auto option = [](const char* name, std::int64_t value) {
    return std::string(" -D") + name + "=" + std::to_string(value);
  };
  return option("TM", tile.rows) + option("TN", tile.columns) + option("TK", tile.depth) + option("RM", tile.itemRows) +
         option("RN", tile.itemColumns) + option("BUFFERS", tile.twoBuffers ? 2 : 1) + option("WA", wideA ? 4 : 1) +
         option("WB", wideB ? 4 : 1) + option("BATCH", static_cast<std::int64_t>(p.batchDims.size())) +
         (alongRows ? " -DA_ALONG_ROWS" : "") + (alongK ? " -DB_ALONG_K" : "") + (window ? " -DCONV" : "");
}

std::string endOptions(const Product& p) {
  return activationOption(p.activation) + (p.add ? " -DADD" : "") + (p.residual ? " -DRESIDUAL" : "");
}

void emitTile(Lowering& lowering, const Product& p, const ProductRefs& refs, const WindowedB* window,
              const GroupTile& tile) {
  const std::int64_t perSplit = static_cast<std::int64_t>(roundUp(ceilDivide(p.k, tile.splits), tile.depth));
  const std::int64_t splits = std::max<std::int64_t>(ceilDivide(p.k, perSplit), 1);
  const bool whole = splits == 1;
  const Ref target = whole ? refs.c : lowering.scratch(splits * p.batches() * p.m * p.n * 4);
  Step step;
  step.source = "weights+gemm_tile";
  step.kernel = "gemm_tile";
  step.options = optionsOf(p, tile, window != nullptr) + weightOption(refs.halfA || refs.halfB) +
                 (refs.halfA ? " -DWEIGHTS_IN_A" : "") + (refs.halfB ? " -DWEIGHTS_IN_B" : "") +
                 (lowering.device().info.kind == DeviceKind::OpenClCpu ? " -DROLLED" : "") +
                 (whole ? endOptions(p) : " -DSPLIT");
  step.args = {refs.a,
               refs.b,
               whole ? refs.d : Ref(),
               whole ? refs.z : Ref(),
               target,
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
               toInt(p.batches()),
               toInt(perSplit),
               int8Front(p.batchDims, 1),
               int8Front(p.aBatch, 0),
               int8Front(p.bBatch, 0),
               int8Front(p.dBatch, 0)};
  if (window) {
    step.args.emplace_back(window->taps);
    for (std::int64_t value : window->extents) step.args.emplace_back(toInt(value));
  }
  step.args.emplace_back(p.activation.alpha);
  step.args.emplace_back(p.activation.beta);
  const auto across = static_cast<std::size_t>(tile.columns / tile.itemColumns);
  const auto down = static_cast<std::size_t>(tile.rows / tile.itemRows);
  step.local = {across, down, 1};
  step.global = {static_cast<std::size_t>(ceilDivide(p.n, tile.columns)) * across,
                 static_cast<std::size_t>(ceilDivide(p.m, tile.rows)) * down,
                 static_cast<std::size_t>(p.batches() * splits)};
  lowering.launch(std::move(step));
  if (!whole) emitSum(lowering, p, refs, target, splits);
  lowering.setKernelName((window ? "conv gemm " : "gemm ") + tile.name());
}

/// Relative to a multiply-add per work-item at full speed.
double costOf(const Lowering& lowering, const Product& p, const GroupTile& tile) {
  const KernelPreset& preset = lowering.device().preset;
  const std::int64_t groups = ceilDivide(p.m, tile.rows) * ceilDivide(p.n, tile.columns) * p.batches() * tile.splits;
  const auto itemRows = static_cast<double>(tile.itemRows), itemColumns = static_cast<double>(tile.itemColumns);
  const auto rows = static_cast<double>(tile.rows), columns = static_cast<double>(tile.columns);
  const double local = 2 * (itemRows + itemColumns) / (itemRows * itemColumns);
  const double global = 16 * (rows + columns) / (rows * columns);
  const double steps = static_cast<double>(roundUp(ceilDivide(p.k, tile.splits), tile.depth));
  double item = rows * columns * steps * (1 + local + global) + rows * columns * 8 * (tile.splits > 1 ? 4 : 1);
  if (tile.rows != preset.tileRows || tile.columns != preset.tileColumns) item *= 1.08;
  if (tile.itemRows != preset.resultsPerItem) item *= 1.04;
  if (tile.depth != preset.depth) item *= 1.03;
  if (!tile.twoBuffers) item *= 1.01;
  return costOnUnits(lowering, groups, item);
}

} // namespace

std::int64_t Product::batches() const {
  std::int64_t count = 1;
  for (std::int64_t dim : batchDims) count *= dim;
  return count;
}

std::string productKey(const Lowering& lowering, const Product& p) {
  std::string key = lowering.gpuStyle() ? "gpu product" : "cpu product";
  key += keyPart("mnk", {p.m, p.n, p.k}) + keyPart("a", {p.aRow, p.aK}) + keyPart("b", {p.bK, p.bColumn}) +
         keyPart("batch", p.batchDims) + keyPart("of", p.aBatch) + keyPart("and", p.bBatch) +
         keyPart("act", {static_cast<std::int64_t>(p.activation.kind)});
  if (p.add) key += keyPart("d", {p.dRow, p.dColumn});
  if (p.residual) key += " residual";
  return key;
}

void emitSum(Lowering& lowering, const Product& p, const ProductRefs& refs, Ref parts, std::int64_t count) {
  const std::int64_t elements = p.batches() * p.m * p.n;
  Step step =
      perElement("gemm_sum", "gemm_sum", "-DBATCH=" + std::to_string(p.batchDims.size()) + endOptions(p), elements);
  step.args = {parts,
               refs.d,
               refs.z,
               refs.c,
               toInt(elements),
               toInt(count),
               toInt(p.m),
               toInt(p.n),
               toInt(p.dRow),
               toInt(p.dColumn),
               p.scale,
               p.scaleD,
               int8Front(p.batchDims, 1),
               int8Front(p.dBatch, 0),
               p.activation.alpha,
               p.activation.beta};
  lowering.launch(std::move(step));
}

void addGroupTiles(Lowering& lowering, const Product& p, const ProductRefs& refs, const WindowedB* window,
                   std::vector<Candidate>& candidates) {
  constexpr std::int64_t kLeastSteps = 128; // that are worth a work-group of their own
  const std::int64_t units = std::max(lowering.device().info.computeUnits, 1);
  const auto add = [&](const GroupTile& tile) {
    if (!fits(lowering, tile)) return;
    candidates.push_back({tile.splits > 1 ? "split" : "tile", tile.name(), costOf(lowering, p, tile),
                          [&lowering, &p, refs, window, tile] { emitTile(lowering, p, refs, window, tile); }});
  };
  for (GroupTile tile : groupTiles()) {
    add(tile);
    const std::int64_t groups = ceilDivide(p.m, tile.rows) * ceilDivide(p.n, tile.columns) * p.batches();
    if (groups >= 2 * units) continue;
    for (std::int64_t splits : {2, 4, 8, 16}) {
      if (p.k < splits * kLeastSteps || groups * splits > 8 * units) break;
      tile.splits = splits;
      add(tile);
    }
  }
  if (candidates.empty()) { // a device with tiny work-groups
    GroupTile least{8, 8, 8, 8, 8, false, 1};
    candidates.push_back({"tile", least.name(), 1,
                          [&lowering, &p, refs, window, least] { emitTile(lowering, p, refs, window, least); }});
  }
}

void emitGroupTile(Lowering& lowering, const Product& p, const ProductRefs& refs) {
  std::vector<Candidate> candidates;
  addGroupTiles(lowering, p, refs, nullptr, candidates);
  std::min_element(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.cost < b.cost;
  })->emit();
}

} // namespace tandem::opencl
