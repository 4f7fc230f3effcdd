// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/kernels/recurrent_layer.hpp"
#include "engine/devices/cpu/kernels/vector_isa.hpp"

#include <algorithm>
#include <array>

namespace tandem::cpu {
namespace {

using Kind = ops::RecurrentActivation::Kind;

/// What tells the three operators apart.
struct CellType {
  RecurrentCellKind kind;
  std::int64_t gates;
  std::span<const std::string_view> functions; ///< the defaults of one direction
};

std::optional<CellFunction> vectorFunction(Kind kind) {
  switch (kind) {
  case Kind::Affine: return CellFunction::Affine;
  case Kind::Elu: return CellFunction::Elu;
  case Kind::HardSigmoid: return CellFunction::HardSigmoid;
  case Kind::LeakyRelu: return CellFunction::LeakyRelu;
  case Kind::Relu: return CellFunction::Relu;
  case Kind::ScaledTanh: return CellFunction::ScaledTanh;
  case Kind::Sigmoid: return CellFunction::Sigmoid;
  case Kind::Softplus: return std::nullopt;
  case Kind::Softsign: return CellFunction::Softsign;
  case Kind::Tanh: return CellFunction::Tanh;
  case Kind::ThresholdedRelu: return CellFunction::ThresholdedRelu;
  }
  return std::nullopt;
}

bool readActivations(const NodeView& view, const CellType& type, RecurrentLayer& layer) {
  const auto named = ops::recurrentActivations(view.node(), layer.geometry.directions, type.functions);
  if (!named.ok()) return false;
  layer.activations.resize(static_cast<std::size_t>(layer.geometry.directions) * 3);
  for (std::size_t i = 0; i < named->size(); ++i) {
    const ops::RecurrentActivation& a = (*named)[i];
    const auto function = vectorFunction(a.kind);
    if (!function) return false;
    layer.activations[i / type.functions.size() * 3 + i % type.functions.size()] = {
        *function, static_cast<float>(a.alpha), static_cast<float>(a.beta)};
  }
  return true;
}

/// The reference kernel says what is wrong with inputs that do not fit.
bool inputsFit(const NodeView& view, const RecurrentLayer& layer) {
  const ops::RecurrentGeometry& g = layer.geometry;
  const std::int64_t states = g.directions * g.batch * g.hidden;
  const std::int64_t expected[] = {g.steps * g.batch * g.inputSize,
                                   g.directions * layer.gates * g.hidden * g.inputSize,
                                   g.directions * layer.gates * g.hidden * g.hidden,
                                   g.directions * 2 * layer.gates * g.hidden,
                                   g.batch,
                                   states,
                                   states,
                                   g.directions * 3 * g.hidden};
  for (std::size_t i = 0; i < std::min<std::size_t>(8, view.inputCount()); ++i) {
    if (!view.hasInput(i)) continue;
    const TensorDesc& desc = view.input(i);
    const bool known =
        i == 4 ? desc.type == DataType::Int32 || desc.type == DataType::Int64 : desc.type == DataType::Float32;
    if (!known || desc.shape.elements() != expected[i] || expected[i] == 0) return false;
  }
  return true;
}

/// Rows of a matrix [direction][rowsPerDirection][depth] brought into panels [direction][block][depth][gate][lane], the
/// gates being `count` parts of `hidden` rows from part `first` on. Depth 1 serves for vectors.
struct Panels {
  std::int64_t directions, blocks, hidden, depth, rowsPerDirection, first, count;

  std::int64_t elements() const { return directions * blocks * depth * count * kRecurrentBlock; }
  void operator()(const float* source, float* packed) const {
    for (std::int64_t d = 0; d < directions; ++d)
      for (std::int64_t block = 0; block < blocks; ++block)
        for (std::int64_t gate = 0; gate < count; ++gate)
          for (std::int64_t lane = 0; lane < kRecurrentBlock; ++lane) {
            const std::int64_t unit = block * kRecurrentBlock + lane;
            const float* row = source + (d * rowsPerDirection + (first + gate) * hidden + unit) * depth;
            float* to = packed + ((d * blocks + block) * depth * count + gate) * kRecurrentBlock + lane;
            for (std::int64_t k = 0; k < depth; ++k) to[k * count * kRecurrentBlock] = unit < hidden ? row[k] : 0.0f;
          }
  }
};

/// Wb + Rb of every gate; Wb alone of the last gate where the reset comes after the product.
struct BiasSums {
  Panels input, recurrence;
  std::int64_t summedGates;

