// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/chain.hpp"

#include "engine/devices/opencl/kernels/chain_text.hpp"
#include "engine/devices/opencl/kernels/element_op.hpp"
#include "engine/devices/opencl/kernels/emit.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace tandem::opencl {
namespace {

constexpr std::int64_t kBlock = 16;
/// Elements that one work-item of a CPU does: enough to hide the cost of a work-group.
constexpr std::int64_t kCpuChunk = 2048;
constexpr std::size_t kMostOperands = 8; ///< of one node

bool isCast(const Node& node) { return node.type == "Cast" || node.type == "CastLike"; }

NodeView viewOf(const Graph& graph, NodeId id) { return {graph, graph.node(id), false, true}; }

std::vector<ElementOp> opsOf(const NodeView& view) {
  if (isCast(view.node)) return {{ChainStep::kCast, {0}, 0, 0, true}};
  return elementOps(view).value_or(std::vector<ElementOp>());
}

bool joins(const Graph& graph, NodeId id, bool float64) {
  const Node& node = graph.node(id);
  const NodeView view = viewOf(graph, id);
  if (node.inputs.size() > kMostOperands || node.outputs.size() != 1 || !view.hasOutput(0)) return false;
  const auto fits = [&](const Value& value) {
    return value.desc.type != DataType::String && (value.desc.type != DataType::Float64 || float64);
  };
  if (!fits(view.output(0)) || view.output(0).desc.shape.elements() == 0) return false;
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    if (view.hasInput(i) && !fits(view.input(i))) return false;
  if (isCast(node))
    return view.input(0).desc.type != view.output(0).desc.type; // else it is a view, which costs nothing
  constexpr std::array<std::string_view, 7> kAlone{"SDiv", "UDiv", "SRem", "URem", "SMod", "IntPow", "IntPowFloat"};
  const std::vector<ElementOp> ops = opsOf(view);
  return !ops.empty() && std::none_of(ops.begin(), ops.end(), [&](const ElementOp& op) {
    return std::find(kAlone.begin(), kAlone.end(), op.expression) != kAlone.end();
  });
}

/// Passed by value.
bool isScalarConstant(const Value& value) {
  return value.isConstant() && value.constant.elements() == 1 &&
         (isFloating(value.desc.type) || value.desc.type == DataType::Int32) && value.desc.type != DataType::Float64;
}

struct Operand {
  ValueId value;
  TensorDesc desc; ///< as it broadcasts
};

/// A chain as registers and formulas.
struct Chain {
  ChainFormula formula;
  std::vector<Operand> tensors;
  std::vector<ValueId> scalars;
  std::vector<std::pair<float, float>> parameters; ///< of every step
  std::vector<ValueId> results;
  Shape shape;
  bool finite = true;
  bool isDouble = false;
};

class Builder {
 public:
  Builder(const Graph& graph, const std::vector<NodeId>& nodes) : m_graph(graph) {
    // Operands are numbered before the steps: registers of tensors come first, then those of scalars.
    for (NodeId id : nodes) m_made.push_back(graph.node(id).outputs[0]);
    for (NodeId id : nodes) forOperands(id, [&](std::size_t input) { addOperand(viewOf(graph, id), input); });
    for (NodeId id : nodes) addSteps(id);
  }

  Chain finish(const std::vector<ValueId>& results) {
    m_chain.results = results;
    for (ValueId value : results) m_chain.formula.results.push_back(m_registers.at(value));
    m_chain.shape = m_graph.value(results.front()).desc.shape;
    for (std::size_t reg = 0; reg < firstStep() + m_chain.formula.steps.size(); ++reg)
      m_chain.isDouble = m_chain.isDouble || m_chain.formula.typeOf(reg) == DataType::Float64;
    return std::move(m_chain);
  }

 private:
  std::size_t firstStep() const { return m_chain.formula.tensors.size() + m_chain.formula.scalars.size(); }
  bool isInside(ValueId value) const { return std::find(m_made.begin(), m_made.end(), value) != m_made.end(); }

  template <class Visit> void forOperands(NodeId id, Visit visit) const {
    for (const ElementOp& op : opsOf(viewOf(m_graph, id)))
      for (int operand : op.operands)
        if (operand != ElementOp::kPrevious) visit(static_cast<std::size_t>(operand));
  }

  static TensorDesc descOf(const NodeView& view, std::size_t input) {
    TensorDesc desc = elementOperand(view, input);
    desc.type = view.input(input).desc.type;
    return desc;
  }

