// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/onnx_reader.hpp"
#include "engine/formats/tensors/tensor_pb.hpp"
#include "tests/conformance/case_walker.hpp"
#include "tests/conformance/host_evaluator.hpp"
#include "tests/conformance/light_weights.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace tandem::conformance {
namespace {

TEST(LightWeights, AreThoseOfTheSpecification) {
  EXPECT_NEAR(lightNumber("input", 0), 0.097818315, 1e-9);
  EXPECT_NEAR(lightNumber("input", 1), 0.652360380, 1e-9);
  EXPECT_NEAR(lightNumber("input", 2), 0.203624249, 1e-9);
  EXPECT_NEAR(lightNumber("input", 3), 0.274444640, 1e-9);
}

class LightModel : public testing::TestWithParam<const char*> {};

/// The tensor before the final Softmax, or the output where there is none.
ValueId logitsOf(const Graph& graph) {
  const ValueId output = graph.outputs().front();
  const NodeId producer = graph.value(output).producer;
  if (!producer.valid() || graph.node(producer).type != "Softmax") return output;
  return graph.node(producer).inputs[0];
}

void expectClose(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(actual.elements(), expected.elements());
  const auto a = actual.as<float>(), e = expected.as<float>();
  double largest = 0, error = 0;
  for (std::size_t i = 0; i < e.size(); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(e[i])));
    error = std::max(error, std::fabs(static_cast<double>(a[i]) - static_cast<double>(e[i])));
  }
  EXPECT_LE(error, 1e-4 * largest);
  EXPECT_EQ(std::max_element(a.begin(), a.end()) - a.begin(), std::max_element(e.begin(), e.end()) - e.begin());
}

TEST_P(LightModel, GivesTheLogitsOfTheSeededWeights) {
  const auto root = findConformanceData();
  if (!root) GTEST_SKIP() << "no conformance data; set TANDEM_CONFORMANCE_DIR";
  const auto folder = *root / "operators" / "light" / GetParam();
  if (!std::filesystem::is_regular_file(folder / "model.onnx")) GTEST_SKIP() << folder << " is not there";
  auto model = readOnnx(folder / "model.onnx");
  ASSERT_TRUE(model.ok()) << model.error().line();
  Graph& graph = model->graph;
  ASSERT_TRUE(model->unsupportedOperators.empty()) << model->unsupportedOperators.front();
  ASSERT_GT(seedLightWeights(graph), 0u);
  const DataSet data = readDataSet(folder / "test_data_seeded");
  ASSERT_EQ(data.inputs.size(), 1u);
  auto input = readTensorPb(data.inputs[0]);
  ASSERT_TRUE(input.ok()) << input.error().line();
  Tensor logits;
  const ValueId wanted = logitsOf(graph);
  auto evaluation = evaluateGraph(graph, {*input}, [&](ValueId value, const Tensor& tensor) {
    if (value == wanted) logits = tensor;
  });
  ASSERT_TRUE(evaluation.ok()) << evaluation.error().line();
  EXPECT_THAT(evaluation->inferenceErrors, testing::IsEmpty());
  auto expected = readTensorPb(data.outputs.back()); // output_1 where there is a Softmax
  ASSERT_TRUE(expected.ok()) << expected.error().line();
  ASSERT_TRUE(logits.defined());
  expectClose(logits, *expected);
}

// VGG-19 (39 GFLOP) is left to the devices' tests.
INSTANTIATE_TEST_SUITE_P(Architectures, LightModel,
                         testing::Values("light_bvlc_alexnet", "light_densenet121", "light_resnet50",
                                         "light_shufflenet"),
                         [](const auto& model) { return std::string(model.param); });

} // namespace
} // namespace tandem::conformance
