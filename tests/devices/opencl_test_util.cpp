// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/opencl_test_util.hpp"

#include <cmath>

namespace tandem::test {

const std::vector<std::unique_ptr<Device>>& openClDevices(OpenClKernels kernels) {
  static std::map<OpenClKernels, OpenClEnumeration> cache;
  auto found = cache.find(kernels);
  if (found == cache.end()) {
    OpenClOptions options;
    options.kernels = kernels;
    found = cache.emplace(kernels, enumerateOpenCl(options)).first;
  }
  return found->second.devices;
}

Tensor randomTensor(const Shape& shape, std::uint32_t seed, float low, float high) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> distribution(low, high);
  Tensor tensor = Tensor::uninitialized({DataType::Float32, shape});
  for (float& value : tensor.mutableAs<float>()) value = distribution(generator);
  return tensor;
}

Attributes attributes(std::initializer_list<std::pair<std::string, Attribute>> entries) {
  Attributes result;
  for (const auto& [name, value] : entries) result.set(name, value);
  return result;
}

ValueId GraphBuilder::input(std::string name, Tensor tensor) {
  const ValueId id = graph.addInput(std::move(name), tensor.desc());
  feeds.emplace(id, std::move(tensor));
  return id;
}

ValueId GraphBuilder::add(std::string type, std::vector<ValueId> inputs, Attributes nodeAttributes, std::string domain,
                          int version) {
  Node node;
  const OpDef* def = findOp(domain, type);
  EXPECT_NE(def, nullptr) << type;
  node.name = type + "_" + std::to_string(graph.nodes().size());
  node.version = version != 0 ? version : def ? versionFor(*def, domain.empty() ? graph.opset : 1) : 1;
  node.type = std::move(type);
  node.domain = std::move(domain);
  node.inputs = std::move(inputs);
  node.attributes = std::move(nodeAttributes);
  const ValueId out = graph.addValue({});
  node.outputs = {out};
  const NodeId id = graph.addNode(std::move(node));
  graph.node(id).origins = {id};
  return out;
}

std::vector<ValueId> GraphBuilder::addMany(std::string type, std::vector<ValueId> inputs, std::size_t outputs,
                                           Attributes nodeAttributes, int version) {
  Node node;
  const OpDef* def = findOp("", type);
  EXPECT_NE(def, nullptr) << type;
  node.name = type + "_" + std::to_string(graph.nodes().size());
  node.version = version != 0 ? version : versionFor(*def, graph.opset);
  node.type = std::move(type);
  node.inputs = std::move(inputs);
  node.attributes = std::move(nodeAttributes);
  for (std::size_t i = 0; i < outputs; ++i) node.outputs.push_back(graph.addValue({}));
  const std::vector<ValueId> result = node.outputs;
  graph.addNode(std::move(node));
  return result;
}

std::map<ValueId, Tensor> referenceValues(const Graph& graph, const std::map<ValueId, Tensor>& feeds) {
  std::map<ValueId, Tensor> values = feeds;
  for (NodeId id : topologicalOrder(graph)) {
    const Node& node = graph.node(id);
    std::vector<Tensor> inputs;
    for (ValueId value : node.inputs) {
      if (!value.valid())
        inputs.emplace_back();
      else if (graph.value(value).isConstant())
        inputs.push_back(graph.value(value).constant);
      else
        inputs.push_back(values.at(value));
    }
    auto outputs = evaluate(node, inputs);
    EXPECT_TRUE(outputs.ok()) << node.name << ": " << (outputs.ok() ? "" : outputs.error().line());
    if (!outputs.ok()) return values;
    for (std::size_t i = 0; i < node.outputs.size() && i < outputs->size(); ++i)
      if (node.outputs[i].valid()) values[node.outputs[i]] = (*outputs)[i];
  }
  return values;
}

Segment wholeGraph(const Graph& graph) {
  Segment segment;
  segment.graph = &graph;
  segment.nodes = topologicalOrder(graph);
  segment.inputs = graph.inputs();
  segment.outputs = graph.outputs();
  return segment;
}

Result<DeviceRun> DeviceRun::create(Device& device, const Graph& graph, const std::map<ValueId, Tensor>& feeds,
                                    bool compiled, Precision precision) {
  ProgramOptions options;
  options.precision = precision;
  options.compiled = compiled;
  return create(device, graph, feeds, TANDEM_TRY(device.compile(wholeGraph(graph), options)));
}

