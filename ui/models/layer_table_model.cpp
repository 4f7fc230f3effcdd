// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/layer_table_model.hpp"

#include "ui/core/csv.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/roofline_text.hpp"
#include "ui/core/theme.hpp"
#include "ui/core/units.hpp"

#include <QBrush>
#include <QGuiApplication>

#include <algorithm>

namespace tandem::ui {

LayerTableModel::LayerTableModel(DocumentModel& document, DeviceListModel& devices, QObject* parent)
    : QAbstractTableModel(parent),
      m_document(document),
      m_devices(devices) {
  const auto reset = [this] {
    beginResetModel();
    endResetModel();
  };
  const auto refresh = [this] {
    if (rowCount() > 0) emit dataChanged(index(0, kRequested), index(rowCount() - 1, kColumns - 1));
  };
  connect(&m_document, &DocumentModel::opened, this, reset);
  connect(&m_document, &DocumentModel::sizesChanged, this, reset);
  connect(&m_document, &DocumentModel::closed, this, reset);
  connect(&m_document, &DocumentModel::placementChanged, this, refresh);
  connect(&m_document, &DocumentModel::effectiveChanged, this, refresh);
  connect(&m_document, &DocumentModel::profiled, this, refresh);
  connect(&m_devices, &DeviceListModel::changed, this, refresh);
}

int LayerTableModel::rowCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : m_document.nodeCount(); }
int LayerTableModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QString LayerTableModel::text(int row, int column) const {
  const auto& document = m_document.document();
  const auto& node = document.nodes[static_cast<std::size_t>(row)];
  switch (column) {
  case kNumber: return QString::number(row + 1);
  case kName: return toQString(node.name);
  case kOperator: return toQString(node.op);
  case kShape: return m_document.shapeOf(row);
  case kType: return m_document.typeOf(row);
  case kFlops: return node.flops > 0 ? formatFlops(node.flops) : QString();
  case kParameters: return node.parameterBytes > 0 ? formatBytes(static_cast<double>(node.parameterBytes)) : QString();
  case kActivations:
    return node.activationBytes > 0 ? formatBytes(static_cast<double>(node.activationBytes)) : QString();
  case kMemory: {
    const std::int64_t bytes = node.parameterBytes + node.activationBytes;
    return bytes > 0 ? formatBytes(static_cast<double>(bytes)) : QString();
  }
  case kRequested: return m_document.requestedOf(row);
  case kEffective: return m_document.effectiveOf(row);
  case kReason: return m_document.reasonOf(row);
  case kTime: {
    const session::LayerTime* layer = m_document.layerTimeOf(row);
    if (layer == nullptr) return {};
    if (layer->node == row) return formatMs(layer->medianMs);
    return tr("in %1").arg(toQString(document.nodes[static_cast<std::size_t>(layer->node)].name));
  }
  case kShare: {
    const session::LayerTime* layer = m_document.layerTimeOf(row);
    return layer != nullptr && layer->node == row && layer->roofFraction ? formatPercent(*layer->roofFraction)
                                                                         : QString();
  }
  default: return {};
  }
}

QVariant LayerTableModel::sortKey(int row, int column) const {
  const auto& node = m_document.document().nodes[static_cast<std::size_t>(row)];
  switch (column) {
  case kNumber: return row;
  case kFlops: return node.flops;
  case kParameters: return static_cast<qlonglong>(node.parameterBytes);
  case kActivations: return static_cast<qlonglong>(node.activationBytes);
  case kMemory: return static_cast<qlonglong>(node.parameterBytes + node.activationBytes);
  case kTime: return m_document.measuredMsOf(row);
  case kShare: {
    const session::LayerTime* layer = m_document.layerTimeOf(row);
    return layer != nullptr && layer->node == row ? layer->roofFraction.value_or(-1) : -1;
  }
  default: return text(row, column);
  }
}

