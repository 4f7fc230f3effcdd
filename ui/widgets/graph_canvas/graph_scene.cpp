// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/graph_canvas/graph_scene.hpp"

#include <QCoreApplication>

#include <algorithm>
#include <map>

namespace tandem::ui {

int GraphScene::addScope(int parent, const QString& name) {
  Q_ASSERT(parent >= -1 && parent < scopeCount());
  m_scopeParent.push_back(parent);
  m_scopeNames.append(name);
  m_collapsed.push_back(0);
  m_scopeCopy.push_back(0);
  m_scopeCopies.push_back(1);
  return scopeCount() - 1;
}

int GraphScene::indexOf(const QString& name, QHash<QString, int>& known, QStringList& names) {
  auto found = known.constFind(name);
  if (found == known.constEnd()) {
    found = known.insert(name, static_cast<int>(names.size()));
    names.append(name);
  }
  return found.value();
}

void GraphScene::setScopeCopy(int scope, int copy, int copies) {
  m_scopeCopy[at(scope)] = copy;
  m_scopeCopies[at(scope)] = copies;
}

QString GraphScene::copyText(int scope) const {
  const int copies = m_scopeCopies[at(scope)];
  if (copies < 2) return {};
  return QCoreApplication::translate("GraphCanvas", "%1 of %2 copies").arg(m_scopeCopy[at(scope)] + 1).arg(copies);
}

void GraphScene::setMeasured(const QList<double>& ms, double transferMs, bool stale) {
  Q_ASSERT(ms.isEmpty() || ms.size() == nodeCount());
  m_ms.assign(ms.begin(), ms.end());
  m_transferMs = ms.isEmpty() ? -1 : transferMs;
  m_measuredStale = stale && !ms.isEmpty();
}

int GraphScene::addNode(const SceneNode& node) {
  Q_ASSERT(node.scope >= -1 && node.scope < scopeCount());
  const QString& category = node.category.isEmpty() ? node.title : node.category;
  m_names.append(node.name);
  m_titles.append(node.title);
  m_subtitles.append(node.subtitle);
  m_reasons.append(node.reason);
  m_scope.push_back(node.scope);
  m_requested.push_back(node.requested);
  m_effective.push_back(node.effective);
  m_category.push_back(indexOf(category, m_categoryIndex, m_categoryNames));
  m_type.push_back(indexOf(node.type, m_typeIndex, m_typeNames));
  m_flags.push_back(node.flags);
  m_flops.push_back(node.flops);
  m_bytes.push_back(node.bytes);
  return nodeCount() - 1;
}

void GraphScene::addEdge(int from, int to, qint64 bytes, int value) {
  Q_ASSERT(from >= 0 && from < nodeCount() && to >= 0 && to < nodeCount());
  m_edges.push_back({from, to, bytes, value});
}

bool GraphScene::isMoved(int node) const {
  return (flags(node) & kNodeFallback) != 0 || (requested(node) >= 0 && requested(node) != effective(node));
}

bool GraphScene::crossesDevices(int index) const {
  const SceneEdge& e = edge(index);
  return effective(e.from) >= 0 && effective(e.to) >= 0 && effective(e.from) != effective(e.to);
}

QString GraphScene::scopePath(int scope) const {
  QStringList parts;
  for (int s = scope; s >= 0; s = scopeParent(s)) parts.prepend(scopeName(s));
  return parts.join(QLatin1Char('/'));
}

QList<int> GraphScene::nodesInside(int scope) const {
  const std::size_t count = m_scopeParent.size();
  // Parents come before their children, so one forward pass marks the whole subtree.
  std::vector<quint8> inside(count, 0);
  inside[at(scope)] = 1;
  for (std::size_t s = at(scope) + 1; s < count; ++s)
    if (m_scopeParent[s] >= 0) inside[s] = inside[at(m_scopeParent[s])];
  QList<int> nodes;
  for (int n = 0; n < nodeCount(); ++n)
    if (m_scope[at(n)] >= 0 && inside[at(m_scope[at(n)])] != 0) nodes.append(n);
  return nodes;
}

std::vector<int> GraphScene::hidingScopes() const {
  std::vector<int> hiding(m_scopeParent.size(), -1);
  for (std::size_t s = 0; s < hiding.size(); ++s) {
    const int parent = m_scopeParent[s];
    if (parent >= 0) hiding[s] = hiding[at(parent)];
    if (hiding[s] < 0 && m_collapsed[s] != 0) hiding[s] = static_cast<int>(s);
  }
  return hiding;
}

int GraphScene::hiddenBy(int node) const {
  int hiding = -1;
  for (int s = scopeOf(node); s >= 0; s = scopeParent(s))
    if (isCollapsed(s)) hiding = s;
  return hiding;
}

std::vector<DeviceShare> GraphScene::sharesOf(int scope) const {
  std::map<int, int> counts;
  for (const int node : nodesInside(scope)) ++counts[effective(node)];
  std::vector<DeviceShare> shares;
  for (const auto& [device, count] : counts) shares.push_back({device, count});
  std::stable_sort(shares.begin(), shares.end(),
                   [](const DeviceShare& a, const DeviceShare& b) { return a.count > b.count; });
  return shares;
}

void GraphScene::setAllCollapsed(bool collapsed) {
  std::fill(m_collapsed.begin(), m_collapsed.end(), static_cast<quint8>(collapsed ? 1 : 0));
}

int GraphScene::visibleCount() const {
  const std::vector<int> hiding = hidingScopes();
  std::vector<quint8> shown(m_scopeParent.size(), 0);
  int visible = 0;
  for (const int scope : m_scope) {
    const int box = scope < 0 ? -1 : hiding[at(scope)];
    if (box < 0)
      ++visible;
    else if (shown[at(box)] == 0) {
      shown[at(box)] = 1;
      ++visible;
    }
  }
  return visible;
}

void GraphScene::collapseToFit(int limit) {
  std::vector<int> depth(m_scopeParent.size(), 0);
  int deepest = 0;
  for (std::size_t s = 0; s < depth.size(); ++s) {
    depth[s] = m_scopeParent[s] < 0 ? 0 : depth[at(m_scopeParent[s])] + 1;
    deepest = std::max(deepest, depth[s]);
  }
  for (int level = deepest; level >= 0 && visibleCount() > limit; --level)
    for (std::size_t s = 0; s < depth.size(); ++s)
      if (depth[s] == level) m_collapsed[s] = 1;
}

void GraphScene::setPlacement(int node, int requested, int effective, quint8 flags, const QString& reason) {
  m_requested[at(node)] = requested;
  m_effective[at(node)] = effective;
  m_flags[at(node)] = flags;
  m_reasons[node] = reason;
}

} // namespace tandem::ui
