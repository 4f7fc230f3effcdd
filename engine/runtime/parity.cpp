// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/parity.hpp"

#include "engine/runtime/single_node.hpp"

#include <algorithm>
#include <cstring>

namespace tandem {
namespace {

bool sameInputs(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Tensor& x, const Tensor& y) {
    if (x.data() == y.data()) return x.desc() == y.desc();
    return x.desc() == y.desc() && std::memcmp(x.data(), y.data(), x.bytes()) == 0;
  });
}

class Comparison {
 public:
  Comparison(const BoundGraph& bound, const std::vector<Device*>& devicesA, const std::vector<Device*>& devicesB,
             Device& host, const ParityOptions& options)
      : m_bound(bound),
        m_graph(bound.graph),
        m_devicesA(devicesA),
        m_devicesB(devicesB),
        m_host(host),
        m_options(options) {}

  Result<ParityResult> run(std::span<const Tensor> inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) m_a[m_graph.inputs()[i]] = m_b[m_graph.inputs()[i]] = inputs[i];
    for (ValueId output : m_graph.outputs()) ++m_readers[output];
    for (std::uint32_t i = 0; i < m_graph.nodes().size(); ++i)
      for (ValueId input : m_graph.nodes()[i].inputs)
        if (input.valid()) ++m_readers[input];

