// SPDX-License-Identifier: GPL-3.0-or-later
// What the open model's layers have to do with each other.
#include "ui/core/document_model.hpp"
#include "ui/core/labels.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace tandem::ui {
namespace {

template <class T> const T* entry(const std::vector<T>& values, int index) {
  return index >= 0 && static_cast<std::size_t>(index) < values.size() ? &values[static_cast<std::size_t>(index)]
                                                                       : nullptr;
}

bool insideScope(const std::string& scope, const std::string& outer) {
  return scope == outer || (scope.size() > outer.size() && scope.compare(0, outer.size(), outer) == 0 &&
                            (scope[outer.size()] == '/' || scope[outer.size()] == '.'));
}

/// All nodes that `next` leads to, step by step, and the first ones.
template <class Next> QList<int> reach(const session::Document& document, const QList<int>& from, Next next) {
  std::vector<bool> seen(document.nodes.size(), false);
  QList<int> found;
  const auto visit = [&](int node) {
    if (entry(document.nodes, node) == nullptr || seen[static_cast<std::size_t>(node)]) return;
    seen[static_cast<std::size_t>(node)] = true;
    found.append(node);
  };
  for (const int node : from) visit(node);
  for (qsizetype i = 0; i < found.size(); ++i) next(document.nodes[static_cast<std::size_t>(found[i])], visit);
  std::sort(found.begin(), found.end());
  return found;
}

template <class Visit>
void visitConsumers(const session::Document& document, const session::NodeSummary& node, Visit visit) {
  for (const int value : node.outputs)
    if (const auto* tensor = entry(document.values, value))
      for (const int consumer : tensor->consumers) visit(consumer);
}

template <class Visit>
void visitProducers(const session::Document& document, const session::NodeSummary& node, Visit visit) {
  for (const int value : node.inputs)
    if (const auto* tensor = entry(document.values, value); tensor != nullptr && tensor->producer >= 0)
      visit(tensor->producer);
}

} // namespace

QList<int> DocumentModel::sameOperator(const QList<int>& nodes) const {
  std::set<std::string> operators;
  for (const int node : nodes) {
    if (const auto* summary = entry(m_document.nodes, node)) operators.insert(summary->op);
  }
  QList<int> found;
  for (int node = 0; node < nodeCount(); ++node) {
    if (operators.contains(m_document.nodes[static_cast<std::size_t>(node)].op)) found.append(node);
  }
  return found;
}

QList<int> DocumentModel::downstream(const QList<int>& nodes) const {
  return reach(m_document, nodes,
               [this](const session::NodeSummary& node, auto visit) { visitConsumers(m_document, node, visit); });
}

QList<int> DocumentModel::upstream(const QList<int>& nodes) const {
  return reach(m_document, nodes,
               [this](const session::NodeSummary& node, auto visit) { visitProducers(m_document, node, visit); });
}

QList<int> DocumentModel::producersOf(const QList<int>& nodes) const {
  std::set<int> found;
  for (const int node : nodes)
    if (const auto* summary = entry(m_document.nodes, node))
      visitProducers(m_document, *summary, [&](int producer) { found.insert(producer); });
  for (const int node : nodes) found.erase(node);
  return QList<int>(found.begin(), found.end());
}

QList<int> DocumentModel::consumersOf(const QList<int>& nodes) const {
  std::set<int> found;
  for (const int node : nodes)
    if (const auto* summary = entry(m_document.nodes, node))
      visitConsumers(m_document, *summary, [&](int consumer) { found.insert(consumer); });
  for (const int node : nodes) found.erase(node);
  return QList<int>(found.begin(), found.end());
}

const session::TensorSummary* DocumentModel::firstOutputOf(int node) const {
  const auto* summary = entry(m_document.nodes, node);
  if (summary == nullptr) return nullptr;
  for (const int value : summary->outputs)
    if (const auto* tensor = entry(m_document.values, value)) return tensor;
  return nullptr;
}

QString DocumentModel::typeOf(int node) const {
  const auto* tensor = firstOutputOf(node);
  return tensor != nullptr ? toQString(tensor->type) : QString();
}

QString DocumentModel::shapeOf(int node) const {
  const auto* tensor = firstOutputOf(node);
  return tensor != nullptr ? shapeText(*tensor) : QString();
}

const RepeatedBlocks& DocumentModel::blocks() const {
  if (m_blocks) return *m_blocks;
  BlockGraph graph;
  std::unordered_map<std::string, int> operators;
  QStringList scopes;
  for (std::size_t i = 0; i < m_document.nodes.size(); ++i) {
    const session::NodeSummary& node = m_document.nodes[i];
    graph.op.push_back(operators.try_emplace(node.op, static_cast<int>(operators.size())).first->second);
    scopes.append(toQString(node.scope));
    for (std::size_t slot = 0; slot < node.inputs.size(); ++slot) {
      const auto* tensor = entry(m_document.values, node.inputs[slot]);
      if (tensor != nullptr && entry(m_document.nodes, tensor->producer) != nullptr)
        graph.edges.push_back({tensor->producer, static_cast<int>(i), static_cast<int>(slot)});
    }
  }
  graph.scopes = scopeTree(scopes);
  return m_blocks.emplace(graph);
}

QList<int> DocumentModel::sameScope(const QList<int>& nodes) const {
  std::set<std::string> scopes;
  for (const int node : nodes) {
    if (const auto* summary = entry(m_document.nodes, node)) scopes.insert(summary->scope);
  }
  QList<int> found;
  for (int node = 0; node < nodeCount(); ++node) {
    const std::string& scope = m_document.nodes[static_cast<std::size_t>(node)].scope;
    const bool inside = std::any_of(scopes.begin(), scopes.end(), [&](const std::string& outer) {
      return outer.empty() ? scope.empty() : insideScope(scope, outer);
    });
    if (inside) found.append(node);
  }
  return found;
}

} // namespace tandem::ui
