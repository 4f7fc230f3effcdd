// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/gallery/gallery.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/passes/pass_runner.hpp"
#include "tests/devices/cpu_support.hpp"

#include <gtest/gtest.h>

namespace tandem {
namespace {

using namespace test;

/// A sample with its batch set, before and after the passes.
Graph sampleOfBatch(const std::string& name, std::int64_t batch, bool rewritten) {
  auto built = buildSample(name);
  EXPECT_TRUE(built.ok());
  Graph graph = std::move(*built);
  InferOptions infer;
  for (ValueId id : graph.inputs()) {
    Shape shape = graph.value(id).desc.shape;
    shape[0] = batch;
    infer.inputShapes[graph.value(id).name] = shape;
  }
  EXPECT_TRUE(inferShapes(graph, infer).ok());
  if (rewritten) {
    resetOrigins(graph);
    EXPECT_TRUE(runPasses(graph, {}).ok());
    EXPECT_TRUE(inferShapes(graph, infer).ok());
  }
  return graph;
}

TEST(CpuModels, SamplesGiveWhatTheReferenceGives) {
  const auto devices = makeCpuDevices({});
  for (const char* name : {"mnist", "tiny_resnet"}) {
    for (std::int64_t batch : {1, 3}) {
      SCOPED_TRACE(std::string(name) + " batch " + std::to_string(batch));
      const Graph original = sampleOfBatch(name, batch, false);
      const std::vector<Tensor> inputs = randomInputs(original, 11);
      const std::vector<Tensor> expected = runReference(original, inputs);
      for (bool rewritten : {false, true}) {
        const Graph graph = sampleOfBatch(name, batch, rewritten);
        for (bool compiled : {false, true}) {
          const std::vector<Tensor> actual = runOn(*devices[0], graph, inputs, {compiled, 1});
          ASSERT_EQ(actual.size(), expected.size());
          for (std::size_t i = 0; i < actual.size(); ++i) expectNear(actual[i], expected[i], 1e-3, "output");
        }
      }
    }
  }
}

TEST(CpuModels, FusedSamplesRunWithoutReferenceKernels) {
  const auto devices = makeCpuDevices({});
  for (const char* name : {"mnist", "tiny_resnet", "squeezenet", "mobilenet_v2"}) {
    const Graph graph = sampleOfBatch(name, 1, true);
    const auto program = compileWhole(*devices[0], graph);
    ASSERT_TRUE(program);
    for (const KernelInfo& kernel : program->kernels())
      EXPECT_FALSE(kernel.isReference) << name << ": " << graph.node(kernel.node).name;
  }
}

} // namespace
} // namespace tandem
