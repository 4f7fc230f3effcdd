// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/cpu_support.hpp"

#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/tensor/visit.hpp"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>

namespace tandem::test {

Attributes attributes(std::initializer_list<std::pair<std::string, Attribute>> entries) {
  Attributes result;
  for (const auto& [name, value] : entries) result.set(name, value);
  return result;
}

Tensor randomTensor(const TensorDesc& desc, unsigned seed, float scale) {
  Tensor tensor = Tensor::uninitialized(desc);
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> floats(-scale, scale);
  std::uniform_int_distribution<int> ints(0, 3);
  visitType(desc.type, [&]<class T>(TypeTag<T>) {
    for (T& element : tensor.mutableAs<T>()) {
      if constexpr (std::is_integral_v<T>)
        element = static_cast<T>(ints(engine));
      else
        element = static_cast<T>(floats(engine));
    }
  });
  return tensor;
}

Tensor randomBytes(DataType type, Shape shape, unsigned seed) {
  Tensor tensor = Tensor::uninitialized({type, std::move(shape)});
  std::mt19937 engine(seed);
  for (std::size_t i = 0; i < tensor.bytes(); ++i)
    static_cast<std::uint8_t*>(tensor.mutableData())[i] = static_cast<std::uint8_t>(engine() & 255u);
  return tensor;
}

ValueId GraphMaker::input(Shape shape, DataType type) {
  return graph.addInput("input" + std::to_string(graph.inputs().size()), {type, std::move(shape)});
}
ValueId GraphMaker::weights(Shape shape, float scale) {
  return constant(randomTensor({DataType::Float32, std::move(shape)}, m_seed++, scale));
}
ValueId GraphMaker::constant(Tensor tensor) { return graph.addConstant({}, std::move(tensor)); }

ValueId GraphMaker::node(std::string type, std::vector<ValueId> inputs, Attributes nodeAttributes, std::size_t outputs,
                         std::string domain) {
  Node node;
  node.name = type + std::to_string(graph.nodes().size());
  const OpDef* def = findOp(domain, type);
  if (!def) {
    ADD_FAILURE() << "no operator " << type;
    return {};
  }
  node.version = versionFor(*def, 255);
  node.type = std::move(type);
  node.domain = std::move(domain);
  node.inputs = std::move(inputs);
  node.attributes = std::move(nodeAttributes);
  for (std::size_t i = 0; i < outputs; ++i) node.outputs.push_back(graph.addValue({}));
  const ValueId first = node.outputs.front();
  graph.addNode(std::move(node));
  return first;
}

ValueId GraphMaker::output(std::size_t index) const { return graph.nodes().back().outputs[index]; }

void GraphMaker::finish(std::vector<ValueId> outputs) {
  for (ValueId output : outputs) graph.addOutput(output);
  auto inferred = inferShapes(graph);
  ASSERT_TRUE(inferred.ok()) << inferred.error().line();
}

std::vector<Tensor> randomInputs(const Graph& graph, unsigned seed) {
  std::vector<Tensor> inputs;
  for (ValueId id : graph.inputs()) inputs.push_back(randomTensor(graph.value(id).desc, seed++));
  return inputs;
}

std::vector<Tensor> runReference(const Graph& graph, const std::vector<Tensor>& inputs) {
  std::map<ValueId, Tensor> values;
  for (std::size_t i = 0; i < inputs.size(); ++i) values[graph.inputs()[i]] = inputs[i];
  auto tensorOf = [&](ValueId id) {
    if (!id.valid()) return Tensor();
    return graph.value(id).isConstant() ? graph.value(id).constant : values.at(id);
  };
  for (NodeId id : topologicalOrder(graph)) {
    const Node& node = graph.node(id);
    std::vector<Tensor> operands;
    for (ValueId input : node.inputs) operands.push_back(tensorOf(input));
    auto made = evaluate(node, operands);
    EXPECT_TRUE(made.ok()) << made.error().line();
    if (!made.ok()) return {};
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      if (node.outputs[i].valid()) values[node.outputs[i]] = (*made)[i];
  }
  std::vector<Tensor> outputs;
  for (ValueId id : graph.outputs()) outputs.push_back(tensorOf(id));
  return outputs;
}

std::shared_ptr<const Program> compileWhole(Device& device, const Graph& graph, const RunOptions& options) {
  Segment segment;
  segment.graph = &graph;
  segment.nodes = topologicalOrder(graph);
  segment.inputs = graph.inputs();
  segment.outputs = graph.outputs();
  ProgramOptions programOptions;
  programOptions.compiled = options.compiled;
  programOptions.threads = options.threads;
  auto program = device.compile(segment, programOptions);
  EXPECT_TRUE(program.ok()) << program.error().line();
  return program.ok() ? *program : nullptr;
}

Bound bindBuffers(Device& device, const Graph& graph, const Program& program, const std::vector<Tensor>& inputs) {
  Bound bound;
  std::vector<Buffer*> in, out;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    bound.inputs.push_back(std::move(device.allocate(inputs[i].bytes())).value());
    std::memcpy(bound.inputs.back()->hostData(), inputs[i].data(), inputs[i].bytes());
    in.push_back(bound.inputs.back().get());
  }
  for (ValueId id : graph.outputs()) {
    bound.outputs.push_back(std::move(device.allocate(static_cast<std::size_t>(graph.value(id).desc.bytes()))).value());
    out.push_back(bound.outputs.back().get());
  }
  auto instance = program.instantiate(in, out);
  EXPECT_TRUE(instance.ok()) << instance.error().line();
  if (instance.ok()) bound.instance = std::move(*instance);
  return bound;
}

