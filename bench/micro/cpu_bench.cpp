// SPDX-License-Identifier: GPL-3.0-or-later
// Times built-in models and ONNX files on the native CPU device, without runtime and serving around it, and says where
// the time goes.
//   cpu_bench [MODEL [BATCH [THREADS [SECONDS [eager] [kernels]]]]]
#include "engine/base/clock.hpp"
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/formats/onnx/onnx_reader.hpp"
#include "engine/gallery/gallery.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/passes/pass_runner.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <unordered_map>

namespace tandem {
namespace {

constexpr std::int64_t kUnknownExtent = 32; // for dynamic dims other than the batch

struct BenchOptions {
  std::string model = "squeezenet";
  std::int64_t batch = 1;
  int threads = 1;
  double seconds = 2;
  bool compiled = true;
  bool kernels = false;
};

Result<Graph> openModel(const std::string& model) {
  if (!model.ends_with(".onnx")) return buildSample(model);
  OnnxModel file = TANDEM_TRY(readOnnx(model));
  return std::move(file.graph);
}

Result<Graph> loadGraph(const BenchOptions& options) {
  Graph graph = TANDEM_TRY(openModel(options.model));
  InferOptions infer;
  for (ValueId id : graph.inputs()) {
    Shape shape = graph.value(id).desc.shape;
    for (std::size_t i = 0; i < shape.rank(); ++i)
      if (shape[i] == kUnknownDim) shape[i] = i == 0 ? options.batch : kUnknownExtent;
    infer.inputShapes[graph.value(id).name] = shape;
  }
  TANDEM_TRY(inferShapes(graph, infer));
  if (options.compiled) {
    resetOrigins(graph);
    TANDEM_TRY(runPasses(graph, {}));
    TANDEM_TRY(inferShapes(graph, infer));
  }
  return graph;
}

/// Processor time of the whole process: what a run costs also where others use the machine.
double cpuMs() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

void printKernels(const Graph& graph, const Program& program, const TraceRecorder& recorder, std::size_t runs) {
  struct Sum {
    double us = 0;
    std::string kernel;
  };
  std::vector<std::pair<std::string, Sum>> rows;
  const auto copy = recorder.copy();
  std::unordered_map<std::string, std::size_t> index;
  for (const KernelInfo& info : program.kernels()) {
    const Node& node = graph.node(info.node);
    index[node.type + "  " + node.name] = rows.size();
    rows.push_back(
        {node.type + "  " + node.name + " " + graph.value(node.outputs[0]).desc.shape.toString(), {0, info.kernel}});
  }
  for (const TraceEvent& event : copy.tracks.at(0).events)
    if (auto it = index.find(copy.labels[event.label]); it != index.end())
      rows[it->second].second.us += static_cast<double>(event.endNs - event.startNs) * 1e-3;
  for (const auto& [name, sum] : rows)
    std::printf("%10.1f us  %-70s %s\n", sum.us / static_cast<double>(runs), name.c_str(), sum.kernel.c_str());
}

Result<void> runBench(const BenchOptions& options) {
  const std::int64_t loadStart = nowNs();
  const Graph graph = TANDEM_TRY(loadGraph(options));
  std::vector<int> cores = CpuSet::available().cpus();
  cores.resize(std::min(cores.size(), static_cast<std::size_t>(options.threads)));
  const auto devices = makeCpuDevices({CpuSet(cores)});
  Device& device = *devices.front();
  const std::int64_t compileStart = nowNs();
  ProgramOptions programOptions;
  programOptions.compiled = options.compiled;
  programOptions.threads = options.threads;
  const auto program =
      TANDEM_TRY(device.compile({&graph, topologicalOrder(graph), graph.inputs(), graph.outputs()}, programOptions));
  const std::int64_t compileEnd = nowNs();
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<Buffer*> inputs, outputs;
  auto addBuffers = [&](const std::vector<ValueId>& values, std::vector<Buffer*>& list) -> Result<void> {
    for (ValueId id : values) {
      buffers.push_back(TANDEM_TRY(device.allocate(static_cast<std::size_t>(graph.value(id).desc.bytes()))));
      std::memset(buffers.back()->hostData(), 0, buffers.back()->bytes());
      list.push_back(buffers.back().get());
    }
    return {};
  };
  TANDEM_TRY(addBuffers(graph.inputs(), inputs));
  TANDEM_TRY(addBuffers(graph.outputs(), outputs));
  auto instance = TANDEM_TRY(program->instantiate(inputs, outputs));
  auto stream = TANDEM_TRY(device.createStream({options.threads}));
  stream->attachCurrentThread();
  constexpr int kWarmUp = 5;
  for (int i = 0; i < kWarmUp; ++i) TANDEM_TRY(instance->run(*stream));
  std::vector<double> times;
  const double cpuStart = cpuMs();
  const std::int64_t end = nowNs() + static_cast<std::int64_t>(options.seconds * 1e9);
  while (nowNs() < end) {
    const std::int64_t start = nowNs();
    TANDEM_TRY(instance->run(*stream));
    times.push_back(toMs(nowNs() - start));
  }
  const double cpuPerRun = (cpuMs() - cpuStart) / static_cast<double>(times.size());
  std::sort(times.begin(), times.end());
  std::printf("%-14s batch %lld threads %d %s: p50 %.3f ms, p10 %.3f, p90 %.3f, cpu time %.3f (%zu runs); load %.0f "
              "ms, compile %.0f ms, "
              "weights %.1f MB, activations %.2f MB\n",
              options.model.c_str(), static_cast<long long>(options.batch), options.threads,
              options.compiled ? "compiled" : "eager", times[times.size() / 2], times[times.size() / 10],
              times[times.size() * 9 / 10], cpuPerRun, times.size(), toMs(compileStart - loadStart),
              toMs(compileEnd - compileStart), static_cast<double>(program->memory().weightsBytes) * 1e-6,
              static_cast<double>(program->memory().activationsBytes) * 1e-6);
  if (!options.kernels) return {};
  TraceRecorder recorder;
  stream->setTrace(&recorder, recorder.addTrack("CPU:0"), 1);
  constexpr std::size_t kTraced = 20;
  for (std::size_t i = 0; i < kTraced; ++i) TANDEM_TRY(instance->run(*stream));
  printKernels(graph, *program, recorder, kTraced);
  return {};
}

} // namespace
} // namespace tandem

int main(int argc, char** argv) {
  tandem::BenchOptions options;
  if (argc > 1) options.model = argv[1];
  if (argc > 2) options.batch = std::atoll(argv[2]);
  if (argc > 3) options.threads = std::atoi(argv[3]);
  if (argc > 4) options.seconds = std::atof(argv[4]);
  for (int i = 5; i < argc; ++i) {
    if (std::strcmp(argv[i], "eager") == 0) options.compiled = false;
    if (std::strcmp(argv[i], "kernels") == 0) options.kernels = true;
  }
  const auto done = tandem::runBench(options);
  if (!done.ok()) std::fprintf(stderr, "%s\n", done.error().line().c_str());
  return done.ok() ? 0 : 1;
}