  std::size_t findTensor(const Operand& operand) const {
    const auto found = std::find_if(m_chain.tensors.begin(), m_chain.tensors.end(), [&](const Operand& each) {
      return each.value == operand.value && each.desc == operand.desc;
    });
    return static_cast<std::size_t>(found - m_chain.tensors.begin());
  }

  void addOperand(const NodeView& view, std::size_t input) {
    const ValueId value = view.node.inputs[input];
    if (isInside(value)) return;
    if (isScalarConstant(m_graph.value(value))) {
      if (std::find(m_chain.scalars.begin(), m_chain.scalars.end(), value) != m_chain.scalars.end()) return;
      m_chain.scalars.push_back(value);
      m_chain.finite = m_chain.finite && std::isfinite(m_graph.value(value).constant.asDouble(0));
      m_chain.formula.scalars.push_back(m_graph.value(value).desc.type);
      return;
    }
    const Operand operand{value, descOf(view, input)};
    if (findTensor(operand) < m_chain.tensors.size()) return;
    m_chain.tensors.push_back(operand);
    m_chain.formula.tensors.push_back(operand.desc.type);
  }

  std::size_t registerOf(const NodeView& view, std::size_t input) const {
    const ValueId value = view.node.inputs[input];
    if (isInside(value)) return m_registers.at(value);
    const auto scalar = std::find(m_chain.scalars.begin(), m_chain.scalars.end(), value);
    if (scalar != m_chain.scalars.end())
      return m_chain.tensors.size() + static_cast<std::size_t>(scalar - m_chain.scalars.begin());
    return findTensor({value, descOf(view, input)});
  }

  void addSteps(NodeId id) {
    const NodeView view = viewOf(m_graph, id);
    const ValueId output = view.node.outputs[0];
    for (const ElementOp& op : opsOf(view)) {
      ChainStep step;
      step.expression = op.expression;
      step.result = m_graph.value(output).desc.type;
      step.hasParameters = op.p != 0 || op.q != 0 || op.expression == "Clip" || op.expression == "IsInf";
      for (int operand : op.operands)
        step.operands.push_back(operand == ElementOp::kPrevious ? firstStep() + m_chain.formula.steps.size() - 1
                                                                : registerOf(view, static_cast<std::size_t>(operand)));
      m_chain.formula.steps.push_back(std::move(step));
      m_chain.parameters.emplace_back(op.p, op.q);
      m_chain.finite = m_chain.finite && op.finite;
    }
    m_registers[output] = firstStep() + m_chain.formula.steps.size() - 1;
  }

