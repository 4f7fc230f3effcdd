// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/timeline/timeline_painter.hpp"

#include <QLocale>
#include <QPainter>
#include <QPainterPath>

#include <algorithm>
#include <cmath>

namespace tandem::ui {
namespace {

constexpr int kShades = 3;            ///< neighbours with other labels are told apart
constexpr double kLeastTextWidth = 4; ///< characters
constexpr double kLeastZigZag = 5;    ///< pixels: narrower merged slices get a notch
constexpr qsizetype kMostTexts = 20000;

QColor mixed(const QColor& a, const QColor& b, double t) {
  const auto part = [t](int x, int y) { return static_cast<int>(std::lround(x + (y - x) * t)); };
  return {part(a.red(), b.red()), part(a.green(), b.green()), part(a.blue(), b.blue())};
}

QColor faded(QColor color, int alpha) {
  color.setAlpha(alpha);
  return color;
}

} // namespace

void TimelinePainter::setLook(const QPalette& palette, const QFont& font) {
  m_palette = palette;
  m_font = font;
  m_theme = Theme::of(palette);
  const QFontMetricsF metrics(font);
  m_line = metrics.height();
  m_char = metrics.averageCharWidth();
  m_fills.clear();
  clear();
}

void TimelinePainter::clear() {
  m_texts.clear();
  m_labelWidths.clear();
}

QColor TimelinePainter::colorOf(SliceKind kind, int device) const {
  switch (kind) {
  case SliceKind::Kernel: return m_theme.deviceColor(device);
  case SliceKind::Transfer: return m_theme.transfer;
  case SliceKind::Request: return m_theme.category(6);
  case SliceKind::Queue: return mixed(m_theme.window, m_theme.text, 0.35);
  case SliceKind::Preprocess: return m_theme.category(3);
  case SliceKind::Compile: return m_theme.category(5);
  case SliceKind::Other: break;
  }
  return m_theme.deviceColor(device);
}

const TimelinePainter::Fill& TimelinePainter::fillOf(const TimelineSlice& slice, int device) {
  const int shade = static_cast<int>(slice.label % kShades);
  const int key = ((device + 1) * 16 + static_cast<int>(slice.kind)) * kShades + shade;
  auto found = m_fills.find(key);
  if (found == m_fills.end()) {
    Fill fill;
    fill.fill = mixed(colorOf(slice.kind, device), m_theme.window, 0.13 * shade);
    fill.text = Theme::textOn(fill.fill);
    fill.mark = mixed(fill.fill, fill.text, 0.65);
    found = m_fills.insert(key, fill);
  }
  return *found;
}

int TimelinePainter::deviceOf(const TimelineFrame& frame, int index) {
  return index >= 0 && static_cast<std::size_t>(index) < frame.deviceNumbers->size()
             ? (*frame.deviceNumbers)[static_cast<std::size_t>(index)]
             : kAutoDevice;
}

void TimelinePainter::paint(QPainter& painter, const TimelineFrame& frame, const QSizeF& size) {
  m_spansDrawn = m_mergedDrawn = 0;
  painter.setFont(m_font);
  painter.fillRect(QRectF(QPointF(), size), m_theme.window);
  if (m_labelWidths.size() != static_cast<std::size_t>(frame.model->labels().size()))
    m_labelWidths.assign(static_cast<std::size_t>(frame.model->labels().size()), -1);
  const QSizeF tracks(std::max(0.0, size.width() - frame.nameWidth), std::max(0.0, size.height() - frame.rulerHeight));
  paintRows(painter, frame, tracks, false);
  paintRows(painter, frame, tracks, true);
  painter.save();
  painter.setClipRect(QRectF(frame.nameWidth, frame.rulerHeight, tracks.width(), tracks.height()));
  painter.translate(frame.nameWidth, frame.rulerHeight);
  paintArea(painter, frame, tracks);
  paintSelected(painter, frame, tracks);
  paintFlows(painter, frame);
  paintMarks(painter, frame, tracks);
  painter.restore();
  paintRuler(painter, frame, size);
}

void TimelinePainter::paintRows(QPainter& painter, const TimelineFrame& frame, const QSizeF& size, bool pinned) {
  const double from = pinned ? 0 : std::min(frame.layout->pinnedHeight, size.height());
  const double to = pinned ? std::min(frame.layout->pinnedHeight, size.height()) : size.height();
  if (to <= from) return;
  for (const bool names : {false, true}) {
    painter.save();
    const double left = names ? 0 : frame.nameWidth;
    painter.setClipRect(QRectF(left, frame.rulerHeight + from, names ? frame.nameWidth : size.width(), to - from));
    painter.translate(left, frame.rulerHeight);
    for (const TimelineRow& row : frame.layout->rows) {
      if (row.pinned != pinned) continue;
      const double top = frame.layout->topOf(row, frame.scroll);
      if (top + row.height < from || top > to) continue;
      if (names)
        paintName(painter, frame, row, top);
      else
        paintTrack(painter, frame, row, top, size.width());
    }
    painter.restore();
  }
  if (!pinned) return;
  painter.setPen(QPen(m_theme.frameOutline, 2));
  painter.drawLine(QPointF(0, frame.rulerHeight + to), QPointF(frame.nameWidth + size.width(), frame.rulerHeight + to));
}

void TimelinePainter::paintTrack(QPainter& painter, const TimelineFrame& frame, const TimelineRow& row, double top,
                                 double width) {
  const TimelineTrack& track = frame.model->tracks()[static_cast<std::size_t>(row.track)];
  painter.fillRect(QRectF(0, top, width, row.height),
                   row.track == frame.currentTrack && frame.focused ? m_theme.frame : m_theme.window);
  painter.setPen(QPen(m_theme.grid, 1));
  painter.drawLine(QPointF(0, top + row.height - 0.5), QPointF(width, top + row.height - 0.5));
  for (int lane = 0; lane < static_cast<int>(track.lanes.size()); ++lane)
    paintLane(painter, frame, row, lane, top + row.laneHeight * lane, width);
  if (track.dropped > 0) paintDropped(painter, frame, row, top, width);
}

void TimelinePainter::paintLane(QPainter& painter, const TimelineFrame& frame, const TimelineRow& row, int number,
                                double top, double width) {
  const TimelineTrack& track = frame.model->tracks()[static_cast<std::size_t>(row.track)];
  const TimelineLane& lane = track.lanes[static_cast<std::size_t>(number)];
  const int device = deviceOf(frame, track.device);
  m_spans.clear();
  laneSpans(lane, frame.window, width, m_spans);
  m_spansDrawn += static_cast<int>(m_spans.size());
  const double height = std::max(1.0, row.laneHeight - (row.laneHeight > 6 ? 2 : 0));
  const bool withText = height >= m_line * 0.85;
  const bool searching = !frame.found->isEmpty();
  for (const LaneSpan& span : m_spans) {
    const TimelineSlice& slice = lane.slices[span.longest];
    const Fill& fill = fillOf(slice, device);
    const double wide = span.right - span.left;
    // A line of background between neighbours, where there is room for one.
    const QRectF rect(span.left, top + 1, wide > 3 ? wide - 1 : wide, height);
    painter.fillRect(rect, fill.fill);
    const bool hit = searching && frame.found->any(row.track, number, span.first, span.end);
    if (searching && !hit) painter.fillRect(rect, faded(m_theme.window, 150));
    if (span.merged) {
      ++m_mergedDrawn;
      painter.setPen(QPen(fill.mark, 1));
      const double middle = rect.center().y(), swing = std::min(3.0, height / 4);
      if (wide < kLeastZigZag) {
        painter.drawLine(QPointF(rect.left() + wide / 2, rect.bottom() - swing),
                         QPointF(rect.left() + wide / 2, rect.bottom()));
      } else {
        QPolygonF zigzag;
        const double from = std::max(rect.left(), 0.0), to = std::min(rect.right(), width);
        for (double x = from; x <= to; x += 3) zigzag << QPointF(x, middle + (zigzag.size() % 2 == 0 ? swing : -swing));
        painter.drawPolyline(zigzag);
      }
    } else if (withText && wide > m_char * kLeastTextWidth) {
      painter.setPen(fill.text);
      paintLabel(painter, *frame.model, slice.label,
                 QRectF(QPointF(std::max(rect.left(), 0.0), rect.top()),
                        QPointF(std::min(rect.right(), width), rect.bottom())));
    }
    if (hit) painter.fillRect(QRectF(rect.left(), rect.top(), std::max(rect.width(), 2.0), 3), m_theme.searchHit);
    if (frame.ofLayers->any(row.track, number, span.first, span.end))
      painter.fillRect(QRectF(rect.left(), rect.bottom() - 3, std::max(rect.width(), 2.0), 3), m_theme.selection);
  }
}

void TimelinePainter::paintLabel(QPainter& painter, const TimelineModel& model, std::uint32_t label,
                                 const QRectF& rect) {
  const double room = rect.width() - m_char * 0.8;
  if (room < m_char * 2) return;
  float& whole = m_labelWidths[label];
  const QString& text = model.labels()[label];
  if (whole < 0) whole = static_cast<float>(QFontMetricsF(m_font).horizontalAdvance(text));
  qsizetype keep = text.size();
  if (static_cast<double>(whole) > room) {
    keep = static_cast<qsizetype>(std::floor(static_cast<double>(text.size()) * room / static_cast<double>(whole))) - 2;
    if (keep < 2) return;
  }
  if (m_texts.size() > kMostTexts) m_texts.clear();
  QStaticText& drawn = m_texts[(quint64{label} << 32) | static_cast<quint32>(keep)];
  if (drawn.text().isEmpty()) {
    drawn.setTextFormat(Qt::PlainText);
    QString line = keep == text.size() ? text : text.left(keep) + QChar(0x2026);
    for (QChar& each : line)
      if (each < QChar(0x20)) each = QChar(' ');
    drawn.setText(line);
    drawn.prepare({}, m_font);
  }
  painter.drawStaticText(QPointF(rect.left() + m_char * 0.4, rect.center().y() - drawn.size().height() / 2), drawn);
}

/// Between the beginning of the trace and the first event that was kept.
void TimelinePainter::paintDropped(QPainter& painter, const TimelineFrame& frame, const TimelineRow& row, double top,
                                   double width) {
  const TimelineTrack& track = frame.model->tracks()[static_cast<std::size_t>(row.track)];
  const double end = frame.window.xOf(static_cast<double>(track.firstNs)), least = m_char;
  const double left = std::max(std::min(frame.window.xOf(0), end - least), -2.0);
  const QRectF rect(left, top + 1, std::min(end, width) - left, row.height - 2);
  if (rect.width() <= 0) return;
  painter.fillRect(rect, faded(m_theme.warning, 40));
  painter.fillRect(rect, QBrush(faded(m_theme.warning, 170), Qt::BDiagPattern));
  painter.setPen(QPen(m_theme.warning, 2));
  painter.drawLine(rect.topRight(), rect.bottomRight());
  const QString text = QStringLiteral("\u2702 ") + QLocale().toString(static_cast<qulonglong>(track.dropped));
  const double wide = QFontMetricsF(m_font).horizontalAdvance(text) + m_char;
  if (wide > rect.width()) return;
  const QRectF plate(rect.right() - wide - 2, rect.top() + (rect.height() - m_line) / 2, wide, m_line);
  painter.fillRect(plate, m_theme.window);
  painter.setPen(m_theme.text);
  painter.drawText(plate, Qt::AlignCenter, text);
}

QRectF TimelinePainter::rectOf(const TimelineFrame& frame, const SliceRef& ref) {
  if (!frame.model->contains(ref)) return {};
  const TimelineRow* row = frame.layout->rowOf(ref.track);
  if (row == nullptr) return {};
  const TimelineSlice& slice = frame.model->slice(ref);
  const double left = frame.window.xOf(static_cast<double>(slice.startNs));
  const double right = std::max(left + 1, frame.window.xOf(static_cast<double>(slice.endNs)));
  return {left, frame.layout->topOf(*row, frame.scroll) + row->laneHeight * ref.lane + 1, right - left,
          std::max(1.0, row->laneHeight - (row->laneHeight > 6 ? 2 : 0))};
}

void TimelinePainter::paintSelected(QPainter& painter, const TimelineFrame& frame, const QSizeF& size) {
  painter.setBrush(Qt::NoBrush);
  const auto outline = [&](const SliceRef& ref, const QColor& color, double wide) {
    QRectF rect = rectOf(frame, ref);
    if (rect.isNull() || rect.right() < 0 || rect.left() > size.width()) return;
    const TimelineRow* row = frame.layout->rowOf(ref.track);
    if (!row->pinned && rect.bottom() < frame.layout->pinnedHeight) return;
    rect.setLeft(std::max(rect.left(), -10.0));
    rect.setRight(std::min(rect.right(), size.width() + 10));
    painter.setPen(QPen(color, wide));
    painter.drawRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5));
  };
  outline(frame.hovered, m_theme.hover, 1);
  outline(frame.selected, m_theme.selection, 2.5);
}

