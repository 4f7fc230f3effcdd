// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/devices/cpu/kernels/recurrent_code.hpp"
#include "tests/devices/cpu_support.hpp"

#include <array>
#include <cmath>
#include <gmock/gmock.h>
#include <limits>

namespace tandem {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::StartsWith;

struct RecurrentCase {
  const char* type = "LSTM";
  std::int64_t steps = 5, batch = 1, input = 7, hidden = 20;
  const char* direction = "forward";
  std::int64_t layout = 0;
  bool bias = true, lengths = false, state = false, peepholes = false, constant = true;
  Attributes more = {};
};

std::int64_t gatesOf(const RecurrentCase& c) {
  return std::string_view(c.type) == "LSTM" ? 4 : std::string_view(c.type) == "GRU" ? 3 : 1;
}

/// One node with the inputs that the case asks for and every output its operator has.
GraphMaker makerOf(const RecurrentCase& c) {
  const bool isLstm = std::string_view(c.type) == "LSTM";
  const std::int64_t directions = std::string_view(c.direction) == "bidirectional" ? 2 : 1;
  const std::int64_t width = gatesOf(c) * c.hidden;
  GraphMaker maker;
  const auto weights = [&](Shape shape) { return c.constant ? maker.weights(shape) : maker.input(shape); };
  const Shape state = c.layout ? Shape{c.batch, directions, c.hidden} : Shape{directions, c.batch, c.hidden};
  std::vector<ValueId> inputs{
      maker.input(c.layout ? Shape{c.batch, c.steps, c.input} : Shape{c.steps, c.batch, c.input})};
  inputs.push_back(weights({directions, width, c.input}));
  inputs.push_back(weights({directions, width, c.hidden}));
  inputs.push_back(c.bias ? weights({directions, 2 * width}) : ValueId{});
  inputs.push_back(c.lengths ? maker.input({c.batch}, DataType::Int32) : ValueId{});
  inputs.push_back(c.state ? maker.input(state) : ValueId{});
  if (isLstm) {
    inputs.push_back(c.state ? maker.input(state) : ValueId{});
    inputs.push_back(c.peepholes ? weights({directions, 3 * c.hidden}) : ValueId{});
  }
  Attributes all = c.more;
  all.set("hidden_size", c.hidden);
  all.set("direction", std::string(c.direction));
  all.set("layout", c.layout);
  const ValueId first = maker.node(c.type, inputs, all, isLstm ? 3 : 2);
  std::vector<ValueId> outputs{first, maker.output(1)};
  if (isLstm) outputs.push_back(maker.output(2));
  maker.finish(outputs);
  return maker;
}

void expectFast(const RecurrentCase& c) {
  SCOPED_TRACE(std::string(c.type) + " " + c.direction + " layout " + std::to_string(c.layout) + " batch " +
               std::to_string(c.batch) + " hidden " + std::to_string(c.hidden));
  EXPECT_THAT(expectLikeReference(makerOf(c).graph, 1e-5), StartsWith("recurrent"));
}

TEST(CpuRecurrent, MatchesTheReferenceInEveryDirectionAndLayout) {
  for (const char* type : {"RNN", "GRU", "LSTM"})
    for (const char* direction : {"forward", "reverse", "bidirectional"})
      for (std::int64_t layout : {0, 1})
        for (bool optional : {false, true}) {
          RecurrentCase c{.type = type, .batch = 3, .direction = direction, .layout = layout, .bias = optional};
          c.lengths = c.state = c.peepholes = optional;
          c.constant = !optional;
          expectFast(c);
        }
}

TEST(CpuRecurrent, TakesAnyNumberOfRowsUnitsAndSteps) {
  for (const char* type : {"RNN", "GRU", "LSTM"})
    for (std::int64_t batch : {1, 2, 4, 5, 7, 9, 26})
      for (std::int64_t hidden : {1, 16, 33}) {
        expectFast({.type = type, .steps = 3, .batch = batch, .input = 1, .hidden = hidden, .state = true});
        expectFast({.type = type, .steps = 1, .batch = batch, .input = 19, .hidden = hidden, .bias = false});
      }
}

TEST(CpuRecurrent, KeepsItsPlaceInSequencesLongerThanAChunk) {
  for (const char* type : {"RNN", "GRU", "LSTM"})
    expectFast({.type = type, .steps = 700, .batch = 2, .hidden = 40, .direction = "bidirectional"});
}

TEST(CpuRecurrent, StopsEverySequenceAtItsLength) {
  for (const char* type : {"RNN", "GRU", "LSTM"})
    for (const char* direction : {"reverse", "bidirectional"})
      for (std::int64_t layout : {0, 1})
        expectFast({.type = type,
                    .steps = 4,
                    .batch = 17,
                    .direction = direction,
                    .layout = layout,
                    .lengths = true,
                    .state = true});
}

TEST(CpuRecurrent, ResetsBeforeOrAfterTheProduct) {
  for (std::int64_t after : {0, 1})
    for (bool constant : {true, false})
      expectFast({.type = "GRU",
                  .batch = 6,
                  .direction = "bidirectional",
                  .constant = constant,
                  .more = attributes({{"linear_before_reset", after}})});
}

TEST(CpuRecurrent, ClipsAndCouplesGates) {
  expectFast({.batch = 2, .state = true, .peepholes = true, .more = attributes({{"clip", 0.1f}})});
  expectFast({.batch = 2, .peepholes = true, .more = attributes({{"input_forget", std::int64_t{1}}})});
  expectFast({.type = "GRU", .batch = 2, .more = attributes({{"clip", 0.1f}})});
}

TEST(CpuRecurrent, AppliesEveryActivationButSoftplus) {
  using Names = std::vector<std::string>;
  const std::vector<float> alphas{0.3f, 0.4f, 0.7f}, betas{0.2f, 0.9f, 0.6f};
  for (const char* name : {"Affine", "Elu", "HardSigmoid", "LeakyRelu", "Relu", "ScaledTanh", "Sigmoid", "Softsign",
                           "Tanh", "ThresholdedRelu", "Softplus"}) {
    SCOPED_TRACE(name);
    RecurrentCase c{.steps = 3, .batch = 2, .state = true};
    c.more = attributes(
        {{"activations", Names{"HardSigmoid", name, name}}, {"activation_alpha", alphas}, {"activation_beta", betas}});
    const bool fast = std::string_view(name) != "Softplus";
    EXPECT_THAT(expectLikeReference(makerOf(c).graph, 1e-5), StartsWith(fast ? "recurrent" : "reference"));
  }
}

TEST(CpuRecurrent, GivesOnlyTheOutputsThatAreAskedFor) {
  for (std::size_t wanted : {0, 1, 2}) {
    GraphMaker maker;
    const ValueId x = maker.input({4, 2, 6});
    std::vector<ValueId> inputs{x, maker.weights({1, 40, 6}), maker.weights({1, 40, 10})};
    maker.node("LSTM", inputs, attributes({{"hidden_size", std::int64_t{10}}}), 3);
    Node& node = maker.graph.node(NodeId(0));
    const ValueId kept = node.outputs[wanted];
    for (std::size_t i = 0; i < 3; ++i)
      if (i != wanted) node.outputs[i] = {};
    maker.finish({kept});
    EXPECT_THAT(expectLikeReference(maker.graph), StartsWith("recurrent"));
  }
}

TEST(CpuRecurrent, GivesTheSameOnSeveralThreads) {
  const auto devices = makeCpuDevices({CpuSet::available()});
  for (const char* type : {"RNN", "GRU", "LSTM"})
    for (const char* direction : {"forward", "bidirectional"})
      for (std::int64_t batch : {1, 5})
        for (std::int64_t hidden : {48, 200})
          for (int threads : {2, 3}) {
            SCOPED_TRACE(std::string(type) + " " + direction + " " + std::to_string(batch) + " " +
                         std::to_string(hidden) + " on " + std::to_string(threads));
            const RecurrentCase c{.type = type,
                                  .steps = 40,
                                  .batch = batch,
                                  .input = 64,
                                  .hidden = hidden,
                                  .direction = direction,
                                  .state = true};
            const GraphMaker maker = makerOf(c);
            const std::vector<Tensor> inputs = randomInputs(maker.graph, 3);
            const auto alone = runOn(*devices.front(), maker.graph, inputs, {true, 1});
            const auto together = runOn(*devices.front(), maker.graph, inputs, {true, threads});
            ASSERT_EQ(alone.size(), together.size());
            for (std::size_t i = 0; i < alone.size(); ++i) expectNear(together[i], alone[i], 1e-6, "output");
          }
}

TEST(CpuRecurrent, RefusesALengthBeyondTheSteps) {
  RecurrentCase c{.steps = 2, .batch = 1, .lengths = true};
  const GraphMaker maker = makerOf(c);
  const auto devices = makeCpuDevices({CpuSet({CpuSet::available().cpus().front()})});
  const auto program = compileWhole(*devices.front(), maker.graph);
  ASSERT_TRUE(program);
  EXPECT_THAT(program->kernels().front().kernel, StartsWith("recurrent"));
  for (std::int32_t length : {3, -1}) {
    std::vector<Tensor> inputs = randomInputs(maker.graph, 1);
    inputs[1] = Tensor::of<std::int32_t>({1}, {length});
    const Bound bound = bindBuffers(*devices.front(), maker.graph, *program, inputs);
    auto stream = std::move(devices.front()->createStream({1})).value();
    const auto done = bound.instance->run(*stream);
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.error().code, ErrorCode::InputRejected);
    EXPECT_THAT(done.error().message, HasSubstr(std::to_string(length)));
  }
}

