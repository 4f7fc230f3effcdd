// SPDX-License-Identifier: GPL-3.0-or-later
// How a roofline looks.
#include "ui/core/theme.hpp"
#include "ui/widgets/chart/roofline_chart_p.hpp"

#include <QImage>
#include <QLocale>
#include <QPainter>
#include <QPainterPath>
#include <QSaveFile>
#include <QSvgGenerator>
#include <QTextDocument>

#include <algorithm>
#include <array>
#include <cmath>

namespace tandem::ui {
namespace {

constexpr int kMargin = RooflineChart::Places::kMargin, kSign = RooflineChart::Places::kSign;

Qt::PenStyle lineOf(int device) {
  static constexpr std::array kStyles = {Qt::SolidLine, Qt::DashLine, Qt::DashDotLine, Qt::DotLine};
  return kStyles[static_cast<std::size_t>(std::max(device, 0)) % kStyles.size()];
}

/// Circle, square, diamond, triangle: the device without its colour. All of the area of the circle.
QPainterPath signOf(int device, QPointF at, double radius) {
  QPainterPath path;
  switch (std::max(device, 0) % 4) {
  case 1: {
    const double side = radius * 1.77;
    path.addRect(QRectF(at.x() - side / 2, at.y() - side / 2, side, side));
    break;
  }
  case 2: {
    const double half = radius * 1.25;
    path.addPolygon(QPolygonF({at + QPointF(0, -half), at + QPointF(half, 0), at + QPointF(0, half),
                               at + QPointF(-half, 0), at + QPointF(0, -half)}));
    break;
  }
  case 3: {
    const double r = radius * 1.55;
    path.addPolygon(QPolygonF({at + QPointF(0, -r), at + QPointF(0.866 * r, 0.5 * r), at + QPointF(-0.866 * r, 0.5 * r),
                               at + QPointF(0, -r)}));
    break;
  }
  default: path.addEllipse(at, radius, radius);
  }
  return path;
}

} // namespace

QString plainText(double value) {
  constexpr double kWhole = 99.95;
  return QLocale().toString(value, 'f', value < kWhole ? 1 : 0);
}

QString gflopsText(double value) { return plainText(value) + QChar(0x00a0) + QStringLiteral("GFLOP/s"); }
QString gbText(double value) { return plainText(value) + QChar(0x00a0) + QStringLiteral("GB/s"); }

void RooflineChart::paintEvent(QPaintEvent*) {
  QPainter p(this);
  paint(p, size(), true);
}

void RooflineChart::paint(QPainter& p, QSize size, bool interactive) const {
  const Theme theme = Theme::of(palette());
  p.fillRect(QRect(QPoint(0, 0), size), theme.window);
  p.setFont(font());
  p.setRenderHint(QPainter::Antialiasing);
  if (m_dots.isEmpty() && !hasRoofs()) {
    p.setPen(theme.mutedText);
    p.drawText(QRect(QPoint(0, 0), size).adjusted(kMargin, kMargin, -kMargin, -kMargin),
               Qt::AlignCenter | Qt::TextWordWrap, m_emptyText);
    return;
  }
  const Places where = places(size);
  paintLegend(p, where);
  if (where.plot.width() < 20 || where.plot.height() < 20) return;
  paintAxes(p, where);
  paintRoofs(p, where);
  paintDots(p, where, interactive);
  paintRoofLabels(p, where);
  if (interactive) paintCard(p, where);
  if (interactive && hasFocus()) {
    p.setBrush(Qt::NoBrush);
    p.setPen(QPen(palette().color(QPalette::Highlight), 1));
    p.drawRect(QRectF(QPointF(0.5, 0.5), QSizeF(size) - QSizeF(1, 1)));
  }
}

void RooflineChart::paintLegend(QPainter& p, const Places& where) const {
  const Theme theme = Theme::of(palette());
  const QStringList texts = legendTexts();
  for (qsizetype i = 0; i < texts.size(); ++i) {
    const QRect entry = where.legend[i];
    const bool isRoof = i < m_roofs.size();
    if (isRoof) {
      const int device = m_roofs[i].device;
      p.setPen(QPen(theme.device(device).outline, 1));
      p.setBrush(theme.deviceColor(device));
      p.drawPath(signOf(device, QPointF(entry.left() + kSign / 2.0, entry.center().y() + 0.5), 4.5));
    }
    p.setPen(isRoof ? theme.text : theme.mutedText);
    const QRect text = entry.adjusted(isRoof ? kSign + 4 : 0, 0, 0, 0);
    p.drawText(text, Qt::AlignLeft | Qt::AlignVCenter,
               p.fontMetrics().elidedText(texts[i], Qt::ElideRight, text.width()));
  }
}

void RooflineChart::paintAxes(QPainter& p, const Places& where) const {
  const Theme theme = Theme::of(palette());
  const QRectF& plot = where.plot;
  const QFontMetrics metrics = p.fontMetrics();
  double lastRight = -1e9;
  for (const double tick : where.x.ticks()) {
    const double x = plot.left() + where.x.position(tick) * plot.width();
    p.setPen(QPen(theme.grid, 1));
    p.drawLine(QPointF(x, plot.top()), QPointF(x, plot.bottom()));
    const QString text = logTickText(tick);
    const double width = metrics.horizontalAdvance(text), left = x - width / 2;
    if (left < lastRight + 8) continue;
    p.setPen(theme.mutedText);
    p.drawText(QPointF(left, plot.bottom() + 3 + metrics.ascent()), text);
    lastRight = left + width;
  }
  double lastTop = 1e9;
  for (const double tick : where.y.ticks()) {
    const double y = plot.bottom() - where.y.position(tick) * plot.height();
    p.setPen(QPen(theme.grid, 1));
    p.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y));
    if (y + metrics.height() / 2.0 > lastTop) continue;
    p.setPen(theme.mutedText);
    p.drawText(QRectF(0, y - metrics.height(), plot.left() - 5, 2.0 * metrics.height()),
               Qt::AlignRight | Qt::AlignVCenter, logTickText(tick));
    lastTop = y - metrics.height() / 2.0;
  }
  p.setPen(QPen(theme.frameOutline, 1));
  p.drawLine(plot.bottomLeft(), plot.bottomRight());
  p.drawLine(plot.topLeft(), plot.bottomLeft());
  p.setPen(theme.mutedText);
  p.drawText(QPointF(kMargin, plot.top() - 4 - metrics.descent()), tr("GFLOP/s"));
  p.drawText(QRectF(plot.left(), plot.bottom() + metrics.height() + 2, plot.width(), metrics.height() + 2),
             Qt::AlignRight | Qt::AlignVCenter, tr("FLOP per byte that must move"));
}

