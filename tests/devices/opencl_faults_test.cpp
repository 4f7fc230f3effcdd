// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/cl_handles.hpp"
#include "tests/devices/opencl_shim/opencl_shim.hpp"
#include "tests/devices/opencl_test_util.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>
#include <thread>

namespace tandem::test {
namespace {

using Ints = std::vector<std::int64_t>;

/// Three kernels, one of which looks at its data (and so has an error word).
void smallNetwork(GraphBuilder& b) {
  const ValueId x = b.input("x", randomTensor({4, 16}, 1));
  Tensor rows = Tensor::uninitialized({DataType::Int64, Shape{3}});
  for (std::int64_t i = 0; i < 3; ++i) rows.mutableAs<std::int64_t>()[static_cast<std::size_t>(i)] = 2 - i;
  const ValueId sum = b.add("Add", {x, b.constant(randomTensor(Shape{16}, 2))});
  b.output(b.add("Softmax", {b.add("Gather", {sum, b.constant(std::move(rows))})}));
  ASSERT_TRUE(inferShapes(b.graph).ok());
}

/// Convolutions with activations of some size between them.
void convNetwork(GraphBuilder& b) {
  const ValueId x = b.input("x", randomTensor({1, 3, 40, 40}, 1));
  const Attributes padded = attributes({{"pads", Ints{1, 1, 1, 1}}});
  const ValueId first = b.add("Relu", {b.add("Conv", {x, b.constant(randomTensor({20, 3, 3, 3}, 2))}, padded)});
  const ValueId second = b.add("Conv", {first, b.constant(randomTensor({20, 20, 3, 3}, 3))}, padded);
  const ValueId pooled = b.add("MaxPool", {b.add("Add", {first, second})}, attributes({{"kernel_shape", Ints{2, 2}}}));
  b.output(b.add("ReduceMean", {pooled}, attributes({{"keepdims", std::int64_t{0}}}), {}, 13));
  ASSERT_TRUE(inferShapes(b.graph).ok());
}

/// Rules for one scope; objects that are alive at its end are a leak.
struct Rules {
  explicit Rules(const std::string& text) { shim::setRules(text); }
  ~Rules() { shim::setRules(""); }
};

bool hasOpenCl() {
  static const bool any = !enumerateOpenCl({}).devices.empty();
  return any;
}
#define SKIP_WITHOUT_OPENCL()                                                                                          \
  if (!hasOpenCl()) GTEST_SKIP() << "no OpenCL platform on this machine"

OpenClOptions withoutCache() {
  OpenClOptions options;
  options.cacheDir = "/proc/no/such/place";
  return options;
}

/// A device's whole life: enumeration, compilation, two runs, one of them traced, the end. What could not be listed is
/// an error, too.
Result<Tensor> wholeLife(const OpenClOptions& options) {
  GraphBuilder b;
  smallNetwork(b);
  const OpenClEnumeration found = enumerateOpenCl(options);
  if (found.devices.empty()) {
    std::string all;
    for (const DeviceProblem& problem : found.problems) all += problem.platform + ": " + problem.message + "\n";
    return makeError(ErrorCode::DeviceFailed, all);
  }
  TraceRecorder recorder;
  DeviceRun run = TANDEM_TRY(DeviceRun::create(*found.devices[0], b.graph, b.feeds));
  static_cast<void>(TANDEM_TRY(run.run()));
  run.stream().setTrace(&recorder, recorder.addTrack("device"), 1);
  return TANDEM_TRY(run.run())[0];
}

/// How messages name a call.
const std::map<std::string, std::vector<std::string>>& wordsOfCalls() {
  static const std::map<std::string, std::vector<std::string>> words{
      {"clGetDeviceIDs", {"listing its devices"}},
      {"clGetDeviceInfo", {"clGetDeviceInfo", "CL_DEVICE_NOT_AVAILABLE", "CL_COMPILER_NOT_AVAILABLE"}},
      {"clCreateBuffer", {"allocating"}},
      {"clEnqueueFillBuffer", {"filling a buffer", "clearing the error word"}},
      {"clEnqueueWriteBuffer", {"copying to the device"}},
      {"clEnqueueReadBuffer", {"copying from the device", "reading the error word"}},
      {"clEnqueueNDRangeKernel", {"starting kernel"}},
      {"clCreateKernel", {"creating kernel"}},
      {"clSetKernelArg", {"setting argument"}},
      {"clBuildProgram", {"building the OpenCL kernel"}},
      {"clFinish", {"finishing the queue"}},
      {"clFlush", {"flushing the queue"}},
  };
  return words;
}

bool namesCall(const std::string& line, const std::string& call) {
  const auto found = wordsOfCalls().find(call);
  if (found == wordsOfCalls().end()) return line.find(call) != std::string::npos;
  return std::any_of(found->second.begin(), found->second.end(),
                     [&](const std::string& words) { return line.find(words) != std::string::npos; });
}

bool namesDevice(const std::string& line) {
  static const DeviceInfo info = enumerateOpenCl({}).devices[0]->info();
  const std::string platform = info.platform.substr(0, info.platform.find(','));
  for (const std::string& name : {info.id, info.name, platform, std::string("OpenCL")})
    if (line.find(name) != std::string::npos) return true;
  return false;
}

bool sameBytes(const Tensor& a, const Tensor& b) {
  return a.desc() == b.desc() && std::memcmp(a.data(), b.data(), a.bytes()) == 0;
}

class OpenClFaults : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_OPENCL();
    shim::setRules("");
    std::string folder = testing::TempDir() + "tandem_faults_XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    m_options.cacheDir = m_cached.cacheDir = folder;
    GraphBuilder b;
    smallNetwork(b);
    const auto life = wholeLife(m_options);
    ASSERT_TRUE(life.ok()) << life.error().line();
    m_expected = *life;
    expectClose(m_expected, referenceValues(b.graph, b.feeds).at(b.graph.outputs()[0]), 2e-5, 1e-4, "without faults");
    ASSERT_EQ(shim::alive(), "");
  }

