// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/placement/cost_model.hpp"

#include "engine/devices/roofline.hpp"

#include <algorithm>

namespace tandem {
namespace {

// Guesses for devices nobody probed: a desktop CPU core (AVX2 at 3 GHz: 2 units x 8 floats x 2), a mid-range GPU behind
// PCIe 3, and OpenCL on CPU cores, whose launches go through a thread pool.
ProbeResult typicalOf(const DeviceInfo& device) {
  const double units = std::max(device.computeUnits, 1);
  switch (device.kind) {
  case DeviceKind::NativeCpu: return {96 * units, 20, 0, 0, 1, 2};
  case DeviceKind::OpenClCpu: return {48 * units, 20, 10, 10, 50, 100};
  case DeviceKind::OpenClGpu:
  case DeviceKind::OpenClAccelerator:
  case DeviceKind::Simulated: break;
  }
  return {100 * units, device.unifiedMemory ? 40.0 : 300.0, 10, 10, 6, 20};
}

struct Speed {
  ProbeResult peaks;
  CostTier tier;
};

/// The probe's figures; what it could not measure is filled with guesses, and then the whole is one.
Speed speedOf(const DeviceInfo& device) {
  const ProbeResult typical = typicalOf(device);
  if (!device.probe) return {typical, CostTier::Guessed};
  Speed speed{*device.probe, CostTier::Modelled};
  if (speed.peaks.gflops <= 0 || speed.peaks.memoryGbPerS <= 0) speed.tier = CostTier::Guessed;
  if (speed.peaks.gflops <= 0) speed.peaks.gflops = typical.gflops;
  if (speed.peaks.memoryGbPerS <= 0) speed.peaks.memoryGbPerS = typical.memoryGbPerS;
  return speed;
}

bool usesHostMemory(const DeviceInfo& device) { return device.kind == DeviceKind::NativeCpu; }

} // namespace

std::string_view toString(CostTier tier) {
  switch (tier) {
  case CostTier::Measured: return "measured";
  case CostTier::Modelled: return "modelled";
  case CostTier::Guessed: return "guessed";
  }
  return "";
}

CostEstimate estimateNode(const Graph& graph, const Node& node, const DeviceInfo& device) {
  const Speed speed = speedOf(device);
  const OpDef* def = findOp(node);
  if (node.type == "Constant" || (def && def->has(OpTrait::View))) return {0, speed.tier};
  return {rooflineMs(costOf(graph, node), speed.peaks), speed.tier};
}

CostEstimate estimateTransfer(std::int64_t bytes, const DeviceInfo& from, const DeviceInfo& to) {
  if (from.id == to.id || (usesHostMemory(from) && usesHostMemory(to))) return {0, CostTier::Modelled};
  CostEstimate estimate{0, CostTier::Modelled};
  auto add = [&](const DeviceInfo& device, double ms, CostTier tier) {
    if (usesHostMemory(device)) return;
    estimate.ms += ms;
    estimate.tier = std::max(estimate.tier, tier);
  };
  const Speed source = speedOf(from), target = speedOf(to);
  // Of memory that is the host's nothing is copied; somebody still waits for the device.
  add(from, copyToHostMs(from.hostMemory ? 0 : bytes, source.peaks), source.tier);
  add(to, copyToDeviceMs(to.hostMemory ? 0 : bytes, target.peaks), target.tier);
  return estimate;
}

} // namespace tandem