  void operator()(const float* source, float* packed) const {
    input(source, packed);
    for (std::int64_t d = 0; d < input.directions; ++d)
      for (std::int64_t gate = 0; gate < summedGates; ++gate)
        for (std::int64_t unit = 0; unit < input.hidden; ++unit) {
          const std::int64_t block = unit / kRecurrentBlock, lane = unit % kRecurrentBlock;
          packed[((d * input.blocks + block) * input.count + gate) * kRecurrentBlock + lane] +=
              source[d * input.rowsPerDirection + (recurrence.first + gate) * input.hidden + unit];
        }
  }
};

class LayerMaker {
 public:
  LayerMaker(const NodeView& view, RecurrentLayer& layer) : m_view(view), m_layer(layer) {}

  void makeOperands() {
    const ops::RecurrentGeometry& g = m_layer.geometry;
    const std::int64_t gates = m_layer.gates;
    const auto panels = [&](std::int64_t depth, std::int64_t parts, std::int64_t first, std::int64_t count) {
      return Panels{g.directions, m_layer.blocks, g.hidden, depth, parts * g.hidden, first, count};
    };
    const bool before = m_layer.kind == RecurrentCellKind::GruResetBefore;
    const bool after = m_layer.kind == RecurrentCellKind::GruResetAfter;
    m_layer.input = operand(1, "W", panels(g.inputSize, gates, 0, gates));
    m_layer.recurrence = operand(2, "R", panels(g.hidden, gates, 0, before ? 2 : gates));
    if (before) m_layer.candidate = operand(2, "R of the candidate", panels(g.hidden, gates, 2, 1));
    const Panels biases = panels(1, 2 * gates, 0, gates);
    const BiasSums sums{biases, panels(1, 2 * gates, gates, gates), after ? 2 : gates};
    m_layer.bias = operand(3, after ? "B, last apart" : "B", sums, biases.elements());
    if (after) m_layer.candidateBias = operand(3, "Rb of the candidate", panels(1, 2 * gates, 2 * gates - 1, 1));
    if (m_view.hasInput(7)) m_layer.peepholes = operand(7, "P", panels(1, 3, 0, 3));
  }

  void placeScratch() {
    const ops::RecurrentGeometry& g = m_layer.geometry;
    const std::int64_t rowBytes = m_layer.gates * m_layer.stateWidth() * kFloat;
    const std::int64_t leastSteps = (kLeastChunkRows + g.batch - 1) / g.batch;
    m_layer.chunkSteps = std::min(g.steps, std::max({kChunkBytes / (rowBytes * g.batch), leastSteps, std::int64_t{1}}));
    const std::int64_t rows = m_layer.chunkSteps * g.batch;
    const std::int64_t stateBytes = g.directions * g.batch * m_layer.stateWidth() * kFloat;
    m_layer.gatesAt = reserve(g.directions * rows * rowBytes);
    m_layer.statesAt = reserve(2 * stateBytes);
    if (m_layer.kind == RecurrentCellKind::Lstm) m_layer.cellsAt = reserve(stateBytes);
    if (m_layer.kind == RecurrentCellKind::GruResetBefore) {
      m_layer.resetAt = reserve(stateBytes);
      m_layer.updateAt = reserve(stateBytes);
    }
    m_layer.rowsAt = reserve(m_layer.threads * rows * kPointer);
    m_layer.sequencesAt = reserve(m_layer.threads * g.batch * kPointer);
    m_layer.orderAt = reserve(g.batch * kPointer);
    m_layer.lengthsAt = reserve(g.batch * kPointer);
  }

 private:
  static constexpr std::int64_t kFloat = sizeof(float), kPointer = sizeof(std::int64_t);
  /// Projections of so many bytes stay in the second cache until the steps use them, ...
  static constexpr std::int64_t kChunkBytes = 1 << 18;
  /// ... but fewer rows would read W too often.
  static constexpr std::int64_t kLeastChunkRows = 96;

  std::int64_t reserve(std::int64_t bytes) {
    const std::int64_t offset = m_layer.scratchBytes;
    m_layer.scratchBytes += (bytes + 63) / 64 * 64;
    return offset;
  }