  void TearDown() override {
    shim::setRules("");
    std::error_code ignored;
    if (!m_cached.cacheDir.empty()) std::filesystem::remove_all(m_cached.cacheDir, ignored);
  }

  /// One life with call `n` failing with `code`.
  void liveWithFault(std::size_t n, const std::string& call, int code) {
    SCOPED_TRACE("call " + std::to_string(n) + ", " + call + ", fails with " + opencl::clErrorName(code));
    shim::setRules("*:" + std::to_string(n) + "=" + std::to_string(code));
    const auto life = wholeLife(m_options);
    EXPECT_EQ(shim::hits(), 1u);
    if (life.ok()) {
      EXPECT_TRUE(sameBytes(*life, m_expected)) << "it went on, and gave something else";
      ++m_wentOn;
    } else {
      const std::string line = life.error().line();
      EXPECT_EQ(life.error().code, ErrorCode::DeviceFailed) << line;
      EXPECT_TRUE(namesCall(line, call)) << line;
      EXPECT_TRUE(namesDevice(line)) << line;
      EXPECT_NE(line.find(opencl::clErrorName(code)), std::string::npos) << line;
      ++m_refused;
    }
    EXPECT_EQ(shim::alive(), "") << "left behind";
  }

  void liveWithoutFault() {
    shim::setRules("");
    const auto life = wholeLife(m_options);
    ASSERT_TRUE(life.ok()) << life.error().line();
    EXPECT_TRUE(sameBytes(*life, m_expected));
  }

  /// The names of all calls of one life.
  std::vector<std::string> callsOfALife() {
    shim::setRules("");
    EXPECT_TRUE(wholeLife(m_options).ok());
    std::vector<std::string> names;
    for (std::size_t n = 1; n <= shim::calls(); ++n) names.push_back(shim::nameOfCall(n));
    return names;
  }

  OpenClOptions m_options; ///< of the lives; with the cache, which makes them ten times as fast
  OpenClOptions m_cached;
  Tensor m_expected;
  int m_wentOn = 0, m_refused = 0;
};

TEST_F(OpenClFaults, EveryCallMayFailAndIsNamedAndLeavesNothingBehind) {
  const std::vector<std::string> calls = callsOfALife();
  ASSERT_GT(calls.size(), 60u);
  EXPECT_NE(std::find(calls.begin(), calls.end(), "clCreateProgramWithBinary"), calls.end());
  constexpr int kCodes[] = {CL_DEVICE_NOT_AVAILABLE, CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY,
                            CL_INVALID_COMMAND_QUEUE};
  for (std::size_t n = 1; n <= calls.size(); ++n) {
    const std::string& call = calls[n - 1];
    const bool matters = !call.starts_with("clGet") && !call.starts_with("clRelease");
    for (int code : kCodes) {
      liveWithFault(n, call, code);
      if (!matters) break;
    }
    liveWithoutFault();
    if (HasFailure()) break; // what follows would say the same again
  }
  EXPECT_GT(m_refused, 100);
  std::printf("%zu calls: %d lives refused, %d went on\n", calls.size(), m_refused, m_wentOn);
}

