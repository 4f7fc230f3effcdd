// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/parity_types.hpp"

#include <QAbstractTableModel>

namespace tandem::ui {

/// The layers of one numeric comparison: one row each, in the engine's order (worst first) until a view sorts them.
class ParityModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column {
    kLayer,
    kOperator,
    kDeviceA,
    kDeviceB,
    kLocalError, ///< bar: local error divided by what the tolerance allows
    kLocalAbs,
    kLocalRms,
    kTotalError, ///< the same with everything before the layer
    kTotalAbs,
    kRemark,
    kColumns
  };
  static constexpr int kSortRole = Qt::UserRole + 1;
  static constexpr int kDeviceRole = Qt::UserRole + 2; ///< device id in the device columns
  /// In the bar columns: the error as a multiple of the tolerance (1 = just allowed), NaN where not compared.
  static constexpr int kErrorRole = Qt::UserRole + 3;

  using QAbstractTableModel::QAbstractTableModel;

  void setParity(const session::Parity& parity);
  void clear();
  [[nodiscard]] const session::Parity& parity() const { return m_parity; }
  /// The node of a row, an index into the document's nodes.
  [[nodiscard]] int nodeOf(int row) const { return m_parity.layers[static_cast<std::size_t>(row)].node; }
  [[nodiscard]] int rowOf(int node) const; ///< -1 where the node has no row
  /// Comma separated values with a header line, numbers in the C locale, in the engine's order.
  [[nodiscard]] QString csv() const;

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  [[nodiscard]] QString text(const session::ParityLayer& layer, int column) const;
  [[nodiscard]] QString toolTip(const session::ParityLayer& layer, int column) const;
  session::Parity m_parity;
  std::vector<int> m_rowOf; ///< by node
};

/// Where an error stands on a logarithmic bar from a millionth of the tolerance (0) to a thousand times it (1).
[[nodiscard]] double errorFraction(double multiple);

} // namespace tandem::ui
