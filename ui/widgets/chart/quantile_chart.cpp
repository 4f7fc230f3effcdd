// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/chart/quantile_chart.hpp"

#include "ui/core/theme.hpp"
#include "ui/widgets/chart/axis_scale.hpp"
#include "ui/widgets/chart/log_axis.hpp"

#include <QHelpEvent>
#include <QPainter>
#include <QPainterPath>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace tandem::ui {
namespace {

constexpr int kMargin = 10;
constexpr double kLogarithmicFrom = 10; // the largest value over the middle one

QFont boldOf(QFont font) {
  font.setWeight(QFont::DemiBold);
  return font;
}

bool isUsable(const QList<double>& values) {
  return values.size() >= 2 && std::is_sorted(values.begin(), values.end()) &&
         std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v) && v >= 0; });
}

double quantileOf(const QList<double>& values, double fraction) {
  const double at = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(values.size() - 1);
  const auto index = std::min(static_cast<qsizetype>(at), values.size() - 2);
  return std::lerp(values[index], values[index + 1], at - static_cast<double>(index));
}

} // namespace

struct QuantileChart::Scale {
  QRectF plot;
  double maximum = 1; ///< of the linear axis, from 0
  bool logarithmic = false;
  LogAxis log;

  [[nodiscard]] double x(double value) const {
    const double at = logarithmic ? (value > 0 ? log.position(value) : 0.0) : value / maximum;
    return plot.left() + std::clamp(at, 0.0, 1.0) * plot.width();
  }
  [[nodiscard]] double y(double fraction) const { return plot.bottom() - fraction * plot.height(); }
};

