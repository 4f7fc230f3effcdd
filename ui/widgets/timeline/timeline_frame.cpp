// SPDX-License-Identifier: GPL-3.0-or-later
// What surrounds the slices: names, ruler, marks and the selected area.
#include "ui/core/units.hpp"
#include "ui/widgets/common/common.hpp"
#include "ui/widgets/timeline/timeline_painter.hpp"

#include <QLocale>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace tandem::ui {
namespace {

QColor faded(QColor color, int alpha) {
  color.setAlpha(alpha);
  return color;
}

} // namespace

void TimelinePainter::paintName(QPainter& painter, const TimelineFrame& frame, const TimelineRow& row, double top) {
  const TimelineTrack& track = frame.model->tracks()[static_cast<std::size_t>(row.track)];
  const TrackLook look = (*frame.looks)[static_cast<std::size_t>(row.track)];
  const bool current = row.track == frame.currentTrack && frame.focused;
  painter.fillRect(QRectF(0, top, frame.nameWidth, row.height), current ? m_theme.frame : m_theme.surface);
  painter.setPen(QPen(m_theme.grid, 1));
  painter.drawLine(QPointF(0, top + row.height - 0.5), QPointF(frame.nameWidth, top + row.height - 0.5));
  if (current) painter.fillRect(QRectF(0, top, 3, row.height - 1), m_theme.selection);
  const double line = std::min(row.height, m_line + 4), middle = top + line / 2;
  // A triangle that folds, where there is something to fold.
  double x = m_char * 0.8;
  if (track.lanes.size() > 1) {
    const double r = m_char * 0.55;
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(m_theme.mutedText);
    const QPointF at(x + r, middle);
    painter.drawPolygon(look.collapsed
                            ? QPolygonF({at + QPointF(-r * 0.6, -r), at + QPointF(r, 0), at + QPointF(-r * 0.6, r)})
                            : QPolygonF({at + QPointF(-r, -r * 0.6), at + QPointF(r, -r * 0.6), at + QPointF(0, r)}));
    painter.restore();
  }
  x += m_char * 1.6;
  if (track.device >= 0) {
    const QString badge = deviceBadge(frame.model->deviceIds()[track.device]);
    const double wide = QFontMetricsF(m_font).horizontalAdvance(badge) + m_char;
    paintDeviceBadge(painter, QRectF(x, middle - m_line / 2, wide, m_line), deviceOf(frame, track.device), badge,
                     m_palette);
    x += wide + m_char * 0.7;
  }
  painter.setFont(m_font);
  painter.setPen(m_theme.text);
  const double pin = look.pinned ? m_char * 2 : 0;
  const QRectF place(x, middle - m_line / 2, std::max(0.0, frame.nameWidth - x - m_char - pin), m_line);
  painter.drawText(place, Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine,
                   painter.fontMetrics().elidedText(track.name, Qt::ElideRight, static_cast<int>(place.width())));
  if (look.pinned) {
    painter.save();
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(QPen(m_theme.selection, 1.5));
    painter.setBrush(m_theme.selection);
    const QPointF at(frame.nameWidth - m_char * 1.6, middle);
    painter.drawEllipse(at - QPointF(0, 2), 3, 3);
    painter.drawLine(at, at + QPointF(0, m_line * 0.35));
    painter.restore();
  }
  // Under the name: what is missing, and how much there is.
  if (row.height < 2 * m_line + 4) return;
  QString note = QLocale().toString(static_cast<qulonglong>(track.count));
  if (track.crowded > 0)
    note += QStringLiteral(" (+") + QLocale().toString(static_cast<qulonglong>(track.crowded)) + QLatin1Char(')');
  painter.setPen(m_theme.mutedText);
  painter.drawText(QRectF(place.left(), place.bottom() + 1, place.width() + pin, m_line),
                   Qt::AlignLeft | Qt::AlignVCenter | Qt::TextSingleLine, note);
}

