// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/ids.hpp"
#include "engine/graph/attributes.hpp"
#include "engine/tensor/tensor.hpp"

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace tandem {

/// One operation. Pure data: what computes it, and where, is decided elsewhere.
struct Node {
  std::string name;             ///< unique in its graph; readers make one up where the file has none
  std::string type;             ///< operator, "Conv"
  std::string domain;           ///< "" is ai.onnx; "com.microsoft"; "tandem" for operators that passes create
  int version = 0;              ///< since-version of the operator that applies under the file's opset import
  std::string scope;            ///< "layer1/block0": where the node sits in the hierarchy; "" is the top
  std::vector<ValueId> inputs;  ///< invalid id = optional input left out
  std::vector<ValueId> outputs; ///< invalid id = optional output nobody wants
  Attributes attributes;
  /// The nodes of the graph the user opened that this one computes (itself, or several after a fusion).
  std::vector<NodeId> origins;
};

/// A tensor that flows between nodes, a graph input, or a constant.
struct Value {
  std::string name;                  ///< unique in its graph
  TensorDesc desc;                   ///< type Undefined while unknown; dims may be kUnknownDim
  bool rankKnown = false;            ///< false: nothing is known of the shape (desc.shape is then empty)
  std::vector<std::string> dimNames; ///< symbols of dynamic dims, "" where none; may be empty
  Tensor constant;                   ///< defined for weights and other constants
  NodeId producer;                   ///< invalid for graph inputs and constants
  std::vector<NodeId> consumers;     ///< one entry per use, so a node may appear twice

  bool isConstant() const { return constant.defined(); }
  /// Type and every dimension known.
  bool isStatic() const { return rankKnown && desc.isStatic(); }
};

/// A directed acyclic graph of nodes and values. Ids are indices and stay valid until compact(). Not thread-safe to
/// change; any number of threads may read.
class Graph {
 public:
  std::string name;
  int opset = 0; ///< import of the default domain

  ValueId addValue(Value value); ///< an empty name gets a unique one
  ValueId addConstant(std::string valueName, Tensor tensor);
  ValueId addInput(std::string valueName, TensorDesc desc);
  /// Adds the node after all others and links producer and consumers.
  NodeId addNode(Node node);
  void addOutput(ValueId value) { m_outputs.push_back(value); }

  const std::vector<Node>& nodes() const { return m_nodes; }
  const std::vector<Value>& values() const { return m_values; }
  const Node& node(NodeId id) const { return m_nodes[id.index()]; }
  Node& node(NodeId id) { return m_nodes[id.index()]; }
  const Value& value(ValueId id) const { return m_values[id.index()]; }
  Value& value(ValueId id) { return m_values[id.index()]; }
  /// Real inputs, in file order: not the initializers that old files list among them.
  const std::vector<ValueId>& inputs() const { return m_inputs; }
  const std::vector<ValueId>& outputs() const { return m_outputs; }
  std::vector<ValueId>& mutableOutputs() { return m_outputs; }
  std::optional<ValueId> findValue(std::string_view valueName) const; ///< linear; for tests and messages
  std::optional<NodeId> findNode(std::string_view nodeName) const;    ///< linear

  // --- rewriting, for passes; ids stay valid until compact()
  void setInput(NodeId node, std::size_t index, ValueId value); ///< keeps consumers right
  void replaceUses(ValueId from, ValueId to);                   ///< also among the graph outputs
  void removeNode(NodeId node); ///< unlinks it; it stays in nodes() as a dead entry until compact()
  bool isDead(NodeId node) const { return node.index() < m_dead.size() && m_dead[node.index()]; }
  /// Turns `value` into a constant; its producer, if any, must be removed by the caller.
  void makeConstant(ValueId value, Tensor tensor);
  /// Drops dead nodes and unused values, renumbers everything, and sorts nodes topologically.
  void compact();

 private:
  std::vector<Node> m_nodes;
  std::vector<Value> m_values;
  std::vector<ValueId> m_inputs;
  std::vector<ValueId> m_outputs;
  std::vector<bool> m_dead;
  std::unordered_map<std::string, std::uint32_t> m_nameCounters;
};

/// Live nodes in an order in which producers come before consumers (Kahn; ties in node order, so it is deterministic).
/// Shorter than the number of live nodes exactly when the graph has a cycle. Iterative.
std::vector<NodeId> topologicalOrder(const Graph& graph);

} // namespace tandem
