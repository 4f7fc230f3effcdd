// SPDX-License-Identifier: GPL-3.0-or-later
// Median time of built-in models on every OpenCL device, and of their slowest kernels:
//   opencl_model_times [--cores 0;1] [--kernels cpu|gpu] [--device ID] [--detail] [MODEL...]
#include "engine/base/clock.hpp"
#include "engine/devices/opencl/opencl_devices.hpp"
#include "engine/gallery/gallery.hpp"
#include "engine/ops/shape_inference.hpp"
#include "engine/passes/pass_runner.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <random>

namespace {

using namespace tandem;

Result<Graph> optimized(const std::string& name) {
  Graph graph = TANDEM_TRY(buildSample(name));
  InferOptions options;
  for (ValueId id : graph.inputs()) {
    Shape shape = graph.value(id).desc.shape;
    shape[0] = 1;
    options.inputShapes[graph.value(id).name] = shape;
  }
  const auto known = TANDEM_TRY(inferShapes(graph, options));
  resetOrigins(graph);
  PassContext context;
  context.known = &known;
  TANDEM_TRY(runPasses(graph, context));
  TANDEM_TRY(inferShapes(graph, options));
  return graph;
}

void printSlowest(const TraceRecorder::Copy& trace, int runs) {
  std::map<std::string, double> byLabel;
  for (const TraceEvent& event : trace.tracks[0].events)
    byLabel[trace.labels[event.label]] += static_cast<double>(event.endNs - event.startNs) * 1e-3 / runs;
  std::vector<std::pair<double, std::string>> sorted;
  double sum = 0;
  for (const auto& [label, us] : byLabel) sorted.emplace_back(us, label), sum += us;
  std::sort(sorted.rbegin(), sorted.rend());
  std::printf("    device time %.0f us\n", sum);
  for (std::size_t i = 0; i < std::min<std::size_t>(sorted.size(), 12); ++i)
    std::printf("    %9.1f us  %s\n", sorted[i].first, sorted[i].second.c_str());
}

Result<void> measure(Device& device, const std::string& model, bool detail) {
  const Graph graph = TANDEM_TRY(optimized(model));
  Segment segment;
  segment.graph = &graph;
  segment.nodes = topologicalOrder(graph);
  segment.inputs = graph.inputs();
  segment.outputs = graph.outputs();
  const std::int64_t start = nowNs();
  const auto program = TANDEM_TRY(device.compile(segment, {}));
  const double compileMs = toMs(nowNs() - start);
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<Buffer*> inputs, outputs;
  for (ValueId id : graph.inputs()) {
    buffers.push_back(TANDEM_TRY(device.allocate(static_cast<std::size_t>(graph.value(id).desc.bytes()))));
    inputs.push_back(buffers.back().get());
  }
  for (ValueId id : graph.outputs()) {
    buffers.push_back(TANDEM_TRY(device.allocate(static_cast<std::size_t>(graph.value(id).desc.bytes()))));
    outputs.push_back(buffers.back().get());
  }
  const auto instance = TANDEM_TRY(program->instantiate(inputs, outputs));
  const auto stream = TANDEM_TRY(device.createStream({}));
  std::vector<float> picture(inputs[0]->bytes() / sizeof(float));
  std::mt19937 generator(1);
  for (float& value : picture) value = std::uniform_real_distribution<float>(-1, 1)(generator);
  std::vector<float> result(outputs[0]->bytes() / sizeof(float));
  const auto request = [&]() -> Result<void> {
    TANDEM_TRY(stream->write(*inputs[0], picture.data(), inputs[0]->bytes()));
    TANDEM_TRY(instance->run(*stream));
    TANDEM_TRY(stream->read(*outputs[0], result.data(), outputs[0]->bytes()));
    return stream->finish();
  };
  TANDEM_TRY(request());
  std::vector<double> times;
  const std::int64_t begin = nowNs();
  while (times.size() < 7 || (nowNs() - begin < 2'000'000'000 && times.size() < 500)) {
    const std::int64_t t0 = nowNs();
    TANDEM_TRY(request());
    times.push_back(toMs(nowNs() - t0));
  }
  std::sort(times.begin(), times.end());
  std::printf("%-14s %-14s p50 %8.3f ms  best %8.3f  compile %7.0f ms  weights %6.1f MB  arena %6.1f MB\n",
              device.id().c_str(), model.c_str(), times[times.size() / 2], times[0], compileMs,
              static_cast<double>(program->memory().weightsBytes) * 1e-6,
              static_cast<double>(program->memory().activationsBytes) * 1e-6);
  if (detail) {
    TraceRecorder recorder;
    stream->setTrace(&recorder, recorder.addTrack("kernels"), 1);
    constexpr int kRuns = 5;
    for (int i = 0; i < kRuns; ++i) TANDEM_TRY(request());
    printSlowest(recorder.copy(), kRuns);
  }
  return {};
}

} // namespace

int main(int argc, char** argv) {
  OpenClOptions options;
  std::vector<std::string> models;
  std::string only;
  bool detail = false;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const bool more = i + 1 < argc;
    if (arg == "--cores" && more) {
      auto sets = parseCoreSets(argv[++i]);
      if (!sets.ok()) return std::fprintf(stderr, "%s\n", sets.error().line().c_str()), 2;
      options.coreSets = *sets;
    } else if (arg == "--kernels" && more) {
      options.kernels = std::strcmp(argv[++i], "gpu") == 0 ? OpenClKernels::Gpu : OpenClKernels::Cpu;
    } else if (arg == "--device" && more) {
      only = argv[++i];
    } else if (arg == "--detail") {
      detail = true;
    } else {
      models.push_back(arg);
    }
  }
  if (models.empty())
    for (const GallerySample& sample : gallerySamples()) models.push_back(sample.name);
  const OpenClEnumeration found = enumerateOpenCl(options);
  for (const DeviceProblem& problem : found.problems)
    std::printf("problem: %s: %s\n", problem.platform.c_str(), problem.message.c_str());
  bool failed = found.devices.empty();
  for (const auto& device : found.devices) {
    if (!only.empty() && device->id() != only) continue;
    std::printf("%s: %s, %s, %s; %s\n", device->id().c_str(), device->info().name.c_str(),
                device->info().platform.c_str(), device->info().driver.c_str(), device->info().note.c_str());
    for (const std::string& model : models) {
      if (const auto done = measure(*device, model, detail); !done.ok()) {
        std::printf("%s %s: %s\n", device->id().c_str(), model.c_str(), done.error().line().c_str());
        failed = true;
      }
    }
  }
  return failed ? 1 : 0;
}
