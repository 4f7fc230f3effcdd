// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernel.hpp"
#include "engine/devices/cpu/kernels/attention_code.hpp"
#include "engine/devices/cpu/kernels/vector_isa.hpp"
#include "engine/devices/cpu/loops.hpp"
#include "engine/ops/fused_attention.hpp"

#include <algorithm>

namespace tandem::cpu {

std::int64_t attentionScratch(const AttentionCode& code, std::int64_t keys, std::int64_t depth, std::int64_t width) {
  const std::int64_t padded = width % code.lanes == 0 ? 0 : (width / code.lanes + 1) * code.lanes;
  return (depth + keys) * code.queries + keys * padded;
}

namespace {

using Operand = ops::AttentionOperands::Operand;

/// Everything but the addresses of the tensors.
struct Work {
  ops::AttentionOperands g;
  const AttentionCode* code = nullptr;
  float scale = 1;
  float fill = 0;
  bool kept = true; ///< the value of the condition for which scores stay
  bool hasMask = false, hasKeep = false;
  int threads = 1;

  std::int64_t blocks() const { return (g.queries + code->queries - 1) / code->queries; }
  bool turnsMask() const { return hasMask && g.mask.row != 0; }
  std::int64_t tileElements() const { return g.keys * code->queries; }
  /// Elements of one thread: its blocks' own, and tiles of mask and condition.
  std::int64_t scratch() const {
    return attentionScratch(*code, g.keys, g.depth, g.width) + (int{turnsMask()} + int{hasKeep}) * tileElements();
  }
};

/// One thread's part of a run.
class Runner {
 public:
  Runner(const Work& work, const Binding& binding, float* scratch) : m_work(work), m_binding(binding) {
    m_block.keys = work.g.keys;
    m_block.depth = work.g.depth;
    m_block.width = work.g.width;
    m_block.scale = work.scale;
    m_block.fill = work.fill;
    m_block.yRow = work.g.y.row;
    m_block.scratch = scratch;
    m_tiles = scratch + attentionScratch(*work.code, work.g.keys, work.g.depth, work.g.width);
  }

  /// Blocks of queries are numbered with the batch inside where masks are turned, so that a tile serves many heads,
  /// and outside otherwise, so that a head's keys and values stay in the cache.
  void run(std::int64_t begin, std::int64_t end) {
    const std::int64_t batches = m_work.g.batches(), blocks = m_work.blocks();
    const bool tiles = m_work.turnsMask() || m_work.hasKeep;
    for (std::int64_t i = begin; i < end; ++i)
      runBlock(tiles ? i % batches : i / blocks, tiles ? i / batches : i % blocks);
  }

 private:
  const float* input(std::size_t index, const Operand& operand, std::int64_t batch, std::int64_t row) const {
    return static_cast<const float*>(m_binding.inputs[index]) + operand.offset(m_work.g.batch, batch) +
           row * operand.row;
  }

  void runBlock(std::int64_t batch, std::int64_t block) {
    const ops::AttentionOperands& g = m_work.g;
    const std::int64_t first = block * m_work.code->queries;
    m_block.queries = std::min(m_work.code->queries, g.queries - first);
    m_block.q = {input(ops::kAttentionQ, g.q, batch, first), g.q.row, g.q.column};
    m_block.k = {input(ops::kAttentionK, g.k, batch, 0), g.k.row, g.k.column};
    m_block.v = {input(ops::kAttentionV, g.v, batch, 0), g.v.row, 1};
    m_block.y = static_cast<float*>(m_binding.outputs[0]) + g.y.offset(g.batch, batch) + first * g.y.row;
    m_block.seenKeys = g.keys;
    if (m_work.hasMask) readMask(batch, first);
    if (m_work.hasKeep) readKeep(batch, first);
    m_work.code->attend(m_block);
  }

