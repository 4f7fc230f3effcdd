// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/common/wave_view.hpp"

#include "ui/core/theme.hpp"

#include <QLocale>
#include <QPainter>
#include <QPolygonF>

#include <algorithm>
#include <cmath>

namespace tandem::ui {

WaveView::WaveView(QWidget* parent) : QWidget(parent) {
  setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
  setMinimumSize(fontMetrics().averageCharWidth() * 12, fontMetrics().height() * 4);
  setAccessibleName(tr("Recording"));
}

void WaveView::setWave(const QList<double>& low, const QList<double>& high, double seconds) {
  m_low = low.mid(0, std::min(low.size(), high.size()));
  m_high = high.mid(0, m_low.size());
  m_seconds = seconds;
  describe();
  update();
}

void WaveView::setCurve(const QList<double>& values, const QString& title) {
  m_curve = values;
  m_title = title;
  describe();
  update();
}

void WaveView::describe() {
  QString text = tr("%1 seconds of sound").arg(QLocale().toString(m_seconds, 'f', 1));
  if (!m_curve.isEmpty())
    text += QStringLiteral(", ") +
            tr("%1 is at most %2")
                .arg(m_title, QLocale().toString(*std::max_element(m_curve.begin(), m_curve.end()), 'f', 3));
  setAccessibleDescription(text);
}

QSize WaveView::sizeHint() const { return {fontMetrics().averageCharWidth() * 50, fontMetrics().height() * 9}; }

void WaveView::paintEvent(QPaintEvent*) {
  QPainter p(this);
  const Theme theme = Theme::of(palette());
  p.fillRect(rect(), theme.window);
  if (m_low.isEmpty()) return;
  p.setRenderHint(QPainter::Antialiasing);
  const int line = fontMetrics().height();
  const QRectF area = QRectF(rect()).adjusted(line / 2.0, line * 1.3, -line / 2.0, -line * 1.3);
  double largest = 1e-9;
  for (double value : m_low) largest = std::max(largest, std::abs(value));
  for (double value : m_high) largest = std::max(largest, std::abs(value));
  const double step = area.width() / static_cast<double>(m_low.size());
  const auto y = [&](double value) { return area.center().y() - value / largest * area.height() / 2; };
  QPolygonF outline;
  for (qsizetype i = 0; i < m_low.size(); ++i)
    outline << QPointF(area.left() + (static_cast<double>(i) + 0.5) * step, y(m_high[i]));
  for (qsizetype i = m_low.size(); i-- > 0;)
    outline << QPointF(area.left() + (static_cast<double>(i) + 0.5) * step, y(m_low[i]));
  p.setPen(QPen(theme.mutedText, 1));
  p.setBrush(theme.mutedText);
  p.drawPolygon(outline);
  p.setPen(theme.mutedText);
  p.drawText(QRectF(area.left(), area.bottom(), area.width(), line * 1.3), Qt::AlignLeft | Qt::AlignVCenter, tr("0 s"));
  p.drawText(QRectF(area.left(), area.bottom(), area.width(), line * 1.3), Qt::AlignRight | Qt::AlignVCenter,
             tr("%1 s").arg(QLocale().toString(m_seconds, 'f', 1)));
  if (m_curve.isEmpty()) return;
  QPolygonF curve;
  const double width = area.width() / static_cast<double>(m_curve.size());
  for (qsizetype i = 0; i < m_curve.size(); ++i)
    if (std::isfinite(m_curve[i]))
      curve << QPointF(area.left() + (static_cast<double>(i) + 0.5) * width,
                       area.bottom() - std::clamp(m_curve[i], 0.0, 1.0) * area.height());
  p.setBrush(Qt::NoBrush);
  p.setPen(QPen(theme.category(0), 2));
  p.drawPolyline(curve);
  p.drawText(QRectF(area.left(), 0, area.width(), line * 1.3), Qt::AlignLeft | Qt::AlignVCenter, m_title);
}

} // namespace tandem::ui
