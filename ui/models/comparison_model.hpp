// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/comparison.hpp"

#include <QAbstractTableModel>

namespace tandem::ui {

/// The figures of two runs, one row each: what A and B measured, their ratio, how sure it is, and what follows.
class ComparisonModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { kFigure, kA, kB, kRatio, kFinding, kConfidence, kColumns };
  using QAbstractTableModel::QAbstractTableModel;

  void setComparison(const session::Comparison& comparison);
  void clear() { setComparison({}); }
  [[nodiscard]] const session::Comparison& comparison() const { return m_comparison; }
  /// Comma separated values with a header line, numbers in the C locale.
  [[nodiscard]] QString csv() const;

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  session::Comparison m_comparison;
};

} // namespace tandem::ui
