// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/models/model_reader.hpp"
#include "engine/formats/tensors/npz.hpp"
#include "tests/conformance/host_evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <gmock/gmock.h>

// The models of data/, which Keras 2 and 3 wrote together with their own outputs (make_fixtures.py).
namespace tandem {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const fs::path kFolder = fs::path(TANDEM_SOURCE_DIR) / "tests/formats/keras/data";

std::vector<fs::path> modelFiles() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kFolder))
    if (entry.path().extension() != ".npz") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// The arrays in0, in1, ... or out0, out1, ...
std::vector<Tensor> arrays(const std::vector<NamedTensor>& all, const std::string& prefix) {
  std::vector<Tensor> found;
  for (std::size_t i = 0;; ++i) {
    const auto it = std::find_if(all.begin(), all.end(),
                                 [&](const NamedTensor& each) { return each.name == prefix + std::to_string(i); });
    if (it == all.end()) return found;
    found.push_back(it->tensor);
  }
}

void expectClose(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(actual.shape(), expected.shape());
  for (std::int64_t i = 0; i < expected.elements(); ++i) {
    const double want = expected.asDouble(i);
    ASSERT_NEAR(actual.asDouble(i), want, 1e-5 + 1e-3 * std::abs(want)) << "element " << i;
  }
}

class KerasModels : public ::testing::TestWithParam<fs::path> {};

TEST_P(KerasModels, GiveTheOutputsOfKeras) {
  const auto model = readModel(GetParam());
  ASSERT_TRUE(model.ok()) << model.error().line();
  EXPECT_THAT(model->producer, HasSubstr("keras " + GetParam().filename().string().substr(1, 1)));
  EXPECT_TRUE(model->warnings.empty()) << model->warnings.front();
  fs::path data = GetParam();
  const auto tensors = readNpz(data.replace_extension(".npz"));
  ASSERT_TRUE(tensors.ok()) << tensors.error().line();
  const auto result = conformance::evaluateGraph(model->graph, arrays(*tensors, "in"));
  ASSERT_TRUE(result.ok()) << result.error().line();
  EXPECT_THAT(result->inferenceErrors, ::testing::IsEmpty());
  const std::vector<Tensor> expected = arrays(*tensors, "out");
  ASSERT_EQ(result->outputs.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) expectClose(result->outputs[i], expected[i]);
}

INSTANTIATE_TEST_SUITE_P(Data, KerasModels, ::testing::ValuesIn(modelFiles()), [](const auto& file) {
  std::string name = file.param.filename().string();
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

TEST(KerasGraph, HasOneTransposeForAConvolutionalNetworkInChannelsLast) {
  const auto model = readModel(kFolder / "k3_squeeze_excite.keras");
  ASSERT_TRUE(model.ok()) << model.error().line();
  const auto& nodes = model->graph.nodes();
  // One at the beginning, one for Flatten, which wants Keras's order.
  EXPECT_EQ(std::count_if(nodes.begin(), nodes.end(), [](const Node& node) { return node.type == "Transpose"; }), 2);
}

TEST(KerasGraph, KeepsTheNamesOfLayersInputsAndOutputs) {
  const auto model = readModel(kFolder / "k3_outputs_on_the_way.h5");
  ASSERT_TRUE(model.ok()) << model.error().line();
  const Graph& graph = model->graph;
  EXPECT_EQ(graph.value(graph.inputs()[0]).name, "picture");
  EXPECT_EQ(graph.value(graph.inputs()[0]).desc.shape, (Shape{kUnknownDim, 8, 8, 3}));
  EXPECT_EQ(graph.value(graph.outputs()[0]).name, "features");
  EXPECT_EQ(graph.value(graph.outputs()[1]).name, "best");
  const auto conv =
      std::find_if(graph.nodes().begin(), graph.nodes().end(), [](const Node& n) { return n.type == "Conv"; });
  ASSERT_NE(conv, graph.nodes().end());
  EXPECT_EQ(conv->name, "features/Conv");
  EXPECT_EQ(conv->scope, "features");
  EXPECT_EQ(graph.value(conv->inputs[1]).name, "features/kernel");
}

} // namespace
} // namespace tandem
