// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"

namespace tandem::test {

/// Builds small graphs with random data from a fixed seed.
class GraphMaker {
 public:
  explicit GraphMaker(unsigned seed = 1) : m_seed(seed) {}
  ValueId input(Shape shape, DataType type = DataType::Float32);
  ValueId weights(Shape shape, float scale = 0.2f);
  ValueId constant(Tensor tensor);
  /// Adds a node with `outputs` outputs and returns the first; versions are the newest the operator has.
  ValueId node(std::string type, std::vector<ValueId> inputs, Attributes attributes = {}, std::size_t outputs = 1,
               std::string domain = {});
  ValueId output(std::size_t index) const;   ///< output `index` of the node added last
  void finish(std::vector<ValueId> outputs); ///< infers shapes; the test fails where that fails
  Graph graph;

 private:
  unsigned m_seed;
};

Attributes attributes(std::initializer_list<std::pair<std::string, Attribute>> entries);
Tensor randomTensor(const TensorDesc& desc, unsigned seed, float scale = 1);
/// The whole range of an 8 bit type.
Tensor randomBytes(DataType type, Shape shape, unsigned seed);

struct RunOptions {
  bool compiled = true;
  int threads = 1;
};

/// The graph's outputs as the reference kernels compute them, node after node.
std::vector<Tensor> runReference(const Graph& graph, const std::vector<Tensor>& inputs);
/// The same on a device; the whole graph is one segment.
std::vector<Tensor> runOn(Device& device, const Graph& graph, const std::vector<Tensor>& inputs,
                          const RunOptions& options = {});
std::shared_ptr<const Program> compileWhole(Device& device, const Graph& graph, const RunOptions& options = {});
std::vector<Tensor> randomInputs(const Graph& graph, unsigned seed);

/// A program with its buffers and an instance, ready to run.
struct Bound {
  std::vector<std::unique_ptr<Buffer>> inputs;
  std::vector<std::unique_ptr<Buffer>> outputs;
  std::unique_ptr<Instance> instance;
};
Bound bindBuffers(Device& device, const Graph& graph, const Program& program, const std::vector<Tensor>& inputs);
std::vector<Tensor> results(const Graph& graph, const Bound& bound);

void expectNear(const Tensor& actual, const Tensor& expected, double tolerance, const std::string& what);
/// Runs the graph compiled and eager on one core and expects what the reference kernels give. The first node's kernel
/// is returned, so that a test can ask whether a fast one was taken.
std::string expectLikeReference(const Graph& graph, double tolerance = 1e-4, unsigned seed = 7);

} // namespace tandem::test
