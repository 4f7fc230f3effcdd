// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/core/theme.hpp"
#include "ui/widgets/graph_canvas/canvas_geometry.hpp"
#include "ui/widgets/graph_canvas/canvas_looks.hpp"

#include <QFont>
#include <QFontMetricsF>
#include <QHash>
#include <QStaticText>

class QPainter;

namespace tandem::ui {

/// Scene units per part of a box; shared by painting and hit testing.
inline constexpr double kBadgeWidth = 26;
inline constexpr double kFrameTitleHeight = 24;

[[nodiscard]] QFont titleFont(const QFont& base);
[[nodiscard]] QFont subtitleFont(const QFont& base);

/// Paints the static layer: frames, edges, boxes, in a level of detail that follows the zoom. Keeps a cache of laid-out
/// texts; UI thread only.
class CanvasPainter {
 public:
  explicit CanvasPainter(const QFont& base);

  struct Picture {
    const GraphScene& scene;
    const VisibleGraph& graph;
    const CanvasGeometry& geometry;
    const CanvasLooks& looks;
    const Theme& theme;
  };

  /// `exposed` in scene units; the painter's transform must map scene units to the device at `zoom`.
  void paint(QPainter& painter, const Picture& picture, const QRectF& exposed, double zoom);
  /// The label of one edge again, for when something was drawn over it; nothing where paint() shows none.
  void paintEdgeLabel(QPainter& painter, const Picture& picture, int edge, double zoom);
  /// The whole layout as small coloured boxes, for the minimap: painter scaled to scene units, no texts, no edges.
  static void paintBlocks(QPainter& painter, const Picture& picture, const QRectF& exposed, double minSize);

 private:
  enum class Detail { Blocks, Shapes, Names, Full };
  static Detail detailAt(double zoom);

  void paintFrames(QPainter& painter, const Picture& picture, const QRectF& exposed, Detail detail, double zoom);
  void paintEdges(QPainter& painter, const Picture& picture, const QRectF& exposed, Detail detail, double zoom);
  void paintEdge(QPainter& painter, const Picture& picture, int edge, const QRectF& exposed, double zoom) const;
  void paintEdgeLabels(QPainter& painter, const Picture& picture, const QRectF& exposed, double zoom);
  void paintShapes(QPainter& painter, const Picture& picture, const QRectF& exposed, bool names);
  void paintBox(QPainter& painter, const Picture& picture, int box);
  void paintNodeBody(QPainter& painter, const Picture& picture, const QRectF& rect, const BoxLook& look);
  void paintGroupBody(QPainter& painter, const Picture& picture, const QRectF& rect, const BoxLook& look);
  static void paintFlag(QPainter& painter, const QRectF& rect, const BoxLook& look, const Theme& theme);
  void text(QPainter& painter, const QRectF& rect, const QString& text, const QFont& font, const QFontMetricsF& metrics,
            Qt::Alignment alignment, const QColor& color);

  QFont m_title, m_subtitle, m_badge;
  QFontMetricsF m_titleMetrics, m_subtitleMetrics, m_badgeMetrics;
  QHash<QString, QStaticText> m_texts;
  std::vector<int> m_found;
};

} // namespace tandem::ui
