// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/graph_canvas/canvas_geometry.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tandem::ui {
namespace {

constexpr long long kWideCells = 64;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// Unlike QRectF::intersects this also holds for lines (zero width or height).
bool touches(const QRectF& a, const QRectF& b) {
  return a.left() <= b.right() && b.left() <= a.right() && a.top() <= b.bottom() && b.top() <= a.bottom();
}

} // namespace

ViewTransform ViewTransform::zoomedAt(QPointF anchor, double newZoom) const {
  return {newZoom, anchor - toScene(anchor) * newZoom};
}

ViewTransform ViewTransform::fitting(const QRectF& bounds, QSizeF size, double margin, double maxZoom) {
  const double width = std::max(size.width() - 2 * margin, 1.0), height = std::max(size.height() - 2 * margin, 1.0);
  const double zoom =
      std::min({maxZoom, width / std::max(bounds.width(), 1.0), height / std::max(bounds.height(), 1.0)});
  return {zoom, QPointF(size.width() / 2, size.height() / 2) - bounds.center() * zoom};
}

SpatialIndex::CellRange SpatialIndex::cellsOf(const QRectF& rect) const {
  const auto cell = [this](double position, double start, int count) {
    return static_cast<int>(std::clamp((position - start) / m_cellSize, 0.0, static_cast<double>(count - 1)));
  };
  return {cell(rect.left(), m_bounds.left(), m_columns), cell(rect.top(), m_bounds.top(), m_rows),
          cell(rect.right(), m_bounds.left(), m_columns), cell(rect.bottom(), m_bounds.top(), m_rows)};
}

void SpatialIndex::build(const std::vector<QRectF>& rects, const std::vector<int>& ids, int idCount) {
  m_rects = rects;
  m_ids = ids;
  m_seen.assign(at(idCount), 0);
  m_wide.clear();
  m_cells.clear();
  m_cellStart.clear();
  m_columns = m_rows = 0;
  if (rects.empty()) return;
  double left = rects[0].left(), top = rects[0].top(), right = rects[0].right(), bottom = rects[0].bottom();
  for (const QRectF& r : rects) {
    left = std::min(left, r.left());
    top = std::min(top, r.top());
    right = std::max(right, r.right());
    bottom = std::max(bottom, r.bottom());
  }
  m_bounds = QRectF(QPointF(left, top), QPointF(right, bottom));
  // A long diagonal drawing would have far more cells than things in it: larger cells then.
  m_cellSize = 512;
  while ((m_bounds.width() / m_cellSize + 1) * (m_bounds.height() / m_cellSize + 1) >
         4.0 * static_cast<double>(rects.size()) + 64)
    m_cellSize *= 2;
  m_columns = static_cast<int>(m_bounds.width() / m_cellSize) + 1;
  m_rows = static_cast<int>(m_bounds.height() / m_cellSize) + 1;

  const auto forCells = [this](std::size_t i, auto&& visit) {
    const CellRange c = cellsOf(m_rects[i]);
    for (int row = c.top; row <= c.bottom; ++row)
      for (int column = c.left; column <= c.right; ++column) visit(at(row) * at(m_columns) + at(column));
  };
  std::vector<char> isWide(rects.size(), 0);
  m_cellStart.assign(at(m_columns) * at(m_rows) + 1, 0);
  for (std::size_t i = 0; i < rects.size(); ++i) {
    const CellRange c = cellsOf(rects[i]);
    if (static_cast<long long>(c.right - c.left + 1) * (c.bottom - c.top + 1) > kWideCells) {
      isWide[i] = 1;
      m_wide.push_back(static_cast<int>(i));
    } else {
      forCells(i, [this](std::size_t cell) { ++m_cellStart[cell + 1]; });
    }
  }
  for (std::size_t c = 1; c < m_cellStart.size(); ++c) m_cellStart[c] += m_cellStart[c - 1];
  m_cells.resize(at(m_cellStart.back()));
  std::vector<int> next(m_cellStart.begin(), m_cellStart.end() - 1);
  for (std::size_t i = 0; i < rects.size(); ++i)
    if (isWide[i] == 0) forCells(i, [&](std::size_t cell) { m_cells[at(next[cell]++)] = static_cast<int>(i); });
}