QuantileChart::QuantileChart(const QString& title, Unit unit, QWidget* parent)
    : QWidget(parent),
      m_title(title),
      m_unit(unit) {
  setAccessibleName(title);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

void QuantileChart::setQuantiles(const QList<double>& values) {
  m_values = isUsable(values) ? values : QList<double>();
  setAccessibleDescription(summary());
  update();
}

void QuantileChart::setReference(const QList<double>& values, const QString& name, const QString& referenceName) {
  m_reference = isUsable(values) ? values : QList<double>();
  m_name = name;
  m_referenceName = referenceName;
  setAccessibleDescription(summary());
  update();
}

double QuantileChart::valueAt(double fraction) const { return m_values.isEmpty() ? 0 : quantileOf(m_values, fraction); }

QString QuantileChart::summary() const {
  if (m_values.isEmpty()) return tr("%1. No data yet").arg(m_title);
  const QString own = tr("%1. Half within %2, 95 % within %3, 99 % within %4, all within %5")
                          .arg(m_title, formatValue(m_unit, valueAt(0.5)), formatValue(m_unit, valueAt(0.95)),
                               formatValue(m_unit, valueAt(0.99)), formatValue(m_unit, m_values.last()));
  if (m_reference.isEmpty()) return own;
  return tr("%1. %2: half within %3, 99 % within %4")
      .arg(own, m_referenceName, formatValue(m_unit, quantileOf(m_reference, 0.5)),
           formatValue(m_unit, quantileOf(m_reference, 0.99)));
}

QSize QuantileChart::sizeHint() const { return {340, 12 * fontMetrics().height()}; }
QSize QuantileChart::minimumSizeHint() const { return {200, 9 * fontMetrics().height()}; }

QuantileChart::Scale QuantileChart::scale() const {
  Scale s;
  const int line = fontMetrics().height();
  const int left = fontMetrics().horizontalAdvance(formatPercent(1.0)) + 6;
  s.plot = QRectF(rect()).adjusted(kMargin + left, kMargin + 2 * line + 4, -kMargin - 8, -line - 10);
  if (m_values.isEmpty()) return s;
  const QList<double> all = m_values + m_reference;
  const auto [least, most] = std::minmax_element(all.begin(), all.end());
  s.logarithmic = *least > 0 && *most > kLogarithmicFrom * valueAt(0.5);
  if (s.logarithmic)
    s.log = LogAxis::over(all);
  else
    s.maximum = niceMaximum(*most, m_unit);
  return s;
}

void QuantileChart::paintEvent(QPaintEvent*) {
  QPainter p(this);
  const Theme theme = Theme::of(palette());
  p.fillRect(rect(), theme.window);
  const int line = fontMetrics().height();
  const QFontMetrics bold(boldOf(font()));
  p.setFont(boldOf(font()));
  p.setPen(theme.text);
  p.drawText(QRect(kMargin, kMargin / 2, width() - 2 * kMargin, line), Qt::AlignLeft | Qt::AlignVCenter,
             bold.elidedText(m_title, Qt::ElideRight, width() - 2 * kMargin));
  p.setFont(font());
  if (m_values.isEmpty()) {
    p.setPen(theme.mutedText);
    p.drawText(rect().adjusted(kMargin, 2 * line, -kMargin, -kMargin), Qt::AlignCenter | Qt::TextWordWrap,
               tr("No data yet"));
    return;
  }
  const Scale s = scale();
  paintAxes(p, s);
  p.setRenderHint(QPainter::Antialiasing);
  p.setBrush(Qt::NoBrush);
  if (!m_reference.isEmpty()) {
    p.setPen(QPen(theme.mutedText, 1.5, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    paintCurve(p, s, m_reference);
  }
  p.setPen(QPen(theme.lineColor(theme.category(0)), 2, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
  paintCurve(p, s, m_values);
  paintMarks(p, s);
  if (!m_reference.isEmpty()) paintLegend(p, s);
}

void QuantileChart::paintCurve(QPainter& p, const Scale& s, const QList<double>& values) const {
  QPainterPath path;
  const double steps = static_cast<double>(values.size() - 1);
  for (qsizetype i = 0; i < values.size(); ++i) {
    const QPointF point(s.x(values[i]), s.y(static_cast<double>(i) / steps));
    if (i == 0)
      path.moveTo(point);
    else
      path.lineTo(point);
  }
  p.drawPath(path);
}

void QuantileChart::paintLegend(QPainter& p, const Scale& s) const {
  const Theme theme = Theme::of(palette());
  const int line = fontMetrics().height();
  constexpr double kSample = 18;
  double y = s.plot.bottom() - 2.5 * line;
  const double names =
      std::max(fontMetrics().horizontalAdvance(m_name), fontMetrics().horizontalAdvance(m_referenceName));
  const double width = std::min(names, s.plot.width() / 2);
  const double left = s.plot.right() - width - kSample - 8;
  for (const bool own : {true, false}) {
    p.setPen(own ? QPen(theme.lineColor(theme.category(0)), 2) : QPen(theme.mutedText, 1.5));
    p.drawLine(QPointF(left, y + line / 2.0), QPointF(left + kSample, y + line / 2.0));
    p.setPen(theme.text);
    p.drawText(QRectF(left + kSample + 6, y, width + 2, line), Qt::AlignLeft | Qt::AlignVCenter,
               fontMetrics().elidedText(own ? m_name : m_referenceName, Qt::ElideMiddle, static_cast<int>(width) + 2));
    y += line;
  }
}

void QuantileChart::paintAxes(QPainter& p, const Scale& s) const {
  const Theme theme = Theme::of(palette());
  const QFontMetrics metrics = fontMetrics();
  for (const double fraction : {0.0, 0.5, 1.0}) {
    const double y = s.y(fraction);
    p.setPen(QPen(theme.grid, 1));
    p.drawLine(QPointF(s.plot.left(), y), QPointF(s.plot.right(), y));
    p.setPen(theme.mutedText);
    p.drawText(QRectF(0, y - metrics.height() / 2.0, s.plot.left() - 6, metrics.height()),
               Qt::AlignRight | Qt::AlignVCenter, formatPercent(fraction));
  }
  QList<double> ticks;
  if (s.logarithmic) {
    ticks = s.log.ticks();
  } else {
    const int steps = niceSteps(s.maximum, m_unit);
    for (int i = 0; i <= steps; ++i) ticks << s.maximum * i / steps;
  }
  double lastRight = -1e9;
  for (const double tick : ticks) {
    const double x = s.x(tick);
    p.setPen(QPen(theme.grid, 1));
    p.drawLine(QPointF(x, s.plot.top()), QPointF(x, s.plot.bottom()));
    const QString label = formatTick(m_unit, tick);
    const double labelWidth = metrics.horizontalAdvance(label);
    const double left = std::clamp(x - labelWidth / 2, 2.0, std::max(2.0, width() - labelWidth - 2));
    if (left < lastRight + 8) continue;
    p.setPen(theme.mutedText);
    p.drawText(QPointF(left, s.plot.bottom() + 4 + metrics.ascent()), label);
    lastRight = left + labelWidth;
  }
}

void QuantileChart::paintMarks(QPainter& p, const Scale& s) const {
  const Theme theme = Theme::of(palette());
  double lastRight = -1e9;
  for (const auto& [name, fraction] : {std::pair("p50", 0.5), std::pair("p95", 0.95), std::pair("p99", 0.99)}) {
    const double value = valueAt(fraction), x = s.x(value);
    p.setPen(QPen(theme.mutedText, 1, Qt::DashLine));
    p.drawLine(QPointF(x, s.plot.top()), QPointF(x, s.plot.bottom()));
    p.setBrush(theme.lineColor(theme.category(0)));
    p.setPen(QPen(theme.window, 1.5));
    p.drawEllipse(QPointF(x, s.y(fraction)), 4, 4);
    // A label that would run into the one before is left out: the table above has all three.
    const QString label = QLatin1String(name);
    const double labelWidth = fontMetrics().horizontalAdvance(label);
    const double left = std::clamp(x - labelWidth / 2, s.plot.left(), width() - labelWidth - 2);
    if (left < lastRight + 6) continue;
    p.setPen(theme.text);
    p.drawText(QPointF(left, s.plot.top() - 3 - fontMetrics().descent()), label);
    lastRight = left + labelWidth;
  }
}

bool QuantileChart::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    const Scale s = scale();
    if (m_values.isEmpty() || !s.plot.contains(help->pos())) {
      QToolTip::hideText();
    } else {
      const double fraction = (s.plot.bottom() - help->pos().y()) / s.plot.height();
      QToolTip::showText(help->globalPos(),
                         tr("%1 within %2").arg(formatPercent(fraction), formatValue(m_unit, valueAt(fraction))), this);
    }
    return true;
  }
  if (event->type() == QEvent::PaletteChange || event->type() == QEvent::FontChange) update();
  return QWidget::event(event);
}

} // namespace tandem::ui
