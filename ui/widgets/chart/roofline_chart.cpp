// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/chart/roofline_chart_p.hpp"

#include "ui/core/units.hpp"
#include "ui/widgets/common/flow.hpp"

#include <QKeyEvent>
#include <QMouseEvent>

#include <algorithm>
#include <cmath>

namespace tandem::ui {
namespace {

constexpr int kMargin = RooflineChart::Places::kMargin, kSign = RooflineChart::Places::kSign;
constexpr double kSmallest = 3, kLargest = 14; // radius of a dot

bool canBeShown(const RooflineDot& dot) {
  return std::isfinite(dot.flopPerByte) && dot.flopPerByte > 0 && std::isfinite(dot.gflopPerS) && dot.gflopPerS > 0 &&
         std::isfinite(dot.ms);
}

} // namespace

RooflineChart::RooflineChart(QWidget* parent) : QWidget(parent), m_emptyText(tr("No data yet")) {
  setAccessibleName(tr("Roofline"));
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
  setMouseTracking(true);
  setFocusPolicy(Qt::StrongFocus);
}

void RooflineChart::setData(const QList<RooflineRoof>& roofs, const QList<RooflineDot>& dots) {
  m_roofs = roofs;
  m_dots = dots;
  m_dots.removeIf([](const RooflineDot& dot) { return !canBeShown(dot); });
  std::stable_sort(m_dots.begin(), m_dots.end(),
                   [](const RooflineDot& a, const RooflineDot& b) { return a.ms > b.ms; });
  if (m_dots.size() > kMostDots) m_dots.resize(kMostDots);
  m_longestMs = m_dots.isEmpty() ? 0 : m_dots.first().ms;
  m_selected.clear();
  m_hovered = -1;
  setAccessibleDescription(summary());
  update();
}

void RooflineChart::setNote(const QString& note) {
  m_note = note;
  setAccessibleDescription(summary());
  update();
}

void RooflineChart::setEmptyText(const QString& text) {
  m_emptyText = text;
  update();
}

void RooflineChart::setSelected(const QList<int>& keys) {
  if (keys == m_selected) return;
  m_selected = keys;
  update();
}

void RooflineChart::setHovered(int key) {
  if (key == m_hovered) return;
  m_hovered = key;
  update();
}

QString RooflineChart::summary() const {
  QStringList parts = legendTexts();
  for (qsizetype i = 0; i < std::min<qsizetype>(m_dots.size(), 3); ++i)
    parts.append(tr("%1: %2, %3 FLOP per byte, %4")
                     .arg(m_dots[i].name, gflopsText(m_dots[i].gflopPerS), plainText(m_dots[i].flopPerByte),
                          formatMs(m_dots[i].ms)));
  return tr("Roofline, %n layer(s). %1", nullptr, dotCount())
      .arg(m_dots.isEmpty() ? m_emptyText : parts.join(QStringLiteral("; ")));
}

QStringList RooflineChart::legendTexts() const {
  QStringList texts;
  for (const RooflineRoof& roof : m_roofs) {
    QString text = isKnown(roof) ? tr("%1: %2, %3").arg(roof.name, gflopsText(roof.gflops), gbText(roof.gbPerS))
                                 : tr("%1: no measured peaks").arg(roof.name);
    if (!roof.details.isEmpty()) text += QStringLiteral(", ") + roof.details;
    texts.append(text);
  }
  if (!m_note.isEmpty()) texts.append(m_note);
  return texts;
}

bool RooflineChart::hasRoofs() const { return std::any_of(m_roofs.begin(), m_roofs.end(), isKnown); }

QSize RooflineChart::sizeHint() const { return {480, 280}; }
QSize RooflineChart::minimumSizeHint() const { return {240, 150}; }

double RooflineChart::radiusOf(const RooflineDot& dot) const {
  return m_longestMs > 0 ? std::max(kSmallest, kLargest * std::sqrt(std::max(dot.ms, 0.0) / m_longestMs)) : kSmallest;
}

RooflineChart::Places RooflineChart::places(QSize size) const {
  Places p;
  QList<double> xs, ys;
  for (const RooflineDot& dot : m_dots) {
    xs << dot.flopPerByte;
    ys << dot.gflopPerS;
  }
  for (const RooflineRoof& roof : m_roofs) {
    if (!isKnown(roof)) continue;
    xs << roof.gflops / roof.gbPerS;
    ys << roof.gflops;
  }
  p.x = LogAxis::over(xs);
  p.y = LogAxis::over(ys);
  const QFontMetrics metrics = fontMetrics();
  const int line = metrics.height();
  QList<QSize> entries;
  for (const QString& text : legendTexts()) entries.append({metrics.horizontalAdvance(text) + kSign + 6, line});
  p.legend = flow(entries, size.width() - 2 * kMargin, {14, 2});
  int top = kMargin / 2;
  for (QRect& entry : p.legend) {
    entry.translate(kMargin, kMargin / 2);
    top = std::max(top, entry.bottom() + 1);
  }
  int labels = 0;
  for (const double tick : p.y.ticks()) labels = std::max(labels, metrics.horizontalAdvance(logTickText(tick)));
  // Above the plot the name of the upward axis, below it ticks and the name of the other one.
  p.plot = QRectF(QPointF(kMargin + labels + 6, top + line + 4),
                  QPointF(size.width() - kMargin - 6, size.height() - 2 * line - 8));
  return p;
}

QPointF RooflineChart::positionOf(int key) const {
  const Places p = places(size());
  for (const RooflineDot& dot : m_dots)
    if (dot.key == key) return p.at(dot.flopPerByte, dot.gflopPerS);
  return {};
}

int RooflineChart::keyAt(QPointF position) const {
  constexpr double kReach = 5; // small dots must be hit, too
  const Places p = places(size());
  for (auto dot = m_dots.rbegin(); dot != m_dots.rend(); ++dot) {
    const QPointF away = p.at(dot->flopPerByte, dot->gflopPerS) - position;
    if (std::hypot(away.x(), away.y()) <= std::max(radiusOf(*dot), kReach)) return dot->key;
  }
  return -1;
}

void RooflineChart::hover(int key) {
  if (key == m_hovered) return;
  setHovered(key);
  emit hoverChanged(key);
}

void RooflineChart::mouseMoveEvent(QMouseEvent* event) {
  const int key = keyAt(event->position());
  hover(key);
  setCursor(key >= 0 ? Qt::PointingHandCursor : Qt::ArrowCursor);
}

void RooflineChart::mousePressEvent(QMouseEvent* event) {
  if (event->button() != Qt::LeftButton) return QWidget::mousePressEvent(event);
  emit chosen(keyAt(event->position()), event->modifiers() & (Qt::ControlModifier | Qt::ShiftModifier));
}

void RooflineChart::leaveEvent(QEvent* event) {
  hover(-1);
  QWidget::leaveEvent(event);
}

// Along the intensity; the first step starts at the slowest layer.
void RooflineChart::step(int direction) {
  if (m_dots.isEmpty()) return;
  QList<RooflineDot> order = m_dots;
  std::stable_sort(order.begin(), order.end(), [](const RooflineDot& a, const RooflineDot& b) {
    return a.flopPerByte != b.flopPerByte ? a.flopPerByte < b.flopPerByte : a.gflopPerS < b.gflopPerS;
  });
  const auto current = std::find_if(order.begin(), order.end(), [this](const RooflineDot& dot) {
    return !m_selected.isEmpty() && dot.key == m_selected.last();
  });
  if (current == order.end()) {
    emit chosen(m_dots.first().key, false);
    return;
  }
  const qsizetype next = std::clamp<qsizetype>(current - order.begin() + direction, 0, order.size() - 1);
  emit chosen(order[next].key, false);
}

void RooflineChart::keyPressEvent(QKeyEvent* event) {
  switch (event->key()) {
  case Qt::Key_Left: return step(-1);
  case Qt::Key_Right: return step(1);
  case Qt::Key_Home:
    if (!m_dots.isEmpty()) emit chosen(m_dots.first().key, false);
    return;
  case Qt::Key_Escape: emit chosen(-1, false); return;
  default: QWidget::keyPressEvent(event);
  }
}

void RooflineChart::changeEvent(QEvent* event) {
  QWidget::changeEvent(event);
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) update();
}

} // namespace tandem::ui
