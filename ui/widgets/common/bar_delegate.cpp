// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/common/bar_delegate.hpp"

#include "ui/core/theme.hpp"
#include "ui/widgets/common/common.hpp"

#include <QPainter>

namespace tandem::ui {

BarDelegate::BarDelegate(int deviceRole, NumberOf numberOf, BarOf barOf, QString widestText, QObject* parent)
    : QStyledItemDelegate(parent),
      m_deviceRole(deviceRole),
      m_numberOf(std::move(numberOf)),
      m_barOf(std::move(barOf)),
      m_widestText(std::move(widestText)) {}

void BarDelegate::initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const {
  QStyledItemDelegate::initStyleOption(option, index);
  const QString id = index.data(m_deviceRole).toString();
  if (id.isEmpty()) return;
  option->icon = deviceIcon(m_numberOf(id), id, option->palette);
  option->features |= QStyleOptionViewItem::HasDecoration;
}

void BarDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  QStyledItemDelegate::paint(painter, option, index);
  const std::optional<CellBar> cell = m_barOf(index);
  if (!cell) return;
  const Theme theme = Theme::of(option.palette);
  const int textWidth = option.fontMetrics.horizontalAdvance(m_widestText);
  const int inset = option.fontMetrics.height() / 4;
  const QRectF track = QRectF(option.rect).adjusted(inset, inset, -textWidth - inset, -inset);
  if (track.width() < textWidth / 2.0) return; // a narrow column shows the number alone
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing, false);
  painter->setPen(Qt::NoPen);
  painter->setBrush(theme.grid);
  painter->drawRect(track);
  QRectF bar = track;
  bar.setWidth(track.width() * cell->length);
  painter->setBrush(cell->problem ? theme.problem : theme.info);
  painter->drawRect(bar);
  const double mark = track.left() + track.width() * cell->mark;
  painter->setPen(QPen(theme.text, 1));
  painter->drawLine(QPointF(mark, track.top() - 1), QPointF(mark, track.bottom() + 1));
  painter->restore();
}

} // namespace tandem::ui
