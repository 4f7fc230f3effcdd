// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/graph_canvas/level_layout.hpp"
#include "ui/widgets/graph_canvas/visible_graph.hpp"

#include <QPointF>
#include <QRectF>

#include <atomic>
#include <vector>

namespace tandem::ui {

struct LayoutOptions {
  LevelOptions level;
  double framePadding = 14;
  double frameTitle = 24; ///< height of an expanded scope's title row
};

/// The rectangle of an expanded scope.
struct LayoutFrame {
  int scope = -1;
  int depth = 0; ///< 0 = top level
  QRectF rect;
};

/// Positions for a VisibleGraph, in scene units (one pixel at zoom 1), y down, whole numbers. Plain arrays.
struct GraphLayout {
  std::vector<QRectF> boxes;       ///< per box
  std::vector<LayoutFrame> frames; ///< parents first
  std::vector<int> edgeStart;      ///< per edge, plus one: offsets into `points`
  std::vector<QPointF> points;
  QRectF bounds;
  bool cancelled = false; ///< positions are useless then

  /// Equal for equal pictures, on every run and machine.
  [[nodiscard]] std::uint64_t hash() const;
};

/// Lays expanded scopes out on their own, innermost first, and then as one box of the scope around them; an edge that
/// leaves a scope goes through a port on its frame. Pure: any thread, no shared state. Returns soon after `cancel`
/// becomes true.
[[nodiscard]] GraphLayout layoutGraph(const VisibleGraph& graph, const GraphScene& scene, const LayoutOptions& options,
                                      const std::atomic<bool>& cancel);

} // namespace tandem::ui
