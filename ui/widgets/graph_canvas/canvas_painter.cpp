// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/graph_canvas/canvas_painter.hpp"

#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace tandem::ui {
namespace {

constexpr double kBoxHeight = 46;
constexpr double kRadius = 5;
constexpr std::size_t kMaxLinesFarAway = 20000;
constexpr int kMaxCachedTexts = 4000;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

QColor blend(const QColor& a, const QColor& b, double t) {
  return QColor::fromRgbF(static_cast<float>(a.redF() + (b.redF() - a.redF()) * t),
                          static_cast<float>(a.greenF() + (b.greenF() - a.greenF()) * t),
                          static_cast<float>(a.blueF() + (b.blueF() - a.blueF()) * t));
}

QColor outlineOf(const QColor& fill, const Theme& theme) {
  return blend(fill, theme.dark ? QColor(Qt::white) : QColor(Qt::black), 0.35);
}

void hatch(QPainter& painter, const QRectF& rect, Qt::BrushStyle style, const QColor& fill) {
  if (style == Qt::NoBrush) return;
  QColor ink = Theme::textOn(fill);
  ink.setAlpha(60);
  painter.fillRect(rect, QBrush(ink, style));
}

bool touches(const QRectF& a, const QPointF& p, const QPointF& q) {
  return std::min(p.x(), q.x()) <= a.right() && std::max(p.x(), q.x()) >= a.left() &&
         std::min(p.y(), q.y()) <= a.bottom() && std::max(p.y(), q.y()) >= a.top();
}

} // namespace

QFont titleFont(const QFont& base) {
  QFont font(base);
  font.setPixelSize(13);
  font.setWeight(QFont::DemiBold);
  return font;
}

QFont subtitleFont(const QFont& base) {
  QFont font(base);
  font.setPixelSize(11);
  return font;
}

CanvasPainter::CanvasPainter(const QFont& base)
    : m_title(titleFont(base)),
      m_subtitle(subtitleFont(base)),
      m_badge(titleFont(base)),
      m_titleMetrics(m_title),
      m_subtitleMetrics(m_subtitle),
      m_badgeMetrics(m_badge) {
  m_badge.setWeight(QFont::Bold);
  m_badgeMetrics = QFontMetricsF(m_badge);
}

CanvasPainter::Detail CanvasPainter::detailAt(double zoom) {
  const double height = kBoxHeight * zoom;
  return height < 3 ? Detail::Blocks : height < 9 ? Detail::Shapes : height < 20 ? Detail::Names : Detail::Full;
}

void CanvasPainter::paint(QPainter& painter, const Picture& picture, const QRectF& exposed, double zoom) {
  const Detail detail = detailAt(zoom);
  painter.setRenderHint(QPainter::Antialiasing, detail >= Detail::Names);
  painter.setRenderHint(QPainter::TextAntialiasing, true);
  paintFrames(painter, picture, exposed, detail, zoom);
  paintEdges(painter, picture, exposed, detail, zoom);
  if (detail == Detail::Blocks)
    paintBlocks(painter, picture, exposed, 1.0 / zoom);
  else if (detail == Detail::Full) {
    picture.geometry.boxIndex.query(exposed, m_found);
    for (const int box : std::vector<int>(m_found)) paintBox(painter, picture, box);
    paintEdgeLabels(painter, picture, exposed, zoom);
  } else {
    paintShapes(painter, picture, exposed, detail == Detail::Names);
  }
}

void CanvasPainter::paintBlocks(QPainter& painter, const Picture& picture, const QRectF& exposed, double minSize) {
  std::vector<int> found;
  picture.geometry.boxIndex.query(exposed, found);
  std::map<QRgb, QList<QRectF>> byColor;
  for (const int box : found) {
    QRectF rect = picture.geometry.layout.boxes[at(box)];
    if (rect.height() < minSize) rect.setHeight(minSize);
    if (rect.width() < minSize) rect.setWidth(minSize);
    byColor[picture.looks.boxes[at(box)].color.rgb()].append(rect);
  }
  painter.setPen(Qt::NoPen);
  for (const auto& [color, rects] : byColor) {
    painter.setBrush(QColor(color));
    painter.drawRects(rects);
  }
}

