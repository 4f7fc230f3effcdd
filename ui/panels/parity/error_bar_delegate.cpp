// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/parity/error_bar_delegate.hpp"

#include "ui/core/theme.hpp"
#include "ui/models/device_list_model.hpp"
#include "ui/models/parity_model.hpp"
#include "ui/widgets/common/common.hpp"

#include <QPainter>

#include <cmath>

namespace tandem::ui {

ErrorBarDelegate::ErrorBarDelegate(const DeviceListModel& devices, QObject* parent)
    : QStyledItemDelegate(parent),
      m_devices(devices) {}

void ErrorBarDelegate::initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const {
  QStyledItemDelegate::initStyleOption(option, index);
  const QString id = index.data(ParityModel::kDeviceRole).toString();
  if (id.isEmpty()) return;
  option->icon = deviceIcon(m_devices.numberOf(id), id, option->palette);
  option->features |= QStyleOptionViewItem::HasDecoration;
}

void ErrorBarDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const {
  QStyledItemDelegate::paint(painter, option, index);
  const QVariant error = index.data(ParityModel::kErrorRole);
  if (!error.isValid() || std::isnan(error.toDouble())) return;
  const Theme theme = Theme::of(option.palette);
  const int textWidth = option.fontMetrics.horizontalAdvance(QStringLiteral("0.0e-00 "));
  const int inset = option.fontMetrics.height() / 4;
  QRectF track = QRectF(option.rect).adjusted(inset, inset, -textWidth - inset, -inset);
  if (track.width() < textWidth / 2.0) return; // a narrow column shows the number alone
  const double multiple = error.toDouble();
  painter->save();
  painter->setRenderHint(QPainter::Antialiasing, false);
  painter->setPen(Qt::NoPen);
  painter->setBrush(theme.grid);
  painter->drawRect(track);
  QRectF bar = track;
  bar.setWidth(track.width() * errorFraction(multiple));
  painter->setBrush(multiple > 1 ? theme.problem : theme.info);
  painter->drawRect(bar);
  const double limit = track.left() + track.width() * errorFraction(1);
  painter->setPen(QPen(theme.text, 1));
  painter->drawLine(QPointF(limit, track.top() - 1), QPointF(limit, track.bottom() + 1));
  painter->restore();
}

} // namespace tandem::ui
