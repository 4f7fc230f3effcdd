// SPDX-License-Identifier: GPL-3.0-or-later
// What a run allocates (nothing), what programs share, and whether the planned bytes are the real ones.
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/gallery/gallery.hpp"
#include "engine/runtime/execution_slot.hpp"
#include "engine/tensor/element_source.hpp"
#include "tests/support/graphs.hpp"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <new>
#include <numeric>

namespace {
std::atomic<bool> counting{false};
std::atomic<int> allocations{0};
} // namespace

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define TANDEM_COUNTS_ALLOCATIONS
namespace {
/// oneDNN makes a table of its arguments for every call; that is its own.
bool isOneDnn(const void* caller) {
  Dl_info info{};
  return dladdr(caller, &info) != 0 && info.dli_fname && std::strstr(info.dli_fname, "libdnnl");
}

void* counted(std::size_t bytes, std::size_t alignment, const void* caller) {
  if (counting.load(std::memory_order_relaxed) && !isOneDnn(caller)) allocations.fetch_add(1);
  const std::size_t rounded = (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  void* memory = alignment > alignof(std::max_align_t) ? std::aligned_alloc(alignment, rounded) : std::malloc(rounded);
  if (!memory) throw std::bad_alloc();
  return memory;
}
} // namespace

void* operator new(std::size_t bytes) { return counted(bytes, 1, __builtin_return_address(0)); }
void* operator new[](std::size_t bytes) { return counted(bytes, 1, __builtin_return_address(0)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment), __builtin_return_address(0));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
#endif

namespace tandem {
namespace {

using Compiled = std::shared_ptr<const Executable>;

class ResidentMemory : public testing::Test {
 protected:
  void SetUp() override { m_cpu = std::move(makeCpuDevices({}).front()); }
  Compiled compile(const Graph& graph, int batch, int threads = 1, bool compiled = true) {
    auto bound = bindInputs(graph, batch);
    EXPECT_TRUE(bound.ok()) << bound.error().line();
    CompileOptions options;
    options.threads = threads;
    options.compiled = compiled;
    auto executable = Executable::compile(std::move(*bound), std::vector<Device*>(graph.nodes().size(), m_cpu.get()),
                                          *m_cpu, options);
    EXPECT_TRUE(executable.ok()) << executable.error().line();
    return *executable;
  }
  static std::set<const void*> piecesOf(const Compiled& executable) {
    std::set<const void*> pieces;
    for (const auto& [piece, bytes] : executable->memory().front().pieces) pieces.insert(piece);
    return pieces;
  }
  std::unique_ptr<Device> m_cpu;
};

/// A sample as a session opens it: weights that nobody writes to.
Graph opened(const std::string& name) {
  Graph graph = *buildSample(name);
  for (std::uint32_t i = 0; i < graph.values().size(); ++i) graph.value(ValueId(i)).constant.freeze();
  return graph;
}

std::int64_t residentBytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * 4096;
}

std::size_t threadCount() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_F(ResidentMemory, ARunAllocatesNothingAfterTheFirst) {
#ifndef TANDEM_COUNTS_ALLOCATIONS
  GTEST_SKIP() << "sanitizers have an operator new of their own";
#endif
  for (const char* name : {"tiny_resnet", "mobilenet_v2"}) {
    const auto executable = compile(*buildSample(name), 1);
    auto slot = std::move(*executable->createSlot());
    std::memset(slot->input(0).mutableData(), 0, slot->input(0).bytes());
    ASSERT_TRUE(slot->run().ok());
    for (const bool attached : {false, true}) {
      if (attached) slot->attachCurrentThread();
      ASSERT_TRUE(slot->run().ok());
      allocations = 0;
      counting = true;
      bool ok = true;
      for (int i = 0; i < 10; ++i) ok = slot->run().ok() && ok;
      counting = false;
      EXPECT_TRUE(ok);
      EXPECT_EQ(allocations, 0) << name << (attached ? ", on the calling thread" : ", on the stream's thread");
    }
  }
}

TEST_F(ResidentMemory, AOneThreadReplicaMakesNoTeam) {
  const auto executable = compile(*buildSample("tiny_resnet"), 1, 1);
  auto slot = std::move(*executable->createSlot());
  slot->attachCurrentThread();
  const std::size_t before = threadCount();
  ASSERT_TRUE(slot->run().ok());
  EXPECT_EQ(threadCount(), before);
}

TEST_F(ResidentMemory, ASecondCopyOfTheModelReadsTheWeightsOfTheFirst) {
  const Graph graph = opened("tiny_resnet");
  const auto first = compile(graph, 1), second = compile(graph, 1);
  EXPECT_EQ(piecesOf(first), piecesOf(second));
  EXPECT_FALSE(piecesOf(first).empty());
  EXPECT_EQ(first->memory().front().weightsBytes, second->memory().front().weightsBytes);
}

TEST_F(ResidentMemory, SizesAndModesShareWhatLiesAlike) {
  const Graph graph = opened("tiny_resnet");
  const auto one = compile(graph, 1), eight = compile(graph, 8);
  const auto a = piecesOf(one), b = piecesOf(eight);
  std::vector<const void*> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  EXPECT_GE(both.size(), a.size() / 2);
}

TEST_F(ResidentMemory, LargeWeightsOfAnotherModelAreNotShared) {
  const auto first = compile(opened("tiny_resnet"), 1), second = compile(opened("tiny_resnet"), 1);
  const std::set<const void*> others = piecesOf(second);
  int large = 0;
  for (const auto& [piece, bytes] : first->memory().front().pieces) {
    if (bytes <= 16 << 10) continue; // those are the same if they are equal
    ++large;
    EXPECT_FALSE(others.contains(piece));
  }
  EXPECT_GT(large, 0);
}

TEST_F(ResidentMemory, SharedWeightsGiveTheResultsOfTheirOwn) {
  const Graph shared = opened("tiny_resnet");
  const auto keep = compile(shared, 2);
  for (const bool compiled : {true, false}) {
    std::vector<Tensor> results;
    for (const Graph& graph : {shared, *buildSample("tiny_resnet")}) {
      auto slot = std::move(*compile(graph, 1, 1, compiled)->createSlot());
      auto input = slot->input(0).mutableAs<float>();
      for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(i % 17) * 0.1f;
      ASSERT_TRUE(slot->run().ok());
      results.push_back(slot->output(0).clone());
    }
    EXPECT_EQ(std::memcmp(results[0].data(), results[1].data(), results[0].bytes()), 0);
  }
}

/// x (1xN) times a weight that comes from a source, as a file gives it.
class Large final : public ElementSource {
 public:
  explicit Large(float value) : m_value(value) {}
  void write(void* out, std::size_t, std::size_t bytes) const override {
    std::fill_n(static_cast<float*>(out), bytes / sizeof(float), m_value);
  }

