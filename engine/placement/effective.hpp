// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device_registry.hpp"
#include "engine/placement/placement.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace tandem {

/// Where every node was asked to run and where it will run. Vectors are indexed by NodeId of the graph it was computed
/// for (the opened graph, before passes); entries of dead nodes are empty.
struct EffectivePlacement {
  std::vector<std::string> requested;
  std::vector<std::string> effective;
  /// Why requested and effective differ; None where they are equal, except for the nodes in `unsupported`.
  std::vector<MoveReason> reason;
  std::vector<std::string> detail; ///< for people, empty where reason is None: "Resize with cubic interpolation"
  /// Nodes that no visible device supports. They stay listed on the host; compiling them fails.
  std::vector<NodeId> unsupported;
  /// The device that takes what others cannot, and that graph inputs and outputs belong to.
  std::string host;
  /// Native CPU devices: they share the host's memory, so nothing is copied between them.
  std::set<std::string, std::less<>> hostMemory;
  std::map<std::string, int> nodesPerDevice; ///< effective
  std::map<MoveReason, int> moves;
  std::vector<std::string> warnings; ///< "CPU:0 needs about 900 MB, its limit is 512 MB, and nothing can take the rest"
  std::string summary;               ///< "412 nodes: 398 GPU:0, 14 CPU:0 (11 unsupported op, 3 by you)"

  const std::string& deviceOf(NodeId node) const { return effective[node.index()]; }
  int movedNodes() const;
};

struct EffectiveOptions {
  bool strict = false; ///< a move is an error
};

/// The only function that decides where nodes really run. A node is moved only for a stated reason: its device is
/// absent or hidden, it computes shapes, its output shapes depend on data, the device does not support it, or the
/// device's memory (weights and activations, estimated) is over its limit, in which case the last nodes go first.
/// Constant nodes follow their first consumer. Shapes should have been inferred (inferShapes) with the shapes of the
/// run; memory is judged only where they are known.
/// Fails with Unsupported in strict mode when anything had to move, naming the nodes. Pure; any thread.
Result<EffectivePlacement> computeEffective(const Graph& graph, const Placement& placement,
                                            const DeviceRegistry& registry, const EffectiveOptions& options = {});

/// Nodes that only compute integers which steer shapes: Shape, Size, and what lies between them and the shape inputs
/// (OpDef::shapeInputs) of other nodes. By NodeId.
std::vector<bool> shapeComputations(const Graph& graph);

/// Nodes whose output shapes are known only once they ran (NonZero, a Reshape to a computed shape), and those behind
/// them whose shapes are unknown for that reason. Dims that are merely unbound symbols do not count. By NodeId.
std::vector<bool> dataDependentNodes(const Graph& graph);

/// Bytes a device needs for the nodes it holds: its weights once, and the peak of live tensors when nodes run in
/// topological order. Tensors of unknown shape count zero. An estimate: scratch memory and alignment are not in it.
std::int64_t estimateMemory(const Graph& graph, const std::vector<std::string>& deviceOfNode,
                            const std::string& device);

} // namespace tandem
