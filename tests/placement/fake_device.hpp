// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device_registry.hpp"

#include <functional>

namespace tandem::test {

/// A device that only answers supports(): enough for placement, which never runs anything.
class FakeDevice final : public Device {
 public:
  using Supports = std::function<Support(const Graph&, const Node&)>;
  FakeDevice(std::string id, DeviceKind kind, Supports supports, std::int64_t memoryBytes = 0)
      : m_supports(std::move(supports)) {
    m_info.id = std::move(id);
    m_info.kind = kind;
    m_info.memoryBytes = memoryBytes;
  }
  const DeviceInfo& info() const override { return m_info; }
  Support supports(const Graph& graph, NodeId node) const override {
    return m_supports ? m_supports(graph, graph.node(node)) : Support::yes();
  }
  Result<std::unique_ptr<Buffer>> allocate(std::size_t) override { return refuse(); }
  Result<std::unique_ptr<Stream>> createStream(const StreamOptions&) override { return refuse(); }
  Result<std::shared_ptr<const Program>> compile(const Segment&, const ProgramOptions&) override { return refuse(); }
  Result<ProbeResult> probe(const CancelToken&) override { return refuse(); }

 private:
  static Error refuse() { return makeError(ErrorCode::Unsupported, "a fake device cannot run anything"); }
  DeviceInfo m_info;
  Supports m_supports;
};

inline Support supportsAll(const Graph&, const Node&) { return Support::yes(); }

/// CPU:0, which supports everything, and GPU:0, which is what the test says.
inline DeviceRegistry cpuAndGpu(FakeDevice::Supports gpu = supportsAll, std::int64_t gpuMemory = 0) {
  DeviceRegistry registry;
  registry.add(std::make_unique<FakeDevice>("CPU:0", DeviceKind::NativeCpu, supportsAll));
  registry.add(std::make_unique<FakeDevice>("GPU:0", DeviceKind::OpenClGpu, std::move(gpu), gpuMemory));
  return registry;
}

/// Adds a node with the given inputs and one output of that desc; returns the output.
inline ValueId addOp(Graph& graph, const std::string& type, const std::string& name, std::vector<ValueId> inputs,
                     TensorDesc desc, bool rankKnown = true, const std::string& scope = {}) {
  Value value;
  value.name = name + "_out";
  value.desc = std::move(desc);
  value.rankKnown = rankKnown;
  const ValueId output = graph.addValue(std::move(value));
  Node node;
  node.name = name;
  node.type = type;
  node.scope = scope;
  node.inputs = std::move(inputs);
  node.outputs = {output};
  graph.addNode(std::move(node));
  return output;
}

/// x -> relu_0 -> ... -> relu_{n-1}; every tensor has `elements` floats.
inline Graph reluChain(int count, std::int64_t elements = 256) {
  Graph graph;
  const TensorDesc desc{DataType::Float32, Shape{elements}};
  ValueId last = graph.addInput("x", desc);
  for (int i = 0; i < count; ++i) last = addOp(graph, "Relu", "relu_" + std::to_string(i), {last}, desc);
  graph.addOutput(last);
  return graph;
}

} // namespace tandem::test
