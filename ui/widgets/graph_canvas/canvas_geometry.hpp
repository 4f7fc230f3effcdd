// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/widgets/graph_canvas/graph_layout.hpp"

#include <QPointF>
#include <QRectF>
#include <QSizeF>

#include <vector>

namespace tandem::ui {

/// Scene to viewport: view = scene * zoom + offset. Viewport coordinates are device-independent pixels.
struct ViewTransform {
  double zoom = 1;
  QPointF offset;

  [[nodiscard]] QPointF toView(QPointF scene) const { return scene * zoom + offset; }
  [[nodiscard]] QPointF toScene(QPointF view) const { return (view - offset) / zoom; }
  [[nodiscard]] QRectF toView(const QRectF& scene) const { return {toView(scene.topLeft()), scene.size() * zoom}; }
  [[nodiscard]] QRectF toScene(const QRectF& view) const { return {toScene(view.topLeft()), view.size() / zoom}; }
  /// The same picture with `zoom` changed and the scene point under `anchor` (viewport) kept there.
  [[nodiscard]] ViewTransform zoomedAt(QPointF anchor, double newZoom) const;
  /// `bounds` in the middle of a viewport of `size`, with a margin, enlarged at most to `maxZoom`.
  [[nodiscard]] static ViewTransform fitting(const QRectF& bounds, QSizeF size, double margin, double maxZoom);
};

/// Uniform grid over rectangles: what lies in an area, without looking at the rest. Rectangles that cover very many
/// cells are kept in a list of their own.
class SpatialIndex {
 public:
  /// Entry i is known as `ids[i]`; ids may repeat (an edge has many segments) and must be in [0, idCount).
  void build(const std::vector<QRectF>& rects, const std::vector<int>& ids, int idCount);
  /// Ids with a rectangle that touches `area`, ascending, each once.
  void query(const QRectF& area, std::vector<int>& found) const;

 private:
  struct CellRange {
    int left, top, right, bottom;
  };
  [[nodiscard]] CellRange cellsOf(const QRectF& rect) const;

  std::vector<QRectF> m_rects;
  std::vector<int> m_ids;
  std::vector<int> m_cellStart, m_cells, m_wide;
  mutable std::vector<char> m_seen; // scratch of query; the index is used on one thread
  QRectF m_bounds;
  double m_cellSize = 512;
  int m_columns = 0, m_rows = 0;
};

/// A layout with what is needed to find things in it.
struct CanvasGeometry {
  GraphLayout layout;
  SpatialIndex boxIndex, edgeIndex;
  std::vector<int> incidentStart, incident; ///< visible edges at box b: incident[incidentStart[b]] .. [b + 1]

  void set(GraphLayout newLayout, const VisibleGraph& graph);
  /// Box at a scene point, -1 for none.
  [[nodiscard]] int boxAt(QPointF scene) const;
  /// Frame (index into layout.frames) whose title row is at a scene point, innermost first; -1 for none.
  [[nodiscard]] int frameTitleAt(QPointF scene, double titleHeight) const;
  /// Nearest box in a row to the left or right of `box`; -1 at the end.
  [[nodiscard]] int neighbourInRow(int box, bool right) const;
};

} // namespace tandem::ui
