// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"
#include "engine/graph/graph.hpp"

#include <string>
#include <vector>

namespace tandem {

/// What is moved as one: a layer, or several that one kernel computes on some device.
struct ReplanUnit {
  std::vector<double> ms; ///< on each device; negative: it cannot go there
  int layers = 1;         ///< nodes of the opened graph, for people
};

/// A tensor that may have to be copied: once per device that reads it elsewhere.
struct ReplanTensor {
  int producer = -1;        ///< unit; -1: a model input, which lies in the host's memory
  std::vector<int> readers; ///< units, without repeats
  bool toHost = false;      ///< read on the host as well: a model output, or a shape
  std::vector<double> ms;   ///< of a copy from device p to device q, at p * devices + q; 0 where none is needed
};

/// Times per unit and device, what lies between the units, and what copies cost. Plain numbers: no device is behind it.
struct ReplanProblem {
  int devices = 0;
  double handOverMs = 0; ///< beside the copy, for a tensor that another device reads: somebody waits for somebody
  int host = 0;          ///< device that model inputs and outputs belong to
  std::vector<bool> hostMemory;  ///< by device: it reads the host's memory, so nothing is copied between two of them
  std::vector<ReplanUnit> units; ///< in topological order
  std::vector<ReplanTensor> tensors;
};

/// What a placement is to be good at.
enum class ReplanGoal {
  Latency,    ///< one request in flight: all kernels and copies, one after the other
  Throughput, ///< several: what the busiest device has to do for each; a copy occupies those that are not the host's
};

struct ReplanCost {
  double latencyMs = 0;
  std::vector<double> loadMs; ///< by device
  double of(ReplanGoal goal) const;
};

/// What a request costs with unit i on device `deviceOf[i]`. Pure; any thread.
ReplanCost costOf(const ReplanProblem& problem, const std::vector<int>& deviceOf);

/// The best placement found, never worse than `start`. Where units form a chain the result is exact: for Latency by a
/// dynamic programme over (position, device) (Neurosurgeon, Kang et al., ASPLOS 2017, with any number of cuts); for
/// Throughput among all placements with at most two changes of the device along the order, as pipelines are cut
/// (PipeDream, Narayanan et al., SOSP 2019). Elsewhere both are a start, as are `start` and each device alone: moves of
/// single units, whole stretches and borders between stretches follow while they help (the moves of Fiduccia and
/// Mattheyses, DAC 1982). A unit stays where it is (`start`) rather than going where it cannot run. Pure; any thread.
std::vector<int> replan(const ReplanProblem& problem, ReplanGoal goal, const std::vector<int>& start);

/// Which unit a node of `graph` belongs to (-1: none, as constants), where nodes that share an entry of `together` are
/// one. Units come in the topological order of their first node. Nodes in no entry are in no unit.
std::vector<int> unitsOf(const Graph& graph, const std::vector<std::vector<NodeId>>& together);

/// The tensors between units of a graph with static shapes, with estimated times of copies (estimateTransfer); `units`
/// is for the caller to fill. `devices` in the order of the problem.
ReplanProblem replanProblem(const Graph& graph, const std::vector<int>& unitOf, const std::vector<Device*>& devices,
                            const Device& host);

} // namespace tandem
