// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/recurrent_layer.hpp"

#include "engine/devices/cpu/team_barrier.hpp"

#include <algorithm>
#include <numeric>
#include <omp.h>

namespace tandem::cpu {
namespace {

/// Where a layer's operands and scratch lie in one instance.
struct Memory {
  const float *x = nullptr, *initialH = nullptr, *initialC = nullptr;
  const void* lengths = nullptr;
  float *y = nullptr, *lastH = nullptr, *lastC = nullptr;
  const float *input = nullptr, *recurrence = nullptr, *candidate = nullptr;
  const float *bias = nullptr, *candidateBias = nullptr, *peepholes = nullptr;
  float *gates = nullptr, *states = nullptr, *cells = nullptr, *reset = nullptr, *update = nullptr;
  const float** rows = nullptr;
  float** sequences = nullptr;
  std::int64_t* order = nullptr;  ///< sequences from the longest to the shortest
  std::int64_t* length = nullptr; ///< of sequence order[i]
};

/// The part of a layer that one thread computes.
struct Part {
  std::int64_t firstDirection = 0, endDirection = 1;
  std::int64_t firstRow = 0, endRow = 0; ///< positions in Memory::order
  std::int64_t firstBlock = 0, endBlock = 0;
  int team = 1;            ///< threads that compute the layer
  bool sharesRows = false; ///< others of them compute the other blocks of the same states: all meet after every step
};

/// Below this many bytes of R per step a barrier costs more than the second thread gives.
constexpr std::int64_t kSplitStepBytes = 1 << 17;
/// Rows that keep the multipliers busy between two reads of a weight.
constexpr std::int64_t kRowsPerThread = 4;
/// What of R fits the second cache beside everything else.
constexpr std::int64_t kCachedBytes = 1 << 19;
/// Below this many multiplications a layer is done before another thread is awake.
constexpr std::int64_t kParallelProducts = 1 << 18;

/// Into how many parts a layer falls. Directions are independent, so are sequences; the blocks of a state are not.
struct Split {
  std::int64_t directions = 1, rows = 1, blocks = 1;
  std::int64_t parts() const { return directions * rows * blocks; }
};

Split splitOf(const RecurrentLayer& layer, int threads) {
  const ops::RecurrentGeometry& g = layer.geometry;
  Split split;
  split.directions = std::min<std::int64_t>(g.directions, threads);
  const std::int64_t left = threads / split.directions;
  const std::int64_t stepBytes = layer.gates * g.hidden * g.hidden * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t meetings = layer.kind == RecurrentCellKind::GruResetBefore ? 2 : 1; // per step
  // Enough sequences for every thread need no meetings, as long as each thread can keep all of R in its own cache.
  const bool sharesRows = g.batch >= kRowsPerThread * left && stepBytes <= kCachedBytes;
  if (!sharesRows && stepBytes / meetings >= kSplitStepBytes)
    split.blocks = std::min(left, layer.blocks);
  else
    split.rows = std::min(left, g.batch);
  return split;
}

Part partOf(const RecurrentLayer& layer, int thread, int threads) {
  const ops::RecurrentGeometry& g = layer.geometry;
  const Split split = splitOf(layer, threads);
  const std::int64_t block = thread % split.blocks, row = thread / split.blocks % split.rows;
  const std::int64_t direction = thread / (split.blocks * split.rows);
  Part part;
  part.team = threads;
  part.sharesRows = split.blocks > 1;
  if (direction >= split.directions) { // more threads than parts: this one only meets the others
    part.endDirection = 0;
    return part;
  }
  part.firstDirection = g.directions * direction / split.directions;
  part.endDirection = g.directions * (direction + 1) / split.directions;
  part.firstRow = g.batch * row / split.rows;
  part.endRow = g.batch * (row + 1) / split.rows;
  part.firstBlock = layer.blocks * block / split.blocks;
  part.endBlock = layer.blocks * (block + 1) / split.blocks;
  return part;
}

/// One part of one run.
class Worker {
 public:
  Worker(const RecurrentLayer& layer, const Memory& memory, TeamBarrier& barrier, const Part& part, int thread)
      : m_layer(layer),
        m_geometry(layer.geometry),
        m_memory(memory),
        m_barrier(barrier),
        m_part(part),
        m_rows(memory.rows + thread * layer.chunkSteps * m_geometry.batch),
        m_sequences(memory.sequences + thread * m_geometry.batch),
        m_width(layer.stateWidth()) {}