void SpatialIndex::query(const QRectF& area, std::vector<int>& found) const {
  found.clear();
  if (m_rects.empty() || !touches(area, m_bounds)) return;
  const auto offer = [&](int entry) {
    const int id = m_ids[at(entry)];
    if (m_seen[at(id)] != 0 || !touches(m_rects[at(entry)], area)) return;
    m_seen[at(id)] = 1;
    found.push_back(id);
  };
  const CellRange c = cellsOf(area);
  for (int row = c.top; row <= c.bottom; ++row)
    for (int column = c.left; column <= c.right; ++column) {
      const std::size_t cell = at(row) * at(m_columns) + at(column);
      for (int i = m_cellStart[cell]; i < m_cellStart[cell + 1]; ++i) offer(m_cells[at(i)]);
    }
  for (const int entry : m_wide) offer(entry);
  for (const int id : found) m_seen[at(id)] = 0;
  std::sort(found.begin(), found.end());
}

void CanvasGeometry::set(GraphLayout newLayout, const VisibleGraph& graph) {
  incidentStart.assign(graph.boxes.size() + 1, 0);
  for (const VisibleEdge& e : graph.edges) {
    ++incidentStart[at(e.from) + 1];
    ++incidentStart[at(e.to) + 1];
  }
  for (std::size_t b = 1; b < incidentStart.size(); ++b) incidentStart[b] += incidentStart[b - 1];
  incident.resize(at(incidentStart.back()));
  std::vector<int> next(incidentStart.begin(), incidentStart.end() - 1);
  for (std::size_t e = 0; e < graph.edges.size(); ++e) {
    incident[at(next[at(graph.edges[e].from)]++)] = static_cast<int>(e);
    incident[at(next[at(graph.edges[e].to)]++)] = static_cast<int>(e);
  }

  layout = std::move(newLayout);
  std::vector<int> ids(layout.boxes.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int>(i);
  boxIndex.build(layout.boxes, ids, static_cast<int>(ids.size()));

  std::vector<QRectF> segments;
  ids.clear();
  for (std::size_t e = 0; e + 1 < layout.edgeStart.size(); ++e)
    for (int p = layout.edgeStart[e] + 1; p < layout.edgeStart[e + 1]; ++p) {
      segments.push_back(QRectF(layout.points[at(p - 1)], layout.points[at(p)]).normalized());
      ids.push_back(static_cast<int>(e));
    }
  edgeIndex.build(segments, ids, static_cast<int>(layout.edgeStart.size()));
}

int CanvasGeometry::boxAt(QPointF scene) const {
  std::vector<int> found;
  boxIndex.query(QRectF(scene, QSizeF(0, 0)), found);
  return found.empty() ? -1 : found.back();
}

int CanvasGeometry::frameTitleAt(QPointF scene, double titleHeight) const {
  for (std::size_t i = layout.frames.size(); i-- > 0;) {
    QRectF title = layout.frames[i].rect;
    title.setHeight(titleHeight);
    if (title.contains(scene)) return static_cast<int>(i);
  }
  return -1;
}

int CanvasGeometry::neighbourInRow(int box, bool right) const {
  const QRectF& own = layout.boxes[at(box)];
  const double y = own.center().y();
  std::vector<int> found;
  const double far = layout.bounds.width() + 1;
  boxIndex.query(QRectF(right ? own.right() : own.left() - far, y, far, 0), found);
  int best = -1;
  double bestDistance = std::numeric_limits<double>::max();
  for (const int other : found) {
    const double distance = (layout.boxes[at(other)].center().x() - own.center().x()) * (right ? 1 : -1);
    if (other == box || distance <= 0 || distance >= bestDistance) continue;
    best = other;
    bestDistance = distance;
  }
  return best;
}

} // namespace tandem::ui