TEST_F(OpenClFaults, WithoutACacheEveryCallThatBuildsMayFailToo) {
  m_options = withoutCache();
  const std::vector<std::string> calls = callsOfALife();
  const auto last = std::find(calls.rbegin(), calls.rend(), "clBuildProgram");
  ASSERT_NE(last, calls.rend());
  for (auto n = static_cast<std::size_t>(calls.rend() - last); n >= 1 && !HasFailure(); --n)
    if (calls[n - 1].find("Program") != std::string::npos) liveWithFault(n, calls[n - 1], CL_OUT_OF_RESOURCES);
  liveWithoutFault();
  EXPECT_GE(m_refused, 6); // source and build of three programs
}

TEST_F(OpenClFaults, EveryErrorCodeOfTheCallsThatMatterIsNamed) {
  for (const char* call : {"clCreateContext", "clBuildProgram", "clEnqueueNDRangeKernel", "clFinish"}) {
    const bool builds = std::string(call) == "clBuildProgram"; // of the cache it would only be built anew
    m_options = builds ? withoutCache() : m_cached;
    const std::vector<std::string> calls = callsOfALife();
    auto n = static_cast<std::size_t>(std::find(calls.begin(), calls.end(), call) - calls.begin()) + 1;
    // The first clFinish belongs to the enumeration, which goes on without what it wanted to know.
    if (std::string(call) == "clFinish")
      n = static_cast<std::size_t>(std::find(calls.begin() + static_cast<std::ptrdiff_t>(n), calls.end(), call) -
                                   calls.begin()) +
          1;
    ASSERT_LE(n, calls.size()) << call;
    constexpr int kFirst = -1, kLast = -72;
    for (int code = kFirst; code >= kLast; --code) liveWithFault(n, call, code);
    liveWithoutFault();
  }
  EXPECT_EQ(m_wentOn, 0);
}

TEST_F(OpenClFaults, AFailedBuildShowsTheLogAndOneWithoutALogSaysSo) {
  const auto messageOf = [&](const std::string& rules) {
    const Rules failing(rules);
    const auto life = wholeLife(withoutCache());
    EXPECT_FALSE(life.ok());
    return life.ok() ? std::string() : life.error().line();
  };
  const std::string withLog = messageOf("clBuildProgram:2=-11:kernel.cl:3: error: no such intrinsic");
  EXPECT_NE(withLog.find("error: no such intrinsic"), std::string::npos) << withLog;
  EXPECT_NE(withLog.find("CL_BUILD_PROGRAM_FAILURE"), std::string::npos) << withLog;
  const std::string empty = messageOf("clBuildProgram:2=-11:");
  EXPECT_NE(empty.find("the driver gives no reason"), std::string::npos) << empty;
  EXPECT_EQ(shim::alive(), "");
}

TEST_F(OpenClFaults, ABuildThatTakesLongIsCancelledBeforeTheNextProgram) {
  const OpenClOptions uncached = withoutCache();
  const OpenClEnumeration found = enumerateOpenCl(uncached);
  GraphBuilder b;
  smallNetwork(b);
  const Rules slow("clBuildProgram:1=hold");
  ProgramOptions options;
  std::vector<std::string> texts;
  options.progress = [&](std::int64_t, std::int64_t, const std::string& text) { texts.push_back(text); };
  Result<std::shared_ptr<const Program>> program = makeError(ErrorCode::Internal, "not compiled");
  std::thread compiler([&] { program = found.devices[0]->compile(wholeGraph(b.graph), options); });
  shim::waitUntilHeld();
  options.cancel.cancel();
  shim::release();
  compiler.join();
  ASSERT_FALSE(program.ok());
  EXPECT_EQ(program.error().code, ErrorCode::Cancelled);
  int builds = 0;
  for (std::size_t n = 1; n <= shim::calls(); ++n) builds += shim::nameOfCall(n) == "clBuildProgram";
  EXPECT_EQ(builds, 1);
  ASSERT_EQ(texts.size(), 1u);
  EXPECT_EQ(texts[0], "compiling kernel 1 of 3 for " + found.devices[0]->id());
}

