// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/widgets/timeline/timeline_geometry.hpp"

#include <QAbstractTableModel>

namespace tandem::ui {

/// What a selected area holds, one row per label and device. Give it a proxy to sort by kSortRole.
class AggregateModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { kName, kDevice, kCount, kTotal, kMean, kMedian, kShare, kBytes, kGbPerS, kColumns };
  static constexpr int kSortRole = Qt::UserRole;

  using QAbstractTableModel::QAbstractTableModel;
  void setRows(std::shared_ptr<const TimelineModel> model, std::vector<AreaAggregate> rows);
  [[nodiscard]] const AreaAggregate& aggregateOf(int row) const { return m_rows[static_cast<std::size_t>(row)]; }
  /// Header and one line per row, in the order of `rows`; times in ms, numbers with a point.
  [[nodiscard]] QString csv(const QList<int>& rows) const;

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  [[nodiscard]] QString name(const AreaAggregate& row) const;
  [[nodiscard]] QString device(const AreaAggregate& row) const;
  [[nodiscard]] QString text(const AreaAggregate& row, int column) const;
  [[nodiscard]] QVariant sortKey(const AreaAggregate& row, int column) const;

  std::shared_ptr<const TimelineModel> m_model;
  std::vector<AreaAggregate> m_rows;
};

} // namespace tandem::ui