void CanvasPainter::paintFrames(QPainter& painter, const Picture& picture, const QRectF& exposed, Detail detail,
                                double zoom) {
  const Theme& theme = picture.theme;
  for (const LayoutFrame& frame : picture.geometry.layout.frames) {
    if (!frame.rect.intersects(exposed)) continue;
    // Nested frames get a little darker each, which shows the depth without thick lines.
    painter.setBrush(blend(theme.frame, theme.text, std::min(frame.depth, 5) * 0.022));
    painter.setPen(QPen(theme.frameOutline, std::max(1.0, 1.0 / zoom)));
    if (detail >= Detail::Names)
      painter.drawRoundedRect(frame.rect, 8, 8);
    else
      painter.drawRect(frame.rect);
    if (detail < Detail::Full && kFrameTitleHeight * zoom < 9) continue;
    const QRectF title(frame.rect.left() + 10, frame.rect.top() + 2, frame.rect.width() - 20, kFrameTitleHeight - 2);
    QPainterPath arrow;
    arrow.moveTo(title.left(), title.center().y() - 2.5);
    arrow.lineTo(title.left() + 8, title.center().y() - 2.5);
    arrow.lineTo(title.left() + 4, title.center().y() + 3);
    painter.fillPath(arrow, theme.mutedText);
    const QString copies = picture.scene.copyText(frame.scope);
    const QString name = picture.scene.scopeName(frame.scope);
    text(painter, title.adjusted(14, 0, 0, 0), copies.isEmpty() ? name : name + QStringLiteral("  ·  ") + copies,
         m_subtitle, m_subtitleMetrics, Qt::AlignLeft | Qt::AlignVCenter, theme.mutedText);
  }
}

void CanvasPainter::paintEdges(QPainter& painter, const Picture& picture, const QRectF& exposed, Detail detail,
                               double zoom) {
  const GraphLayout& layout = picture.geometry.layout;
  picture.geometry.edgeIndex.query(exposed, m_found);
  if (detail <= Detail::Shapes) {
    if (m_found.size() > kMaxLinesFarAway) return;
    QList<QLineF> plain, transfers;
    for (const int e : m_found) {
      QList<QLineF>& lines = picture.looks.edges[at(e)].transfer ? transfers : plain;
      for (int p = layout.edgeStart[at(e)] + 1; p < layout.edgeStart[at(e) + 1]; ++p) {
        const QPointF a = layout.points[at(p - 1)], b = layout.points[at(p)];
        if (a != b && touches(exposed, a, b)) lines.append(QLineF(a, b));
      }
    }
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(picture.theme.edge, 0));
    painter.drawLines(plain);
    painter.setPen(QPen(picture.theme.transfer, 0));
    painter.drawLines(transfers);
    return;
  }
  for (const bool transfers : {false, true})
    for (const int e : m_found)
      if (picture.looks.edges[at(e)].transfer == transfers) paintEdge(painter, picture, e, exposed, zoom);
}

void CanvasPainter::paintEdge(QPainter& painter, const Picture& picture, int edge, const QRectF& exposed,
                              double zoom) const {
  const GraphLayout& layout = picture.geometry.layout;
  const EdgeLook& look = picture.looks.edges[at(edge)];
  const int first = layout.edgeStart[at(edge)], last = layout.edgeStart[at(edge) + 1] - 1;
  if (last <= first) return;
  const QColor color = look.transfer ? picture.theme.transfer : picture.theme.edge;
  const double width = std::max((look.transfer ? look.width + 1.0 : static_cast<double>(look.width)), 0.9 / zoom);
  // Very long runs are cut to the view: the raster engine's cost grows with their length.
  const double low = exposed.top() - 8, high = exposed.bottom() + 8;
  const auto clipped = [&](QPointF p) { return QPointF(p.x(), std::clamp(p.y(), low, high)); };
  painter.setPen(QPen(color, width, Qt::SolidLine, Qt::FlatCap, Qt::RoundJoin));
  painter.setBrush(Qt::NoBrush);
  const QRectF area = exposed.adjusted(-8, -8, 8, 8);
  const double arrow = 5 + width * 1.5;
  for (int p = first + 1; p <= last; ++p) {
    const QPointF a = layout.points[at(p - 1)];
    QPointF b = layout.points[at(p)];
    if (a == b || !touches(area, a, b)) continue;
    if (a.x() == b.x()) {
      painter.drawLine(clipped(a), clipped(b));
      continue;
    }
    const double middle = (a.y() + b.y()) / 2;
    QPainterPath curve(a);
    curve.cubicTo(QPointF(a.x(), middle), QPointF(b.x(), middle), b);
    painter.drawPath(curve);
  }
  const QPointF tip = layout.points[at(last)];
  if (!area.contains(tip)) return;
  const double direction = layout.points[at(last)].y() >= layout.points[at(first)].y() ? 1 : -1;
  const QPointF head[3] = {tip, tip + QPointF(-arrow * 0.5, -arrow * direction),
                           tip + QPointF(arrow * 0.5, -arrow * direction)};
  painter.setPen(Qt::NoPen);
  painter.setBrush(color);
  painter.drawPolygon(head, 3);
}

void CanvasPainter::paintEdgeLabels(QPainter& painter, const Picture& picture, const QRectF& exposed, double zoom) {
  picture.geometry.edgeIndex.query(exposed, m_found);
  for (const int e : std::vector<int>(m_found)) paintEdgeLabel(painter, picture, e, zoom);
}

