// SPDX-License-Identifier: GPL-3.0-or-later
// What the OpenCL back end adds to its driver, as ratios of two things measured in turn on one device:
//   opencl_bench [--device ID] [--cores 0;1] [--rounds N] [--sample NAME] [--json]
// Kernels: a chain of 100 tiny layers against as many empty kernels of the same geometry, with and without arguments.
// Transfers: Stream::write and read against the driver's own calls. Profiling: a sample with and without. Product: 1024
// x 1024 x 1024 as a share of the measured multiply-add peak. Starts: the first and the second run of a sample, its
// programs in the cache.
#include "engine/base/clock.hpp"
#include "engine/devices/opencl/opencl_device.hpp"
#include "engine/devices/opencl/opencl_devices.hpp"
#include "engine/devices/opencl/opencl_program.hpp"
#include "engine/gallery/gallery.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/passes/pass_runner.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace tandem::opencl {
namespace {

struct BenchOptions {
  std::string device = "OPENCL-CPU:0";
  std::string sample = "squeezenet";
  std::size_t rounds = 15;
  bool json = false;
  std::vector<CpuSet> cores;
};

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

/// Processor time of the whole process, the driver's threads included: steadier than time where others compute, too.
double cpuUs() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

/// Medians of several jobs in microseconds: every round runs each of them once, so that all meet the same weather.
template <std::size_t N, class Body> Result<std::array<double, N>> inTurn(std::size_t rounds, Body body) {
  std::array<std::vector<double>, N> times;
  for (std::size_t round = 0; round <= rounds; ++round)
    for (std::size_t job = 0; job < N; ++job) {
      const std::int64_t start = nowNs();
      TANDEM_TRY(body(job));
      if (round > 0) times[job].push_back(static_cast<double>(nowNs() - start) * 1e-3); // the first one warms up
    }
  std::array<double, N> result{};
  for (std::size_t job = 0; job < N; ++job) result[job] = median(times[job]);
  return result;
}

/// Lines for people, or members of one JSON object.
class Output {
 public:
  explicit Output(bool json) : m_json(json) {}
  void add(const std::string& name, double value, const char* unit, const char* format = "%.3f") {
    char text[64];
    std::snprintf(text, sizeof text, format, value);
    if (m_json)
      std::printf("%s\"%s%s\": %s", m_first ? "{" : ", ", name.c_str(), *unit ? (std::string("_") + unit).c_str() : "",
                  text);
    else
      std::printf("%-44s %12s %s\n", name.c_str(), text, unit);
    m_first = false;
  }
  void end() const { std::printf("%s", m_json ? "}\n" : ""); }

 private:
  bool m_json;
  bool m_first = true;
};

/// A compiled graph with its buffers, as the runtime would use it.
struct Job {
  Graph graph;
  std::shared_ptr<const Program> program;
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::unique_ptr<Instance> instance;
  std::unique_ptr<Stream> stream;

