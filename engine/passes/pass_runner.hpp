// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cancel.hpp"
#include "engine/graph/graph.hpp"

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// What passes may know beside the graph.
struct PassContext {
  /// May the work of these two nodes become one node? (Both on the same device.) Unset: always. Nodes a pass made
  /// carry the origins of what they replaced, so decide by Node::origins: all origins of a node may fuse pairwise.
  std::function<bool(const Node&, const Node&)> mayFuse;
  /// Has the device of this node fast kernels for 8-bit integers? Unset: no.
  std::function<bool(const Node&)> mayUseBytes;
  /// Can the device of this node of this graph run it? Unset: yes. Asked before a pass puts an operator that the opened
  /// graph did not have in the place of others.
  std::function<bool(const Graph&, NodeId)> canRun;
  /// Results of a node whose inputs are all constants, by fast kernels. Unset: reference kernels compute them, and what
  /// would take those long stays as it is.
  std::function<Result<std::vector<Tensor>>(const Graph&, NodeId, std::span<const Tensor>)> compute;
  /// Elements known before the run, as inferShapes() returned them for this very graph; may be null.
  const std::map<ValueId, Tensor>* known = nullptr;
  CancelToken cancel;

  bool hasBytes(const Node& node) const { return mayUseBytes && mayUseBytes(node); }
  bool allowsFusion(const Node& a, const Node& b) const { return !mayFuse || mayFuse(a, b); }
};

struct PassOptions {
  std::set<std::string, std::less<>> disabled; ///< names out of allPasses()
};

struct PassReport {
  std::string name;
  double milliseconds = 0;
  int changes = 0; ///< nodes removed, folded or fused
};

/// One rewrite. `run` returns the number of changes; it must keep ids valid (no compact()) and leave the graph such
/// that verify() holds and Node::origins stays right. It creates constants with known descs only.
struct Pass {
  std::string_view name;  ///< "fold_batch_norm"; part of the command line and of reports
  std::string_view title; ///< for people: "Fold batch normalisation into the layer before it"
  Result<int> (*run)(Graph& graph, const PassContext& context) = nullptr;
};

/// Every pass, in the order in which they run.
std::span<const Pass> allPasses();

/// Makes every node its own origin. Call it on the copy of the opened graph that is about to be rewritten.
void resetOrigins(Graph& graph);

/// The only gate through which a graph is rewritten: runs every pass that is not disabled, in order, verifies the graph
/// after each, and compacts it at the end (ids change; names of graph inputs, outputs and surviving nodes do not).
/// Every value must have been through inferShapes(). Fails with Usage for an unknown name in `disabled`, with
/// Cancelled, and with Internal where a pass left a broken graph. On failure the graph is unusable: rewrite a copy.
/// Afterwards Node::origins lists the opened graph's nodes that a node computes; those in no list were folded or had
/// no effect.
Result<std::vector<PassReport>> runPasses(Graph& graph, const PassContext& context, const PassOptions& options = {});

} // namespace tandem