void TimelinePainter::paintFlows(QPainter& painter, const TimelineFrame& frame) {
  painter.save();
  painter.setRenderHint(QPainter::Antialiasing);
  for (const TimelineFlow& flow : *frame.flows) {
    const QRectF from = rectOf(frame, flow.from), to = rectOf(frame, flow.to);
    if (from.isNull() || to.isNull()) continue;
    // Out of a request where its work begins; else from the end of what came before.
    const double begin = flow.transfer ? from.right() : std::clamp(to.left(), from.left(), from.right());
    const QPointF a(std::clamp(begin, -1e5, 1e5), from.center().y());
    const QPointF b(std::clamp(to.left(), -1e5, 1e5), to.center().y());
    const double bend = std::clamp(std::fabs(b.x() - a.x()) / 2, 8.0, 60.0);
    QPainterPath path(a);
    path.cubicTo(a + QPointF(bend, 0), b - QPointF(bend, 0), b);
    const QColor color = flow.transfer ? m_theme.transfer : m_theme.lineColor(m_theme.selection);
    painter.setBrush(Qt::NoBrush);
    painter.setPen(QPen(m_theme.window, 4));
    painter.drawPath(path);
    painter.setPen(QPen(color, 2));
    painter.drawPath(path);
    painter.setBrush(color);
    painter.setPen(QPen(m_theme.window, 0.5));
    painter.drawPolygon(QPolygonF({b + QPointF(1, 0), b + QPointF(-8, -5), b + QPointF(-8, 5)}));
  }
  painter.restore();
}

} // namespace tandem::ui
