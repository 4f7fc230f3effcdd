// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/chart/histogram_chart.hpp"

#include "ui/core/theme.hpp"

#include <QHelpEvent>
#include <QPainter>
#include <QToolTip>

#include <algorithm>
#include <cmath>

namespace tandem::ui {
namespace {

constexpr int kMargin = 10;
constexpr double kLogarithmicFrom = 30; // ratio of the ends

QFont boldOf(QFont font) {
  font.setWeight(QFont::DemiBold);
  return font;
}

// 1, 2 or 5 times a power of ten.
double niceStep(double rough) {
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double lead = rough / power;
  return (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10) * power;
}

} // namespace

// Value axis of all data together, and the largest density.
struct HistogramChart::Scale {
  double low = 0, high = 1, density = 1;
  bool logarithmic = false;
  QRectF plot;

  [[nodiscard]] double position(double value) const { // 0..1
    if (!logarithmic) return (value - low) / (high - low);
    return std::log(std::max(value, low) / low) / std::log(high / low);
  }
  [[nodiscard]] double x(double value) const {
    return plot.left() + std::clamp(position(value), 0.0, 1.0) * plot.width();
  }
  [[nodiscard]] double densityOf(const HistogramBin& bin) const {
    const double width = position(bin.high) - position(bin.low);
    return width > 0 ? bin.count / width : 0;
  }
};

HistogramChart::HistogramChart(const QString& title, Unit unit, QWidget* parent)
    : QWidget(parent),
      m_title(title),
      m_emptyText(tr("No data yet")),
      m_unit(unit) {
  setAccessibleName(title);
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
}

void HistogramChart::setData(const QList<HistogramData>& distributions) {
  m_data = distributions;
  // Empty or turned-round bins cannot be drawn.
  for (HistogramData& d : m_data)
    d.bins.removeIf(
        [](const HistogramBin& b) { return !(b.high > b.low) || !(b.count > 0) || !std::isfinite(b.high); });
  setAccessibleDescription(summary());
  update();
}

void HistogramChart::setEmptyText(const QString& text) {
  m_emptyText = text;
  update();
}

QColor HistogramChart::colorOf(int index) const {
  return m_data[index].color.isValid() ? m_data[index].color : Theme::of(palette()).category(index);
}

QString HistogramChart::summary() const {
  QStringList parts;
  for (const HistogramData& d : m_data) {
    double count = 0;
    for (const HistogramBin& b : d.bins) count += b.count;
    parts.append(tr("%1: %2 values, p50 %3, p95 %4, p99 %5")
                     .arg(d.name, formatCount(count), formatValue(m_unit, d.p50), formatValue(m_unit, d.p95),
                          formatValue(m_unit, d.p99)));
  }
  return QStringLiteral("%1. %2").arg(m_title, parts.isEmpty() ? m_emptyText : parts.join(QStringLiteral("; ")));
}

QSize HistogramChart::sizeHint() const { return {380, 220}; }
QSize HistogramChart::minimumSizeHint() const { return {220, 140}; }

HistogramChart::Scale HistogramChart::scale() const {
  Scale s;
  bool first = true;
  for (const HistogramData& d : m_data)
    for (const HistogramBin& b : d.bins) {
      s.low = first ? b.low : std::min(s.low, b.low);
      s.high = first ? b.high : std::max(s.high, b.high);
      first = false;
    }
  for (const HistogramData& d : m_data)
    if (!first && std::isfinite(d.p99)) s.high = std::max(s.high, d.p99);
  s.logarithmic = s.low > 0 && s.high / s.low > kLogarithmicFrom;
  if (!(s.high > s.low)) s.high = s.low + 1;
  s.density = 0;
  for (const HistogramData& d : m_data)
    for (const HistogramBin& b : d.bins) s.density = std::max(s.density, s.densityOf(b));
  const int line = fontMetrics().height();
  const int legend = m_data.size() > 1 ? line + 6 : 0;
  // Two rows above the plot keep the percentile labels apart.
  s.plot = QRectF(rect()).adjusted(kMargin + 4, kMargin + line + 6 + legend + 2 * line + 6, -kMargin - 8, -line - 12);
  return s;
}

void HistogramChart::paintEvent(QPaintEvent*) {
  QPainter p(this);
  const Theme theme = Theme::of(palette());
  p.fillRect(rect(), theme.window);
  const int line = fontMetrics().height();
  p.setFont(boldOf(font()));
  p.setPen(theme.text);
  p.drawText(QRect(kMargin, kMargin, width() - 2 * kMargin, line), Qt::AlignLeft | Qt::AlignVCenter,
             QFontMetrics(boldOf(font())).elidedText(m_title, Qt::ElideRight, width() - 2 * kMargin));
  p.setFont(font());
  const bool empty = std::all_of(m_data.begin(), m_data.end(), [](const HistogramData& d) { return d.bins.isEmpty(); });
  if (empty) {
    p.setPen(theme.mutedText);
    p.drawText(rect().adjusted(kMargin, 2 * line, -kMargin, -kMargin), Qt::AlignCenter | Qt::TextWordWrap, m_emptyText);
    return;
  }
  const Scale s = scale();
  paintAxis(p, s);
  for (int i = 0; i < m_data.size(); ++i) paintBins(p, s, i);
  for (int i = 0; i < m_data.size(); ++i) paintMarkers(p, s, i);
  if (m_data.size() < 2) return;
  int x = kMargin;
  for (int i = 0; i < m_data.size(); ++i) {
    const int y = kMargin + line + 4;
    p.fillRect(QRectF(x, y + line / 2.0 - 5, 12, 10), colorOf(i));
    p.setPen(theme.mutedText);
    p.drawText(QPoint(x + 17, y + fontMetrics().ascent()), m_data[i].name);
    x += 17 + fontMetrics().horizontalAdvance(m_data[i].name) + 14;
  }
}

void HistogramChart::paintAxis(QPainter& p, const Scale& s) const {
  const Theme theme = Theme::of(palette());
  QList<double> ticks;
  if (s.logarithmic) {
    for (double power = std::pow(10.0, std::floor(std::log10(s.low))); power <= s.high; power *= 10)
      for (const double lead : {1.0, 2.0, 5.0})
        if (lead * power >= s.low && lead * power <= s.high) ticks.append(lead * power);
  } else {
    const double step = niceStep((s.high - s.low) / 5);
    for (double t = std::ceil(s.low / step) * step; t <= s.high + step * 1e-6; t += step) ticks.append(t);
  }
  double lastRight = -1e9;
  for (const double tick : ticks) {
    const double x = s.x(tick);
    p.setPen(QPen(theme.grid, 1));
    p.drawLine(QPointF(x, s.plot.top()), QPointF(x, s.plot.bottom()));
    const QString label = formatTick(m_unit, tick);
    const double w = fontMetrics().horizontalAdvance(label);
    const double left = std::clamp(x - w / 2, 2.0, width() - w - 2);
    if (left < lastRight + 8) continue;
    p.setPen(theme.mutedText);
    p.drawText(QPointF(left, s.plot.bottom() + 4 + fontMetrics().ascent()), label);
    lastRight = left + w;
  }
  p.setPen(QPen(theme.frameOutline, 1));
  p.drawLine(s.plot.bottomLeft(), s.plot.bottomRight());
}

void HistogramChart::paintBins(QPainter& p, const Scale& s, int index) const {
  const QColor color = colorOf(index);
  QColor fill = color;
  fill.setAlpha(m_data.size() > 1 ? 110 : 190);
  for (const HistogramBin& bin : m_data[index].bins) {
    const double left = s.x(bin.low), right = s.x(bin.high);
    const double height = std::max(1.5, s.densityOf(bin) / s.density * s.plot.height());
    const QRectF bar(left, s.plot.bottom() - height, std::max(1.0, right - left - (right - left > 4 ? 1 : 0)), height);
    p.fillRect(bar, fill);
    p.fillRect(QRectF(bar.left(), bar.top(), bar.width(), 1.5), color);
  }
}

void HistogramChart::paintMarkers(QPainter& p, const Scale& s, int index) const {
  const Theme theme = Theme::of(palette());
  const HistogramData& d = m_data[index];
  const int line = fontMetrics().height();
  const std::pair<const char*, double> marks[] = {{"p50", d.p50}, {"p95", d.p95}, {"p99", d.p99}};
  double rowEnd[2] = {-1e9, -1e9};
  for (const auto& [name, value] : marks) {
    if (!(value > 0)) continue;
    const double x = s.x(value);
    p.setPen(QPen(m_data.size() > 1 ? colorOf(index) : theme.text, 1.5, Qt::DashLine));
    p.drawLine(QPointF(x, s.plot.top()), QPointF(x, s.plot.bottom()));
    if (index > 0) continue; // with two sets the second one's numbers are in the summary and the tooltip
    const QString label = QLatin1String(name) + QLatin1Char(' ') + formatValue(m_unit, value);
    const double w = fontMetrics().horizontalAdvance(label);
    const double left = std::clamp(x - w / 2, 4.0, width() - w - 4);
    const int row = left > rowEnd[1] + 8 ? 1 : 0;
    const double y = s.plot.top() - 4 - (row == 1 ? 0 : line);
    rowEnd[row] = left + w;
    p.setPen(theme.text);
    p.drawText(QPointF(left, y - fontMetrics().descent()), label);
  }
}

bool HistogramChart::event(QEvent* event) {
  if (event->type() == QEvent::ToolTip) {
    const auto* help = static_cast<QHelpEvent*>(event);
    const Scale s = scale();
    QStringList lines;
    for (const HistogramData& d : m_data)
      for (const HistogramBin& bin : d.bins)
        if (help->x() >= s.x(bin.low) && help->x() < s.x(bin.high))
          lines.append(
              tr("%1: %2 values from %3 to %4")
                  .arg(d.name, formatCount(bin.count), formatValue(m_unit, bin.low), formatValue(m_unit, bin.high)));
    if (lines.isEmpty())
      QToolTip::hideText();
    else
      QToolTip::showText(help->globalPos(), lines.join(QLatin1Char('\n')), this);
    return true;
  }
  if (event->type() == QEvent::PaletteChange) update();
  return QWidget::event(event);
}

} // namespace tandem::ui
