// SPDX-License-Identifier: GPL-3.0-or-later
// RNN, GRU, LSTM.
#include "engine/ops/recurrent_common.hpp"

#include "engine/devices/opencl/kernels/emit.hpp"

#include <array>

namespace tandem::opencl {
namespace {

constexpr std::string_view kRnnFunctions[] = {"Tanh"};
constexpr std::string_view kGruFunctions[] = {"Sigmoid", "Tanh"};
constexpr std::string_view kLstmFunctions[] = {"Sigmoid", "Tanh", "Tanh"};

struct Kind {
  std::int64_t gates;
  std::span<const std::string_view> functions;
};
Kind kindOf(const Node& node) {
  if (node.type == "LSTM") return {4, kLstmFunctions};
  if (node.type == "GRU") return {3, kGruFunctions};
  return {1, kRnnFunctions};
}

Result<ops::RecurrentGeometry> geometryOf(const Graph& graph, const Node& node) {
  const auto shape = [&](std::size_t i) -> const Shape& { return graph.value(node.inputs[i]).desc.shape; };
  return ops::recurrentGeometry(node, kindOf(node).gates, shape(0), shape(1), shape(2));
}

Support check(const NodeView& view) {
  const Node& node = view.node;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!view.hasInput(i)) continue;
    const DataType wanted = i == 4 ? DataType::Int32 : DataType::Float32;
    if (view.inputType(i) != wanted) return noType(view, view.inputType(i));
  }
  if (!view.isStatic()) return Support::yes();
  const auto g = geometryOf(view.graph, node);
  if (!g.ok()) return noAttribute(g.error().message);
  const Kind kind = kindOf(node);
  const auto functions = ops::recurrentActivations(node, g->directions, kind.functions);
  if (!functions.ok()) return noAttribute(functions.error().message);
  const std::int64_t states = g->directions * g->batch * g->hidden;
  const std::array<std::int64_t, 8> expected{0,        0,      0,      g->directions * 2 * kind.gates * g->hidden,
                                             g->batch, states, states, g->directions * 3 * g->hidden};
  for (std::size_t i = 3; i < std::min<std::size_t>(8, node.inputs.size()); ++i)
    if (view.hasInput(i) && view.input(i).desc.shape.elements() != expected[i])
      return noAttribute(node.type + " with an input " + std::to_string(i) + " that does not fit");
  return Support::yes();
}

/// What both kernels take in the same form.
struct Cell {
  ops::RecurrentGeometry geometry;
  Kind kind;
  std::vector<std::int32_t> kinds; ///< of the activations
  std::vector<float> constants;    ///< alpha and beta of each
  float clip = 0;
  bool option = false; ///< LSTM's input_forget, GRU's linear_before_reset
};

Result<Cell> cellOf(const Lowering& lowering) {
  const Node& node = lowering.node();
  Cell cell{TANDEM_TRY(geometryOf(lowering.graph(), node)), kindOf(node), {}, {}};
  const auto functions = TANDEM_TRY(ops::recurrentActivations(node, cell.geometry.directions, cell.kind.functions));
  for (const ops::RecurrentActivation& function : functions) {
    cell.kinds.push_back(static_cast<std::int32_t>(function.kind));
    cell.constants.push_back(static_cast<float>(function.alpha));
    cell.constants.push_back(static_cast<float>(function.beta));
  }
  cell.clip = node.attributes.getFloat("clip", 0.0f);
  cell.option = node.type == "LSTM"  ? node.attributes.getInt("input_forget", 0) != 0
                : node.type == "GRU" ? node.version >= 3 && node.attributes.getInt("linear_before_reset", 0) != 0
                                     : false;
  return cell;
}

Ref given(Lowering& lowering, std::size_t i) { return lowering.hasInput(i) ? lowering.input(i) : Ref(); }
Ref wanted(Lowering& lowering, std::size_t i) { return lowering.hasOutput(i) ? lowering.output(i) : Ref(); }

// --- packed weights

/// The weights of W or R, [direction][gate * hidden + column][depth].
struct GateWeights {
  const Cell& cell;
  std::span<const float> values;
  std::int64_t depth = 1;