// The bytes of a copy stand in the middle of the edge's longest slanted or free part.
void CanvasPainter::paintEdgeLabel(QPainter& painter, const Picture& picture, int edge, double zoom) {
  const GraphLayout& layout = picture.geometry.layout;
  const EdgeLook& look = picture.looks.edges[at(edge)];
  if (!look.transfer || look.label.isEmpty() || detailAt(zoom) != Detail::Full) return;
  const int first = layout.edgeStart[at(edge)], last = layout.edgeStart[at(edge) + 1] - 1;
  // From the target's side: several copies of one tensor part there.
  QPointF middle;
  double longest = -1;
  for (int p = last; p > first && p > last - 3; --p) {
    const QPointF a = layout.points[at(p - 1)], b = layout.points[at(p)];
    const double length = std::fabs(a.y() - b.y());
    if (length <= longest) continue;
    longest = length;
    middle = (a + b) / 2;
  }
  const double width = m_subtitleMetrics.horizontalAdvance(look.label) + 12;
  const QRectF pill(middle.x() - width / 2, middle.y() - 8.5, width, 17);
  painter.setBrush(picture.theme.window);
  painter.setPen(QPen(picture.theme.transfer, 1.2));
  painter.drawRoundedRect(pill, 8.5, 8.5);
  text(painter, pill, look.label, m_subtitle, m_subtitleMetrics, Qt::AlignCenter, picture.theme.text);
}

void CanvasPainter::paintShapes(QPainter& painter, const Picture& picture, const QRectF& exposed, bool names) {
  picture.geometry.boxIndex.query(exposed, m_found);
  const Theme& theme = picture.theme;
  for (const int box : std::vector<int>(m_found)) {
    const QRectF& rect = picture.geometry.layout.boxes[at(box)];
    const BoxLook& look = picture.looks.boxes[at(box)];
    const bool group = picture.graph.boxes[at(box)].scope >= 0;
    painter.setPen(QPen(outlineOf(look.color, theme), names ? 1.5 : 0));
    painter.setBrush(look.color);
    painter.drawRect(rect);
    if (group && picture.looks.byDevice && look.shares.size() > 1) {
      double left = rect.left();
      const double total = picture.graph.boxes[at(box)].count;
      for (const DeviceShare& share : look.shares) {
        const double width = rect.width() * share.count / total;
        painter.fillRect(QRectF(left, rect.top(), width, rect.height()), theme.device(share.device).fill);
        left += width;
      }
    }
    if (names) {
      hatch(painter, rect, look.hatch, look.color);
      // Twice the size: at this zoom the normal letters would be six pixels high.
      QFont large(m_title);
      large.setPixelSize(20);
      text(painter, rect.adjusted(4, 0, -4, 0), look.title, large, QFontMetricsF(large), Qt::AlignCenter,
           Theme::textOn(look.color));
    }
    if (look.moved || look.unsupported) paintFlag(painter, rect, look, theme);
  }
}

void CanvasPainter::paintFlag(QPainter& painter, const QRectF& rect, const BoxLook& look, const Theme& theme) {
  const double size = 16;
  const QPointF corner = rect.topRight();
  const QPointF triangle[3] = {corner, corner - QPointF(size, 0), corner + QPointF(0, size)};
  const QColor color = look.unsupported ? theme.problem : theme.warning;
  painter.setPen(QPen(theme.window, 1));
  painter.setBrush(color);
  painter.drawPolygon(triangle, 3);
}

void CanvasPainter::paintBox(QPainter& painter, const Picture& picture, int box) {
  const QRectF& rect = picture.geometry.layout.boxes[at(box)];
  const BoxLook& look = picture.looks.boxes[at(box)];
  if (picture.graph.boxes[at(box)].scope >= 0)
    paintGroupBody(painter, picture, rect, look);
  else
    paintNodeBody(painter, picture, rect, look);
  if (look.moved || look.unsupported) paintFlag(painter, rect, look, picture.theme);
}