QVariant LayerTableModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const int row = index.row(), column = index.column();
  switch (role) {
  case Qt::DisplayRole: return text(row, column);
  case kSortRole: return sortKey(row, column);
  case Qt::ToolTipRole: {
    const session::LayerTime* layer = m_document.layerTimeOf(row);
    if ((column == kTime || column == kShare) && layer != nullptr) {
      const auto& first = m_document.document().nodes[static_cast<std::size_t>(layer->node)];
      return roofToolTip(*layer, toQString(first.name), toQString(first.op));
    }
    return column == kReason ? m_document.detailOf(row) : text(row, column);
  }
  case Qt::TextAlignmentRole: {
    const bool isNumber = column == kNumber || column == kFlops || column == kParameters || column == kActivations ||
                          column == kMemory || column == kTime || column == kShare;
    return QVariant::fromValue(
        Qt::Alignment(isNumber ? Qt::AlignRight | Qt::AlignVCenter : Qt::AlignLeft | Qt::AlignVCenter));
  }
  case kDeviceRole: return column == kRequested || column == kEffective ? text(row, column) : QString();
  case Qt::ForegroundRole:
    if (column == kReason || (column == kOperator && !m_document.document().nodes[static_cast<std::size_t>(row)].known))
      return QBrush(Theme::of(QGuiApplication::palette()).problem);
    return {};
  default: return {};
  }
}

QVariant LayerTableModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= kColumns) return {};
  static const char* const kTitles[] = {QT_TR_NOOP("#"),          QT_TR_NOOP("Layer"),       QT_TR_NOOP("Operator"),
                                        QT_TR_NOOP("Output"),     QT_TR_NOOP("Data type"),   QT_TR_NOOP("FLOPs"),
                                        QT_TR_NOOP("Parameters"), QT_TR_NOOP("Activations"), QT_TR_NOOP("Memory"),
                                        QT_TR_NOOP("Requested"),  QT_TR_NOOP("Effective"),   QT_TR_NOOP("Reason"),
                                        QT_TR_NOOP("Measured"),   QT_TR_NOOP("Of peak")};
  if (role == Qt::DisplayRole) return tr(kTitles[section]);
  if (role == Qt::ToolTipRole && section == kRequested)
    return tr("Double click or F2 chooses another device, number keys do for all selected layers.");
  if (role == Qt::ToolTipRole && section == kMemory) return tr("Parameters and activations");
  if (role == Qt::ToolTipRole && section == kShare)
    return tr("Least time that the device's measured arithmetic and memory allow, as a share of the measured time.") +
           QLatin1Char(' ') + overHundredText();
  return {};
}

Qt::ItemFlags LayerTableModel::flags(const QModelIndex& index) const {
  Qt::ItemFlags flags = QAbstractTableModel::flags(index);
  if (index.isValid() && index.column() == kRequested) flags |= Qt::ItemIsEditable;
  return flags;
}

bool LayerTableModel::setData(const QModelIndex& index, const QVariant& value, int role) {
  if (!index.isValid() || index.column() != kRequested || role != Qt::EditRole) return false;
  const QString device = value.toString();
  if (!device.isEmpty() && m_devices.numberOf(device) < 0) return false;
  m_document.assign({index.row()}, device);
  return true;
}

QString LayerTableModel::csv(const QList<int>& nodes, const QList<int>& columns) const {
  const auto plain = [&](int node, int column) -> QString {
    const QVariant key = sortKey(node, column);
    switch (column) {
    case kNumber: return QString::number(node + 1);
    case kTime:
    case kShare: return key.toDouble() < 0 ? QString() : QString::number(key.toDouble(), 'g', 9);
    case kFlops: return QString::number(key.toDouble(), 'g', 15);
    case kParameters:
    case kActivations:
    case kMemory: return QString::number(key.toLongLong());
    default: return csvField(text(node, column));
    }
  };
  const auto title = [&](int column) -> QString {
    const QString name = headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
    switch (column) {
    case kTime: return name + QStringLiteral(" (ms)");
    case kShare: return name + QStringLiteral(" (1 = peak)");
    case kParameters:
    case kActivations:
    case kMemory: return name + QStringLiteral(" (B)");
    default: return name;
    }
  };
  QString table;
  for (qsizetype i = 0; i < columns.size(); ++i)
    table += (i > 0 ? QStringLiteral(",") : QString()) + csvField(title(columns[i]));
  table += u'\n';
  for (const int node : nodes) {
    for (qsizetype i = 0; i < columns.size(); ++i) {
      if (i > 0) table += u',';
      table += plain(node, columns[i]);
    }
    table += u'\n';
  }
  return table;
}

} // namespace tandem::ui
