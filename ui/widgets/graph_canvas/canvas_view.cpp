// SPDX-License-Identifier: GPL-3.0-or-later
// What the canvas shows: the cached static layer, the overlay on it, and pictures for files.
#include "ui/core/units.hpp"
#include "ui/widgets/graph_canvas/graph_canvas_p.hpp"

#include <QFileInfo>
#include <QImage>
#include <QPaintEvent>
#include <QPainter>
#include <QPainterPath>
#include <QSaveFile>
#include <QSvgGenerator>

#include <algorithm>
#include <cmath>

namespace tandem::ui {
namespace {

// Above this a zoom step shows the scaled picture first; below, painting at once is smoother.
constexpr qint64 kSlowPaintMs = 12;
constexpr int kMaxIncidentEdges = 400;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

} // namespace

void GraphCanvas::Private::invalidate() { cacheValid = false; }

void GraphCanvas::Private::paintArea(QPainter& p, const QRectF& area) {
  p.fillRect(area, theme.window);
  p.save();
  p.setClipRect(area);
  p.translate(view.offset);
  p.scale(view.zoom, view.zoom);
  painter.paint(p, picture(), view.toScene(area.adjusted(-8, -8, 8, 8)), view.zoom);
  p.restore();
}

// Panning moves the cached picture and paints only the strips that came into sight.
void GraphCanvas::Private::refreshCache(const QRect& viewport) {
  const double ratio = q->devicePixelRatioF();
  const QSize pixels(static_cast<int>(std::ceil(viewport.width() * ratio)),
                     static_cast<int>(std::ceil(viewport.height() * ratio)));
  QElapsedTimer timer;
  timer.start();
  const bool reusable = cacheValid && cache.size() == pixels && cacheView.zoom == view.zoom;
  const QPointF moved = (view.offset - cacheView.offset) * ratio;
  const int dx = static_cast<int>(std::lround(moved.x())), dy = static_cast<int>(std::lround(moved.y()));
  if (reusable && dx == 0 && dy == 0) return;
  const QRect all = viewport;
  if (reusable && std::abs(dx) < pixels.width() && std::abs(dy) < pixels.height()) {
    cache.scroll(dx, dy, QRect(QPoint(0, 0), pixels));
    QPainter p(&cache);
    const double x = dx / ratio, y = dy / ratio;
    if (dx != 0) paintArea(p, QRectF(dx > 0 ? 0 : all.width() + x - 1, 0, std::fabs(x) + 1, all.height()));
    if (dy != 0) paintArea(p, QRectF(0, dy > 0 ? 0 : all.height() + y - 1, all.width(), std::fabs(y) + 1));
  } else {
    if (cache.size() != pixels) {
      cache = QPixmap(pixels);
      cache.setDevicePixelRatio(ratio);
    }
    QPainter p(&cache);
    paintArea(p, QRectF(all));
    lastPaintMs = timer.elapsed();
  }
  cacheView = view;
  cacheValid = true;
}

void GraphCanvas::Private::paintStatic(QPainter& p) {
  const QRect all = q->viewport()->rect();
  const bool zooming = cacheValid && cacheView.zoom != view.zoom;
  if (zooming && lastPaintMs > kSlowPaintMs) {
    const double factor = view.zoom / cacheView.zoom;
    p.fillRect(all, theme.window);
    p.drawPixmap(QRectF(view.offset - cacheView.offset * factor, QSizeF(all.size()) * factor), cache, cache.rect());
    sharpen.start();
    return;
  }
  refreshCache(all);
  p.drawPixmap(0, 0, cache);
}

void GraphCanvas::Private::paintEmpty(QPainter& p) const {
  const QRect all = q->viewport()->rect();
  p.fillRect(all, theme.window);
  const bool busy = scene.nodeCount() > 0;
  QFont large = q->font();
  large.setPixelSize(20);
  large.setWeight(QFont::DemiBold);
  p.setFont(large);
  p.setPen(theme.text);
  const QString headline = busy ? tr("Arranging %1 layers…").arg(formatCount(scene.nodeCount())) : emptyHeadline;
  p.drawText(all.adjusted(24, 0, -24, -30), Qt::AlignCenter | Qt::TextWordWrap, headline);
  if (busy) return;
  QFont normal = q->font();
  p.setFont(normal);
  p.setPen(theme.mutedText);
  p.drawText(QRect(all.left() + 24, all.center().y() + 6, all.width() - 48, all.height() / 2),
             Qt::AlignHCenter | Qt::AlignTop | Qt::TextWordWrap, emptyText);
}

void GraphCanvas::paintEvent(QPaintEvent*) {
  QPainter p(viewport());
  if (!d->ready || d->scene.nodeCount() == 0) {
    d->paintEmpty(p);
    return;
  }
  d->paintStatic(p);
  d->paintOverlay(p);
}

void GraphCanvas::Private::paintOverlay(QPainter& p) {
  const QRectF exposed = view.toScene(QRectF(q->viewport()->rect()).adjusted(-10, -10, 10, 10));
  p.setRenderHint(QPainter::Antialiasing, true);
  paintHalos(p, exposed);
  paintStroke(p);
  if (legendVisible) paintLegend(p);
  if (minimapVisible) paintMinimap(p);
  if (drag == Drag::RubberBand || drag == Drag::ZoomRange) {
    QColor fill = theme.selection;
    fill.setAlpha(40);
    p.setRenderHint(QPainter::Antialiasing, false);
    p.setPen(QPen(theme.selection, 1, drag == Drag::ZoomRange ? Qt::DashLine : Qt::SolidLine));
    p.setBrush(fill);
    p.drawRect(QRectF(pressPos, lastPos).normalized());
  }
  if (q->hasFocus()) {
    p.setRenderHint(QPainter::Antialiasing, false);
    p.setBrush(Qt::NoBrush);
    p.setPen(QPen(theme.selection, 1));
    p.drawRect(q->viewport()->rect().adjusted(0, 0, -1, -1));
  }
}

void GraphCanvas::Private::paintIncidentEdges(QPainter& p, int box) {
  const GraphLayout& layout = geometry.layout;
  const int first = geometry.incidentStart[at(box)], last = geometry.incidentStart[at(box) + 1];
  p.setPen(QPen(theme.selection, 2));
  p.setBrush(Qt::NoBrush);
  const double low = -50, high = viewSize().height() + 50;
  for (int i = first; i < std::min(last, first + kMaxIncidentEdges); ++i) {
    const int e = geometry.incident[at(i)];
    for (int k = layout.edgeStart[at(e)] + 1; k < layout.edgeStart[at(e) + 1]; ++k) {
      const QPointF a = view.toView(layout.points[at(k - 1)]), b = view.toView(layout.points[at(k)]);
      if (std::max(a.y(), b.y()) < low || std::min(a.y(), b.y()) > high) continue;
      if (a.x() == b.x()) {
        p.drawLine(QPointF(a.x(), std::clamp(a.y(), low, high)), QPointF(b.x(), std::clamp(b.y(), low, high)));
        continue;
      }
      QPainterPath curve(a);
      const double middle = (a.y() + b.y()) / 2;
      curve.cubicTo(QPointF(a.x(), middle), QPointF(b.x(), middle), b);
      p.drawPath(curve);
    }
  }
  p.save();
  p.translate(view.offset);
  p.scale(view.zoom, view.zoom);
  for (int i = first; i < std::min(last, first + kMaxIncidentEdges); ++i)
    painter.paintEdgeLabel(p, picture(), geometry.incident[at(i)], view.zoom);
  p.restore();
}

void GraphCanvas::Private::paintHalos(QPainter& p, const QRectF& exposed) {
  std::vector<int> found;
  geometry.boxIndex.query(exposed, found);
  const bool small = view.zoom * 46 < 9;
  const auto halo = [&](int box, const QColor& color, double width, Qt::PenStyle style, double distance) {
    QRectF rect = view.toView(geometry.layout.boxes[at(box)]);
    if (small) {
      if (rect.height() < 2) rect.setHeight(2);
      p.fillRect(rect, color);
      return;
    }
    p.setPen(QPen(color, width, style));
    p.setBrush(Qt::NoBrush);
    const double radius = (5 + distance) * std::min(view.zoom, 1.0);
    p.drawRoundedRect(rect.adjusted(-distance, -distance, distance, distance), radius, radius);
  };
  const int current = currentBox();
  if (!selection.isEmpty() && current >= 0 && selectedInBox[at(current)] > 0 && !small) paintIncidentEdges(p, current);
  if (small) p.setRenderHint(QPainter::Antialiasing, false);
  for (const int box : found) {
    if (!boxActivity.empty() && boxActivity[at(box)] > 0) {
      QColor glow = theme.success;
      glow.setAlphaF(std::clamp(boxActivity[at(box)], 0.0F, 1.0F) * 0.55F);
      p.setPen(Qt::NoPen);
      p.setBrush(glow);
      p.drawRect(view.toView(geometry.layout.boxes[at(box)]));
    }
    if (!highlightedBox.empty() && highlightedBox[at(box)] != 0) halo(box, theme.searchHit, 4, Qt::SolidLine, 5);
    const int selected = selectedInBox.empty() ? 0 : selectedInBox[at(box)];
    if (selected > 0)
      halo(box, theme.selection, 2.5, selected < graph.boxes[at(box)].count ? Qt::DashLine : Qt::SolidLine, 2.5);
  }
  p.setRenderHint(QPainter::Antialiasing, true);
  const auto inSight = [&](int box) { return box >= 0 && at(box) < geometry.layout.boxes.size(); };
  if (inSight(hoveredBox) && !small) halo(hoveredBox, theme.hover, 1.5, Qt::SolidLine, 1.5);
  if (inSight(current) && q->hasFocus() && !small) halo(current, theme.text, 1.2, Qt::DotLine, 5.5);
  for (const int node : dropNodes)
    if (const int box = boxOfNode(node); inSight(box)) halo(box, theme.success, 4, Qt::SolidLine, 4);
}

QRectF GraphCanvas::Private::minimapRect() const {
  const QRectF& bounds = geometry.layout.bounds;
  if (!ready || bounds.isEmpty()) return {};
  const QSizeF size = viewSize();
  const double maxWidth = std::min(190.0, size.width() * 0.24), maxHeight = std::min(300.0, size.height() * 0.46);
  const double scale = std::min(maxWidth / bounds.width(), maxHeight / bounds.height());
  // A chain would be a hairline: the map may stretch it sideways.
  const QSizeF map(std::max(bounds.width() * scale, std::min(48.0, maxWidth)),
                   std::max(bounds.height() * scale, std::min(32.0, maxHeight)));
  return {QPointF(size.width() - map.width() - 14, size.height() - map.height() - 14), map};
}

QPointF GraphCanvas::Private::minimapToScene(QPointF viewPos) const {
  const QRectF rect = minimapRect(), bounds = geometry.layout.bounds;
  return {bounds.left() + (viewPos.x() - rect.left()) / rect.width() * bounds.width(),
          bounds.top() + (viewPos.y() - rect.top()) / rect.height() * bounds.height()};
}

void GraphCanvas::Private::renderMinimap() {
  const QRectF rect = minimapRect();
  const double ratio = q->devicePixelRatioF();
  minimap = QPixmap((rect.size() * ratio).toSize().expandedTo(QSize(1, 1)));
  minimap.setDevicePixelRatio(ratio);
  minimap.fill(Qt::transparent);
  QPainter p(&minimap);
  const QRectF& bounds = geometry.layout.bounds;
  const double sx = rect.width() / bounds.width(), sy = rect.height() / bounds.height();
  p.scale(sx, sy);
  p.translate(-bounds.topLeft());
  CanvasPainter::paintBlocks(p, picture(), bounds, 1.0 / sy);
}

void GraphCanvas::Private::paintMinimap(QPainter& p) {
  const QRectF rect = minimapRect();
  const QRectF shown = view.toScene(QRectF(QPointF(0, 0), viewSize()));
  // Nothing to navigate when everything is in sight.
  if (rect.isEmpty() || shown.contains(geometry.layout.bounds)) return;
  if (minimap.isNull() || minimap.deviceIndependentSize().toSize() != rect.size().toSize()) renderMinimap();
  QColor card = theme.window;
  card.setAlpha(235);
  p.setBrush(card);
  p.setPen(QPen(theme.grid, 1));
  p.drawRoundedRect(rect.adjusted(-6, -6, 6, 6), 6, 6);
  p.drawPixmap(rect.topLeft(), minimap);
  const QRectF& bounds = geometry.layout.bounds;
  QRectF window(rect.left() + (shown.left() - bounds.left()) / bounds.width() * rect.width(),
                rect.top() + (shown.top() - bounds.top()) / bounds.height() * rect.height(),
                shown.width() / bounds.width() * rect.width(), shown.height() / bounds.height() * rect.height());
  window = window.intersected(rect.adjusted(-4, -4, 4, 4));
  if (window.height() < 4) window.setHeight(4);
  QColor fill = theme.selection;
  fill.setAlpha(36);
  p.setBrush(fill);
  p.setPen(QPen(theme.selection, 1.5));
  p.drawRoundedRect(window, 2, 2);
}

void GraphCanvas::fitToWindow() {
  if (!d->ready) {
    d->firstViewPending = true;
    return;
  }
  d->setView(ViewTransform::fitting(d->geometry.layout.bounds, d->viewSize(), 24, 1.5));
}

void GraphCanvas::zoomBy(double factor) {
  const QPointF middle(d->viewSize().width() / 2, d->viewSize().height() / 2);
  d->setView(d->view.zoomedAt(middle, d->view.zoom * factor));
}

double GraphCanvas::zoom() const { return d->view.zoom; }

double GraphCanvas::Private::minimumZoom() const {
  return std::min(0.1, ViewTransform::fitting(geometry.layout.bounds, viewSize(), 24, 1.0).zoom * 0.7);
}

void GraphCanvas::Private::setView(const ViewTransform& newView) {
  constexpr double kMaximumZoom = 4;
  ViewTransform next = newView;
  const double zoom = std::clamp(next.zoom, std::min(minimumZoom(), kMaximumZoom), kMaximumZoom);
  if (zoom != next.zoom) next = view.zoomedAt(QPointF(viewSize().width() / 2, viewSize().height() / 2), zoom);
  // Some of the graph stays in sight.
  const QRectF shown = next.toView(geometry.layout.bounds);
  const double keep = 60;
  const QSizeF size = viewSize();
  next.offset.rx() += std::max(0.0, keep - shown.right()) + std::min(0.0, size.width() - keep - shown.left());
  next.offset.ry() += std::max(0.0, keep - shown.bottom()) + std::min(0.0, size.height() - keep - shown.top());
  // Whole device pixels, so that panning can move the cached picture.
  const double ratio = q->devicePixelRatioF();
  next.offset = {std::round(next.offset.x() * ratio) / ratio, std::round(next.offset.y() * ratio) / ratio};
  view = next;
  q->viewport()->update();
}

void GraphCanvas::ensureVisible(int node) {
  if (node < 0 || node >= d->scene.nodeCount()) return;
  bool opened = false;
  for (int s = d->scene.scopeOf(node); s >= 0; s = d->scene.scopeParent(s)) {
    opened |= d->scene.isCollapsed(s);
    d->scene.setCollapsed(s, false);
  }
  if (opened) d->scopeStateChanged();
  if (!isLayoutDone()) {
    d->ensurePending = node;
    return;
  }
  d->revealBox(d->boxOfNode(node), true);
}

double GraphCanvas::pictureScale(double scale, int maxSide) const {
  const QSizeF size = d->geometry.layout.bounds.adjusted(-24, -24, 24, 24).size();
  return std::min({scale, maxSide / std::max(size.width(), size.height()),
                   std::sqrt(kMaxPicturePixels / (size.width() * size.height()))});
}

QImage GraphCanvas::toImage(double scale, int maxSide) const {
  if (!d->ready || d->scene.nodeCount() == 0) return {};
  const QRectF bounds = d->geometry.layout.bounds.adjusted(-24, -24, 24, 24);
  const double zoom = pictureScale(scale, maxSide);
  const QSize size(std::max(1, static_cast<int>(bounds.width() * zoom)),
                   std::max(1, static_cast<int>(bounds.height() * zoom)));
  QImage image(size, QImage::Format_ARGB32_Premultiplied);
  if (image.isNull()) return {};
  image.fill(d->theme.window);
  QPainter p(&image);
  p.scale(zoom, zoom);
  p.translate(-bounds.topLeft());
  d->painter.paint(p, d->picture(), bounds, zoom);
  return image;
}

bool GraphCanvas::exportPng(const QString& path, double scale) const {
  const QImage image = toImage(scale);
  if (image.isNull()) return false;
  QSaveFile file(path);
  return file.open(QIODevice::WriteOnly) && image.save(&file, "PNG") && file.commit();
}

bool GraphCanvas::exportSvg(const QString& path) const {
  if (!d->ready || d->scene.nodeCount() == 0) return false;
  const QRectF bounds = d->geometry.layout.bounds.adjusted(-24, -24, 24, 24);
  QSaveFile file(path);
  if (!file.open(QIODevice::WriteOnly)) return false;
  QSvgGenerator svg;
  svg.setOutputDevice(&file);
  svg.setSize(bounds.size().toSize());
  svg.setViewBox(QRectF(QPointF(0, 0), bounds.size()));
  svg.setTitle(tr("Layers and their devices"));
  QPainter p;
  if (!p.begin(&svg)) return false;
  p.fillRect(QRectF(QPointF(0, 0), bounds.size()), d->theme.window);
  p.translate(-bounds.topLeft());
  d->painter.paint(p, d->picture(), bounds, 1.0);
  return p.end() && file.commit();
}

} // namespace tandem::ui