  const Graph& m_graph;
  Chain m_chain;
  std::vector<ValueId> m_made;
  std::map<ValueId, std::size_t> m_registers; ///< of what the nodes make
};

// --- blocks of channels

/// Extents of a shape of `rank` 3 or 4, ones in front: n, c, h, w.
std::array<std::int64_t, 4> extents(const Shape& shape, std::size_t rank) {
  std::vector<std::int64_t> dims(rank - shape.rank(), 1);
  for (std::size_t k = 0; k < shape.rank(); ++k) dims.push_back(shape[k]);
  if (rank == 3) return {dims[0], dims[1], 1, dims[2]};
  return {dims[0], dims[1], dims[2], dims[3]};
}

enum class BlockedForm {
  None,    ///< has to lie row-major
  Packed,  ///< a constant, laid in blocks now
  Blocked, ///< in blocks already, or worth it
  Plain,   ///< row-major, yet readable by blocks: the same for all channels, or one value per channel
};

BlockedForm blockedForm(const Lowering& lowering, const Operand& operand, const Shape& out) {
  const std::size_t rank = out.rank();
  const Value& value = lowering.graph().value(operand.value);
  const auto own = extents(operand.desc.shape, rank);
  const auto all = extents(out, rank);
  // Who knows what it would make of the unused channels of the last block?
  if (all[1] % kBlock != 0 && own[1] != all[1]) return BlockedForm::None;
  if (value.isConstant()) return value.desc.type == DataType::Float32 ? BlockedForm::Packed : BlockedForm::None;
  const bool hasOwnShape = operand.desc.shape == value.desc.shape && value.desc.shape.rank() == rank;
  if (hasOwnShape && lowering.isBlocked(operand.value)) return BlockedForm::Blocked;
  const bool isPerChannel = own[2] == 1 && own[3] == 1 && all[1] % kBlock == 0;
  if (operand.desc.shape != out && (own[1] == 1 || isPerChannel)) return BlockedForm::Plain;
  const bool worthIt = hasOwnShape && lowering.canBlock(operand.value) && lowering.blockOf(operand.value) == kBlock;
  return worthIt ? BlockedForm::Blocked : BlockedForm::None;
}

bool fitsBlocks(const Lowering& lowering, const Chain& chain) {
  const std::size_t rank = chain.shape.rank();
  if (rank != 3 && rank != 4) return false;
  if (chain.shape[1] % kBlock != 0 && !chain.finite) return false;
  for (ValueId result : chain.results)
    if (!lowering.canBlock(result)) return false;
  bool any = false;
  for (const Operand& operand : chain.tensors) {
    if (blockedForm(lowering, operand, chain.shape) == BlockedForm::None) return false;
    any = any || (operand.desc.shape == chain.shape && lowering.isBlocked(operand.value));
  }
  return any;
}

/// Strides over [n][channel block][h][w][channel]; zero where the operand repeats.
std::vector<std::int64_t> withRepeats(std::vector<std::int64_t> strides, const std::array<std::int64_t, 4>& own,
                                      const std::array<std::int64_t, 4>& all) {
  for (std::size_t k = 0; k < 4; ++k)
    if (own[k] != all[k]) strides[k] = 0;
  if (own[1] != all[1]) strides[4] = 0;
  return strides;
}

StridedRef packed(Lowering& lowering, const Operand& operand, const std::array<std::int64_t, 4>& own,
                  const std::array<std::int64_t, 4>& all) {
  const auto values = lowering.graph().value(operand.value).constant.as<float>();
  const auto [n, c, h, w] = own;
  const std::int64_t lanes = c == all[1] ? kBlock : 1; // one value for all channels, or whole blocks
  const std::int64_t blocks = ceilDivide(c, lanes);
  std::vector<float> data(static_cast<std::size_t>(n * blocks * h * w * lanes), 0.0f);
  std::size_t next = 0;
  for (std::int64_t image = 0; image < n; ++image)
    for (std::int64_t channel = 0; channel < c; ++channel)
      for (std::int64_t pixel = 0; pixel < h * w; ++pixel)
        data[static_cast<std::size_t>(((image * blocks + channel / lanes) * h * w + pixel) * lanes + channel % lanes)] =
            values[next++];
  const std::vector<std::int64_t> strides{blocks * h * w * lanes, h * w * lanes, w * lanes, lanes, 1};
  return {lowering.weights(data), DataType::Float32, withRepeats(strides, own, all), 0};
}

StridedRef blockedOperand(Lowering& lowering, const Operand& operand, const Shape& out) {
  const auto own = extents(operand.desc.shape, out.rank());
  const auto all = extents(out, out.rank());
  switch (blockedForm(lowering, operand, out)) {
  case BlockedForm::Packed: return packed(lowering, operand, own, all);
  case BlockedForm::Blocked: {
    StridedRef ref = blockedRef(lowering.blocked(operand.value));
    ref.strides = withRepeats(std::move(ref.strides), own, all);
    return ref;
  }
  case BlockedForm::Plain:
  case BlockedForm::None: break;
  }
  const std::int64_t plane = own[2] * own[3];
  const bool isOneForAll = own[1] == 1;
  const std::vector<std::int64_t> strides{own[1] * plane, isOneForAll ? 0 : kBlock * plane, own[3], 1,
                                          isOneForAll ? 0 : plane};
  return {lowering.plain(operand.value), operand.desc.type, withRepeats(strides, own, all), 0};
}

// --- the launch

std::vector<std::int64_t> allButInner(const std::vector<std::int64_t>& values, std::size_t innerDims) {
  if (values.size() <= innerDims) return {};
  return {values.begin(), values.end() - static_cast<std::ptrdiff_t>(innerDims)};
}

std::int64_t productOf(const std::vector<std::int64_t>& dims) {
  std::int64_t product = 1;
  for (std::int64_t dim : dims) product *= dim;
  return product;
}

void addScalars(const Graph& graph, const Chain& chain, std::vector<Arg>& args) {
  for (ValueId value : chain.scalars) {
    const Tensor& constant = graph.value(value).constant;
    if (constant.type() == DataType::Int32)
      args.emplace_back(constant.as<std::int32_t>()[0]);
    else
      args.emplace_back(static_cast<float>(constant.asDouble(0)));
  }
  for (std::size_t s = 0; s < chain.parameters.size(); ++s) {
    if (!chain.formula.steps[s].hasParameters) continue;
    args.emplace_back(chain.parameters[s].first);
    args.emplace_back(chain.parameters[s].second);
  }
}

/// `nest` holds the chain's tensors, then its results.
void emitChain(Lowering& lowering, const Chain& chain, Nest nest) {
  collapse(nest);
  ChainLoops loops;
  loops.gpuStyle = lowering.gpuStyle();
  loops.dims = nest.dims.size();
  loops.vector = !loops.gpuStyle && chain.formula.hasVectorForm();
  for (std::size_t t = 0; t < nest.tensors.size(); ++t) {
    const std::int64_t stride = nest.tensors[t].strides.back();
    loops.innerStrides.push_back(stride);
    loops.vector = loops.vector && (stride == 1 || (stride == 0 && t < chain.tensors.size()));
  }
  const std::size_t innerDims = loops.gpuStyle ? 1 : 2;
  Step step;
  step.source = "numbers+expressions+chain";
  step.generated = chainText(chain.formula, loops);
  step.kernel = "chain";
  if (chain.isDouble) step.options = "-DFLOAT64";
  for (const StridedRef& tensor : nest.tensors) {
    step.args.emplace_back(tensor.ref);
    step.args.emplace_back(int8Front(allButInner(tensor.strides, innerDims), 0));
    step.args.emplace_back(loops.dims > 1 ? toInt(tensor.strides[loops.dims - 2]) : 0);
    step.args.emplace_back(toInt(tensor.strides.back()));
    step.args.emplace_back(toInt(tensor.offset));
  }
  addScalars(lowering.graph(), chain, step.args);
  const std::vector<std::int64_t> outer = allButInner(nest.dims, innerDims);
  const std::int64_t inner = nest.dims.back();
  step.args.emplace_back(int8Front(outer, 1));
  if (loops.gpuStyle) {
    constexpr std::size_t kLocal = 64;
    const std::int64_t total = productOf(nest.dims);
    step.args.emplace_back(toInt(inner));
    step.args.emplace_back(toInt(total));
    step.global = {roundUp(total, kLocal), 1, 1};
    step.local = {kLocal, 1, 1};
  } else {
    const std::int64_t middle = loops.dims > 1 ? nest.dims[loops.dims - 2] : 1;
    const std::int64_t innerStep = std::min<std::int64_t>(ceilDivide(inner, 16) * 16, kCpuChunk);
    const std::int64_t middleStep = std::max<std::int64_t>(1, kCpuChunk / innerStep);
    for (std::int64_t value : {middle, inner, middleStep, innerStep}) step.args.emplace_back(toInt(value));
    step.global = {
        static_cast<std::size_t>(productOf(outer) * ceilDivide(middle, middleStep) * ceilDivide(inner, innerStep)), 1,
        1};
  }
  lowering.launch(std::move(step));
}

} // namespace