 private:
  float m_value;
};

TEST_F(ResidentMemory, ThePlannedBytesAreThoseThatAreUsed) {
#ifndef TANDEM_COUNTS_ALLOCATIONS
  GTEST_SKIP() << "sanitizers keep memory of their own";
#endif
  constexpr std::int64_t kSize = 2048; // 16 MiB of weights per layer
  Graph graph;
  graph.opset = 18;
  ValueId value = graph.addInput("x", {DataType::Float32, {64, kSize}});
  for (int layer = 0; layer < 8; ++layer) {
    const TensorDesc desc{DataType::Float32, {kSize, kSize}};
    const ValueId weights =
        graph.addConstant("w" + std::to_string(layer), Tensor::from(desc, std::make_shared<Large>(1.0f / kSize)));
    value = test::add(graph, "Relu", {test::add(graph, "MatMul", {value, weights})});
  }
  graph.addOutput(value);
  const std::int64_t before = residentBytes();
  const auto executable = compile(graph, 1);
  auto slot = std::move(*executable->createSlot());
  auto input = slot->input(0).mutableAs<float>();
  std::fill(input.begin(), input.end(), 1.0f);
  ASSERT_TRUE(slot->run().ok());
  EXPECT_NEAR(slot->output(0).asDouble(0), 1, 1e-4);
  const std::int64_t grown = residentBytes() - before;
  const ExecutableMemory& plan = executable->memory().front();
  const std::int64_t planned = plan.weightsBytes + plan.activationsBytes + plan.stagingBytes;
  EXPECT_GE(plan.weightsBytes, 8 * kSize * kSize * 4);
  EXPECT_NEAR(static_cast<double>(grown), static_cast<double>(planned), 0.05 * static_cast<double>(planned));
}

TEST_F(ResidentMemory, OddNumbersInWeightsStayWhatTheyAre) {
  const float odd[] = {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                       std::numeric_limits<float>::denorm_min(), -0.0f};
  for (const bool compiled : {true, false})
    for (const float number : odd) {
      Graph graph;
      graph.opset = 18;
      const ValueId x = graph.addInput("x", {DataType::Float32, {1, 64}});
      const TensorDesc desc{DataType::Float32, {64, 64}};
      graph.addOutput(
          test::add(graph, "MatMul", {x, graph.addConstant("w", Tensor::from(desc, std::make_shared<Large>(number)))}));
      auto slot = std::move(*compile(graph, 1, 1, compiled)->createSlot());
      std::memset(slot->input(0).mutableData(), 0, slot->input(0).bytes());
      slot->input(0).mutableAs<float>()[3] = 1;
      ASSERT_TRUE(slot->run().ok());
      const double result = slot->output(0).asDouble(5);
      EXPECT_EQ(std::isnan(result), !std::isfinite(number)) << number; // zero times infinity is no number
      if (!std::isfinite(number)) continue;
      EXPECT_EQ(result, static_cast<double>(number));
    }
}

TEST_F(ResidentMemory, LargeConstantsAreGoneFromTheGraphOfTheExecutable) {
  const Graph graph = opened("tiny_resnet");
  const auto executable = compile(graph, 1);
  for (const Value& value : executable->graph().values())
    EXPECT_TRUE(!value.isConstant() || value.desc.bytes() < 4096 || value.constant.source()) << value.name;
}

} // namespace
} // namespace tandem
