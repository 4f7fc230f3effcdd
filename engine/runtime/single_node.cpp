// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/single_node.hpp"

#include <algorithm>
#include <cstring>

namespace tandem {
namespace {

bool sameElements(const Tensor& a, const Tensor& b) {
  return a.desc() == b.desc() && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

/// The node in a graph of its own. `feeds` receives the node's input number of every graph input.
Graph isolate(const Graph& graph, NodeId id, std::span<const Tensor> inputs, std::vector<std::size_t>& feeds) {
  const Node& node = graph.node(id);
  Graph alone;
  alone.name = graph.name;
  alone.opset = graph.opset;
  std::map<ValueId, ValueId> added;
  Node copy = node;
  copy.origins.clear();
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!node.inputs[i].valid()) continue;
    const Value& value = graph.value(node.inputs[i]);
    auto [it, isNew] = added.try_emplace(node.inputs[i]);
    if (isNew && value.isConstant()) {
      it->second = alone.addConstant(value.name, value.constant);
    } else if (isNew) {
      it->second = alone.addInput(value.name, inputs[i].desc());
      feeds.push_back(i);
    }
    copy.inputs[i] = it->second;
  }
  for (ValueId& output : copy.outputs) {
    if (!output.valid()) continue;
    Value value;
    value.name = graph.value(output).name;
    value.desc.type = graph.value(output).desc.type;
    output = alone.addValue(std::move(value));
    alone.addOutput(output);
  }
  alone.addNode(std::move(copy));
  return alone;
}

} // namespace

Result<std::unique_ptr<SingleNode>> SingleNode::compile(const Graph& graph, NodeId id, std::span<const Tensor> inputs,
                                                        Device& device, Device& host, const CancelToken& cancel) {
  auto single = std::make_unique<SingleNode>();
  std::vector<std::size_t> feeds;
  const Graph alone = isolate(graph, id, inputs, feeds);
  std::vector<Tensor> given;
  for (std::size_t index : feeds) given.push_back(inputs[index]);
  BoundGraph bound = TANDEM_TRY(bindTensors(alone, given));
  for (std::size_t i = 0; i < feeds.size(); ++i) {
    const bool known = bound.known.contains(alone.inputs()[i]);
    single->m_feeds.push_back({feeds[i], known, known ? given[i].clone() : Tensor::wrap(given[i].desc(), nullptr, {})});
  }
  const Node& node = graph.node(id);
  single->m_outputCount = node.outputs.size();
  for (std::size_t i = 0; i < node.outputs.size(); ++i)
    if (node.outputs[i].valid()) single->m_outputs.push_back(i);

  single->m_device = device.supports(withKnownShapeInputs(bound), NodeId(0)).ok() ? &device : &host;
  CompileOptions options;
  options.compiled = false;
  options.cancel = cancel;
  auto executable = TANDEM_TRY(Executable::compile(std::move(bound), {single->m_device}, host, options));
  const std::vector<KernelUse> kernels = executable->kernels();
  single->m_kernel = kernels.empty() ? "folded" : kernels.front().kernel;
  if (!kernels.empty()) single->m_device = kernels.front().device;
  single->m_slot = TANDEM_TRY(executable->createSlot());
  single->m_slot->attachCurrentThread();
  return single;
}

bool SingleNode::fits(std::span<const Tensor> inputs) const {
  return std::all_of(m_feeds.begin(), m_feeds.end(), [&](const Feed& feed) {
    const Tensor& given = inputs[feed.nodeInput];
    return feed.bound ? sameElements(given, feed.sample) : given.desc() == feed.sample.desc();
  });
}

Result<std::vector<Tensor>> SingleNode::run(std::span<const Tensor> inputs, const CancelToken& cancel) {
  TANDEM_ASSERT(fits(inputs));
  std::vector<Tensor> given;
  for (const Feed& feed : m_feeds) given.push_back(inputs[feed.nodeInput]);
  TANDEM_TRY(m_slot->setInputs(given));
  TANDEM_TRY(m_slot->run(cancel));
  std::vector<Tensor> outputs(m_outputCount);
  for (std::size_t i = 0; i < m_outputs.size(); ++i)
    if (m_slot->output(i).defined()) outputs[m_outputs[i]] = m_slot->output(i).clone();
  return outputs;
}

} // namespace tandem