ChainRules chainRules(const Graph& graph, bool float64) {
  ChainRules rules;
  rules.joins = [&graph, float64](NodeId id) { return joins(graph, id, float64); };
  rules.isCounted = [&graph](ValueId value) { return !isScalarConstant(graph.value(value)); };
  return rules;
}

void lowerChain(Lowering& lowering, const std::vector<NodeId>& nodes, const std::vector<ValueId>& results) {
  if (results.empty()) return; // nobody reads any of it
  const Chain chain = Builder(lowering.graph(), nodes).finish(results);
  Nest nest;
  if (fitsBlocks(lowering, chain)) {
    for (const Operand& operand : chain.tensors) nest.tensors.push_back(blockedOperand(lowering, operand, chain.shape));
    for (ValueId result : results) {
      const BlockedView view = lowering.newBlocked(result);
      nest.dims = blockedDims(view);
      nest.tensors.push_back(blockedRef(view));
    }
  } else {
    nest.dims = chain.shape.dims();
    for (const Operand& operand : chain.tensors)
      nest.tensors.push_back(broadcastTo(lowering.plain(operand.value), operand.desc, chain.shape));
    for (ValueId result : results)
      nest.tensors.push_back(rowMajor(lowering.newPlainOf(result), lowering.graph().value(result).desc));
  }
  emitChain(lowering, chain, std::move(nest));
}

} // namespace tandem::opencl