  void run(std::int64_t steps) {
    eachDirection([&](std::int64_t d) { begin(d); });
    if (m_part.sharesRows)
      runTogether(steps);
    else
      eachDirection([&](std::int64_t d) { runAlone(d, steps); });
    eachDirection([&](std::int64_t d) { finish(d); });
  }

 private:
  template <class F> void eachDirection(F f) {
    for (std::int64_t d = m_part.firstDirection; d < m_part.endDirection; ++d) f(d);
  }

  void runAlone(std::int64_t d, std::int64_t steps) {
    for (std::int64_t first = 0; first < steps; first += m_layer.chunkSteps) {
      const std::int64_t end = std::min(steps, first + m_layer.chunkSteps);
      project(d, first, end);
      for (std::int64_t step = first; step < end; ++step) {
        computeBegin(d, step, first);
        if (hasTwoPhases()) computeEnd(d, step, first);
      }
    }
  }

  /// Every block of a step needs all blocks of the step before, so the threads meet after each.
  void runTogether(std::int64_t steps) {
    for (std::int64_t first = 0; first < steps; first += m_layer.chunkSteps) {
      const std::int64_t end = std::min(steps, first + m_layer.chunkSteps);
      eachDirection([&](std::int64_t d) { project(d, first, end); });
      for (std::int64_t step = first; step < end; ++step) {
        m_barrier.wait(m_part.team);
        eachDirection([&](std::int64_t d) { computeBegin(d, step, first); });
        if (!hasTwoPhases()) continue;
        m_barrier.wait(m_part.team);
        eachDirection([&](std::int64_t d) { computeEnd(d, step, first); });
      }
    }
  }

  bool hasTwoPhases() const { return m_layer.kind == RecurrentCellKind::GruResetBefore; }

  std::int64_t firstUnit() const { return m_part.firstBlock * kRecurrentBlock; }
  /// Elements of this part in a row that has no padding.
  std::int64_t units() const { return std::min(m_geometry.hidden, m_part.endBlock * kRecurrentBlock) - firstUnit(); }
  std::int64_t blockElements() const { return m_layer.gates * kRecurrentBlock; }
  std::int64_t gatesStride() const { return m_layer.blocks * blockElements(); }
  /// Rows of this part whose sequences are longer than `step`: they come first.
  std::int64_t activeRows(std::int64_t step) const {
    const std::int64_t* first = m_memory.length + m_part.firstRow;
    const std::int64_t* last = m_memory.length + m_part.endRow;
    return std::partition_point(first, last, [&](std::int64_t length) { return length > step; }) - first;
  }
  std::int64_t timeOf(std::int64_t direction, std::int64_t row, std::int64_t step) const {
    return m_geometry.reverse || direction == 1 ? m_memory.length[row] - 1 - step : step;
  }
  float* stateAt(float* states, std::int64_t direction, std::int64_t row) const {
    return states + (direction * m_geometry.batch + row) * m_width;
  }
  /// The states before step `step`.
  float* statesBefore(std::int64_t step) const {
    return m_memory.states + step % 2 * m_geometry.directions * m_geometry.batch * m_width;
  }
  float* gatesOf(std::int64_t direction, std::int64_t stepInChunk) const {
    const std::int64_t part = (direction * m_geometry.batch + m_part.firstRow) * m_layer.chunkSteps;
    return m_memory.gates + (part + stepInChunk * (m_part.endRow - m_part.firstRow)) * gatesStride();
  }