Result<DeviceRun> DeviceRun::create(Device& device, const Graph& graph, const std::map<ValueId, Tensor>& feeds,
                                    std::shared_ptr<const Program> program) {
  DeviceRun run;
  run.m_graph = &graph;
  run.m_program = std::move(program);
  std::vector<Buffer*> inputs, outputs;
  for (ValueId id : graph.inputs()) {
    run.m_feeds.push_back(feeds.at(id));
    run.m_inputs.push_back(TANDEM_TRY(device.allocate(run.m_feeds.back().bytes())));
    inputs.push_back(run.m_inputs.back().get());
  }
  for (ValueId id : graph.outputs()) {
    run.m_outputs.push_back(TANDEM_TRY(device.allocate(static_cast<std::size_t>(graph.value(id).desc.bytes()))));
    outputs.push_back(run.m_outputs.back().get());
  }
  run.m_instance = TANDEM_TRY(run.m_program->instantiate(inputs, outputs));
  run.m_stream = TANDEM_TRY(device.createStream({}));
  return run;
}

Result<std::vector<Tensor>> DeviceRun::run() {
  for (std::size_t i = 0; i < m_inputs.size(); ++i)
    TANDEM_TRY(m_stream->write(*m_inputs[i], m_feeds[i].data(), m_feeds[i].bytes()));
  TANDEM_TRY(m_instance->run(*m_stream));
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < m_outputs.size(); ++i) {
    results.push_back(Tensor::uninitialized(m_graph->value(m_graph->outputs()[i]).desc));
    TANDEM_TRY(m_stream->read(*m_outputs[i], results.back().mutableData(), results.back().bytes()));
  }
  TANDEM_TRY(m_stream->finish());
  return results;
}

void expectClose(const Tensor& actual, const Tensor& expected, double absolute, double relative,
                 const std::string& what) {
  ASSERT_EQ(actual.desc(), expected.desc()) << what;
  int shown = 0;
  for (std::int64_t i = 0; i < expected.elements() && shown < 3; ++i) {
    const double a = actual.asDouble(i), e = expected.asDouble(i);
    if (std::isnan(a) && std::isnan(e)) continue;
    if (a == e) continue;
    if (std::abs(a - e) <= absolute + relative * std::abs(e)) continue;
    ADD_FAILURE() << what << ": element " << i << " of " << expected.desc().toString() << " is " << a << ", expected "
                  << e;
    ++shown;
  }
}

void expectSameAsReference(GraphBuilder& builder, double absolute, double relative) {
  const auto inferred = inferShapes(builder.graph);
  ASSERT_TRUE(inferred.ok()) << inferred.error().line();
  const std::map<ValueId, Tensor> expected = referenceValues(builder.graph, builder.feeds);
  bool any = false;
  for (OpenClKernels kernels : {OpenClKernels::Cpu, OpenClKernels::Gpu}) {
    for (const auto& device : openClDevices(kernels)) {
      any = true;
      for (bool compiled : {true, false}) {
        const std::string what = device->id() + (kernels == OpenClKernels::Cpu ? " cpu kernels" : " gpu kernels") +
                                 (compiled ? " compiled" : " eager");
        for (NodeId id : topologicalOrder(builder.graph)) {
          const Support support = device->supports(builder.graph, id);
          EXPECT_TRUE(support.ok()) << builder.graph.node(id).name << ": " << support.detail;
        }
        auto run = DeviceRun::create(*device, builder.graph, builder.feeds, compiled);
        ASSERT_TRUE(run.ok()) << what << ": " << run.error().line();
        for (int repeat = 0; repeat < 2; ++repeat) {
          const auto outputs = run->run();
          ASSERT_TRUE(outputs.ok()) << what << ": " << outputs.error().line();
          for (std::size_t i = 0; i < outputs->size(); ++i)
            expectClose((*outputs)[i], expected.at(builder.graph.outputs()[i]), absolute, relative, what);
        }
      }
    }
  }
  if (!any) GTEST_SKIP() << "no OpenCL platform on this machine";
}

} // namespace tandem::test
