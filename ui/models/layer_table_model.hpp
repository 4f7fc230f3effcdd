// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/document_model.hpp"
#include "ui/models/device_list_model.hpp"

#include <QAbstractTableModel>

namespace tandem::ui {

/// One row per layer of the open document: the complete equivalent of the canvas.
class LayerTableModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column {
    kNumber,
    kName,
    kOperator,
    kShape,
    kType, ///< of the first output
    kFlops,
    kParameters,
    kActivations,
    kMemory, ///< both of these
    kRequested,
    kEffective,
    kReason,
    kTime,
    kShare, ///< of what the device can do at most
    kColumns
  };
  static constexpr int kSortRole = Qt::UserRole + 1;
  static constexpr int kDeviceRole = Qt::UserRole + 2; ///< device id in the device columns, for their icon

  LayerTableModel(DocumentModel& document, DeviceListModel& devices, QObject* parent = nullptr);

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;
  [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;
  /// A requested device may be edited: its id, or an empty text for the default.
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;

  /// These layers in these columns as CSV with a header: numbers in plain units, which the header names.
  [[nodiscard]] QString csv(const QList<int>& nodes, const QList<int>& columns) const;

 private:
  [[nodiscard]] QString text(int node, int column) const;
  [[nodiscard]] QVariant sortKey(int node, int column) const;
  DocumentModel& m_document;
  DeviceListModel& m_devices;
};

} // namespace tandem::ui
