// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/single_node.hpp"

#include "engine/runtime/isolate_node.hpp"

#include <algorithm>
#include <cstring>

namespace tandem {
namespace {

bool sameElements(const Tensor& a, const Tensor& b) {
  return a.desc() == b.desc() && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

} // namespace

Result<std::unique_ptr<SingleNode>> SingleNode::compile(const Graph& graph, NodeId id, std::span<const Tensor> inputs,
                                                        Device& device, Device& host, const CancelToken& cancel,
                                                        int threads, Precision precision) {
  auto single = std::make_unique<SingleNode>();
  const auto [alone, feeds] = isolateNode(graph, id, inputs);
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
  options.threads = threads;
  if (single->m_device->info().halfWeights) options.precision = precision;
  auto executable = TANDEM_TRY(Executable::compile(std::move(bound), {single->m_device}, host, options));
  const std::vector<KernelUse> kernels = executable->kernels();
  single->m_kernel = kernels.empty() ? "folded" : kernels.front().kernel;
  if (!kernels.empty()) {
    single->m_device = kernels.front().device;
    single->m_isReference = kernels.front().isReference;
  }
  single->m_slot = TANDEM_TRY(executable->createSlot());
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

Result<std::vector<Tensor>> computeConstant(const Graph& graph, NodeId id, std::span<const Tensor> inputs, Device& host,
                                            const CancelToken& cancel) {
  // As graph inputs, so that nobody tries to fold the node again.
  const IsolatedNode alone = isolateNode(graph, id, inputs, false);
  const auto single = TANDEM_TRY(SingleNode::compile(alone.graph, NodeId(0), inputs, host, host, cancel, 1));
  if (single->isReference()) return makeError(ErrorCode::Unsupported, "there is no fast kernel", graph.node(id).name);
  return single->run(inputs, cancel);
}

} // namespace tandem