void RooflineChart::paintRoofs(QPainter& p, const Places& where) const {
  const Theme theme = Theme::of(palette());
  p.save();
  p.setClipRect(where.plot.adjusted(0, -2, 0, 0));
  p.setBrush(Qt::NoBrush);
  for (const RooflineRoof& roof : m_roofs) {
    if (!isKnown(roof)) continue;
    const double ridge = roof.gflops / roof.gbPerS;
    p.setPen(QPen(theme.lineColor(theme.deviceColor(roof.device)), 2, lineOf(roof.device), Qt::FlatCap));
    p.drawPolyline(QPolygonF({where.at(where.x.low, where.x.low * roof.gbPerS), where.at(ridge, roof.gflops),
                              where.at(where.x.high, roof.gflops)}));
  }
  p.restore();
}

bool RooflineChart::isFree(const QPolygonF& area, const Places& where) const {
  QPainterPath label;
  label.addPolygon(area);
  return std::none_of(m_dots.begin(), m_dots.end(), [&](const RooflineDot& dot) {
    const double r = radiusOf(dot) + 1;
    const QPointF at = where.at(dot.flopPerByte, dot.gflopPerS);
    return label.intersects(QRectF(at.x() - r, at.y() - r, 2 * r, 2 * r));
  });
}

// Where no dot is; a label without a place is left to the legend.
void RooflineChart::paintRoofLabels(QPainter& p, const Places& where) const {
  const QFontMetrics metrics = p.fontMetrics();
  const bool several = m_roofs.size() > 1;
  p.setPen(Theme::of(palette()).text);
  QList<QRectF> taken;
  for (const RooflineRoof& roof : m_roofs) {
    if (!isKnown(roof)) continue;
    const QString text = several ? roof.name : gflopsText(roof.gflops);
    const QPointF ridge = where.at(roof.gflops / roof.gbPerS, roof.gflops);
    QRectF label(0, 0, metrics.horizontalAdvance(text) + 4, metrics.height());
    label.moveBottomRight(QPointF(where.plot.right(), ridge.y() - 2));
    const auto hasPlace = [&] {
      return label.top() >= where.plot.top() - metrics.height() && isFree(label, where) &&
             std::none_of(taken.begin(), taken.end(), [&](const QRectF& other) { return other.intersects(label); });
    };
    constexpr int kStep = 12;
    while (!hasPlace() && label.left() - kStep > ridge.x()) label.translate(-kStep, 0);
    if (!hasPlace()) continue;
    taken.append(label);
    p.drawText(label, Qt::AlignCenter, text);
  }
  if (!several) paintSlopeLabel(p, where);
}

