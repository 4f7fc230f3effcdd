// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/chart/bar_chart.hpp"

#include "ui/core/theme.hpp"
#include "ui/widgets/chart/axis_scale.hpp"

#include <QHelpEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <array>

namespace tandem::ui {
namespace {

constexpr int kMargin = 8, kTop = 4;

Qt::BrushStyle hatchOf(int part) {
  static constexpr std::array<Qt::BrushStyle, 4> kHatches = {Qt::NoBrush, Qt::BDiagPattern, Qt::Dense6Pattern,
                                                             Qt::HorPattern};
  return kHatches[static_cast<std::size_t>(part) % kHatches.size()];
}

void fillPart(QPainter& p, const QRectF& rect, const QColor& color, Qt::BrushStyle hatch) {
  p.fillRect(rect, color);
  if (hatch == Qt::NoBrush) return;
  QColor ink = Theme::textOn(color);
  ink.setAlpha(70);
  p.fillRect(rect, QBrush(ink, hatch));
}

QFont boldOf(QFont font) {
  font.setWeight(QFont::DemiBold);
  return font;
}

} // namespace

BarChart::BarChart(const QString& title, Unit unit, QWidget* parent)
    : QWidget(parent),
      m_title(title),
      m_emptyText(tr("No data yet")),
      m_unit(unit) {
  setAccessibleName(title);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
}

void BarChart::setData(const QStringList& labels, const QList<BarPart>& parts, const QList<double>& limits) {
  m_labels = labels;
  m_parts = parts;
  m_limits = limits;
  setAccessibleDescription(summary());
  updateGeometry();
  update();
}

void BarChart::setEmptyText(const QString& text) {
  m_emptyText = text;
  update();
}

double BarChart::total(int bar) const {
  double sum = 0;
  for (const BarPart& part : m_parts) sum += part.values.value(bar, 0);
  return sum;
}

QColor BarChart::partColor(int part) const {
  return m_parts[part].color.isValid() ? m_parts[part].color : Theme::of(palette()).category(part);
}

QString BarChart::summary() const {
  QStringList bars;
  for (int i = 0; i < m_labels.size(); ++i) {
    QStringList parts;
    for (const BarPart& part : m_parts)
      parts.append(part.name + QLatin1Char(' ') + formatValue(m_unit, part.values.value(i, 0)));
    QString text = tr("%1: %2 (%3)").arg(m_labels[i], formatValue(m_unit, total(i)), parts.join(QStringLiteral(", ")));
    if (m_limits.value(i, 0) > 0) text += tr(" of %1").arg(formatValue(m_unit, m_limits[i]));
    bars.append(text);
  }
  return QStringLiteral("%1. %2").arg(m_title, bars.isEmpty() ? m_emptyText : bars.join(QStringLiteral("; ")));
}

int BarChart::roomyRow() const { return fontMetrics().height() * 2 + 6; }

// Rows move together before the chart asks for more than it has.
int BarChart::rowHeight() const {
  const int rows = std::max(1, static_cast<int>(m_labels.size()));
  return std::clamp((height() - top() - kTop) / rows, tightRow(), roomyRow());
}

int BarChart::tightRow() const { return fontMetrics().height() + 5; }

int BarChart::top() const {
  return kTop + fontMetrics().height() + 4 + (m_parts.size() > 1 ? fontMetrics().height() + 2 : 0);
}

int BarChart::labelWidth() const {
  int widest = 0;
  for (const QString& label : m_labels) widest = std::max(widest, fontMetrics().horizontalAdvance(label));
  return std::min(widest + 10, width() / 3);
}

QSize BarChart::sizeHint() const {
  return {320, top() + roomyRow() * std::max(1, static_cast<int>(m_labels.size())) + kTop};
}

QSize BarChart::minimumSizeHint() const {
  return {180, top() + tightRow() * std::max(2, static_cast<int>(m_labels.size())) + kTop};
}

// A limit far above the bars would leave them as slivers; it is written instead of drawn then.
double BarChart::scaleMaximum() const {
  double largest = 0, limit = 0;
  for (int i = 0; i < m_labels.size(); ++i) {
    largest = std::max(largest, total(i));
    limit = std::max(limit, m_limits.value(i, 0));
  }
  if (limit > 0 && limit <= largest * 4) largest = std::max(largest, limit);
  return largest > 0 ? largest : 1;
}

QRect BarChart::barRect(int bar) const {
  const int left = kMargin + labelWidth();
  const QString sample =
      formatValue(m_unit, scaleMaximum()) + QStringLiteral(" / ") + formatValue(m_unit, scaleMaximum());
  const bool limited = std::any_of(m_limits.begin(), m_limits.end(), [](double limit) { return limit > 0; });
  const int reserved = fontMetrics().horizontalAdvance(limited ? sample : formatValue(m_unit, scaleMaximum())) + 14;
  const int thickness = fontMetrics().height() + 2;
  return {left, top() + bar * rowHeight() + (rowHeight() - thickness) / 2,
          std::max(20, width() - left - reserved - kMargin), thickness};
}

void BarChart::paintEvent(QPaintEvent*) {
  QPainter p(this);
  const Theme theme = Theme::of(palette());
  p.fillRect(rect(), theme.window);
  p.setPen(theme.text);
  p.setFont(boldOf(font()));
  const int line = fontMetrics().height();
  p.drawText(QRect(kMargin, kTop, width() - 2 * kMargin, line), Qt::AlignLeft | Qt::AlignVCenter,
             QFontMetrics(boldOf(font())).elidedText(m_title, Qt::ElideRight, width() - 2 * kMargin));
  p.setFont(font());
  if (m_labels.isEmpty()) {
    p.setPen(theme.mutedText);
    p.drawText(rect().adjusted(kMargin, top(), -kMargin, -kMargin), Qt::AlignCenter | Qt::TextWordWrap, m_emptyText);
    return;
  }
  if (m_parts.size() > 1) {
    int x = kMargin;
    const int y = kTop + line + 2;
    for (int part = 0; part < m_parts.size(); ++part) {
      fillPart(p, QRectF(x, y + line / 2.0 - 5, 12, 10), partColor(part), hatchOf(part));
      p.setPen(theme.mutedText);
      p.drawText(QPoint(x + 17, y + fontMetrics().ascent()), m_parts[part].name);
      x += 17 + fontMetrics().horizontalAdvance(m_parts[part].name) + 14;
    }
  }
  const double scale = scaleMaximum();
  for (int i = 0; i < m_labels.size(); ++i) {
    const QRect bar = barRect(i);
    p.setPen(theme.text);
    p.drawText(QRect(kMargin, bar.top(), labelWidth() - 8, bar.height()), Qt::AlignLeft | Qt::AlignVCenter,
               fontMetrics().elidedText(m_labels[i], Qt::ElideMiddle, labelWidth() - 8));
    p.fillRect(bar, theme.frame);
    double x = bar.left();
    for (int part = 0; part < m_parts.size(); ++part) {
      const double w = m_parts[part].values.value(i, 0) / scale * bar.width();
      fillPart(p, QRectF(x, bar.top(), w, bar.height()), partColor(part), hatchOf(part));
      x += w;
    }
    const double limit = m_limits.value(i, 0);
    const bool over = limit > 0 && total(i) > limit;
    if (limit > 0 && limit <= scale) {
      const double at = bar.left() + limit / scale * bar.width();
      p.setPen(QPen(over ? theme.problem : theme.text, 2));
      p.drawLine(QPointF(at, bar.top() - 3), QPointF(at, bar.bottom() + 4));
    }
    QString text = formatValue(m_unit, total(i));
    if (limit > 0) text += QStringLiteral(" / ") + formatValue(m_unit, limit);
    p.setPen(over ? theme.problem : theme.mutedText);
    p.drawText(QRect(bar.right() + 9, bar.top(), width() - bar.right() - 9 - 4, bar.height()),
               Qt::AlignLeft | Qt::AlignVCenter, text);
  }
}

bool BarChart::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    for (int i = 0; i < m_labels.size(); ++i) {
      if (help->y() < top() + i * rowHeight() || help->y() >= top() + (i + 1) * rowHeight()) continue;
      QStringList lines{m_labels[i]};
      for (const BarPart& part : m_parts)
        lines.append(tr("%1: %2").arg(part.name, formatValue(m_unit, part.values.value(i, 0))));
      QToolTip::showText(help->globalPos(), lines.join(QLatin1Char('\n')), this);
      return true;
    }
    QToolTip::hideText();
    return true;
  }
  if (event->type() == QEvent::PaletteChange) update();
  return QWidget::event(event);
}

} // namespace tandem::ui
