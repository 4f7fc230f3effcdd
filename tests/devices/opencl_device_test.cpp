// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/clock.hpp"
#include "tests/devices/opencl_test_util.hpp"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

namespace tandem::test {
namespace {

using Ints = std::vector<std::int64_t>;
namespace fs = std::filesystem;

#define SKIP_WITHOUT_OPENCL(devices)                                                                                   \
  if ((devices).empty()) GTEST_SKIP() << "no OpenCL platform on this machine"

/// A network of several layers with one input and one output.
void smallNetwork(GraphBuilder& b, std::uint32_t seed) {
  const ValueId x = b.input("x", randomTensor({1, 3, 24, 24}, seed));
  const ValueId conv =
      b.add("Conv", {x, b.constant(randomTensor({24, 3, 3, 3}, 2)), b.constant(randomTensor(Shape{24}, 3))},
            attributes({{"pads", Ints{1, 1, 1, 1}}}));
  const ValueId relu = b.add("Relu", {conv});
  const ValueId pool = b.add("GlobalAveragePool", {relu});
  b.output(b.add("Softmax", {b.add("Flatten", {pool})}));
  ASSERT_TRUE(inferShapes(b.graph).ok());
}

/// A directory of this test's own.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (fs::temp_directory_path() / "tandem_opencl_XXXXXX").string();
    m_path = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    fs::remove_all(m_path, ignored);
  }
  const fs::path& path() const { return m_path; }

 private:
  fs::path m_path;
};

TEST(OpenClEnumeration, DescribesEveryDevice) {
  const OpenClEnumeration found = enumerateOpenCl({});
  SKIP_WITHOUT_OPENCL(found.devices);
  for (const auto& device : found.devices) {
    const DeviceInfo& info = device->info();
    SCOPED_TRACE(info.id);
    EXPECT_NE(info.kind, DeviceKind::NativeCpu);
    EXPECT_FALSE(info.name.empty());
    EXPECT_FALSE(info.vendor.empty());
    EXPECT_FALSE(info.driver.empty());
    EXPECT_FALSE(info.platform.empty());
    EXPECT_GT(info.computeUnits, 0);
    EXPECT_GT(info.memoryBytes, 0);
    EXPECT_GT(info.maxAllocationBytes, 0);
    EXPECT_LE(info.maxAllocationBytes, info.memoryBytes);
    if (info.kind != DeviceKind::OpenClCpu) continue;
    EXPECT_EQ(info.cores.count(), info.computeUnits);
    EXPECT_NE(info.note.find("hosted on the CPU"), std::string::npos) << info.note;
    EXPECT_NE(info.note.find("with CPU:0"), std::string::npos) << info.note;
  }
}

TEST(OpenClEnumeration, SplitsCpuDevicesOnCoreSets) {
  const CpuSet all = CpuSet::available();
  if (all.count() < 2) GTEST_SKIP() << "one processor only";
  OpenClOptions options;
  options.coreSets = {CpuSet({1}), CpuSet({0})}; // not in the order of the compute units
  const OpenClEnumeration found = enumerateOpenCl(options);
  std::vector<const Device*> cpus;
  for (const auto& device : found.devices)
    if (device->info().kind == DeviceKind::OpenClCpu) cpus.push_back(device.get());
  SKIP_WITHOUT_OPENCL(cpus);
  ASSERT_EQ(cpus.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(cpus[i]->id(), "OPENCL-CPU:" + std::to_string(i));
    EXPECT_EQ(cpus[i]->info().cores, options.coreSets[i]);
    EXPECT_EQ(cpus[i]->info().computeUnits, 1);
    EXPECT_NE(cpus[i]->info().note.find("core " + options.coreSets[i].toString()), std::string::npos);
  }
}

TEST(OpenClEnumeration, SaysWhyACoreSetCannotBeUsed) {
  OpenClOptions options;
  options.coreSets = {CpuSet({4096})};
  const OpenClEnumeration found = enumerateOpenCl(options);
  const OpenClEnumeration plain = enumerateOpenCl({});
  SKIP_WITHOUT_OPENCL(plain.devices);
  for (const auto& device : found.devices) EXPECT_NE(device->info().kind, DeviceKind::OpenClCpu);
  ASSERT_FALSE(found.problems.empty());
  EXPECT_NE(found.problems.back().message.find("cannot be split on the cores 4096"), std::string::npos)
      << found.problems.back().message;
}

