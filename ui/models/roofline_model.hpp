// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/profile_types.hpp"

#include <QAbstractTableModel>

namespace tandem::ui {

/// The executed layers of one measurement, one row each; what loses most time against its roof comes first until a view
/// sorts them.
class RooflineModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column {
    kLayer,
    kShare, ///< bar: share of the layer's roof
    kRoof,
    kLost,
    kTime,
    kGflops,
    kBandwidth,
    kIntensity,
    kOperator,
    kDevice,
    kKernel,
    kColumns
  };
  static constexpr int kSortRole = Qt::UserRole + 1;
  static constexpr int kDeviceRole = Qt::UserRole + 2; ///< device id in the device column
  static constexpr int kShareRole = Qt::UserRole + 3;  ///< in the bar column: 1 = the roof; invalid where not known

  using QAbstractTableModel::QAbstractTableModel;

  void setProfile(const session::Profile& profile, const session::Document& document);
  void clear();
  [[nodiscard]] const session::LayerTime& layer(int row) const { return m_rows[static_cast<std::size_t>(row)].layer; }
  [[nodiscard]] QString name(int row) const { return m_rows[static_cast<std::size_t>(row)].name; }
  [[nodiscard]] QString toolTip(int row) const;
  /// The row of the layer that computes `node`; -1 where nothing does.
  [[nodiscard]] int rowOf(int node) const;
  /// Comma separated values with a header line, numbers in the C locale; empty fields for what is not known.
  [[nodiscard]] QString csv() const;

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  struct Row {
    session::LayerTime layer;
    QString name, op;
  };
  [[nodiscard]] QString text(const Row& row, int column) const;
  [[nodiscard]] QVariant sortKey(const Row& row, int column) const;
  std::vector<Row> m_rows;
  std::vector<int> m_rowOf; ///< by node
};

} // namespace tandem::ui
