// SPDX-License-Identifier: GPL-3.0-or-later
// The card that says what the colours mean; a click on a row selects its layers.
#include "ui/core/units.hpp"
#include "ui/widgets/graph_canvas/graph_canvas_p.hpp"

#include <QPainter>

#include <algorithm>

namespace tandem::ui {

void GraphCanvas::Private::paintLegend(QPainter& p) {
  QFont title = titleFont(q->font()), normal = subtitleFont(q->font());
  normal.setPixelSize(12);
  const QFontMetricsF metrics(normal), titleMetrics(title);
  const bool transfers = looks.byDevice && looks.transfers > 0;
  QString transferText = tr("Copies: %1, %2").arg(formatCount(looks.transfers), formatBytes(looks.transferBytes));
  if (!looks.transferTime.isEmpty()) transferText += QStringLiteral(", ") + looks.transferTime;
  double width = titleMetrics.horizontalAdvance(looks.legendTitle);
  for (const LegendEntry& e : looks.legend)
    width = std::max(width, 34 + metrics.horizontalAdvance(e.text) + 16 + metrics.horizontalAdvance(e.count));
  if (transfers) width = std::max(width, 34 + metrics.horizontalAdvance(transferText));
  if (looks.heat) width = std::max(width, 230.0);
  width = std::min(width, viewSize().width() * 0.5);
  const double row = 22;
  const double rows = static_cast<double>(looks.legend.size()) + (transfers ? 1 : 0) + (looks.heat ? 2 : 0);
  legendRect = QRectF(14, viewSize().height() - (row * rows + 40) - 14, width + 24, row * rows + 40);
  legendRows.clear();
  QColor card = theme.window;
  card.setAlpha(235);
  p.setBrush(card);
  p.setPen(QPen(theme.grid, 1));
  p.drawRoundedRect(legendRect, 6, 6);
  const double left = legendRect.left() + 12;
  double y = legendRect.top() + 8;
  p.setFont(title);
  p.setPen(theme.text);
  p.drawText(QRectF(left, y, width, 20), Qt::AlignLeft | Qt::AlignVCenter, looks.legendTitle);
  y += 25;
  p.setFont(normal);
  for (const LegendEntry& e : looks.legend) {
    const QRectF swatch(left, y + 2, 24, row - 5);
    legendRows.emplace_back(legendRect.left() + 4, y, legendRect.width() - 8, row);
    p.setPen(QPen(theme.dark ? e.color.lighter(135) : e.color.darker(150), 1));
    p.setBrush(e.color);
    p.drawRoundedRect(swatch, 3, 3);
    QColor ink = Theme::textOn(e.color);
    if (e.hatch != Qt::NoBrush) {
      QColor faint = ink;
      faint.setAlpha(60);
      p.fillRect(swatch.adjusted(1, 1, -1, -1), QBrush(faint, e.hatch));
    }
    QFont bold = normal;
    bold.setWeight(QFont::Bold);
    p.setFont(bold);
    p.setPen(ink);
    p.drawText(swatch, Qt::AlignCenter, e.badge);
    p.setFont(normal);
    p.setPen(theme.text);
    const double countWidth = metrics.horizontalAdvance(e.count) + 12;
    p.drawText(QRectF(left + 34, y, width - 34 - countWidth, row), Qt::AlignLeft | Qt::AlignVCenter,
               metrics.elidedText(e.text, Qt::ElideRight, width - 34 - countWidth));
    p.setPen(theme.mutedText);
    p.drawText(QRectF(left, y, width, row), Qt::AlignRight | Qt::AlignVCenter, e.count);
    y += row;
  }
  if (transfers) {
    p.setPen(QPen(theme.transfer, 2.6));
    p.drawLine(QPointF(left, y + row / 2), QPointF(left + 24, y + row / 2));
    p.setPen(theme.text);
    p.drawText(QRectF(left + 34, y, width - 34, row), Qt::AlignLeft | Qt::AlignVCenter, transferText);
  }
  if (looks.heat) {
    constexpr int kSteps = 48;
    p.setPen(Qt::NoPen);
    p.setRenderHint(QPainter::Antialiasing, false);
    for (int i = 0; i < kSteps; ++i) {
      const int from = static_cast<int>(left + width * i / kSteps),
                to = static_cast<int>(left + width * (i + 1) / kSteps);
      p.fillRect(QRect(from, static_cast<int>(y), to - from, 14), Theme::heat((i + 0.5) / kSteps));
    }
    p.setRenderHint(QPainter::Antialiasing, true);
    p.setPen(theme.mutedText);
    p.drawText(QRectF(left, y + 16, width, row), Qt::AlignLeft | Qt::AlignVCenter, looks.heatLow);
    p.drawText(QRectF(left, y + 16, width, row), Qt::AlignHCenter | Qt::AlignVCenter, looks.heatMiddle);
    p.drawText(QRectF(left, y + 16, width, row), Qt::AlignRight | Qt::AlignVCenter, looks.heatHigh);
  }
}

} // namespace tandem::ui