  static Result<std::unique_ptr<Job>> create(Device& device, Graph graph, bool compiled) {
    auto job = std::make_unique<Job>();
    job->graph = std::move(graph);
    ProgramOptions options;
    options.compiled = compiled;
    Segment segment{&job->graph, topologicalOrder(job->graph), job->graph.inputs(), job->graph.outputs()};
    job->program = TANDEM_TRY(device.compile(segment, options));
    job->stream = TANDEM_TRY(device.createStream({}));
    std::vector<Buffer*> inputs, outputs;
    for (auto* list : {&segment.inputs, &segment.outputs})
      for (ValueId id : *list) {
        const auto bytes = static_cast<std::size_t>(job->graph.value(id).desc.bytes());
        job->buffers.push_back(TANDEM_TRY(device.allocate(bytes)));
        (list == &segment.inputs ? inputs : outputs).push_back(job->buffers.back().get());
        const std::vector<std::byte> zeros(bytes);
        TANDEM_TRY(job->stream->write(*job->buffers.back(), zeros.data(), bytes));
        TANDEM_TRY(job->stream->finish());
      }
    job->instance = TANDEM_TRY(job->program->instantiate(inputs, outputs));
    return job;
  }
  Result<void> run() {
    TANDEM_TRY(instance->run(*stream));
    return stream->finish();
  }
};

ValueId add(Graph& graph, const char* type, std::vector<ValueId> inputs) {
  Node node;
  node.name = type + std::to_string(graph.nodes().size());
  node.type = type;
  node.version = versionFor(*findOp("", type), graph.opset);
  node.inputs = std::move(inputs);
  node.outputs = {graph.addValue({})};
  const ValueId result = node.outputs[0];
  graph.addNode(std::move(node));
  return result;
}

Result<void> check(cl_int code, const char* what) {
  if (code != CL_SUCCESS) return clFailed(what, code, "opencl_bench");
  return {};
}

/// Empty kernels: without arguments, and with those of a typical layer, which cost a driver time of its own.
constexpr const char* kEmptyKernels = "kernel void bare() {}\n"
                                      "kernel void layer(global const float* x, global float* y, int n) {}\n";

Result<void> benchKernels(OpenClDevice& device, const BenchOptions& options, Output& out) {
  Graph graph;
  graph.opset = 18;
  ValueId last = graph.addInput("x", {DataType::Float32, {1, 4}});
  for (int i = 0; i < 100; ++i) last = add(graph, i % 2 == 0 ? "Softmax" : "Neg", {last});
  graph.addOutput(last);
  TANDEM_TRY(inferShapes(graph));
  const auto job = TANDEM_TRY(Job::create(device, std::move(graph), false));
  const auto& steps = static_cast<const OpenClProgram&>(*job->program).steps();

  const auto usable = TANDEM_TRY(device.usableContext());
  const DeviceContext& context = *usable;
  const QueueHandle queue = TANDEM_TRY(context.createQueue(false));
  cl_int code = CL_SUCCESS;
  const char* source = kEmptyKernels;
  const ProgramHandle program(clCreateProgramWithSource(context.context.get(), 1, &source, nullptr, &code));
  TANDEM_TRY(check(code, "clCreateProgramWithSource"));
  TANDEM_TRY(check(clBuildProgram(program.get(), 1, &context.device, "", nullptr, nullptr), "clBuildProgram"));
  std::vector<KernelHandle> kernels;
  for (const char* name : {"bare", "layer"}) {
    kernels.emplace_back(clCreateKernel(program.get(), name, &code));
    TANDEM_TRY(check(code, "clCreateKernel"));
  }
  for (cl_uint i = 0; i < 2; ++i) {
    const cl_mem mem = static_cast<const OpenClBuffer&>(*job->buffers[i]).mem();
    TANDEM_TRY(check(clSetKernelArg(kernels[1].get(), i, sizeof mem, &mem), "clSetKernelArg"));
  }
  const cl_int four = 4;
  TANDEM_TRY(check(clSetKernelArg(kernels[1].get(), 2, sizeof four, &four), "clSetKernelArg"));

  std::array<std::vector<double>, 3> enqueue;
  const auto body = [&](std::size_t which) -> Result<void> {
    const std::int64_t start = nowNs();
    if (which < 2) {
      for (const Step& step : steps)
        TANDEM_TRY(check(clEnqueueNDRangeKernel(queue.get(), kernels[which].get(), 3, nullptr, step.global.data(),
                                                step.local.data(), 0, nullptr, nullptr),
                         "clEnqueueNDRangeKernel"));
    } else {
      TANDEM_TRY(job->instance->run(*job->stream));
    }
    enqueue[which].push_back(static_cast<double>(nowNs() - start) * 1e-3);
    return which < 2 ? check(clFinish(queue.get()), "clFinish") : job->stream->finish();
  };
  const auto times = TANDEM_TRY(inTurn<3>(options.rounds * 40, body));
  const auto count = static_cast<double>(steps.size());
  out.add("kernels", count, "", "%.0f");
  out.add("bare_kernels_of_the_driver", times[0], "us", "%.1f");
  out.add("empty_layers_of_the_driver", times[1], "us", "%.1f");
  out.add("chain_of_tiny_layers", times[2], "us", "%.1f");
  out.add("chain_over_bare_kernels", times[2] / times[0], "");
  out.add("chain_over_empty_layers", times[2] / times[1], "");
  out.add("added_per_kernel", (times[2] - times[1]) / count, "us");
  const char* names[] = {"enqueue_of_a_bare_kernel", "enqueue_of_an_empty_layer", "enqueue_of_ours"};
  for (std::size_t i = 0; i < 3; ++i) out.add(names[i], median(enqueue[i]) / count, "us");
  return {};
}

Result<void> benchTransfers(OpenClDevice& device, const BenchOptions& options, Output& out) {
  const auto usable = TANDEM_TRY(device.usableContext());
  const QueueHandle queue = TANDEM_TRY(usable->createQueue(false));
  const auto stream = TANDEM_TRY(device.createStream({}));
  for (const std::size_t kb : {4, 64, 1024, 16384, 65536}) {
    const std::size_t bytes = kb << 10;
    const auto buffer = TANDEM_TRY(device.allocate(bytes));
    const cl_mem mem = static_cast<const OpenClBuffer&>(*buffer).mem();
    std::vector<unsigned char> host(bytes, 1);
    // Short transfers many times, or the clock is what is measured.
    const int repeats = bytes >= (std::size_t{1} << 20) ? 1 : 16;
    const auto body = [&](std::size_t which) -> Result<void> {
      for (int i = 0; i < repeats; ++i) {
        cl_int code = CL_SUCCESS;
        switch (which) {
        case 0:
          code = clEnqueueWriteBuffer(queue.get(), mem, CL_FALSE, 0, bytes, host.data(), 0, nullptr, nullptr);
          break;
        case 1: TANDEM_TRY(stream->write(*buffer, host.data(), bytes)); break;
        case 2:
          code = clEnqueueReadBuffer(queue.get(), mem, CL_FALSE, 0, bytes, host.data(), 0, nullptr, nullptr);
          break;
        case 3: TANDEM_TRY(stream->read(*buffer, host.data(), bytes)); break;
        case 4: {
          void* mapped =
              clEnqueueMapBuffer(queue.get(), mem, CL_FALSE, CL_MAP_WRITE, 0, bytes, 0, nullptr, nullptr, &code);
          TANDEM_TRY(check(code, "clEnqueueMapBuffer"));
          TANDEM_TRY(check(clFinish(queue.get()), "clFinish"));
          std::memcpy(mapped, host.data(), bytes);
          code = clEnqueueUnmapMemObject(queue.get(), mem, mapped, 0, nullptr, nullptr);
          break;
        }
        }
        TANDEM_TRY(check(code, "a transfer"));
        if (which % 2 == 1) {
          TANDEM_TRY(stream->finish());
        } else {
          TANDEM_TRY(check(clFinish(queue.get()), "clFinish"));
        }
      }
      return {};
    };
    const auto times = TANDEM_TRY(inTurn<5>(options.rounds, body));
    const std::string size = kb >= 1024 ? std::to_string(kb >> 10) + "mb" : std::to_string(kb) + "kb";
    const double rate = static_cast<double>(bytes) * repeats * 1e-3;
    out.add("write_" + size, rate / times[1], "gb_per_s", "%.2f");
    out.add("write_" + size + "_of_plain", times[0] / times[1], "");
    out.add("write_" + size + "_of_map", times[4] / times[1], "");
    out.add("read_" + size, rate / times[3], "gb_per_s", "%.2f");
    out.add("read_" + size + "_of_plain", times[2] / times[3], "");
  }
  return {};
}

Result<void> benchProduct(OpenClDevice& device, const BenchOptions& options, Output& out) {
  constexpr std::int64_t kSize = 1024;
  Graph graph;
  graph.opset = 18;
  const TensorDesc desc{DataType::Float32, {kSize, kSize}};
  const ValueId a = graph.addInput("a", desc), b = graph.addConstant("b", Tensor::zeros(desc));
  graph.addOutput(add(graph, "MatMul", {a, b}));
  TANDEM_TRY(inferShapes(graph));
  const auto job = TANDEM_TRY(Job::create(device, std::move(graph), true));
  const ProbeResult probe = TANDEM_TRY(device.probe({}));
  const auto body = [&](std::size_t) { return job->run(); };
  const auto times = TANDEM_TRY(inTurn<1>(options.rounds, body));
  const double gflops = 2.0 * kSize * kSize * kSize / times[0] * 1e-3;
  out.add("product_1024", gflops, "gflop_per_s", "%.1f");
  out.add("peak", probe.gflops, "gflop_per_s", "%.1f");
  out.add("product_1024_of_peak", gflops / probe.gflops, "");
  return {};
}

Result<Graph> sampleGraph(const std::string& name) {
  Graph graph = TANDEM_TRY(buildSample(name));
  InferOptions infer;
  for (ValueId id : graph.inputs()) {
    Shape shape = graph.value(id).desc.shape;
    if (shape.rank() > 0) shape[0] = 1;
    infer.inputShapes[graph.value(id).name] = shape;
  }
  TANDEM_TRY(inferShapes(graph, infer));
  resetOrigins(graph);
  TANDEM_TRY(runPasses(graph, {}));
  TANDEM_TRY(inferShapes(graph, infer));
  return graph;
}

Result<void> benchSample(OpenClDevice& device, const BenchOptions& options, Output& out) {
  // Once before, so that the cache is warm, and once more as the first of its life.
  Graph graph = TANDEM_TRY(sampleGraph(options.sample));
  TANDEM_TRY(Job::create(device, graph, true));
  const std::int64_t start = nowNs();
  const auto job = TANDEM_TRY(Job::create(device, std::move(graph), true));
  const std::int64_t ready = nowNs();
  TANDEM_TRY(job->run());
  const std::int64_t first = nowNs();
  TANDEM_TRY(job->run());
  const std::int64_t second = nowNs();
  out.add(options.sample + "_prepared", toMs(ready - start), "ms");
  out.add(options.sample + "_first_run", toMs(first - ready), "ms");
  out.add(options.sample + "_second_run", toMs(second - first), "ms");

  TraceRecorder recorder(1 << 12);
  TraceWriter* writer = recorder.addTrack("device");
  // A request with its data: what is copied where memory is shared, against what changes hands.
  if (device.info().hostMemory) {
    Buffer& in = *job->buffers.front();
    Buffer& result = *job->buffers.back();
    std::vector<std::byte> input(in.bytes()), output(result.bytes());
    const auto request = [&](std::size_t which) -> Result<void> {
      void* from = which == 0 ? input.data() : in.hostData();
      void* to = which == 0 ? output.data() : result.hostData();
      TANDEM_TRY(job->stream->write(in, from, in.bytes()));
      TANDEM_TRY(job->instance->run(*job->stream));
      TANDEM_TRY(job->stream->read(result, to, result.bytes()));
      if (which == 1) TANDEM_TRY(job->stream->read(in, from, in.bytes()));
      return job->stream->finish();
    };
    const auto requests = TANDEM_TRY(inTurn<2>(options.rounds * 10, request));
    out.add(options.sample + "_copied", requests[0] * 1e-3, "ms");
    out.add(options.sample + "_in_place", requests[1] * 1e-3, "ms");
    out.add(options.sample + "_in_place_over_copied", requests[1] / requests[0], "");
  }

  std::array<std::vector<double>, 2> cpu;
  const auto body = [&](std::size_t which) -> Result<void> {
    job->stream->setTrace(which == 1 ? &recorder : nullptr, which == 1 ? writer : nullptr, 1);
    const double before = cpuUs();
    TANDEM_TRY(job->run());
    cpu[which].push_back(cpuUs() - before);
    return {};
  };
  const auto times = TANDEM_TRY(inTurn<2>(options.rounds * 10, body));
  out.add(options.sample, times[0] * 1e-3, "ms");
  out.add(options.sample + "_profiled", times[1] * 1e-3, "ms");
  out.add(options.sample + "_profiled_over_plain", times[1] / times[0], "");
  out.add(options.sample + "_profiled_over_plain_cpu_time", median(cpu[1]) / median(cpu[0]), "");
  return {};
}

Result<void> runBench(const BenchOptions& options) {
  OpenClOptions openCl;
  openCl.coreSets = options.cores;
  const OpenClEnumeration found = enumerateOpenCl(openCl);
  const auto chosen = std::find_if(found.devices.begin(), found.devices.end(),
                                   [&](const auto& device) { return device->id() == options.device; });
  if (chosen == found.devices.end())
    return makeError(ErrorCode::Usage, "there is no such OpenCL device", options.device, "see tandem devices");
  auto& device = static_cast<OpenClDevice&>(**chosen);
  Output out(options.json);
  TANDEM_TRY(benchKernels(device, options, out));
  TANDEM_TRY(benchTransfers(device, options, out));
  TANDEM_TRY(benchProduct(device, options, out));
  TANDEM_TRY(benchSample(device, options, out));
  out.end();
  return {};
}

Result<BenchOptions> parse(int argc, char** argv) {
  BenchOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json") {
      options.json = true;
      continue;
    }
    if (i + 1 == argc) return makeError(ErrorCode::Usage, "not understood", word, "see the head of opencl_bench.cpp");
    const char* value = argv[++i];
    if (word == "--device") {
      options.device = value;
    } else if (word == "--sample") {
      options.sample = value;
    } else if (word == "--rounds") {
      options.rounds = static_cast<std::size_t>(std::max(std::atoi(value), 1));
    } else if (word == "--cores") {
      options.cores = TANDEM_TRY(parseCoreSets(value));
    } else {
      return makeError(ErrorCode::Usage, "not understood", word, "see the head of opencl_bench.cpp");
    }
  }
  return options;
}

} // namespace
} // namespace tandem::opencl

int main(int argc, char** argv) {
  const auto options = tandem::opencl::parse(argc, argv);
  const tandem::Result<void> done = options.ok() ? tandem::opencl::runBench(*options) : options.error();
  if (!done.ok()) std::fprintf(stderr, "%s\n", done.error().line().c_str());
  return done.ok() ? 0 : options.ok() ? 1 : 2;
}
