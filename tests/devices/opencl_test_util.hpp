// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/opencl_devices.hpp"
#include "engine/ops/shape_inference.hpp"

#include <gtest/gtest.h>
#include <map>
#include <random>

namespace tandem::test {

/// OpenCL devices with one family of kernels, enumerated once per process.
const std::vector<std::unique_ptr<Device>>& openClDevices(OpenClKernels kernels);

/// Random float32 elements in [low, high).
Tensor randomTensor(const Shape& shape, std::uint32_t seed, float low = -1.0f, float high = 1.0f);

/// Builds graphs of a few nodes.
class GraphBuilder {
 public:
  GraphBuilder() { graph.opset = 21; }
  ValueId input(std::string name, Tensor tensor);
  ValueId constant(Tensor tensor) { return graph.addConstant("", std::move(tensor)); }
  /// `version` 0: the newest.
  ValueId add(std::string type, std::vector<ValueId> inputs, Attributes attributes = {}, std::string domain = {},
              int version = 0);
  std::vector<ValueId> addMany(std::string type, std::vector<ValueId> inputs, std::size_t outputs,
                               Attributes attributes = {}, int version = 0);
  void output(ValueId value) { graph.addOutput(value); }

  Graph graph;
  std::map<ValueId, Tensor> feeds;
};

Attributes attributes(std::initializer_list<std::pair<std::string, Attribute>> entries);

/// Every value of the graph, computed with the reference kernels.
std::map<ValueId, Tensor> referenceValues(const Graph& graph, const std::map<ValueId, Tensor>& feeds);

/// A compiled graph with its own buffers and stream.
class DeviceRun {
 public:
  static Result<DeviceRun> create(Device& device, const Graph& graph, const std::map<ValueId, Tensor>& feeds,
                                  bool compiled = true, Precision precision = Precision::Model);
  static Result<DeviceRun> create(Device& device, const Graph& graph, const std::map<ValueId, Tensor>& feeds,
                                  std::shared_ptr<const Program> program);
  Result<std::vector<Tensor>> run();
  Stream& stream() { return *m_stream; }
  Instance& instance() { return *m_instance; }
  const Program& program() const { return *m_program; }
  std::shared_ptr<const Program> sharedProgram() const { return m_program; }

 private:
  const Graph* m_graph = nullptr;
  std::vector<Tensor> m_feeds;
  std::shared_ptr<const Program> m_program;
  std::vector<std::unique_ptr<Buffer>> m_inputs, m_outputs;
  std::unique_ptr<Instance> m_instance;
  std::unique_ptr<Stream> m_stream;
};

Segment wholeGraph(const Graph& graph);

/// Runs the graph on every OpenCL device with both kernel families, compiled and eager, and compares each output with
/// the reference. `expectSupport`: every node must be supported.
void expectSameAsReference(GraphBuilder& builder, double absolute = 2e-5, double relative = 1e-4);

/// Compares element by element; NaN equals NaN.
void expectClose(const Tensor& actual, const Tensor& expected, double absolute, double relative,
                 const std::string& what);

} // namespace tandem::test