/// Processor time in clock ticks and the allowed processors of every thread of this process.
std::map<std::string, std::pair<long, std::string>> threadUse() {
  std::map<std::string, std::pair<long, std::string>> result;
  for (const auto& task : fs::directory_iterator("/proc/self/task")) {
    std::ifstream stat(task.path() / "schedstat");
    long ns = 0;
    stat >> ns;
    std::ifstream status(task.path() / "status");
    std::string line, allowed;
    while (std::getline(status, line))
      if (line.rfind("Cpus_allowed_list:", 0) == 0) allowed = line.substr(line.find_last_of("\t ") + 1);
    result[task.path().filename().string()] = {ns, allowed};
  }
  return result;
}

// The promise behind core sets: work for OPENCL-CPU:i runs on the processors of set i. PoCL's workers are pinned, so
// the thread that gains most processor time while kernels run must be one that is pinned to the set.
TEST(OpenClCoreSets, WorkRunsOnTheCoresOfTheSet) {
  if (CpuSet::available().count() < 2) GTEST_SKIP() << "one processor only";
  OpenClOptions options;
  options.coreSets = {CpuSet({0}), CpuSet({1})};
  const OpenClEnumeration found = enumerateOpenCl(options);
  int checked = 0;
  for (const auto& device : found.devices) {
    if (device->info().kind != DeviceKind::OpenClCpu || device->info().driver.rfind("PoCL", 0) != 0) continue;
    GraphBuilder b;
    const ValueId x = b.input("x", randomTensor({1, 64, 28, 28}, 1));
    b.output(b.add("Conv", {x, b.constant(randomTensor({64, 64, 3, 3}, 2))}, attributes({{"pads", Ints{1, 1, 1, 1}}})));
    ASSERT_TRUE(inferShapes(b.graph).ok());
    auto run = DeviceRun::create(*device, b.graph, b.feeds);
    ASSERT_TRUE(run.ok()) << run.error().line();
    const auto before = threadUse();
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(run->run().ok());
    long most = 0;
    std::string where;
    for (const auto& [id, use] : threadUse()) {
      const auto old = before.find(id);
      const long gained = use.first - (old == before.end() ? 0 : old->second.first);
      if (gained > most) most = gained, where = use.second;
    }
    EXPECT_EQ(where, device->info().cores.toString()) << device->id();
    ++checked;
  }
  if (checked == 0) GTEST_SKIP() << "no PoCL device on this machine";
  EXPECT_EQ(checked, 2);
}

/// Ends the process: 0 where the broken drivers are listed and the good one still works.
[[noreturn]] void enumerateWithBrokenDrivers(const fs::path& directory, bool expectDevices) {
  setenv("OCL_ICD_VENDORS", directory.c_str(), 1);
  const OpenClEnumeration found = enumerateOpenCl({});
  int listed = 0;
  for (const DeviceProblem& problem : found.problems) {
    if (problem.platform == "bogus.icd" && problem.message.find("libtandem_no_such_driver") != std::string::npos)
      ++listed;
    if (problem.platform == "empty.icd" && problem.message.find("names no driver") != std::string::npos) ++listed;
    if (problem.platform == "library.icd" && problem.message.find("not an OpenCL driver") != std::string::npos)
      ++listed;
  }
  const bool good = listed == 3 && found.devices.empty() != expectDevices;
  if (!good)
    for (const DeviceProblem& problem : found.problems)
      std::fprintf(stderr, "%s: %s\n", problem.platform.c_str(), problem.message.c_str());
  std::_Exit(good ? 0 : 1);
}

// In a process of its own, since the loader reads the folder once.
TEST(OpenClEnumerationDeathTest, ListsBrokenDriversBesideTheGoodOne) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  TemporaryDirectory directory;
  std::ofstream(directory.path() / "bogus.icd") << "libtandem_no_such_driver.so\n";
  std::ofstream(directory.path() / "empty.icd") << "\n";
  std::ofstream(directory.path() / "library.icd") << "libm.so.6\n";
  bool any = false;
  std::error_code error;
  for (const auto& icd : fs::directory_iterator("/etc/OpenCL/vendors", error)) {
    fs::copy(icd.path(), directory.path() / icd.path().filename());
    any = true;
  }
  EXPECT_EXIT(enumerateWithBrokenDrivers(directory.path(), any), testing::ExitedWithCode(0), "");
}