TEST_F(OpenClFaults, ProgramsAreBuiltSideBySideAndTheFirstFailureIsTold) {
  OpenClOptions options = withoutCache();
  options.buildsAtOnce = 4;
  const OpenClEnumeration found = enumerateOpenCl(options);
  GraphBuilder b;
  smallNetwork(b);
  const auto compile = [&](const std::string& rules, int held) {
    shim::setRules(rules);
    Result<DeviceRun> run = makeError(ErrorCode::Internal, "not compiled");
    std::thread compiler([&] { run = DeviceRun::create(*found.devices.at(0), b.graph, b.feeds); });
    shim::waitUntilHeld(held);
    shim::release();
    compiler.join();
    return run;
  };
  // Two are in the compiler at once, the third fails: the others end, and nothing is left half made.
  const auto failed = compile("clBuildProgram:1=hold;clBuildProgram:2=hold;clBuildProgram:3=-11:no reason", 2);
  ASSERT_FALSE(failed.ok());
  EXPECT_NE(failed.error().line().find("no reason"), std::string::npos) << failed.error().line();
  auto run = compile("clBuildProgram:1=hold", 1); // the third alone: the others are there
  ASSERT_TRUE(run.ok()) << run.error().line();
  const auto outputs = run->run();
  ASSERT_TRUE(outputs.ok()) << outputs.error().line();
  EXPECT_TRUE(sameBytes((*outputs)[0], m_expected));
  EXPECT_EQ(openClBuildCounts(*found.devices[0]).built, 3);
}

TEST_F(OpenClFaults, MemoryThatRunsOutIsToldWithWhatIsNeededAndWhatIsThere) {
  const OpenClEnumeration found = enumerateOpenCl(m_options);
  GraphBuilder b;
  convNetwork(b);
  std::size_t allocations = 0;
  {
    const Rules counting("");
    ASSERT_TRUE(DeviceRun::create(*found.devices[0], b.graph, b.feeds).ok());
    for (std::size_t n = 1; n <= shim::calls(); ++n) allocations += shim::nameOfCall(n) == "clCreateBuffer";
  }
  ASSERT_GT(allocations, 5u);
  for (const char* how : {"=-4", "=-61", "=defer"}) {
    for (std::size_t n = 1; n <= allocations; ++n) {
      SCOPED_TRACE("allocation " + std::to_string(n) + how);
      const Rules failing("clCreateBuffer:" + std::to_string(n) + how);
      auto run = DeviceRun::create(*found.devices[0], b.graph, b.feeds);
      Result<void> status;
      if (!run)
        status = run.error();
      else if (auto outputs = run->run(); !outputs)
        status = outputs.error();
      ASSERT_FALSE(status.ok());
      const std::string line = status.error().line();
      EXPECT_EQ(status.error().code, ErrorCode::DeviceFailed);
      EXPECT_FALSE(status.error().hint.empty());
      EXPECT_NE(line.find(found.devices[0]->id()), std::string::npos) << line;
      // A transfer names its own size; everything else what is needed and what is there.
      if (line.find("copying") != std::string::npos || line.find("filling") != std::string::npos) continue;
      EXPECT_NE(line.find("it needs "), std::string::npos) << line;
      EXPECT_NE(line.find(" MB, the device has "), std::string::npos) << line;
    }
  }
  EXPECT_TRUE(DeviceRun::create(*found.devices[0], b.graph, b.feeds).ok());
}

TEST_F(OpenClFaults, ATensorAboveTheLargestAllocationIsRefusedWithItsLayerBeforeAnythingIsBuilt) {
  const Rules small("max_alloc=100000;memory=400000000");
  {
    const OpenClEnumeration found = enumerateOpenCl(m_options);
    ASSERT_FALSE(found.devices.empty());
    EXPECT_EQ(found.devices[0]->info().maxAllocationBytes, 100000);
    GraphBuilder b;
    convNetwork(b);
    const std::size_t before = shim::calls();
    const auto program = found.devices[0]->compile(wholeGraph(b.graph), {});
    ASSERT_FALSE(program.ok());
    EXPECT_EQ(shim::calls(), before) << "refused only after the driver was asked for something";
    const std::string line = program.error().line();
    EXPECT_NE(line.find("Conv_0"), std::string::npos) << line;
    EXPECT_NE(line.find("needs 0.1 MB, the device has 400.0 MB, at most 0.1 MB in one piece"), std::string::npos)
        << line;
  }
  EXPECT_EQ(shim::alive(), "");
}

TEST_F(OpenClFaults, WeightsAndActivationsThatDoNotFitTogetherAreRefused) {
  const Rules small("memory=300000");
  const OpenClEnumeration found = enumerateOpenCl(m_options);
  ASSERT_FALSE(found.devices.empty());
  GraphBuilder b;
  convNetwork(b);
  const auto program = found.devices[0]->compile(wholeGraph(b.graph), {});
  ASSERT_FALSE(program.ok());
  EXPECT_NE(program.error().line().find("the device has 0.3 MB"), std::string::npos) << program.error().line();
}