  void begin(std::int64_t d) {
    const std::int64_t padded = (m_part.endBlock - m_part.firstBlock) * kRecurrentBlock;
    for (std::int64_t row = m_part.firstRow; row < m_part.endRow; ++row) {
      const std::int64_t initial =
          ops::stateOffset(m_geometry, d, m_memory.order[row]) * m_geometry.hidden + firstUnit();
      const auto set = [&](float* states, const float* from) {
        float* state = stateAt(states, d, row) + firstUnit();
        std::fill_n(state, padded, 0.0f);
        if (from) std::copy_n(from + initial, units(), state);
      };
      set(statesBefore(0), m_memory.initialH);
      if (m_memory.cells) set(m_memory.cells, m_memory.initialC);
      if (m_memory.y) clearAfterEnd(d, row);
    }
  }

  void clearAfterEnd(std::int64_t d, std::int64_t row) {
    for (std::int64_t t = m_memory.length[row]; t < m_geometry.steps; ++t)
      std::fill_n(sequenceAt(t, d, row), units(), 0.0f);
  }
  float* sequenceAt(std::int64_t t, std::int64_t d, std::int64_t row) const {
    return m_memory.y + ops::sequenceOffset(m_geometry, t, d, m_memory.order[row]) * m_geometry.hidden + firstUnit();
  }

  /// W x of the steps [first, end). Rows that are over keep their place, so that a step's rows lie together.
  void project(std::int64_t d, std::int64_t first, std::int64_t end) {
    RecurrentProjection p;
    p.depth = m_geometry.inputSize;
    p.panels = m_memory.input + d * m_layer.blocks * p.depth * blockElements();
    p.bias = m_memory.bias + d * gatesStride();
    p.outStride = gatesStride();
    p.firstBlock = m_part.firstBlock;
    p.endBlock = m_part.endBlock;
    p.x = m_rows;
    p.out = gatesOf(d, 0);
    const auto flush = [&](float* next) {
      if (p.rows > 0) m_layer.code->project[m_layer.gates - 1](p);
      p.rows = 0;
      p.out = next;
    };
    for (std::int64_t step = first; step < end; ++step) {
      // Rows of consecutive steps go together where nothing lies between them.
      float* out = gatesOf(d, step - first);
      if (out != p.out + p.rows * gatesStride()) flush(out);
      const std::int64_t active = activeRows(step);
      for (std::int64_t row = m_part.firstRow; row < m_part.firstRow + active; ++row) {
        const std::int64_t t = timeOf(d, row, step), n = m_memory.order[row];
        m_rows[p.rows++] =
            m_memory.x + (m_geometry.batchFirst ? n * m_geometry.steps + t : t * m_geometry.batch + n) * p.depth;
      }
    }
    flush(nullptr);
  }

  RecurrentStep stepOf(std::int64_t d, std::int64_t step, std::int64_t chunk) {
    const std::int64_t elements = m_layer.blocks * m_geometry.hidden * kRecurrentBlock; // of R, one gate
    const bool before = m_layer.kind == RecurrentCellKind::GruResetBefore;
    RecurrentStep s;
    s.rows = activeRows(step);
    s.hidden = m_geometry.hidden;
    s.stride = m_width;
    s.firstBlock = m_part.firstBlock;
    s.endBlock = m_part.endBlock;
    s.gates = gatesOf(d, step - chunk);
    s.gatesStride = gatesStride();
    s.panels = m_memory.recurrence + d * (before ? 2 : m_layer.gates) * elements;
    if (m_memory.candidate) s.candidatePanels = m_memory.candidate + d * elements;
    if (m_memory.candidateBias) s.candidateBias = m_memory.candidateBias + d * m_width;
    if (m_memory.peepholes) s.peepholes = m_memory.peepholes + d * 3 * m_width;
    s.h = stateAt(statesBefore(step), d, m_part.firstRow);
    s.next = stateAt(statesBefore(step + 1), d, m_part.firstRow);
    if (m_memory.cells) s.c = stateAt(m_memory.cells, d, m_part.firstRow);
    if (m_memory.reset) s.reset = stateAt(m_memory.reset, d, m_part.firstRow);
    if (m_memory.update) s.update = stateAt(m_memory.update, d, m_part.firstRow);
    s.y = sequencesOf(d, step, s.rows);
    const CellActivation* functions = m_layer.activations.data() + d * 3;
    s.f = functions[0];
    s.g = functions[1];
    s.o = functions[2];
    s.clip = m_layer.clip;
    s.couples = m_layer.couples;
    return s;
  }

