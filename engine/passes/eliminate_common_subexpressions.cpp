// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/op_def.hpp"
#include "engine/passes/pass_list.hpp"
#include "engine/passes/rewrite.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <unordered_map>

namespace tandem::passes {
namespace {

/// Larger constants are equal only if they are the same one: comparing weights is not worth its time.
constexpr std::int64_t kSmallConstant = 64;

bool areEqual(const Tensor& a, const Tensor& b) {
  return a.desc() == b.desc() && (a.data() == b.data() || std::memcmp(a.data(), b.data(), a.bytes()) == 0);
}

bool areEqual(const Attribute& a, const Attribute& b) {
  if (a.index() != b.index()) return false;
  if (const auto* tensor = std::get_if<Tensor>(&a)) return areEqual(*tensor, std::get<Tensor>(b));
  if (std::holds_alternative<std::shared_ptr<const Graph>>(a)) return false;
  return std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, Tensor> || std::is_same_v<T, std::shared_ptr<const Graph>>)
          return false;
        else
          return value == std::get<T>(b);
      },
      a);
}

bool areEqual(const Attributes& a, const Attributes& b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const auto& entry) {
           const Attribute* other = b.find(entry.first);
           return other && areEqual(entry.second, *other);
         });
}

bool isRepeatable(const Node& node) {
  const OpDef* def = findOp(node);
  // Dropout that trains is random, too.
  return def && !def->has(OpTrait::Random) && !def->has(OpTrait::Control) && node.type != "Dropout" &&
         !node.inputs.empty();
}

class Elimination {
 public:
  Elimination(Graph& graph, const PassContext& context) : m_graph(graph), m_context(context) {}

  Result<int> run() {
    int changes = 0;
    for (NodeId id : topologicalOrder(m_graph)) {
      TANDEM_TRY(m_context.cancel.check());
      if (!isRepeatable(m_graph.node(id))) continue;
      // The inputs of a node are final when it is reached, because its producers were.
      auto& candidates = m_seen[hashOf(m_graph.node(id))];
      const auto twin = std::find_if(candidates.begin(), candidates.end(),
                                     [&](NodeId candidate) { return computesTheSame(candidate, id); });
      if (twin == candidates.end()) {
        candidates.push_back(id);
      } else if (replace(id, *twin)) {
        ++changes;
      }
    }
    return changes;
  }

 private:
  /// The first small constant with these elements stands for all of them.
  ValueId representative(ValueId id) {
    if (!id.valid() || !m_graph.value(id).isConstant()) return id;
    const Tensor& tensor = m_graph.value(id).constant;
    if (tensor.elements() > kSmallConstant) return id;
    const std::string_view bytes(static_cast<const char*>(tensor.data()), tensor.bytes());
    auto& candidates = m_constants[std::hash<std::string_view>()(bytes)];
    for (ValueId candidate : candidates)
      if (areEqual(m_graph.value(candidate).constant, tensor)) return candidate;
    candidates.push_back(id);
    return id;
  }

  std::size_t hashOf(const Node& node) {
    std::size_t hash = std::hash<std::string>()(node.type);
    for (ValueId input : node.inputs) {
      const ValueId known = representative(input);
      hash = hash * 1000003 + (known.valid() ? known.index() + 1 : 0);
    }
    return hash;
  }

  bool computesTheSame(NodeId first, NodeId second) {
    const Node &a = m_graph.node(first), &b = m_graph.node(second);
    if (a.type != b.type || a.domain != b.domain || a.version != b.version) return false;
    if (a.inputs.size() != b.inputs.size() || a.outputs.size() < b.outputs.size()) return false;
    for (std::size_t i = 0; i < a.inputs.size(); ++i)
      if (representative(a.inputs[i]) != representative(b.inputs[i])) return false;
    for (std::size_t i = 0; i < b.outputs.size(); ++i)
      if (b.outputs[i].valid() && (!a.outputs[i].valid() || isGraphOutput(m_graph, b.outputs[i]))) return false;
    return areEqual(a.attributes, b.attributes);
  }

  bool replace(NodeId repeated, NodeId first) {
    if (!m_context.allowsFusion(m_graph.node(first), m_graph.node(repeated))) return false;
    const std::vector<ValueId> outputs = m_graph.node(repeated).outputs;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (outputs[i].valid()) m_graph.replaceUses(outputs[i], m_graph.node(first).outputs[i]);
    addOrigins(m_graph.node(first), m_graph.node(repeated));
    m_graph.removeNode(repeated);
    return true;
  }

  Graph& m_graph;
  const PassContext& m_context;
  std::unordered_map<std::size_t, std::vector<NodeId>> m_seen;
  std::unordered_map<std::size_t, std::vector<ValueId>> m_constants;
};

} // namespace

Result<int> eliminateCommonSubexpressions(Graph& graph, const PassContext& context) {
  return Elimination(graph, context).run();
}

} // namespace tandem::passes