TEST(OpenClCache, SecondConstructionLoadsWhatTheFirstBuilt) {
  TemporaryDirectory directory;
  OpenClOptions options;
  options.cacheDir = directory.path();
  const auto countsAfterRun = [&](std::vector<Tensor>& outputs) {
    OpenClBuildCounts counts;
    const OpenClEnumeration found = enumerateOpenCl(options);
    if (found.devices.empty()) return counts;
    GraphBuilder b;
    smallNetwork(b, 1);
    auto run = DeviceRun::create(*found.devices[0], b.graph, b.feeds);
    EXPECT_TRUE(run.ok()) << run.error().line();
    if (!run.ok()) return counts;
    auto result = run->run();
    EXPECT_TRUE(result.ok());
    outputs = *result;
    return openClBuildCounts(*found.devices[0]);
  };
  std::vector<Tensor> first, second, third;
  const OpenClBuildCounts cold = countsAfterRun(first);
  if (cold.built == 0 && cold.loaded == 0) GTEST_SKIP() << "no OpenCL platform on this machine";
  EXPECT_GT(cold.built, 0);
  EXPECT_EQ(cold.loaded, 0);
  const OpenClBuildCounts warm = countsAfterRun(second);
  EXPECT_EQ(warm.built, 0);
  EXPECT_EQ(warm.loaded, cold.built);

  int damaged = 0;
  for (const auto& entry : fs::directory_iterator(directory.path())) {
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    if (damaged % 2 == 0) {
      file.seekp(200); // somewhere in the binary
      file.write("damage", 6);
    } else {
      file.close();
      fs::resize_file(entry.path(), 30);
    }
    ++damaged;
  }
  EXPECT_EQ(damaged, cold.built);
  const OpenClBuildCounts rebuilt = countsAfterRun(third);
  EXPECT_EQ(rebuilt.built, cold.built);
  EXPECT_EQ(rebuilt.loaded, 0);
  expectClose(second[0], first[0], 0, 0, "loaded program");
  expectClose(third[0], first[0], 0, 0, "rebuilt program");
}

TEST(OpenClCache, ADirectoryThatCannotBeWrittenIsNoError) {
  OpenClOptions options;
  options.cacheDir = "/proc/no/such/place";
  const OpenClEnumeration found = enumerateOpenCl(options);
  SKIP_WITHOUT_OPENCL(found.devices);
  GraphBuilder b;
  smallNetwork(b, 1);
  EXPECT_TRUE(DeviceRun::create(*found.devices[0], b.graph, b.feeds).ok());
}

