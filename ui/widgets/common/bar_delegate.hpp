// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <QStyledItemDelegate>

#include <functional>
#include <optional>

namespace tandem::ui {

/// A number of a cell as a bar, both as fractions of the track.
struct CellBar {
  double length = 0;
  double mark = 1; ///< a line across the track: a limit, or the whole
  bool problem = false;
};

/// Paints the cells of a table of layers: devices with their badge, and bars with the cell's text beside them.
class BarDelegate : public QStyledItemDelegate {
  Q_OBJECT
 public:
  using BarOf = std::function<std::optional<CellBar>(const QModelIndex&)>;
  using NumberOf = std::function<int(const QString& device)>;
  /// `deviceRole` gives the id of a cell that shows a device, `numberOf` its place among all. `widestText` is the
  /// longest text beside a bar.
  BarDelegate(int deviceRole, NumberOf numberOf, BarOf barOf, QString widestText, QObject* parent);
  void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;

 protected:
  void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override;

 private:
  int m_deviceRole;
  NumberOf m_numberOf;
  BarOf m_barOf;
  QString m_widestText;
};

} // namespace tandem::ui
