// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"
#include "engine/passes/pass_runner.hpp"

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

/// What several passes need; for passes/ only.
namespace tandem::passes {

/// Names for new values that no other value of the graph has.
class UniqueNames {
 public:
  explicit UniqueNames(const Graph& graph);
  std::string make(const std::string& base);

 private:
  std::unordered_set<std::string> m_taken;
};

bool isOp(const Node& node, std::string_view type); ///< of the default domain
bool isGraphOutput(const Graph& graph, ValueId value);
/// The only use of `value` where there is exactly one and it is not a graph output.
std::optional<NodeId> soleConsumer(const Graph& graph, ValueId value);
/// The node that produces input `index` of `node`, if the input is present and something does.
std::optional<NodeId> producerOf(const Graph& graph, NodeId node, std::size_t index);
/// The constant at input `index`, or nullptr where it is absent or computed.
const Tensor* constantInput(const Graph& graph, const Node& node, std::size_t index);
/// The number a value is: a constant of one floating element.
std::optional<double> numberOf(const Graph& graph, ValueId value);
/// A product of a value with a number, or a quotient by one, that has the value's type and shape.
struct Scaling {
  ValueId operand;
  double factor = 1;
};
std::optional<Scaling> scalingOf(const Graph& graph, const Node& node);
/// Number of outputs of the node that somebody reads.
std::size_t usedOutputs(const Graph& graph, const Node& node);

/// Appends what `from` computes to the origins of `to`.
void addOrigins(Node& to, const Node& from);
/// `producer` computes what `consumer` did: it takes over the consumer's first output, and the consumer goes.
/// `producer`'s own first output must have no other use.
void absorbConsumer(Graph& graph, NodeId producer, NodeId consumer);
/// Puts `replacement` (its type, domain, version, inputs and attributes) in the place of `nodes`, the last of which has
/// the one result that others read. False, and nothing is changed, where they may not be fused, one of the inner
/// results is read elsewhere, or the device cannot run the replacement.
bool replaceNodes(Graph& graph, const PassContext& context, const std::vector<NodeId>& nodes, Node replacement);
/// Can the device of node `id` run `candidate` in its place? The candidate's inputs are values of `graph`, its output
/// is that of `last`.
bool fitsDevice(const Graph& graph, const PassContext& context, Node candidate, const Node& first, const Node& last);
/// Removes a node whose output 0 equals its input 0 and whose other outputs are unused. False where names of graph
/// inputs and outputs would not survive that; nothing is changed then.
bool bypass(Graph& graph, NodeId node);

/// Elements of a floating or integer tensor as doubles.
std::vector<double> toDoubles(const Tensor& tensor);
/// A tensor of a floating type from doubles.
Tensor fromDoubles(DataType type, Shape shape, const std::vector<double>& values);

} // namespace tandem::passes