void TimelinePainter::paintRuler(QPainter& painter, const TimelineFrame& frame, const QSizeF& size) {
  painter.fillRect(QRectF(0, 0, size.width(), frame.rulerHeight), m_theme.surface);
  painter.save();
  painter.setClipRect(QRectF(frame.nameWidth, 0, size.width() - frame.nameWidth, size.height()));
  painter.translate(frame.nameWidth, 0);
  const double width = size.width() - frame.nameWidth, spacing = m_char * 14;
  const double step = rulerStep(frame.window.nsPerPixel, spacing);
  for (const RulerTick& tick : rulerTicks(frame.window, width, spacing)) {
    const double x = std::floor(tick.x) + 0.5;
    painter.setPen(QPen(tick.major ? m_theme.edge : m_theme.grid, 1));
    painter.drawLine(QPointF(x, frame.rulerHeight - (tick.major ? m_line * 0.45 : m_line * 0.2)),
                     QPointF(x, frame.rulerHeight));
    if (!tick.major) continue;
    painter.setPen(m_theme.mutedText);
    painter.drawText(QPointF(x + 3, QFontMetricsF(m_font).ascent() + 1), rulerText(tick.ns, step));
  }
  if (frame.area && !frame.area->isEmpty()) {
    const double from = frame.window.xOf(static_cast<double>(frame.area->startNs));
    const double to = frame.window.xOf(static_cast<double>(frame.area->endNs));
    painter.fillRect(QRectF(from, frame.rulerHeight - 4, to - from, 4), m_theme.selection);
    const QString text = formatMs(static_cast<double>(frame.area->durationNs()) / 1e6);
    const double wide = QFontMetricsF(m_font).horizontalAdvance(text) + m_char;
    const double left =
        std::clamp((std::max(from, 0.0) + std::min(to, width) - wide) / 2, 0.0, std::max(0.0, width - wide));
    if (to > 0 && from < width) {
      painter.fillRect(QRectF(left, 1, wide, m_line), m_theme.selection);
      painter.setPen(Theme::textOn(m_theme.selection));
      painter.drawText(QRectF(left, 1, wide, m_line), Qt::AlignCenter, text);
    }
  }
  for (const std::int64_t mark : *frame.marks) {
    const double x = frame.window.xOf(static_cast<double>(mark));
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(m_theme.problem);
    painter.drawPolygon(QPolygonF({QPointF(x, frame.rulerHeight), QPointF(x, frame.rulerHeight - m_line * 0.9),
                                   QPointF(x + m_line * 0.6, frame.rulerHeight - m_line * 0.65),
                                   QPointF(x, frame.rulerHeight - m_line * 0.4)}));
    painter.setRenderHint(QPainter::Antialiasing, false);
  }
  painter.restore();
  painter.setPen(QPen(m_theme.frameOutline, 1));
  painter.drawLine(QPointF(0, frame.rulerHeight - 0.5), QPointF(size.width(), frame.rulerHeight - 0.5));
  painter.drawLine(QPointF(frame.nameWidth - 0.5, 0), QPointF(frame.nameWidth - 0.5, size.height()));
}

void TimelinePainter::paintMarks(QPainter& painter, const TimelineFrame& frame, const QSizeF& size) {
  painter.setPen(QPen(m_theme.problem, 1, Qt::DashLine));
  for (const std::int64_t mark : *frame.marks) {
    const double x = std::floor(frame.window.xOf(static_cast<double>(mark))) + 0.5;
    if (x >= 0 && x <= size.width()) painter.drawLine(QPointF(x, 0), QPointF(x, size.height()));
  }
}

void TimelinePainter::paintArea(QPainter& painter, const TimelineFrame& frame, const QSizeF& size) {
  if (frame.zoomRange) {
    const auto [a, b] = *frame.zoomRange;
    painter.fillRect(QRectF(std::min(a, b), 0, std::fabs(b - a), size.height()), faded(m_theme.hover, 40));
    painter.setPen(QPen(m_theme.hover, 1));
    for (const double x : {a, b}) painter.drawLine(QPointF(x, 0), QPointF(x, size.height()));
  }
  if (!frame.area || frame.area->isEmpty()) return;
  const double from = std::max(frame.window.xOf(static_cast<double>(frame.area->startNs)), -5.0);
  const double to = std::min(frame.window.xOf(static_cast<double>(frame.area->endNs)), size.width() + 5);
  if (to < from) return;
  for (const TimelineRow& row : frame.layout->rows) {
    if (!std::binary_search(frame.area->tracks.begin(), frame.area->tracks.end(), row.track)) continue;
    double top = frame.layout->topOf(row, frame.scroll);
    const double bottom = top + row.height;
    if (!row.pinned) top = std::max(top, frame.layout->pinnedHeight);
    if (bottom <= top) continue;
    painter.fillRect(QRectF(from, top, to - from, bottom - top), faded(m_theme.selection, 45));
    painter.setPen(QPen(m_theme.selection, 1));
    painter.drawLine(QPointF(from, top), QPointF(from, bottom));
    painter.drawLine(QPointF(to, top), QPointF(to, bottom));
  }
}

} // namespace tandem::ui