TEST(OpenClStreams, TwoThreadsGetBitwiseEqualResults) {
  for (const auto& device : openClDevices(OpenClKernels::Auto)) {
    GraphBuilder b;
    smallNetwork(b, 1);
    auto alone = DeviceRun::create(*device, b.graph, b.feeds);
    ASSERT_TRUE(alone.ok()) << alone.error().line();
    const Tensor expected = (*alone->run())[0];
    std::vector<std::thread> threads;
    std::vector<int> wrong(2, -1);
    for (std::size_t t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        auto run = DeviceRun::create(*device, b.graph, b.feeds, alone->sharedProgram());
        if (!run.ok()) return;
        run->stream().attachCurrentThread();
        wrong[t] = 0;
        for (int i = 0; i < 100; ++i) {
          const auto outputs = run->run();
          if (!outputs.ok() || std::memcmp((*outputs)[0].data(), expected.data(), expected.bytes()) != 0) ++wrong[t];
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, std::vector<int>(2, 0)) << device->id();
  }
}

TEST(OpenClStreams, TheThreadThatFeedsAGpuGoesToTheHostCoresAndThatOfACpuToItsOwn) {
  const CpuSet available = CpuSet::available();
  if (available.count() < 2) GTEST_SKIP() << "needs two processors";
  const CpuSet last({available.cpus().back()});
  const auto boundTo = [&](Device& device, const CpuSet& hostCores) {
    CpuSet cores;
    std::thread([&] {
      auto stream = device.createStream({0, hostCores});
      ASSERT_TRUE(stream.ok()) << stream.error().line();
      (*stream)->attachCurrentThread();
      cores = CpuSet::available();
    }).join();
    return cores;
  };
  const auto& gpus = openClDevices(OpenClKernels::Gpu);
  SKIP_WITHOUT_OPENCL(gpus);
  for (const auto& device : gpus) EXPECT_EQ(boundTo(*device, last), last) << device->id();
  for (const auto& device : openClDevices(OpenClKernels::Cpu))
    if (device->info().kind == DeviceKind::OpenClCpu) {
      EXPECT_EQ(boundTo(*device, last), device->info().cores) << device->id();
    }
}

TEST(OpenClStreams, SeveralRequestsCanBeInFlight) {
  for (const auto& device : openClDevices(OpenClKernels::Auto)) {
    GraphBuilder b;
    smallNetwork(b, 1);
    auto run = DeviceRun::create(*device, b.graph, b.feeds);
    ASSERT_TRUE(run.ok());
    const Tensor expected = (*run->run())[0];
    // The instance again and again without waiting: an in-order queue keeps the requests apart.
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(run->instance().run(run->stream()).ok());
    ASSERT_TRUE(run->stream().finish().ok());
    expectClose((*run->run())[0], expected, 0, 0, device->id());
  }
}

TEST(OpenClTrace, HoldsKernelsAndTransfersOnTheClockOfTheHost) {
  for (const auto& device : openClDevices(OpenClKernels::Auto)) {
    GraphBuilder b;
    smallNetwork(b, 1);
    auto run = DeviceRun::create(*device, b.graph, b.feeds);
    ASSERT_TRUE(run.ok());
    TraceRecorder recorder;
    TraceWriter* writer = recorder.addTrack(device->id());
    run->stream().setTrace(&recorder, writer, 7);
    const std::int64_t before = nowNs();
    ASSERT_TRUE(run->run().ok());
    const std::int64_t after = nowNs();
    run->stream().setTrace(nullptr, nullptr, 0);
    ASSERT_TRUE(run->run().ok()); // not recorded

    const TraceRecorder::Copy copy = recorder.copy();
    ASSERT_EQ(copy.tracks.size(), 1u);
    int transfers = 0, convolutions = 0;
    std::int64_t last = before;
    for (const TraceEvent& event : copy.tracks[0].events) {
      EXPECT_EQ(event.request, 7u);
      EXPECT_LE(event.startNs, event.endNs);
      EXPECT_GE(event.startNs, last) << "events of an in-order queue overlap";
      EXPECT_LE(event.endNs, after);
      last = event.endNs;
      if (event.kind == TraceKind::Transfer) {
        ++transfers;
        EXPECT_GT(event.bytes, 0);
      } else if (copy.labels[event.label].rfind("Conv ", 0) == 0) {
        ++convolutions;
        EXPECT_EQ(event.node, *b.graph.findNode("Conv_0"));
      }
    }
    EXPECT_EQ(transfers, 2);
    EXPECT_GE(convolutions, 1);
  }
}

TEST(OpenClSupport, SaysWhatIsMissing) {
  const auto& devices = openClDevices(OpenClKernels::Auto);
  SKIP_WITHOUT_OPENCL(devices);
  GraphBuilder b;
  const ValueId x = b.input("x", randomTensor({4, 4}, 1));
  const ValueId d = b.input("d", Tensor::zeros({DataType::Float64, Shape{4, 4}}));
  b.output(b.add("NonZero", {x}));
  b.output(b.add("LRN", {d}, attributes({{"size", std::int64_t{3}}})));
  b.output(b.add("Dropout", {x, ValueId(), b.constant(Tensor::scalar(true))}));
  if (const auto inferred = inferShapes(b.graph); !inferred.ok()) GTEST_LOG_(INFO) << inferred.error().line();
  const Support op = devices[0]->supports(b.graph, NodeId(0));
  EXPECT_EQ(op.reason, MoveReason::UnsupportedOp);
  EXPECT_NE(op.detail.find("NonZero"), std::string::npos);
  const Support type = devices[0]->supports(b.graph, NodeId(1));
  EXPECT_EQ(type.reason, MoveReason::UnsupportedType);
  EXPECT_EQ(type.detail, "LRN on float64");
  EXPECT_EQ(devices[0]->supports(b.graph, NodeId(2)).reason, MoveReason::UnsupportedAttribute);
  const auto program = devices[0]->compile(wholeGraph(b.graph), {});
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.error().code, ErrorCode::Unsupported);
}

