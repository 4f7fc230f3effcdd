// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/roofline.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace tandem {
namespace {

/// `amount` of work at `giga` * 1e9 per second, in milliseconds; 0 where the rate is not known.
double msAt(double amount, double giga) { return giga > 0 ? amount / (giga * 1e6) : 0; }

double copyMs(std::int64_t bytes, double gbPerS, double roundTripUs) {
  return roundTripUs * 0.5e-3 + msAt(static_cast<double>(bytes), gbPerS);
}

bool readsNoElements(const Node& node) { return node.type == "Shape" || node.type == "Size"; }

/// Operators that read at most as much of their first input as they write.
bool readsAPart(const Node& node) {
  static constexpr std::array kNames{"Gather", "GatherElements", "GatherND", "Slice"};
  return std::find(kNames.begin(), kNames.end(), node.type) != kNames.end();
}

bool isKnown(const Graph& graph, const Node& node) {
  const OpDef* def = findOp(node);
  const auto isSane = [&](ValueId id) {
    return !id.valid() || (graph.value(id).isStatic() && graph.value(id).desc.checkedBytes().has_value());
  };
  return def && !def->has(OpTrait::Control) && std::all_of(node.inputs.begin(), node.inputs.end(), isSane) &&
         std::all_of(node.outputs.begin(), node.outputs.end(), isSane);
}

std::int64_t bytesOf(const Graph& graph, ValueId id) { return graph.value(id).desc.checkedBytes().value_or(0); }

std::int64_t bytesRead(const Graph& graph, const Node& node, std::size_t input) {
  if (readsNoElements(node)) return 0;
  const std::int64_t whole = bytesOf(graph, node.inputs[input]);
  if (input > 0 || !readsAPart(node)) return whole;
  std::int64_t written = 0;
  for (ValueId output : node.outputs)
    if (output.valid()) written += bytesOf(graph, output);
  return std::min(whole, written);
}

constexpr double kFewPercent = 0.05;
constexpr double kUsualLaunchUs = 1; // where the probe could not measure it

} // namespace

double rooflineMs(const OpCost& cost, const ProbeResult& peaks) {
  const auto bytes = static_cast<double>(cost.parameterBytes + cost.activationBytes);
  return std::max(msAt(cost.flops, peaks.gflops), msAt(bytes, peaks.memoryGbPerS)) + peaks.launchUs * 1e-3;
}

double copyToDeviceMs(std::int64_t bytes, const ProbeResult& peaks) {
  return copyMs(bytes, peaks.toDeviceGbPerS, peaks.roundTripUs);
}

double copyToHostMs(std::int64_t bytes, const ProbeResult& peaks) {
  return copyMs(bytes, peaks.toHostGbPerS, peaks.roundTripUs);
}

std::optional<OpCost> fusedCost(const Graph& graph, std::span<const NodeId> nodes) {
  std::set<ValueId> made, inside, read;
  for (NodeId id : nodes) {
    if (!isKnown(graph, graph.node(id))) return std::nullopt;
    for (ValueId output : graph.node(id).outputs)
      if (output.valid()) made.insert(output);
  }
  const std::set<NodeId> members(nodes.begin(), nodes.end());
  OpCost cost;
  for (NodeId id : members) {
    const Node& node = graph.node(id);
    cost.flops += costOf(graph, node).flops;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId input = node.inputs[i];
      if (!input.valid() || made.contains(input) || !read.insert(input).second) continue;
      (graph.value(input).isConstant() ? cost.parameterBytes : cost.activationBytes) += bytesRead(graph, node, i);
    }
  }
  for (ValueId value : made) {
    const std::vector<NodeId>& consumers = graph.value(value).consumers;
    const bool isRead = std::any_of(consumers.begin(), consumers.end(), [&](NodeId consumer) {
      return !members.contains(consumer) && !readsNoElements(graph.node(consumer));
    });
    const bool isOutput = std::find(graph.outputs().begin(), graph.outputs().end(), value) != graph.outputs().end();
    if (isRead || isOutput) cost.activationBytes += bytesOf(graph, value);
  }
  return cost;
}

std::string_view toString(Roof roof) {
  switch (roof) {
  case Roof::Compute: return "compute";
  case Roof::Memory: return "memory";
  case Roof::Overhead: return "overhead";
  }
  return "";
}

RooflinePoint locate(const OpCost& cost, double ms, const ProbeResult* peaks) {
  RooflinePoint point;
  const auto bytes = static_cast<double>(cost.parameterBytes + cost.activationBytes);
  if (ms <= 0) return point;
  if (cost.flops > 0) point.gflopPerS = cost.flops / ms * 1e-6;
  if (bytes > 0) point.gbPerS = bytes / ms * 1e-6;
  if (cost.flops > 0 && bytes > 0) point.flopPerByte = cost.flops / bytes;
  if (!peaks || peaks->gflops <= 0 || peaks->memoryGbPerS <= 0 || (cost.flops <= 0 && bytes <= 0)) return point;
  const double computing = msAt(cost.flops, peaks->gflops), moving = msAt(bytes, peaks->memoryGbPerS);
  const double least = std::max(computing, moving);
  point.computeFraction = computing / ms;
  point.memoryFraction = moving / ms;
  point.roofMs = least;
  point.roofFraction = least / ms;
  const double launchMs = (peaks->launchUs > 0 ? peaks->launchUs : kUsualLaunchUs) * 1e-3;
  point.roof = least / ms < kFewPercent && least < launchMs ? Roof::Overhead
               : computing >= moving                        ? Roof::Compute
                                                            : Roof::Memory;
  return point;
}

} // namespace tandem