TEST_F(OpenClFaults, AlignmentsOfAPageGiveTheSameResults) {
  for (OpenClKernels kernels : {OpenClKernels::Cpu, OpenClKernels::Gpu}) {
    for (const bool compiled : {true, false}) {
      const Rules aligned("align=4096"); // and sub-buffers elsewhere are refused
      OpenClOptions options;
      options.kernels = kernels;
      const OpenClEnumeration found = enumerateOpenCl(options);
      GraphBuilder b;
      convNetwork(b);
      const auto expected = referenceValues(b.graph, b.feeds).at(b.graph.outputs()[0]);
      auto run = DeviceRun::create(*found.devices.at(0), b.graph, b.feeds, compiled);
      ASSERT_TRUE(run.ok()) << run.error().line();
      for (int repeat = 0; repeat < 2; ++repeat) {
        const auto outputs = run->run();
        ASSERT_TRUE(outputs.ok()) << outputs.error().line();
        expectClose((*outputs)[0], expected, 2e-5, 1e-4, "aligned");
      }
    }
  }
}

TEST_F(OpenClFaults, ADeviceThatFailsWhileItIsWaitedForIsSetUpAnewOnceAndThenLost) {
  for (const char* fault : {"clFinish:1=-5", "clFinish:1=-2", "clEnqueueWriteBuffer:1=-36"}) {
    SCOPED_TRACE(fault);
    {
      const OpenClEnumeration found = enumerateOpenCl(m_options);
      Device& device = *found.devices.at(0);
      GraphBuilder b;
      smallNetwork(b);
      std::optional<DeviceRun> run;
      const auto compile = [&] {
        run.reset();
        auto made = DeviceRun::create(device, b.graph, b.feeds);
        ASSERT_TRUE(made.ok()) << made.error().line();
        run.emplace(std::move(*made));
      };
      compile();
      {
        const Rules failing(fault);
        EXPECT_FALSE(run->run().ok());
      }
      // What was compiled for the context that failed says so instead of giving who knows what.
      const auto again = run->run();
      ASSERT_FALSE(again.ok());
      EXPECT_NE(again.error().line().find("failed before"), std::string::npos) << again.error().line();
      compile();
      ASSERT_TRUE(run);
      EXPECT_EQ(shim::alive().find("cl_context 2"), std::string::npos) << "the old one is still there";
      const auto outputs = run->run();
      ASSERT_TRUE(outputs.ok()) << outputs.error().line();
      EXPECT_TRUE(sameBytes((*outputs)[0], m_expected));
      {
        const Rules failing(fault);
        EXPECT_FALSE(run->run().ok());
      }
      run.reset();
      const auto lost = DeviceRun::create(device, b.graph, b.feeds);
      ASSERT_FALSE(lost.ok());
      EXPECT_EQ(lost.error().code, ErrorCode::DeviceFailed);
      EXPECT_NE(lost.error().line().find("the device is lost"), std::string::npos) << lost.error().line();
      EXPECT_EQ(lost.error().where, device.id());
    }
    EXPECT_EQ(shim::alive(), "");
  }
}

TEST_F(OpenClFaults, ALostDeviceLeavesTheOthersAlone) {
  if (CpuSet::available().count() < 2) GTEST_SKIP() << "one processor only";
  shim::setRules("");
  OpenClOptions options = m_options;
  options.coreSets = {CpuSet({0}), CpuSet({1})};
  const OpenClEnumeration found = enumerateOpenCl(options);
  if (found.devices.size() < 2) GTEST_SKIP() << "the device cannot be split";
  GraphBuilder b;
  smallNetwork(b);
  auto other = DeviceRun::create(*found.devices[0], b.graph, b.feeds);
  ASSERT_TRUE(other.ok()) << other.error().line();
  auto run = DeviceRun::create(*found.devices[1], b.graph, b.feeds);
  ASSERT_TRUE(run.ok()) << run.error().line();
  const Rules gone("*@1:1+=-2");
  EXPECT_FALSE(run->run().ok());
  EXPECT_FALSE(DeviceRun::create(*found.devices[1], b.graph, b.feeds).ok());
  const auto lost = DeviceRun::create(*found.devices[1], b.graph, b.feeds);
  ASSERT_FALSE(lost.ok());
  EXPECT_NE(lost.error().line().find("the device is lost"), std::string::npos) << lost.error().line();
  const auto outputs = other->run();
  ASSERT_TRUE(outputs.ok()) << outputs.error().line();
  EXPECT_TRUE(sameBytes((*outputs)[0], m_expected));
}

} // namespace
} // namespace tandem::test