// One device: its memory's speed along the slope.
void RooflineChart::paintSlopeLabel(QPainter& p, const Places& where) const {
  if (m_roofs.isEmpty() || !isKnown(m_roofs.first())) return;
  const RooflineRoof& roof = m_roofs.first();
  const QFontMetrics metrics = p.fontMetrics();
  const double ridge = roof.gflops / roof.gbPerS, enters = std::max(where.x.low, where.y.low / roof.gbPerS);
  const QPointF from = where.at(enters, enters * roof.gbPerS), to = where.at(ridge, roof.gflops);
  const QString text = gbText(roof.gbPerS);
  const QRectF label(0, -metrics.height() - 3, metrics.horizontalAdvance(text), metrics.height());
  const double length = std::hypot(to.x() - from.x(), to.y() - from.y());
  constexpr double kStep = 12;
  for (double along = kStep; along + label.width() < length; along += kStep) {
    QTransform place;
    place.translate(from.x(), from.y());
    place.rotate(std::atan2(to.y() - from.y(), to.x() - from.x()) * 180 / M_PI);
    place.translate(along, 0);
    if (!isFree(place.map(QPolygonF(label)), where)) continue;
    p.save();
    p.setTransform(place, true);
    p.drawText(QPointF(0, -3 - metrics.descent()), text);
    p.restore();
    return;
  }
}

void RooflineChart::paintDots(QPainter& p, const Places& where, bool interactive) const {
  const Theme theme = Theme::of(palette());
  const auto paintDot = [&](const RooflineDot& dot, double grow, const QPen& pen) {
    QColor fill = theme.deviceColor(dot.device);
    fill.setAlpha(170);
    p.setBrush(fill);
    p.setPen(pen);
    p.drawPath(signOf(dot.device, where.at(dot.flopPerByte, dot.gflopPerS), radiusOf(dot) + grow));
  };
  for (const RooflineDot& dot : m_dots) paintDot(dot, 0, QPen(theme.device(dot.device).outline, 1));
  if (!interactive) return;
  // What is chosen lies on top of what hides it.
  for (const RooflineDot& dot : m_dots)
    if (m_selected.contains(dot.key)) paintDot(dot, 1, QPen(theme.selection, 3));
  for (const RooflineDot& dot : m_dots)
    if (dot.key == m_hovered) paintDot(dot, 1, QPen(theme.hover, 2));
}

void RooflineChart::paintCard(QPainter& p, const Places& where) const {
  const auto dot = std::find_if(m_dots.begin(), m_dots.end(), [this](const RooflineDot& each) {
    return each.key == m_hovered && !each.details.isEmpty();
  });
  if (dot == m_dots.end()) return;
  constexpr int kInset = 6;
  const Theme theme = Theme::of(palette());
  QTextDocument text;
  text.setDefaultFont(font());
  text.setDocumentMargin(0);
  text.setDefaultStyleSheet(QStringLiteral("body { color: %1 }").arg(theme.text.name()));
  text.setHtml(QStringLiteral("<body>%1</body>").arg(dot->details));
  text.setTextWidth(std::min<double>(text.idealWidth(), std::min(width() - 4, fontMetrics().averageCharWidth() * 60)));
  QRectF card(QPointF(0, 0), text.size() + QSizeF(2 * kInset, 2 * kInset));
  const QPointF at = where.at(dot->flopPerByte, dot->gflopPerS);
  const double away = radiusOf(*dot) + 8;
  card.moveTopLeft(at + QPointF(away, -card.height() / 2));
  if (card.right() > width() - 2) card.moveRight(at.x() - away);
  card.moveLeft(std::max(card.left(), 2.0));
  card.moveTop(std::clamp(card.top(), 2.0, std::max(2.0, height() - 2 - card.height())));
  p.setPen(QPen(theme.frameOutline, 1));
  p.setBrush(theme.surface);
  p.drawRoundedRect(card, 4, 4);
  p.save();
  p.translate(card.topLeft() + QPointF(kInset, kInset));
  text.drawContents(&p);
  p.restore();
}

bool RooflineChart::exportPicture(const QString& path) const {
  const QSize wanted = size().expandedTo({800, 500});
  QSaveFile file(path);
  if (!file.open(QIODevice::WriteOnly)) return false;
  if (path.endsWith(QLatin1String(".png"), Qt::CaseInsensitive)) {
    constexpr int kRatio = 2;
    QImage image(wanted * kRatio, QImage::Format_RGB32);
    image.setDevicePixelRatio(kRatio);
    QPainter p(&image);
    paint(p, wanted, false);
    return p.end() && image.save(&file, "PNG") && file.commit();
  }
  QSvgGenerator svg;
  svg.setOutputDevice(&file);
  svg.setSize(wanted);
  svg.setViewBox(QRect(QPoint(0, 0), wanted));
  svg.setTitle(tr("Roofline"));
  QPainter p;
  if (!p.begin(&svg)) return false;
  paint(p, wanted, false);
  return p.end() && file.commit();
}

} // namespace tandem::ui