    m_result.layers.resize(m_graph.nodes().size());
    const std::vector<NodeId> order = topologicalOrder(m_graph);
    for (std::size_t i = 0; i < order.size(); ++i) {
      TANDEM_TRY(m_options.cancel.check());
      if (m_options.progress) m_options.progress(i, order.size(), m_graph.node(order[i]).name);
      TANDEM_TRY(compareLayer(order[i]));
      release(m_graph.node(order[i]));
    }
    for (ValueId output : m_graph.outputs()) {
      m_result.outputsA.push_back(TANDEM_TRY(valueOf(m_a, output)));
      m_result.outputsB.push_back(TANDEM_TRY(valueOf(m_b, output)));
    }
    return std::move(m_result);
  }

 private:
  using Values = std::map<ValueId, Tensor>;

  Result<Tensor> valueOf(const Values& values, ValueId id) const {
    if (!id.valid()) return Tensor();
    const Value& value = m_graph.value(id);
    if (value.isConstant()) return value.constant;
    if (auto it = values.find(id); it != values.end()) return it->second;
    if (auto it = m_bound.known.find(id); it != m_bound.known.end()) return it->second;
    return makeError(ErrorCode::Internal, "the value was not computed", value.name, "report this model");
  }

  Result<std::vector<Tensor>> gather(const Values& values, const Node& node) const {
    std::vector<Tensor> inputs;
    for (ValueId input : node.inputs) inputs.push_back(TANDEM_TRY(valueOf(values, input)));
    return inputs;
  }

  bool isKnown(const Node& node) const {
    return std::all_of(node.outputs.begin(), node.outputs.end(), [&](ValueId output) {
      return !output.valid() || m_graph.value(output).isConstant() || m_bound.known.contains(output);
    });
  }

  void store(Values& values, const Node& node, const std::vector<Tensor>& outputs) const {
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].defined() && m_readers.contains(node.outputs[i])) values[node.outputs[i]] = outputs[i];
  }

  /// The last reader has run: the values may go.
  void release(const Node& node) {
    for (ValueId input : node.inputs) {
      if (!input.valid() || --m_readers[input] > 0) continue;
      m_a.erase(input);
      m_b.erase(input);
    }
  }

  Result<void> compareLayer(NodeId id) {
    const Node& node = m_graph.node(id);
    LayerParity& layer = m_result.layers[id.index()];
    layer.node = id;
    layer.deviceA = m_devicesA[id.index()];
    layer.deviceB = m_devicesB[id.index()];
    if (isKnown(node)) {
      layer.note = "known before the run";
      return {};
    }
    const std::vector<Tensor> inputsA = TANDEM_TRY(gather(m_a, node));
    auto onA = TANDEM_TRY(
        SingleNode::compile(m_graph, id, inputsA, *layer.deviceA, m_host, m_options.cancel, 0, m_options.precisionA));
    onA->attachCurrentThread();
    layer.deviceA = &onA->device();
    layer.kernelA = onA->kernel();
    const std::vector<Tensor> outputsA = TANDEM_TRY(onA->run(inputsA, m_options.cancel));
    store(m_a, node, outputsA);
    const OpDef* def = findOp(node);
    if (def && def->has(OpTrait::Random)) {
      layer.note = "random";
      store(m_b, node, outputsA);
      return {};
    }
    Result<void> compared = compareOnB(layer, node, inputsA, outputsA);
    if (compared) return {};
    if (compared.error().code == ErrorCode::Cancelled) return compared;
    layer.failed = true;
    layer.note = compared.error().line();
    store(m_b, node, outputsA);
    return {};
  }

  Result<void> compareOnB(LayerParity& layer, const Node& node, const std::vector<Tensor>& inputsA,
                          const std::vector<Tensor>& outputsA) {
    auto compile = [&](const std::vector<Tensor>& inputs) -> Result<std::unique_ptr<SingleNode>> {
      auto single = TANDEM_TRY(SingleNode::compile(m_graph, layer.node, inputs, *m_devicesB[layer.node.index()], m_host,
                                                   m_options.cancel, 0, m_options.precisionB));
      single->attachCurrentThread();
      return single;
    };
    auto onB = TANDEM_TRY(compile(inputsA));
    layer.deviceB = &onB->device();
    layer.kernelB = onB->kernel();
    const std::vector<Tensor> local = TANDEM_TRY(onB->run(inputsA, m_options.cancel));
    const std::vector<Tensor> inputsB = TANDEM_TRY(gather(m_b, node));
    std::vector<Tensor> outputsB = local;
    if (!sameInputs(inputsA, inputsB)) {
      if (!onB->fits(inputsB)) onB = TANDEM_TRY(compile(inputsB));
      outputsB = TANDEM_TRY(onB->run(inputsB, m_options.cancel));
    }
    measure(layer, node, outputsA, local, outputsB);
    store(m_b, node, outputsB);
    return {};
  }

  /// Of several outputs the one that is worst alone, then the one that is worst with everything before it.
  void measure(LayerParity& layer, const Node& node, const std::vector<Tensor>& a, const std::vector<Tensor>& local,
               const std::vector<Tensor>& b) const {
    bool first = true;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!a[i].defined()) continue;
      const DifferenceLimits limits = m_options.limits(a[i].type());
      const Difference alone = differenceOf(a[i], local[i], limits, ErrorScale::Tensor);
      const Difference together = differenceOf(a[i], b[i], limits, ErrorScale::Tensor);
      const bool worse = std::pair(alone.worst, together.worst) > std::pair(layer.local.worst, layer.accumulated.worst);
      if (!first && !worse) continue;
      first = false;
      layer.local = alone;
      layer.accumulated = together;
      layer.value = m_graph.value(node.outputs[i]).name;
      layer.desc = a[i].desc();
    }
  }

  const BoundGraph& m_bound;
  const Graph& m_graph;
  const std::vector<Device*>& m_devicesA;
  const std::vector<Device*>& m_devicesB;
  Device& m_host;
  const ParityOptions& m_options;
  Values m_a, m_b;
  std::map<ValueId, std::size_t> m_readers; ///< uses still to come
  ParityResult m_result;
};

} // namespace

Result<ParityResult> compareLayers(const BoundGraph& bound, std::span<const Tensor> inputs,
                                   const std::vector<Device*>& devicesA, const std::vector<Device*>& devicesB,
                                   Device& host, const ParityOptions& options) {
  return Comparison(bound, devicesA, devicesB, host, options).run(inputs);
}

} // namespace tandem