  std::int64_t vectorsPerGate() const { return ceilDivide(cell.geometry.hidden, 16); }
  /// 16 columns of one gate at depth k, zero behind the last; `vector` counts over all gates.
  void append(std::vector<float>& to, std::int64_t direction, std::int64_t vector, std::int64_t k) const {
    const std::int64_t hidden = cell.geometry.hidden, gate = vector / vectorsPerGate();
    for (std::int64_t i = 0; i < 16; ++i) {
      const std::int64_t column = vector % vectorsPerGate() * 16 + i;
      const std::int64_t row = (direction * cell.kind.gates + gate) * hidden + column;
      to.push_back(gate < cell.kind.gates && column < hidden ? values[static_cast<std::size_t>(row * depth + k)] : 0);
    }
  }
  /// `count` vectors from `first` on, by depth.
  void appendChunk(std::vector<float>& to, std::int64_t direction, std::int64_t first, std::int64_t count) const {
    for (std::int64_t k = 0; k < depth; ++k)
      for (std::int64_t i = 0; i < count; ++i) append(to, direction, first + i, k);
  }
};

std::vector<float> packInput(const GateWeights& weights) {
  std::vector<float> packed;
  for (std::int64_t d = 0; d < weights.cell.geometry.directions; ++d)
    for (std::int64_t v = 0; v < weights.cell.kind.gates * weights.vectorsPerGate(); v += 2)
      weights.appendChunk(packed, d, v, 2);
  return packed;
}

/// In the chunks of add_products(), which computes GRU's candidate apart from the two gates.
std::vector<float> packRecurrence(const GateWeights& weights) {
  std::vector<float> packed;
  const std::int64_t each = weights.vectorsPerGate(), all = weights.cell.kind.gates * each;
  const std::int64_t first = weights.cell.kind.gates == 3 ? 2 * each : all;
  for (std::int64_t d = 0; d < weights.cell.geometry.directions; ++d)
    for (std::int64_t v = 0; v < all;) {
      const std::int64_t left = (v < first ? first : all) - v;
      const std::int64_t count = left >= 8 ? 8 : left >= 4 ? 4 : 1;
      weights.appendChunk(packed, d, v, count);
      v += count;
    }
  return packed;
}

/// Sums of both biases for the products of the input, and GRU's recurrent bias of the candidate where that waits for
/// the reset gate.
struct Biases {
  std::vector<float> input, candidate;
};

Biases packBiases(const Lowering& lowering, const Cell& cell) {
  const std::int64_t hidden = cell.geometry.hidden, padded = ceilDivide(hidden, 16) * 16, gates = cell.kind.gates;
  const std::int64_t width = ceilDivide(gates * padded, 32) * 32; // whole pairs of vectors
  Biases biases;
  biases.input.assign(static_cast<std::size_t>(cell.geometry.directions * width), 0.0f);
  biases.candidate.assign(static_cast<std::size_t>(cell.geometry.directions * padded), 0.0f);
  if (!lowering.hasInput(3)) return biases;
  const auto values = lowering.inputTensor(3).as<float>();
  for (std::int64_t d = 0; d < cell.geometry.directions; ++d)
    for (std::int64_t g = 0; g < gates; ++g)
      for (std::int64_t j = 0; j < hidden; ++j) {
        const std::int64_t at = d * 2 * gates * hidden + g * hidden + j;
        const float own = values[static_cast<std::size_t>(at)];
        const float recurrent = values[static_cast<std::size_t>(at + gates * hidden)];
        const bool waits = gates == 3 && g == 2 && cell.option;
        biases.input[static_cast<std::size_t>(d * width + g * padded + j)] = waits ? own : own + recurrent;
        if (waits) biases.candidate[static_cast<std::size_t>(d * padded + j)] = recurrent;
      }
  return biases;
}

bool canPack(const Lowering& lowering) {
  return !lowering.gpuStyle() && lowering.inputIsConstant(1) && lowering.inputIsConstant(2) &&
         (!lowering.hasInput(3) || lowering.inputIsConstant(3));
}

/// Both weights, or none: one kernel reads them.
bool hasHalves(const Lowering& lowering) { return lowering.halfWeights(1) && lowering.halfWeights(2); }