  float* const* sequencesOf(std::int64_t d, std::int64_t step, std::int64_t rows) {
    if (!m_memory.y) return nullptr;
    for (std::int64_t i = 0; i < rows; ++i)
      m_sequences[i] = sequenceAt(timeOf(d, m_part.firstRow + i, step), d, m_part.firstRow + i) - firstUnit();
    return m_sequences;
  }

  void computeBegin(std::int64_t d, std::int64_t step, std::int64_t chunk) {
    const RecurrentStep s = stepOf(d, step, chunk);
    switch (m_layer.kind) {
    case RecurrentCellKind::Rnn: return m_layer.code->rnn(s);
    case RecurrentCellKind::GruResetAfter: return m_layer.code->gruResetAfter(s);
    case RecurrentCellKind::GruResetBefore: return m_layer.code->gruGates(s);
    case RecurrentCellKind::Lstm: return m_layer.code->lstm(s);
    }
  }
  void computeEnd(std::int64_t d, std::int64_t step, std::int64_t chunk) {
    m_layer.code->gruCandidate(stepOf(d, step, chunk));
  }

  void finish(std::int64_t d) {
    for (std::int64_t row = m_part.firstRow; row < m_part.endRow; ++row) {
      const std::int64_t to = ops::stateOffset(m_geometry, d, m_memory.order[row]) * m_geometry.hidden + firstUnit();
      const auto copy = [&](float* states, float* last) {
        if (last) std::copy_n(stateAt(states, d, row) + firstUnit(), units(), last + to);
      };
      copy(statesBefore(m_memory.length[row]), m_memory.lastH);
      if (m_memory.cells) copy(m_memory.cells, m_memory.lastC);
    }
  }

  const RecurrentLayer& m_layer;
  const ops::RecurrentGeometry& m_geometry;
  const Memory& m_memory;
  TeamBarrier& m_barrier;
  const Part m_part;
  const float** m_rows;
  float** m_sequences;
  std::int64_t m_width;
};

class RecurrentRun final : public Step {
 public:
  RecurrentRun(std::shared_ptr<const RecurrentLayer> layer, const Binding& binding) : m_layer(std::move(layer)) {
    auto* scratch = static_cast<std::byte*>(binding.scratch);
    const auto floats = [&](std::int64_t offset) { return reinterpret_cast<float*>(scratch + offset); };
    const auto in = [&](std::size_t i) {
      return i < binding.inputs.size() ? static_cast<const float*>(binding.inputs[i]) : nullptr;
    };
    const auto out = [&](std::size_t i) {
      return i < binding.outputs.size() ? static_cast<float*>(binding.outputs[i]) : nullptr;
    };
    const auto operand = [&](const RecurrentOperand& o) -> const float* {
      if (o.prepared) return static_cast<const float*>(o.prepared->data());
      if (o.bytes == 0) return nullptr;
      m_packs.push_back({&o, in(o.input), floats(o.scratchOffset)});
      return floats(o.scratchOffset);
    };
    const bool isLstm = m_layer->kind == RecurrentCellKind::Lstm;
    const bool resetsBefore = m_layer->kind == RecurrentCellKind::GruResetBefore;
    m_memory = {.x = in(0),
                .initialH = m_layer->hasInitialH ? in(5) : nullptr,
                .initialC = m_layer->hasInitialC ? in(6) : nullptr,
                .lengths = m_layer->hasLengths ? binding.inputs[4] : nullptr,
                .y = out(0),
                .lastH = out(1),
                .lastC = isLstm ? out(2) : nullptr,
                .input = operand(m_layer->input),
                .recurrence = operand(m_layer->recurrence),
                .candidate = operand(m_layer->candidate),
                .bias = operand(m_layer->bias),
                .candidateBias = operand(m_layer->candidateBias),
                .peepholes = operand(m_layer->peepholes),
                .gates = floats(m_layer->gatesAt),
                .states = floats(m_layer->statesAt),
                .cells = isLstm ? floats(m_layer->cellsAt) : nullptr,
                .reset = resetsBefore ? floats(m_layer->resetAt) : nullptr,
                .update = resetsBefore ? floats(m_layer->updateAt) : nullptr,
                .rows = reinterpret_cast<const float**>(scratch + m_layer->rowsAt),
                .sequences = reinterpret_cast<float**>(scratch + m_layer->sequencesAt),
                .order = reinterpret_cast<std::int64_t*>(scratch + m_layer->orderAt),
                .length = reinterpret_cast<std::int64_t*>(scratch + m_layer->lengthsAt)};
  }