/// The code for every instruction set that this processor has.
std::vector<const cpu::RecurrentCode*> availableCode() {
  std::vector<const cpu::RecurrentCode*> all{&cpu::kRecurrentPlain};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(&cpu::kRecurrentAvx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    all.push_back(&cpu::kRecurrentAvx512);
#endif
  return all;
}

/// f of 16 numbers, by an RNN whose R is zero.
std::array<float, 16> evaluate(const cpu::RecurrentCode& code, cpu::CellFunction function,
                               const std::array<float, 16>& x) {
  alignas(64) std::array<float, 16> gates = x, h{}, next{};
  alignas(64) static const std::array<float, 256> weights{};
  cpu::RecurrentStep step;
  step.rows = 1;
  step.hidden = step.stride = step.gatesStride = 16;
  step.endBlock = 1;
  step.gates = gates.data();
  step.panels = weights.data();
  step.h = h.data();
  step.next = next.data();
  step.f.function = function;
  code.rnn(step);
  return next;
}

TEST(CpuRecurrentCode, ComputesTanhAndSigmoidToAMillionth) {
  for (const cpu::RecurrentCode* code : availableCode()) {
    SCOPED_TRACE(code->name);
    for (double start = -30; start < 30; start += 0.16)
      for (double scale : {1.0, 1e-3, 1e-20}) {
        std::array<float, 16> x;
        for (int i = 0; i < 16; ++i) x[static_cast<std::size_t>(i)] = static_cast<float>((start + 0.01 * i) * scale);
        const auto tanhs = evaluate(*code, cpu::CellFunction::Tanh, x);
        const auto sigmoids = evaluate(*code, cpu::CellFunction::Sigmoid, x);
        for (std::size_t i = 0; i < 16; ++i) {
          const double exact = std::tanh(static_cast<double>(x[i]));
          const double sigmoid = 1 / (1 + std::exp(-static_cast<double>(x[i])));
          ASSERT_NEAR(static_cast<double>(tanhs[i]), exact, 1e-6 * std::fabs(exact)) << x[i];
          ASSERT_NEAR(static_cast<double>(sigmoids[i]), sigmoid, 1e-6 * sigmoid) << x[i];
        }
      }
  }
}

TEST(CpuRecurrentCode, SaturatesAndKeepsNaN) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kMost = std::numeric_limits<float>::max();
  std::array<float, 16> x{kInfinity, -kInfinity, kMost, -kMost, 90, -90, 0, std::numeric_limits<float>::quiet_NaN()};
  for (const cpu::RecurrentCode* code : availableCode()) {
    SCOPED_TRACE(code->name);
    const auto tanhs = evaluate(*code, cpu::CellFunction::Tanh, x);
    const auto sigmoids = evaluate(*code, cpu::CellFunction::Sigmoid, x);
    for (std::size_t i = 0; i < 6; ++i) {
      EXPECT_EQ(tanhs[i], i % 2 ? -1.0f : 1.0f);
      EXPECT_NEAR(sigmoids[i], i % 2 ? 0.0f : 1.0f, 1e-30);
    }
    EXPECT_EQ(tanhs[6], 0.0f);
    EXPECT_EQ(sigmoids[6], 0.5f);
    EXPECT_TRUE(std::isnan(tanhs[7]));
    EXPECT_TRUE(std::isnan(sigmoids[7]));
  }
}