TEST(OpenClPrograms, AreCancelled) {
  const auto& devices = openClDevices(OpenClKernels::Auto);
  SKIP_WITHOUT_OPENCL(devices);
  GraphBuilder b;
  smallNetwork(b, 1);
  ProgramOptions options;
  options.cancel.cancel();
  const auto program = devices[0]->compile(wholeGraph(b.graph), options);
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.error().code, ErrorCode::Cancelled);
}

TEST(OpenClPrograms, ReportMemoryAndKernels) {
  const auto& devices = openClDevices(OpenClKernels::Auto);
  SKIP_WITHOUT_OPENCL(devices);
  GraphBuilder b;
  smallNetwork(b, 1);
  auto program = devices[0]->compile(wholeGraph(b.graph), {});
  ASSERT_TRUE(program.ok()) << program.error().line();
  EXPECT_GE((*program)->memory().weightsBytes, 24 * 27 * 4);
  EXPECT_GT((*program)->memory().activationsBytes, 24 * 24 * 24 * 4);
  ASSERT_EQ((*program)->kernels().size(), b.graph.nodes().size());
  for (const KernelInfo& kernel : (*program)->kernels()) EXPECT_EQ(kernel.kernel.rfind("opencl ", 0), 0u);
}

TEST(OpenClBuffers, AreRefusedAboveTheLargestAllocation) {
  for (const auto& device : openClDevices(OpenClKernels::Auto)) {
    const auto buffer = device->allocate(static_cast<std::size_t>(device->info().maxAllocationBytes) + 4096);
    ASSERT_FALSE(buffer.ok());
    EXPECT_EQ(buffer.error().code, ErrorCode::DeviceFailed);
    EXPECT_EQ(buffer.error().where, device->id());
  }
}

TEST(OpenClBuffers, RoundTripThroughTheStream) {
  for (const auto& device : openClDevices(OpenClKernels::Auto)) {
    auto buffer = device->allocate(1001);
    ASSERT_TRUE(buffer.ok());
    auto stream = device->createStream({});
    ASSERT_TRUE(stream.ok());
    std::vector<unsigned char> src(1001), dst(1001);
    for (std::size_t i = 0; i < src.size(); ++i) src[i] = static_cast<unsigned char>(i * 7);
    ASSERT_TRUE((*stream)->write(**buffer, src.data(), src.size()).ok());
    ASSERT_TRUE((*stream)->read(**buffer, dst.data(), dst.size()).ok());
    ASSERT_TRUE((*stream)->finish().ok());
    EXPECT_EQ(src, dst);
    if ((*buffer)->hostData()) {
      EXPECT_EQ(std::memcmp((*buffer)->hostData(), src.data(), src.size()), 0);
    }
  }
}

TEST(OpenClProbe, MeasuresEverything) {
  for (const auto& device : openClDevices(OpenClKernels::Auto)) {
    const auto probe = device->probe({});
    ASSERT_TRUE(probe.ok()) << probe.error().line();
    for (double value : {probe->gflops, probe->memoryGbPerS, probe->toDeviceGbPerS, probe->toHostGbPerS,
                         probe->launchUs, probe->roundTripUs})
      EXPECT_GT(value, 0.0);
    EXPECT_LT(probe->launchUs, 1e5);
    std::printf("%s: %.0f GFLOP/s, memory %.1f GB/s, to device %.1f, to host %.1f GB/s, launch %.2f us, trip %.1f us\n",
                device->id().c_str(), probe->gflops, probe->memoryGbPerS, probe->toDeviceGbPerS, probe->toHostGbPerS,
                probe->launchUs, probe->roundTripUs);
  }
}

} // namespace
} // namespace tandem::test