std::vector<Tensor> results(const Graph& graph, const Bound& bound) {
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < bound.outputs.size(); ++i) {
    tensors.push_back(Tensor::uninitialized(graph.value(graph.outputs()[i]).desc));
    std::memcpy(tensors.back().mutableData(), bound.outputs[i]->hostData(), tensors.back().bytes());
  }
  return tensors;
}

std::vector<Tensor> runOn(Device& device, const Graph& graph, const std::vector<Tensor>& inputs,
                          const RunOptions& options) {
  const auto program = compileWhole(device, graph, options);
  if (!program) return {};
  Bound bound = bindBuffers(device, graph, *program, inputs);
  if (!bound.instance) return {};
  auto stream = std::move(device.createStream({options.threads})).value();
  // Twice: nothing may depend on what memory held before.
  for (int i = 0; i < 2; ++i) {
    auto done = bound.instance->run(*stream);
    EXPECT_TRUE(done.ok()) << done.error().line();
  }
  return results(graph, bound);
}

void expectNear(const Tensor& actual, const Tensor& expected, double tolerance, const std::string& what) {
  ASSERT_EQ(actual.desc(), expected.desc()) << what;
  for (std::int64_t i = 0; i < actual.elements(); ++i) {
    const double a = actual.asDouble(i), e = expected.asDouble(i);
    if (a == e || (std::isnan(a) && std::isnan(e))) continue;
    ASSERT_NEAR(a, e, tolerance * std::max(1.0, std::abs(e))) << what << ", element " << i;
  }
}

std::string expectLikeReference(const Graph& graph, double tolerance, unsigned seed) {
  static const auto devices = makeCpuDevices({CpuSet({CpuSet::available().cpus().front()})});
  Device& device = *devices.front();
  const std::vector<Tensor> inputs = randomInputs(graph, seed);
  const std::vector<Tensor> expected = runReference(graph, inputs);
  for (bool compiled : {true, false}) {
    const std::vector<Tensor> actual = runOn(device, graph, inputs, {compiled, 1});
    EXPECT_EQ(actual.size(), expected.size());
    if (actual.size() != expected.size()) return {};
    for (std::size_t i = 0; i < actual.size(); ++i)
      expectNear(actual[i], expected[i], tolerance,
                 std::string(compiled ? "compiled" : "eager") + " output " + std::to_string(i));
  }
  return compileWhole(device, graph)->kernels().front().kernel;
}

} // namespace tandem::test