void lowerPacked(Lowering& lowering, const Cell& cell) {
  const ops::RecurrentGeometry& g = cell.geometry;
  const std::int64_t padded = ceilDivide(g.hidden, 16) * 16, width = cell.kind.gates * padded;
  const std::int64_t rows = g.steps * g.batch, groups = g.directions * g.batch;
  using Function = ops::RecurrentActivation::Kind;
  bool standard = cell.clip == 0 && !lowering.hasInput(7);
  for (std::size_t i = 0; i < cell.kinds.size(); ++i) {
    const bool gate = cell.kind.gates > 1 && i % cell.kind.functions.size() == 0;
    standard = standard && cell.kinds[i] == static_cast<std::int32_t>(gate ? Function::Sigmoid : Function::Tanh);
  }
  const bool halves = hasHalves(lowering);
  int tile = 12;
  for (int smaller : {8, 4, 2, 1})
    if (rows < tile) tile = smaller;
  const std::string options = "-DPACKED -DGATES=" + std::to_string(cell.kind.gates) + " -DT=" + std::to_string(tile) +
                              (standard ? " -DSTANDARD" : "") + weightOption(halves);
  const Biases biases = packBiases(lowering, cell);
  const Ref products = lowering.scratch(g.directions * rows * width * 4);
  if (rows > 0) {
    Step input;
    input.source = "weights+recurrent";
    input.kernel = "input_products";
    input.options = options;
    input.args = {lowering.input(0),
                  lowering.packedWeights(packInput({cell, lowering.inputTensor(1).as<float>(), g.inputSize}), halves),
                  lowering.weights(biases.input), products};
    for (std::int64_t value : {rows, g.inputSize, width / 16}) input.args.emplace_back(toInt(value));
    input.global = {static_cast<std::size_t>(ceilDivide(rows, tile)), static_cast<std::size_t>(ceilDivide(width, 32)),
                    static_cast<std::size_t>(g.directions)};
    lowering.launch(std::move(input));
  }
  Step step;
  step.source = "weights+recurrent";
  step.kernel = "recurrent_packed";
  step.options = options;
  step.args = {products,
               lowering.packedWeights(packRecurrence({cell, lowering.inputTensor(2).as<float>(), g.hidden}), halves),
               lowering.weights(biases.candidate)};
  for (std::size_t i = 4; i < 8; ++i) step.args.emplace_back(given(lowering, i));
  for (std::size_t i = 0; i < 3; ++i) step.args.emplace_back(wanted(lowering, i));
  step.args.emplace_back(lowering.scratch(groups * (3 * padded + width) * 4));
  step.args.emplace_back(lowering.weights(cell.kinds));
  step.args.emplace_back(lowering.weights(cell.constants));
  for (std::int64_t value : {g.steps, g.batch, g.hidden, padded, g.directions, std::int64_t{g.reverse},
                             std::int64_t{g.batchFirst}, static_cast<std::int64_t>(cell.kind.functions.size())})
    step.args.emplace_back(toInt(value));
  step.args.emplace_back(cell.clip);
  step.args.emplace_back(toInt(cell.option ? 1 : 0));
  step.args.emplace_back(lowering.status());
  step.args.emplace_back(lowering.reportId());
  step.global = {static_cast<std::size_t>(groups), 1, 1};
  lowering.launch(std::move(step));
}

Result<void> lower(Lowering& lowering) {
  const Cell cell = TANDEM_TRY(cellOf(lowering));
  const ops::RecurrentGeometry& g = cell.geometry;
  if (canPack(lowering)) return lowerPacked(lowering, cell), Result<void>();
  const std::int64_t groups = g.directions * g.batch;
  const std::size_t lanes = lowering.gpuStyle() ? 64 : 1;
  Step step;
  step.source = "weights+recurrent";
  step.kernel = "recurrent";
  step.options = "-DGATES=" + std::to_string(cell.kind.gates) + " -DLX=" + std::to_string(lanes) +
                 weightOption(hasHalves(lowering));
  for (std::size_t i = 0; i < 8; ++i) {
    const bool isWeight = i == 1 || i == 2;
    step.args.emplace_back(isWeight && hasHalves(lowering) ? lowering.weightInput(i) : given(lowering, i));
  }
  for (std::size_t i = 0; i < 3; ++i) step.args.emplace_back(wanted(lowering, i));
  step.args.emplace_back(lowering.scratch(groups * (3 + cell.kind.gates) * g.hidden * 4));
  step.args.emplace_back(lowering.weights(cell.kinds));
  step.args.emplace_back(lowering.weights(cell.constants));
  for (std::int64_t value : {g.steps, g.batch, g.inputSize, g.hidden, g.directions, std::int64_t{g.reverse},
                             std::int64_t{g.batchFirst}, static_cast<std::int64_t>(cell.kind.functions.size())})
    step.args.emplace_back(toInt(value));
  step.args.emplace_back(cell.clip);
  step.args.emplace_back(toInt(cell.option ? 1 : 0));
  step.args.emplace_back(lowering.status());
  step.args.emplace_back(lowering.reportId());
  step.global = {static_cast<std::size_t>(groups) * lanes, 1, 1};
  step.local = {lanes, 1, 1};
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "RNN", check, lower, nullptr, true, true},
    {"", "GRU", check, lower, nullptr, true, true},
    {"", "LSTM", check, lower, nullptr, true, true},
};

} // namespace

std::span<const KernelDef> recurrentKernels();
std::span<const KernelDef> recurrentKernels() { return kTable; }

} // namespace tandem::opencl
