// SPDX-License-Identifier: GPL-3.0-or-later
// Requests in flight on a device with memory of its own: while one computes, the next one's input goes up and the last
// one's result comes down. On the virtual clock, so that the figures are the same on every machine.
#include "engine/devices/cpu/cpu_devices.hpp"
#include "engine/devices/simulated/simulated_device.hpp"
#include "engine/runtime/execution_slot.hpp"
#include "tests/support/graphs.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace tandem {
namespace {

using Spans = std::vector<std::pair<double, double>>; ///< start and end, microseconds

/// Spans that touch or overlap as one.
Spans merged(Spans spans) {
  std::sort(spans.begin(), spans.end());
  Spans result;
  for (const auto& span : spans) {
    if (!result.empty() && span.first <= result.back().second)
      result.back().second = std::max(result.back().second, span.second);
    else
      result.push_back(span);
  }
  return result;
}
double length(const Spans& spans) {
  double sum = 0;
  for (const auto& [start, end] : merged(spans)) sum += end - start;
  return sum;
}
double common(const Spans& a, const Spans& b) {
  Spans both = a;
  both.insert(both.end(), b.begin(), b.end());
  return length(a) + length(b) - length(both);
}

/// The rows of a Chrome trace by what goes on in them.
struct Timeline {
  Spans uploads, kernels, downloads;
  double end = 0;
};
Timeline readChromeTrace(const std::string& text) {
  Timeline timeline;
  const auto json = nlohmann::json::parse(text);
  for (const auto& event : json.at("traceEvents")) {
    if (event.at("ph") != "X") continue;
    const double start = event.at("ts"), duration = event.at("dur");
    const std::string name = event.at("name"), kind = event.at("cat");
    Spans& spans = kind == "kernel"               ? timeline.kernels
                   : name.starts_with("Write to") ? timeline.uploads
                                                  : timeline.downloads;
    spans.emplace_back(start, start + duration);
    timeline.end = std::max(timeline.end, start + duration);
    EXPECT_TRUE(kind == "kernel" || event.at("args").at("gb_per_s").get<double>() > 0) << name;
  }
  return timeline;
}

/// `requests` requests of a chain of `layers` layers, round robin over `slots` slots of one device.
Timeline serve(int layers, std::size_t slots, std::uint64_t requests) {
  Graph graph;
  graph.opset = 18;
  ValueId last = graph.addInput("x", {DataType::Float32, {1 << 16}});
  for (int i = 0; i < layers; ++i) last = test::add(graph, i % 2 == 0 ? "Neg" : "Relu", {last});
  graph.addOutput(last);
  const auto cpu = std::move(makeCpuDevices({}).front());
  const auto gpu = *SimulatedDevice::create("SIM:rtx3080");
  CompileOptions options;
  options.compiled = false; // every layer a kernel
  options.threads = 1;
  auto bound = bindInputs(graph, 1);
  EXPECT_TRUE(bound.ok());
  const auto executable =
      Executable::compile(std::move(*bound), std::vector<Device*>(graph.nodes().size(), gpu.get()), *cpu, options);
  EXPECT_TRUE(executable.ok());
  TraceRecorder recorder;
  std::vector<std::unique_ptr<ExecutionSlot>> all;
  for (std::size_t i = 0; i < slots; ++i) all.push_back(*(*executable)->createSlot());
  for (std::uint64_t request = 1; request <= requests; ++request) {
    ExecutionSlot& slot = *all[request % slots];
    slot.setTrace(&recorder, "slot " + std::to_string(request % slots) + " ", request);
    EXPECT_TRUE(slot.run().ok());
  }
  return readChromeTrace(toChromeTrace(recorder.copy()));
}

constexpr std::uint64_t kRequests = 12;

TEST(Overlap, OneSlotDoesOneThingAfterTheOther) {
  const Timeline timeline = serve(12, 1, kRequests);
  EXPECT_NEAR(common(timeline.uploads, timeline.kernels), 0, 1e-6);
  EXPECT_NEAR(timeline.end, length(timeline.uploads) + length(timeline.kernels) + length(timeline.downloads), 0.1);
}

TEST(Overlap, TwoSlotsUploadWhileTheOtherComputes) {
  const Timeline timeline = serve(12, 2, kRequests);
  ASSERT_EQ(timeline.uploads.size(), kRequests);
  ASSERT_EQ(timeline.downloads.size(), kRequests);
  // Ideal: every upload but the first beside kernels, every download but the last, and the device computes all the
  // time.
  const double share = (kRequests - 1.0) / kRequests;
  EXPECT_GE(common(timeline.uploads, timeline.kernels), 0.8 * share * length(timeline.uploads));
  EXPECT_GE(common(timeline.downloads, timeline.kernels), 0.8 * share * length(timeline.downloads));
  const double ideal = (length(timeline.uploads) + length(timeline.downloads)) / kRequests + length(timeline.kernels);
  EXPECT_LE(timeline.end, ideal / 0.8);
  EXPECT_LE(timeline.end, 0.75 * serve(12, 1, kRequests).end);
}

TEST(Overlap, ThreeSlotsKeepAllThreeEnginesBusy) {
  const Timeline timeline = serve(5, 3, kRequests); // about as long as a copy one way
  const double upload = length(timeline.uploads) / kRequests, compute = length(timeline.kernels) / kRequests;
  EXPECT_NEAR(compute / upload, 1, 0.2);
  const double share = (kRequests - 1.0) / kRequests;
  EXPECT_GE(common(timeline.uploads, timeline.kernels), 0.8 * share * std::min(upload, compute) * kRequests);
  EXPECT_GE(common(timeline.uploads, timeline.downloads), 0.7 * length(timeline.downloads)) << "both ways at once";
}

} // namespace
} // namespace tandem
