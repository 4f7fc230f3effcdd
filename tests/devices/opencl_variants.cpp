// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/devices/opencl_variants.hpp"

#include "engine/devices/opencl/opencl_device.hpp"
#include "engine/devices/opencl/opencl_program.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::test {
namespace {

/// Takes the `round`-th variant of every choice, the last where there are fewer.
class RoundPolicy final : public opencl::ChoicePolicy {
 public:
  std::size_t pick(std::string_view key, std::span<const std::string> variants) override {
    EXPECT_FALSE(key.empty());
    EXPECT_EQ(std::set<std::string>(variants.begin(), variants.end()).size(), variants.size()) << key;
    most = std::max(most, variants.size());
    const std::size_t picked = std::min(round, variants.size() - 1);
    names.insert(variants[picked]);
    return picked;
  }
  std::size_t round = 0;
  std::size_t most = 1;
  std::set<std::string> names;
};

double greatest(const Tensor& tensor) {
  double result = 0;
  for (std::int64_t i = 0; i < tensor.elements(); ++i) result = std::max(result, std::abs(tensor.asDouble(i)));
  return result;
}

} // namespace

std::set<std::string> expectEveryVariantSameAsReference(GraphBuilder& builder, Precision precision, double absolute) {
  constexpr double kRelative = 1e-3;
  RoundPolicy policy;
  ProgramOptions options;
  options.precision = precision;
  const auto inferred = inferShapes(builder.graph);
  EXPECT_TRUE(inferred.ok());
  if (!inferred.ok()) return {};
  const std::map<ValueId, Tensor> expected = referenceValues(builder.graph, builder.feeds);
  for (OpenClKernels kernels : {OpenClKernels::Cpu, OpenClKernels::Gpu}) {
    for (const auto& each : openClDevices(kernels)) {
      auto* device = dynamic_cast<opencl::OpenClDevice*>(each.get());
      EXPECT_NE(device, nullptr);
      if (!device) continue;
      const auto context = device->usableContext();
      EXPECT_TRUE(context.ok()) << device->id();
      if (!context.ok()) continue;
      policy.most = 1;
      for (policy.round = 0; policy.round < policy.most; ++policy.round) {
        const std::string what = device->info().id + (kernels == OpenClKernels::Cpu ? " cpu" : " gpu") +
                                 " kernels, variant " + std::to_string(policy.round);
        auto program = opencl::OpenClProgram::create(*device, *context, wholeGraph(builder.graph), options, policy);
        EXPECT_TRUE(program.ok()) << what << ": " << (program.ok() ? "" : program.error().line());
        if (!program.ok()) return policy.names;
        auto run = DeviceRun::create(*device, builder.graph, builder.feeds, *program);
        EXPECT_TRUE(run.ok()) << what << ": " << (run.ok() ? "" : run.error().line());
        if (!run.ok()) return policy.names;
        const auto outputs = run->run();
        EXPECT_TRUE(outputs.ok()) << what << ": " << (outputs.ok() ? "" : outputs.error().line());
        if (!outputs.ok()) return policy.names;
        std::string ran;
        for (const KernelInfo& kernel : run->program().kernels()) ran += " / " + kernel.kernel;
        for (std::size_t i = 0; i < outputs->size(); ++i) {
          const Tensor& reference = expected.at(builder.graph.outputs()[i]);
          expectClose((*outputs)[i], reference, absolute * greatest(reference), kRelative, what + ran);
        }
      }
    }
  }
  return policy.names;
}

} // namespace tandem::test
