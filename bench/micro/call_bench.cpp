// SPDX-License-Identifier: GPL-3.0-or-later
// Times calls of a compiled model in the C++ API: what one prediction costs a program that links the engine, without
// serving, router and command line. Says also what a step costs besides its kernel. Command line: call_times.hpp.
#include "bench/micro/call_times.hpp"
#include "engine/base/clock.hpp"
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/formats/onnx/onnx_reader.hpp"
#include "engine/runtime/executable.hpp"
#include "engine/runtime/execution_slot.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace tandem::bench {
namespace {

Result<std::vector<Tensor>> inputsOf(const Graph& graph, const std::vector<CallInput>& given) {
  std::vector<Tensor> tensors;
  for (ValueId id : graph.inputs()) {
    const std::string& name = graph.value(id).name;
    const auto found =
        std::find_if(given.begin(), given.end(), [&](const CallInput& each) { return each.name == name; });
    if (found == given.end()) return makeError(ErrorCode::InputRejected, "no such input was given", name, "--input");
    const auto type = dataTypeFrom(found->type);
    if (!type) return makeError(ErrorCode::InputRejected, "unknown element type " + found->type, name, "--input");
    Tensor tensor = Tensor::uninitialized({*type, Shape(found->shape)});
    if (tensor.bytes() != found->bytes.size())
      return makeError(ErrorCode::InputRejected, "the file does not hold " + tensor.desc().toString(), name, "--input");
    std::memcpy(tensor.mutableData(), found->bytes.data(), found->bytes.size());
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

/// What reading the clock once costs, which every traced step includes.
double clockUs() {
  constexpr int kReads = 100000;
  const std::int64_t start = nowNs();
  for (int i = 0; i < kReads; ++i) static_cast<void>(nowNs());
  return static_cast<double>(nowNs() - start) * 1e-3 / kReads;
}

struct Inside {
  std::size_t steps = 0; ///< as the trace shows them: a kernel with its reorders
  double kernelUs = 0;   ///< median over runs of the time inside kernels
};

Result<Inside> timeKernels(ExecutionSlot& slot) {
  constexpr std::size_t kRuns = 2000;
  Inside inside;
  std::vector<double> sums;
  TraceRecorder recorder;
  slot.setTrace(&recorder, "", 1);
  const double clock = clockUs();
  for (std::size_t i = 0; i < kRuns; ++i) {
    recorder.clear();
    TANDEM_TRY(slot.run());
    const TraceRecorder::Copy trace = recorder.copy();
    double us = 0;
    inside.steps = 0;
    for (const auto& track : trace.tracks)
      for (const TraceEvent& event : track.events) {
        if (event.kind != TraceKind::Kernel) continue;
        us += static_cast<double>(event.endNs - event.startNs) * 1e-3 - clock;
        ++inside.steps;
      }
    sums.push_back(us);
  }
  slot.setTrace(nullptr, "", 0);
  std::nth_element(sums.begin(), sums.begin() + kRuns / 2, sums.end());
  inside.kernelUs = sums[kRuns / 2];
  return inside;
}

Result<void> bench(const CallOptions& options) {
  std::vector<int> cores = CpuSet::available().cpus();
  cores.resize(std::min(cores.size(), static_cast<std::size_t>(options.threads)));
  const auto devices = makeCpuDevices({CpuSet(cores)});
  Device& cpu = *devices.front();
  OnnxModel model = TANDEM_TRY(readOnnx(options.model));
  const std::vector<Tensor> inputs = TANDEM_TRY(inputsOf(model.graph, options.inputs));
  BoundGraph bound = TANDEM_TRY(bindTensors(model.graph, inputs));
  std::vector<Device*> deviceOf(bound.graph.nodes().size(), &cpu);
  CompileOptions compile;
  compile.threads = options.threads;
  compile.compiled = !options.eager;
  const auto executable = TANDEM_TRY(Executable::compile(std::move(bound), std::move(deviceOf), cpu, compile));
  const auto slot = TANDEM_TRY(executable->createSlot());
  slot->attachCurrentThread();

  Result<void> status;
  const auto call = [&] {
    status = slot->setInputs(inputs);
    if (!status) return false;
    const Result<RunTimes> run = slot->run();
    if (!run) status = run.error();
    return run.ok();
  };
  const auto times = timeCalls(call, options.seconds);
  if (!times) return status;
  if (!options.saveTo.empty())
    for (std::size_t i = 0; i < slot->outputCount(); ++i)
      if (!saveOutput(options.saveTo, i, slot->output(i).data(), slot->output(i).bytes()))
        return makeError(ErrorCode::Internal, "outputs cannot be written", options.saveTo);
  std::string more;
  if (options.seconds > 0) {
    const Inside inside = TANDEM_TRY(timeKernels(*slot));
    more = ", \"steps\": " + std::to_string(inside.steps) + ", \"kernel_us\": " + std::to_string(inside.kernelUs);
  }
  printCallTimes(*times, more);
  return {};
}

} // namespace
} // namespace tandem::bench

int main(int argc, char** argv) {
  const auto options = tandem::bench::parseCallOptions(argc, argv);
  if (!options) return 2;
  const auto done = tandem::bench::bench(*options);
  if (!done.ok()) std::fprintf(stderr, "%s\n", done.error().line().c_str());
  return done.ok() ? 0 : 1;
}
