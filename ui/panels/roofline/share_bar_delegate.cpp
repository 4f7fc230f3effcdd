// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/roofline/share_bar_delegate.hpp"

#include "ui/core/theme.hpp"
#include "ui/models/device_list_model.hpp"
#include "ui/models/roofline_model.hpp"
#include "ui/widgets/common/common.hpp"

#include <QPainter>

#include <algorithm>

namespace tandem::ui {

ShareBarDelegate::ShareBarDelegate(const DeviceListModel& devices, QObject* parent)
    : QStyledItemDelegate(parent),
      m_devices(devices) {}

void ShareBarDelegate::initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const {
  QStyledItemDelegate::initStyleOption(option, index);
  const QString id = index.data(RooflineModel::kDeviceRole).toString();
  if (id.isEmpty()) return;
  option->icon = deviceIcon(m_devices.numberOf(id), id, option->palette);
  option->features |= QStyleOptionViewItem::HasDecoration;
}

void ShareBarDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  QStyledItemDelegate::paint(painter, option, index);
  const QVariant share = index.data(RooflineModel::kShareRole);
  if (!share.isValid()) return;
  constexpr double kEnd = 1.5; // of the bar; what is beyond fills it
  const Theme theme = Theme::of(option.palette);
  const int textWidth = option.fontMetrics.horizontalAdvance(QStringLiteral("1,000 % "));
  const int inset = option.fontMetrics.height() / 4;
  const QRectF track = QRectF(option.rect).adjusted(inset, inset, -textWidth - inset, -inset);
  if (track.width() < textWidth / 2.0) return; // a narrow column shows the number alone
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing, false);
  painter->setPen(Qt::NoPen);
  painter->setBrush(theme.grid);
  painter->drawRect(track);
  QRectF bar = track;
  bar.setWidth(track.width() * std::clamp(share.toDouble() / kEnd, 0.0, 1.0));
  painter->setBrush(theme.info);
  painter->drawRect(bar);
  const double mark = track.left() + track.width() / kEnd;
  painter->setPen(QPen(theme.text, 1));
  painter->drawLine(QPointF(mark, track.top() - 1), QPointF(mark, track.bottom() + 1));
  painter->restore();
}

} // namespace tandem::ui