  Result<void> run() override {
    for (const Pack& pack : m_packs) pack.operand->pack(pack.source, pack.target);
    const std::int64_t steps = TANDEM_TRY(orderRows());
    const int threads = usefulThreads(steps);
    if (threads == 1) {
      Worker(*m_layer, m_memory, m_barrier, partOf(*m_layer, 0, 1), 0).run(steps);
      return {};
    }
#pragma omp parallel num_threads(threads)
    {
      const int thread = omp_get_thread_num();
      // The team may be smaller than asked for, but all of its threads have to meet in barriers.
      Worker(*m_layer, m_memory, m_barrier, partOf(*m_layer, thread, omp_get_num_threads()), thread).run(steps);
    }
    return {};
  }

 private:
  struct Pack {
    const RecurrentOperand* operand;
    const float* source;
    float* target;
  };

  std::int64_t lengthOf(std::int64_t n) const {
    if (!m_memory.lengths) return m_layer->geometry.steps;
    return m_layer->lengthType == DataType::Int32 ? static_cast<const std::int32_t*>(m_memory.lengths)[n]
                                                  : static_cast<const std::int64_t*>(m_memory.lengths)[n];
  }

  /// Fills Memory::order and length; returns the longest length.
  Result<std::int64_t> orderRows() {
    const ops::RecurrentGeometry& g = m_layer->geometry;
    for (std::int64_t n = 0; n < g.batch; ++n)
      if (lengthOf(n) < 0 || lengthOf(n) > g.steps)
        return makeError(ErrorCode::InputRejected,
                         "a sequence length is " + std::to_string(lengthOf(n)) + " of " + std::to_string(g.steps) +
                             " steps",
                         m_layer->name, "give lengths from 0 to the number of steps");
    std::iota(m_memory.order, m_memory.order + g.batch, std::int64_t{0});
    if (m_memory.lengths)
      std::sort(m_memory.order, m_memory.order + g.batch,
                [&](std::int64_t a, std::int64_t b) { return lengthOf(a) > lengthOf(b); });
    for (std::int64_t row = 0; row < g.batch; ++row) m_memory.length[row] = lengthOf(m_memory.order[row]);
    return m_memory.length[0];
  }

  int usefulThreads(std::int64_t steps) const {
    const ops::RecurrentGeometry& g = m_layer->geometry;
    const std::int64_t products = g.directions * g.batch * steps * m_layer->gates * g.hidden * (g.inputSize + g.hidden);
    if (products < kParallelProducts) return 1;
    return static_cast<int>(splitOf(*m_layer, m_layer->threads).parts());
  }

  std::shared_ptr<const RecurrentLayer> m_layer;
  std::vector<Pack> m_packs;
  Memory m_memory;
  TeamBarrier m_barrier;
};

class RecurrentKernel final : public Kernel {
 public:
  explicit RecurrentKernel(std::shared_ptr<const RecurrentLayer> layer) : m_layer(std::move(layer)) {}
  std::unique_ptr<Step> bind(const Binding& binding) const override {
    return std::make_unique<RecurrentRun>(m_layer, binding);
  }

 private:
  std::shared_ptr<const RecurrentLayer> m_layer;
};

} // namespace

std::shared_ptr<const Kernel> makeRecurrentKernel(std::shared_ptr<const RecurrentLayer> layer) {
  return std::make_shared<RecurrentKernel>(std::move(layer));
}

} // namespace tandem::cpu
