// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <QStyledItemDelegate>

namespace tandem::ui {

class DeviceListModel;

/// Paints the cells of the comparison: devices with their badge, errors as a logarithmic bar with a mark at the
/// tolerance and the number beside it.
class ErrorBarDelegate : public QStyledItemDelegate {
  Q_OBJECT
 public:
  ErrorBarDelegate(const DeviceListModel& devices, QObject* parent);
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;

 protected:
  void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override;

 private:
  const DeviceListModel& m_devices;
};

} // namespace tandem::ui
