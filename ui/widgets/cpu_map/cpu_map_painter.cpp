// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/cpu_map/cpu_map_painter.hpp"

#include "ui/core/theme.hpp"
#include "ui/widgets/common/common.hpp"

#include <QPainter>

#include <algorithm>

namespace tandem::ui {
namespace {

constexpr double kRadius = 3;

void paintBox(QPainter& painter, const CpuMapBox& box, double titleHeight, const Theme& theme) {
  const QRectF rect = box.rect.adjusted(0.5, 0.5, -0.5, -0.5);
  const bool isCore = box.title.isEmpty();
  painter.setPen(QPen(theme.frameOutline, 1));
  painter.setBrush(isCore ? theme.surface : box.depth % 2 == 0 ? theme.frame : theme.window);
  painter.drawRoundedRect(rect, kRadius, kRadius);
  if (isCore) return;
  painter.setPen(theme.mutedText);
  const double inset = titleHeight / 4;
  const QRectF line(rect.left() + inset, rect.top(), rect.width() - 2 * inset, titleHeight);
  painter.drawText(line, Qt::AlignLeft | Qt::AlignVCenter,
                   painter.fontMetrics().elidedText(box.title, Qt::ElideRight, static_cast<int>(line.width())));
}

/// Letters of the owner over the processor's number, as far as there is room.
void paintLetters(QPainter& painter, const QRectF& rect, const QString& badge, int number, const QColor& color) {
  const double height = rect.height();
  constexpr double kReadable = 12; // less than that shows colours alone, and the tool tip says the rest
  if (height < kReadable) return;
  QFont font = painter.font();
  const bool both = height >= 24;
  painter.setPen(color);
  const auto draw = [&](const QRectF& place, const QString& text, int flags, double share, bool bold) {
    if (text.isEmpty()) return;
    font.setBold(bold);
    font.setPixelSize(std::clamp(static_cast<int>(height * share), 7, 15));
    const double wide = QFontMetricsF(font).horizontalAdvance(text);
    if (wide > place.width() - 2)
      font.setPixelSize(std::max(6, static_cast<int>(font.pixelSize() * (place.width() - 2) / wide)));
    painter.setFont(font);
    painter.drawText(place, flags, text);
  };
  const QFont before = painter.font();
  if (both && !badge.isEmpty()) {
    draw(rect.adjusted(0, height * 0.06, 0, -height * 0.42), badge, Qt::AlignCenter, 0.40, true);
    draw(rect.adjusted(0, height * 0.55, 0, -height * 0.06), QString::number(number), Qt::AlignCenter, 0.28, false);
  } else {
    draw(rect, badge.isEmpty() ? QString::number(number) : badge, Qt::AlignCenter, badge.isEmpty() ? 0.34 : 0.5,
         !badge.isEmpty());
  }
  painter.setFont(before);
}

void paintCell(QPainter& painter, const CpuMapModel& model, const CpuMapCell& cell, const QPalette& palette,
               const Theme& theme) {
  const CpuMapProcessor& processor = model.processors[cell.processor];
  const QRectF box = cell.rect.adjusted(0.5, 0.5, -0.5, -0.5);
  const bool owned = processor.owner >= 0 && processor.owner < model.owners.size();
  if (owned && processor.available) {
    const CpuMapOwner& owner = model.owners[processor.owner];
    paintDeviceBadge(painter, cell.rect, owner.number, {}, palette);
    paintLetters(painter, box, deviceBadge(owner.id), processor.index, theme.device(owner.number).text);
    return;
  }
  painter.setPen(QPen(theme.frameOutline, 1, processor.available ? Qt::DashLine : Qt::SolidLine));
  painter.setBrush(theme.window);
  painter.drawRoundedRect(box, kRadius, kRadius);
  if (!processor.available) {
    QColor ink = theme.mutedText;
    ink.setAlpha(110);
    painter.fillRect(box.adjusted(1, 1, -1, -1), QBrush(ink, Qt::BDiagPattern));
  } else {
    paintLetters(painter, box, {}, processor.index, theme.mutedText);
  }
}

} // namespace

void paintCpuMap(QPainter& painter, const CpuMapModel& model, const CpuMapLayout& layout, const CpuMapMarks& marks,
                 const QPalette& palette) {
  const Theme theme = Theme::of(palette);
  painter.setRenderHint(QPainter::Antialiasing);
  if (marks.muted) painter.setOpacity(0.6);
  for (const CpuMapBox& box : layout.boxes) paintBox(painter, box, layout.titleHeight, theme);
  for (const CpuMapCell& cell : layout.cells) paintCell(painter, model, cell, palette, theme);
  painter.setOpacity(1);
  painter.setBrush(Qt::NoBrush);
  const auto outline = [&](int cell, const QPen& pen, double out) {
    if (cell < 0 || cell >= layout.cells.size()) return;
    painter.setPen(pen);
    painter.drawRoundedRect(layout.cells[cell].rect.adjusted(-out, -out, out, out), kRadius + out, kRadius + out);
  };
  outline(marks.hovered, QPen(theme.hover, 1.5), 0);
  outline(marks.focused, QPen(theme.selection, 2), 1);
}

} // namespace tandem::ui