  /// Tensors of the same size can belong to layers of other sizes.
  std::string formOf(const char* what) const {
    const ops::RecurrentGeometry& g = m_layer.geometry;
    std::string form = "recurrent " + std::string(what);
    for (std::int64_t size : {std::int64_t{static_cast<int>(m_layer.kind)}, g.directions, g.hidden, g.inputSize})
      form += ' ' + std::to_string(size);
    return form;
  }

  RecurrentOperand operand(std::size_t index, const char* what, const Panels& panels) {
    return operand(index, what, panels, panels.elements());
  }
  template <class Pack>
  RecurrentOperand operand(std::size_t index, const char* what, const Pack& pack, std::int64_t elements) {
    RecurrentOperand result;
    result.input = index;
    result.bytes = elements * kFloat;
    if (!m_view.hasInput(index)) {
      result.prepared = m_view.weights().zeros(static_cast<std::size_t>(result.bytes));
    } else if (const Tensor* constant = m_view.constant(index)) {
      result.prepared = m_view.weights().pack(*constant, formOf(what), static_cast<std::size_t>(result.bytes),
                                              [&](const void* source, void* packed) {
                                                pack(static_cast<const float*>(source), static_cast<float*>(packed));
                                              });
    } else {
      result.pack = pack;
      result.scratchOffset = reserve(result.bytes);
    }
    return result;
  }

  const NodeView& m_view;
  RecurrentLayer& m_layer;
};

std::optional<KernelPlan> recurrentPlan(const NodeView& view, const CellType& type) {
  if (!view.hasInput(0) || !view.hasInput(1) || !view.hasInput(2)) return std::nullopt;
  const auto geometry =
      ops::recurrentGeometry(view.node(), type.gates, view.input(0).shape, view.input(1).shape, view.input(2).shape);
  if (!geometry.ok()) return std::nullopt;
  auto layer = std::make_shared<RecurrentLayer>();
  layer->kind = type.kind;
  layer->geometry = *geometry;
  layer->gates = type.gates;
  layer->blocks = (geometry->hidden + kRecurrentBlock - 1) / kRecurrentBlock;
  if (!inputsFit(view, *layer) || !readActivations(view, type, *layer)) return std::nullopt;
  layer->name = view.node().name;
  layer->code = &widest(kRecurrentVersions);
  layer->clip = view.attributes().getFloat("clip", 0.0f);
  layer->couples = view.attributes().getInt("input_forget", 0) != 0;
  layer->threads = view.threads();
  layer->hasLengths = view.hasInput(4);
  if (layer->hasLengths) layer->lengthType = view.input(4).type;
  layer->hasInitialH = view.hasInput(5);
  layer->hasInitialC = type.kind == RecurrentCellKind::Lstm && view.hasInput(6);
  LayerMaker maker(view, *layer);
  maker.makeOperands();
  maker.placeScratch();
  KernelPlan plan = view.plainPlan(layer->code->name);
  for (std::size_t i : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}})
    if (i < plan.inputs.size() && view.constant(i)) plan.inputs[i].used = false;
  plan.scratchBytes = layer->scratchBytes;
  plan.kernel = makeRecurrentKernel(std::move(layer));
  return plan;
}

} // namespace

std::optional<KernelPlan> rnnKernel(const NodeView& view) {
  static constexpr std::string_view kFunctions[] = {"Tanh"};
  return recurrentPlan(view, {RecurrentCellKind::Rnn, 1, kFunctions});
}

std::optional<KernelPlan> gruKernel(const NodeView& view) {
  static constexpr std::string_view kFunctions[] = {"Sigmoid", "Tanh"};
  const bool after = view.version() >= 3 && view.attributes().getInt("linear_before_reset", 0) != 0;
  return recurrentPlan(view,
                       {after ? RecurrentCellKind::GruResetAfter : RecurrentCellKind::GruResetBefore, 3, kFunctions});
}

std::optional<KernelPlan> lstmKernel(const NodeView& view) {
  static constexpr std::string_view kFunctions[] = {"Sigmoid", "Tanh", "Tanh"};
  return recurrentPlan(view, {RecurrentCellKind::Lstm, 4, kFunctions});
}

} // namespace tandem::cpu