void CanvasPainter::paintNodeBody(QPainter& painter, const Picture& picture, const QRectF& rect, const BoxLook& look) {
  const Theme& theme = picture.theme;
  QPainterPath body;
  body.addRoundedRect(rect, kRadius, kRadius);
  painter.fillPath(body, blend(theme.surface, look.color, theme.dark ? 0.24 : 0.16));
  const QRectF block(rect.left(), rect.top(), kBadgeWidth, rect.height());
  painter.save();
  painter.setClipRect(block, Qt::IntersectClip);
  painter.fillPath(body, look.color);
  hatch(painter, block.adjusted(2, 2, 0, -2), look.hatch, look.color);
  painter.restore();
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(outlineOf(look.color, theme), 1.2));
  painter.drawPath(body);
  if (!look.badge.isEmpty())
    text(painter, block, look.badge, m_badge, m_badgeMetrics, Qt::AlignCenter, Theme::textOn(look.color));

  const QRectF inner = rect.adjusted(kBadgeWidth + 8, 4, look.moved || look.unsupported ? -16 : -7, -4);
  if (look.detail.isEmpty()) {
    text(painter, inner, look.title, m_title, m_titleMetrics, Qt::AlignLeft | Qt::AlignVCenter, theme.text);
    return;
  }
  const QRectF upper(inner.left(), rect.top() + 5, inner.width(), 19);
  const QRectF lower(inner.left(), rect.top() + 24, inner.width(), 17);
  text(painter, upper, look.title, m_title, m_titleMetrics, Qt::AlignLeft | Qt::AlignVCenter, theme.text);
  text(painter, lower, look.detail, m_subtitle, m_subtitleMetrics, Qt::AlignLeft | Qt::AlignVCenter, theme.mutedText);
}

// A group is a stack of cards, its body filled in proportion to the devices inside.
void CanvasPainter::paintGroupBody(QPainter& painter, const Picture& picture, const QRectF& rect, const BoxLook& look) {
  const Theme& theme = picture.theme;
  painter.setPen(QPen(theme.frameOutline, 1.2));
  painter.setBrush(theme.frame);
  painter.drawRoundedRect(rect.translated(5, 5), kRadius, kRadius);
  painter.drawRoundedRect(rect.translated(2.5, 2.5), kRadius, kRadius);

  QPainterPath body;
  body.addRoundedRect(rect, kRadius, kRadius);
  painter.fillPath(body, theme.surface);
  painter.save();
  painter.setClipPath(body, Qt::IntersectClip);
  const bool byDevice = picture.looks.byDevice;
  const double bar = 8,
               total = std::max(1.0, std::accumulate(look.shares.begin(), look.shares.end(), 0.0,
                                                     [](double sum, const DeviceShare&s) { return sum + s.count; }));
  double left = rect.left();
  for (const DeviceShare& share : look.shares) {
    const DeviceStyle style = theme.device(share.device);
    const QColor fill = byDevice ? style.fill : look.color;
    const QRectF part(left, rect.top(), rect.width() * share.count / total, rect.height());
    painter.fillRect(part, blend(theme.surface, fill, theme.dark ? 0.36 : 0.26));
    const QRectF strip(part.left(), rect.bottom() - bar, part.width(), bar);
    painter.fillRect(strip, fill);
    if (byDevice) hatch(painter, strip, style.hatch, fill);
    left += part.width();
  }
  painter.restore();
  painter.setBrush(Qt::NoBrush);
  painter.setPen(QPen(theme.dark ? theme.mutedText : theme.edge, 1.4));
  painter.drawPath(body);

  QPainterPath arrow;
  const QPointF tip(rect.left() + 19, rect.top() + 15);
  arrow.moveTo(tip);
  arrow.lineTo(tip + QPointF(-7, -5));
  arrow.lineTo(tip + QPointF(-7, 5));
  painter.fillPath(arrow, theme.text);
  const QRectF upper(rect.left() + 26, rect.top() + 5, rect.width() - 40, 20);
  const QRectF lower(rect.left() + 26, rect.top() + 24, rect.width() - 40, 17);
  text(painter, upper, look.title, m_title, m_titleMetrics, Qt::AlignLeft | Qt::AlignVCenter, theme.text);
  text(painter, lower, look.detail, m_subtitle, m_subtitleMetrics, Qt::AlignLeft | Qt::AlignVCenter, theme.text);
}

void CanvasPainter::text(QPainter& painter, const QRectF& rect, const QString& string, const QFont& font,
                         const QFontMetricsF& metrics, Qt::Alignment alignment, const QColor& color) {
  if (string.isEmpty() || rect.width() < 6) return;
  const QString key = QString::number(font.pixelSize()) + QChar(static_cast<char16_t>(font.weight())) +
                      QString::number(std::lround(rect.width())) + QLatin1Char(' ') + string;
  auto found = m_texts.find(key);
  if (found == m_texts.end()) {
    if (m_texts.size() > kMaxCachedTexts) m_texts.clear();
    QStaticText laidOut(metrics.elidedText(string, Qt::ElideMiddle, rect.width()));
    laidOut.setTextFormat(Qt::PlainText);
    laidOut.prepare({}, font);
    found = m_texts.insert(key, laidOut);
  }
  const QSizeF size = found->size();
  const double x = (alignment & Qt::AlignLeft) != 0 ? rect.left() : rect.center().x() - size.width() / 2;
  painter.setFont(font);
  painter.setPen(color);
  painter.drawStaticText(QPointF(x, rect.center().y() - size.height() / 2), *found);
}

} // namespace tandem::ui
