// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/core/theme.hpp"

#include <QHash>
#include <QList>
#include <QString>
#include <QStringList>
#include <QtGlobal>

#include <vector>

namespace tandem::ui {

enum NodeFlag : quint8 {
  kNodeUnsupported = 1, ///< no enabled device can run it
  kNodeFallback = 2,    ///< effective differs from requested (set it with the reason)
};

/// Instead of a measured time.
inline constexpr double kNotMeasured = -1;
inline constexpr double kMeasuredWithOther = -2; ///< one kernel computes it with a node that has the time

/// One node as the owner describes it.
struct SceneNode {
  QString name;     ///< unique; spoken and shown in tooltips
  QString title;    ///< first line in the box; the operator, e.g. "Conv"
  QString subtitle; ///< second line, e.g. "1x64x56x56"
  QString category; ///< for the operator colouring; `title` when empty
  QString type;     ///< element type of the output, "float32"; empty while unknown
  int scope = -1;   ///< index from addScope, -1 = top level
  int requested = kAutoDevice;
  int effective = kAutoDevice;
  quint8 flags = 0;
  QString reason; ///< why effective differs from requested, or why unsupported
  double flops = 0;
  double bytes = 0; ///< parameters plus activations
};

struct SceneEdge {
  int from = 0;
  int to = 0;
  qint64 bytes = 0;
  int value = -1;
};

/// What the devices inside a (collapsed) scope amount to.
struct DeviceShare {
  int device = kAutoDevice;
  int count = 0;
};

/// The graph a canvas shows: nodes, edges, a tree of scopes with their collapsed state and each node's devices, kept as
/// one array per property. Holds no positions. A value type; not thread-safe, copied into layout tasks.
class GraphScene {
 public:
  /// `parent` is an earlier scope or -1. Returns the new scope's index. New scopes are expanded.
  int addScope(int parent, const QString& name);
  /// Returns the node's index: 0, 1, 2, ... in the order of the calls.
  int addNode(const SceneNode& node);
  /// Ends must exist. A node may feed another through several edges. Edges of the same `value` (a tensor's number, -1 =
  /// unknown) between two boxes are one tensor, so its bytes are shown once.
  void addEdge(int from, int to, qint64 bytes, int value = -1);

  [[nodiscard]] int nodeCount() const { return static_cast<int>(m_scope.size()); }
  [[nodiscard]] int edgeCount() const { return static_cast<int>(m_edges.size()); }
  [[nodiscard]] int scopeCount() const { return static_cast<int>(m_scopeParent.size()); }

  [[nodiscard]] const QString& name(int node) const { return m_names[node]; }
  [[nodiscard]] const QString& title(int node) const { return m_titles[node]; }
  [[nodiscard]] const QString& subtitle(int node) const { return m_subtitles[node]; }
  [[nodiscard]] const QString& reason(int node) const { return m_reasons[node]; }
  [[nodiscard]] int scopeOf(int node) const { return m_scope[at(node)]; }
  [[nodiscard]] int requested(int node) const { return m_requested[at(node)]; }
  [[nodiscard]] int effective(int node) const { return m_effective[at(node)]; }
  [[nodiscard]] quint8 flags(int node) const { return m_flags[at(node)]; }
  [[nodiscard]] int category(int node) const { return m_category[at(node)]; }
  [[nodiscard]] double flops(int node) const { return m_flops[at(node)]; }
  [[nodiscard]] double bytes(int node) const { return m_bytes[at(node)]; }
  [[nodiscard]] int type(int node) const { return m_type[at(node)]; } ///< index into typeNames()
  [[nodiscard]] const QStringList& typeNames() const { return m_typeNames; }
  /// Measured milliseconds, kNotMeasured or kMeasuredWithOther.
  [[nodiscard]] double ms(int node) const { return m_ms.empty() ? kNotMeasured : m_ms[at(node)]; }
  [[nodiscard]] bool isMeasured() const { return !m_ms.empty(); }
  [[nodiscard]] bool isMeasuredStale() const { return m_measuredStale; }
  [[nodiscard]] double transferMs() const { return m_transferMs; } ///< of all copies together, measured; negative: not
  [[nodiscard]] const QStringList& categoryNames() const { return m_categoryNames; }
  [[nodiscard]] const SceneEdge& edge(int index) const { return m_edges[at(index)]; }
  [[nodiscard]] const std::vector<SceneEdge>& edges() const { return m_edges; }
  /// True when requested is a device and effective is another.
  [[nodiscard]] bool isMoved(int node) const;
  /// True when both ends are placed and on different devices.
  [[nodiscard]] bool crossesDevices(int edge) const;

  [[nodiscard]] const QString& scopeName(int scope) const { return m_scopeNames[scope]; }
  [[nodiscard]] QString scopePath(int scope) const;
  /// "1 of 24 copies" of the same block; empty where the scope occurs once.
  [[nodiscard]] QString copyText(int scope) const;
  void setScopeCopy(int scope, int copy, int copies); ///< `copy` from 0
  [[nodiscard]] int scopeParent(int scope) const { return m_scopeParent[at(scope)]; }
  [[nodiscard]] bool isCollapsed(int scope) const { return m_collapsed[at(scope)] != 0; }
  /// Nodes directly or indirectly inside.
  [[nodiscard]] QList<int> nodesInside(int scope) const;
  /// The outermost collapsed scope that hides `node`, or -1 when the node itself is visible.
  [[nodiscard]] int hiddenBy(int node) const;
  /// hiddenBy for every scope at once: the outermost collapsed scope at or above it, or -1.
  [[nodiscard]] std::vector<int> hidingScopes() const;
  /// Most frequent first, ties by device index.
  [[nodiscard]] std::vector<DeviceShare> sharesOf(int scope) const;

  void setCollapsed(int scope, bool collapsed) { m_collapsed[at(scope)] = collapsed ? 1 : 0; }
  void setAllCollapsed(bool collapsed);
  /// Collapses scopes, deepest first, until at most `limit` boxes show (as far as scopes allow).
  void collapseToFit(int limit);
  /// How many boxes (visible nodes plus collapsed scopes) the current state shows.
  [[nodiscard]] int visibleCount() const;

  /// One time per node; an empty list: nothing is measured. `stale`: with another placement.
  void setMeasured(const QList<double>& ms, double transferMs = -1, bool stale = false);
  void setPlacement(int node, int requested, int effective, quint8 flags = 0, const QString& reason = {});

 private:
  static std::size_t at(int index) { return static_cast<std::size_t>(index); }

  static int indexOf(const QString& name, QHash<QString, int>& known, QStringList& names);

  QHash<QString, int> m_categoryIndex, m_typeIndex;
  QStringList m_names, m_titles, m_subtitles, m_reasons, m_categoryNames, m_typeNames, m_scopeNames;
  std::vector<int> m_scope, m_requested, m_effective, m_category, m_type, m_scopeParent, m_scopeCopy, m_scopeCopies;
  std::vector<quint8> m_flags, m_collapsed;
  std::vector<double> m_flops, m_bytes, m_ms;
  double m_transferMs = -1;
  bool m_measuredStale = false;
  std::vector<SceneEdge> m_edges;
};

} // namespace tandem::ui