TEST(CpuRecurrentCode, MultipliesTheSameOnEveryInstructionSet) {
  const std::int64_t depth = 37, rows = 11, blocks = 2;
  for (std::int64_t gates : {1, 3, 4}) {
    const std::int64_t width = blocks * gates * cpu::kRecurrentBlock;
    const Tensor x = randomTensor({DataType::Float32, {rows, depth}}, 1);
    const Tensor panels = randomTensor({DataType::Float32, {depth, width}}, 2);
    const Tensor bias = randomTensor({DataType::Float32, {width}}, 3);
    std::vector<const float*> pointers;
    for (std::int64_t r = 0; r < rows; ++r) pointers.push_back(x.as<float>().data() + r * depth);
    std::vector<Tensor> results;
    for (const cpu::RecurrentCode* code : availableCode()) {
      Tensor out = Tensor::uninitialized({DataType::Float32, {rows, width}});
      cpu::RecurrentProjection p;
      p.x = pointers.data();
      p.rows = rows;
      p.depth = depth;
      p.panels = panels.as<float>().data();
      p.bias = bias.as<float>().data();
      p.out = out.mutableAs<float>().data();
      p.outStride = width;
      p.endBlock = blocks;
      code->project[gates - 1](p);
      results.push_back(out);
    }
    for (std::size_t i = 1; i < results.size(); ++i) expectNear(results[i], results[0], 1e-5, availableCode()[i]->name);
    // One element by hand: row 4, block 1, the last gate, lane 5.
    const std::int64_t at = (gates - 1) * cpu::kRecurrentBlock + 5, second = gates * cpu::kRecurrentBlock;
    double sum = bias.asDouble(second + at);
    for (std::int64_t k = 0; k < depth; ++k)
      sum += x.asDouble(4 * depth + k) * panels.asDouble(second * depth + k * second + at);
    EXPECT_NEAR(results[0].asDouble(4 * width + second + at), sum, 1e-4);
  }
}

} // namespace
} // namespace tandem
