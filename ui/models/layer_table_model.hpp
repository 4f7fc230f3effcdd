// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/document_model.hpp"
#include "ui/models/device_list_model.hpp"

#include <QAbstractTableModel>
#include <QSortFilterProxyModel>

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
    kFlops,
    kParameters,
    kActivations,
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

 private:
  [[nodiscard]] QString text(int node, int column) const;
  [[nodiscard]] QVariant sortKey(int node, int column) const;
  DocumentModel& m_document;
  DeviceListModel& m_devices;
};

/// What a filter like "op:Conv dev:GPU:0 fire2" asks for. Words must all match; "op:" compares the operator, "dev:" the
/// effective (or, while unknown, requested) device, "moved:" layers whose devices differ; other words look in name,
/// operator and scope. Case does not matter.
class LayerFilter {
 public:
  explicit LayerFilter(const QString& text = {});
  [[nodiscard]] bool isEmpty() const { return m_terms.isEmpty(); }
  [[nodiscard]] bool matches(const DocumentModel& document, int node) const;
  [[nodiscard]] QList<int> matching(const DocumentModel& document) const;

 private:
  enum class Field { Any, Operator, Device, Moved };
  struct Term {
    Field field;
    QString text;
  };
  QList<Term> m_terms;
};

/// Sorts by value (not by text) and filters.
class LayerProxyModel : public QSortFilterProxyModel {
  Q_OBJECT
 public:
  LayerProxyModel(DocumentModel& document, QObject* parent = nullptr);
  void setFilter(const LayerFilter& filter);

 protected:
  [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override;

 private:
  DocumentModel& m_document;
  LayerFilter m_filter;
};

} // namespace tandem::ui