  void readMask(std::int64_t batch, std::int64_t first) {
    const AttentionMatrix mask{input(ops::kAttentionMask, m_work.g.mask, batch, first), m_work.g.mask.row,
                               m_work.g.mask.column};
    if (!m_work.turnsMask()) {
      m_block.mask = mask;
      return;
    }
    if (mask.data != m_maskAt) m_maskSeen = m_work.code->maskTile(mask, m_block.queries, m_work.g.keys, m_tiles);
    m_maskAt = mask.data;
    m_block.tile = m_tiles;
    m_block.seenKeys = std::min(m_block.seenKeys, m_maskSeen);
  }

  void readKeep(std::int64_t batch, std::int64_t first) {
    const Operand& operand = m_work.g.keep;
    const bool* keep = static_cast<const bool*>(m_binding.inputs[ops::kAttentionKeep]) +
                       operand.offset(m_work.g.batch, batch) + first * operand.row;
    auto* tile = reinterpret_cast<std::uint32_t*>(m_tiles + (m_work.turnsMask() ? m_work.tileElements() : 0));
    if (keep != m_keepAt || first != m_keepFirst)
      m_keepSeen =
          m_work.code->keepTile(keep, operand.row, operand.column, m_work.kept, m_block.queries, m_work.g.keys, tile);
    m_keepAt = keep;
    m_keepFirst = first;
    m_block.keep = tile;
    m_block.seenKeys = std::min(m_block.seenKeys, m_keepSeen);
  }

  const Work& m_work;
  const Binding& m_binding;
  AttentionBlock m_block;
  float* m_tiles;
  const float* m_maskAt = nullptr; ///< what the tiles hold
  std::int64_t m_maskSeen = 0;
  const bool* m_keepAt = nullptr;
  std::int64_t m_keepFirst = -1;
  std::int64_t m_keepSeen = 0;
};

bool fits(const NodeView& view) {
  for (std::size_t i = 0; i < view.inputCount(); ++i) {
    if (!view.hasInput(i)) continue;
    const DataType wanted = i == ops::kAttentionKeep ? DataType::Bool : DataType::Float32;
    if (view.input(i).type != wanted || view.input(i).shape.elements() == 0) return false;
  }
  return view.output(0).type == DataType::Float32 && view.output(0).shape.elements() > 0;
}

} // namespace

std::optional<KernelPlan> attentionKernel(const NodeView& view) {
  if (!fits(view)) return std::nullopt;
  std::array<const Shape*, 5> shapes{};
  for (std::size_t i = 0; i < view.inputCount(); ++i)
    if (view.hasInput(i)) shapes[i] = &view.input(i).shape;
  auto operands = ops::attentionOperands(view.node(), shapes);
  if (!operands.ok() || (operands->width > 1 && (operands->v.column != 1 || operands->y.column != 1)))
    return std::nullopt;
  Work work;
  work.g = std::move(*operands);
  work.code = &widest(kAttentionVersions);
  work.scale = view.attributes().getFloat("scale", 1);
  work.fill = view.attributes().getFloat("fill", 0);
  work.kept = view.attributes().getInt("inverted", 0) == 0;
  work.hasMask = view.hasInput(ops::kAttentionMask);
  work.hasKeep = view.hasInput(ops::kAttentionKeep);
  work.threads = view.threads();

  KernelPlan plan = view.plainPlan(work.code->name);
  const std::int64_t perThread = (work.scratch() + 15) / 16 * 16;
  plan.scratchBytes = perThread * work.threads * 4;
  const auto shared = std::make_shared<const Work>(std::move(work));
  plan.kernel = makeKernel([shared, perThread](const Binding& binding) {
    return [shared, perThread, binding] {
      const std::int64_t tasks = shared->g.batches() * shared->blocks(), threads = shared->threads;
      const std::int64_t bytes = shared->g.batches() * shared->g.queries * shared->g.keys * 4;
      inPieces(shared->threads, threads, bytes, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i)
          Runner(*shared, binding, static_cast<float*>(binding.scratch) + i * perThread)
              .run(tasks * i / threads, tasks * (i + 1) / threads);
      });
    };
  });
  return plan;
}

} // namespace tandem::cpu
