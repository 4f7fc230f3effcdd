// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <QStyledItemDelegate>

namespace tandem::ui {

class DeviceListModel;

/// Paints the cells of the roofline's table: devices with their badge, shares as a bar with a mark at 100 % and the
/// number beside it.
class ShareBarDelegate : public QStyledItemDelegate {
  Q_OBJECT
 public:
  ShareBarDelegate(const DeviceListModel& devices, QObject* parent);
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;

 protected:
  void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override;

 private:
  const DeviceListModel& m_devices;
};

} // namespace tandem::ui
