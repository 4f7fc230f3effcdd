// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/layer_table_model.hpp"

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

namespace {

const session::TensorSummary* firstOutput(const session::Document& document, const session::NodeSummary& node) {
  for (const int value : node.outputs) {
    if (value >= 0 && static_cast<std::size_t>(value) < document.values.size())
      return &document.values[static_cast<std::size_t>(value)];
  }
  return nullptr;
}

} // namespace

QString LayerTableModel::text(int row, int column) const {
  const auto& document = m_document.document();
  const auto& node = document.nodes[static_cast<std::size_t>(row)];
  switch (column) {
  case kNumber: return QString::number(row + 1);
  case kName: return toQString(node.name);
  case kOperator: return toQString(node.op);
  case kShape: {
    const auto* tensor = firstOutput(document, node);
    return tensor != nullptr ? shapeText(*tensor) : QString();
  }
  case kFlops: return node.flops > 0 ? formatFlops(node.flops) : QString();
  case kParameters: return node.parameterBytes > 0 ? formatBytes(static_cast<double>(node.parameterBytes)) : QString();
  case kActivations:
    return node.activationBytes > 0 ? formatBytes(static_cast<double>(node.activationBytes)) : QString();
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
                          column == kTime || column == kShare;
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
  static const char* const kTitles[] = {QT_TR_NOOP("#"),           QT_TR_NOOP("Layer"),     QT_TR_NOOP("Operator"),
                                        QT_TR_NOOP("Output"),      QT_TR_NOOP("FLOPs"),     QT_TR_NOOP("Parameters"),
                                        QT_TR_NOOP("Activations"), QT_TR_NOOP("Requested"), QT_TR_NOOP("Effective"),
                                        QT_TR_NOOP("Reason"),      QT_TR_NOOP("Measured"),  QT_TR_NOOP("Of peak")};
  if (role == Qt::DisplayRole) return tr(kTitles[section]);
  if (role == Qt::ToolTipRole && section == kShare)
    return tr("Least time that the device's measured arithmetic and memory allow, as a share of the measured time.") +
           QLatin1Char(' ') + overHundredText();
  return {};
}

LayerFilter::LayerFilter(const QString& text) {
  for (const QString& word : text.split(QLatin1Char(' '), Qt::SkipEmptyParts)) {
    if (word.startsWith(QLatin1String("op:"), Qt::CaseInsensitive))
      m_terms.append({Field::Operator, word.mid(3)});
    else if (word.startsWith(QLatin1String("dev:"), Qt::CaseInsensitive))
      m_terms.append({Field::Device, word.mid(4)});
    else if (word.compare(QLatin1String("moved:"), Qt::CaseInsensitive) == 0)
      m_terms.append({Field::Moved, {}});
    else
      m_terms.append({Field::Any, word});
  }
}

bool LayerFilter::matches(const DocumentModel& document, int node) const {
  const auto& summary = document.document().nodes[static_cast<std::size_t>(node)];
  const auto contains = [](const QString& text, const QString& part) {
    return text.contains(part, Qt::CaseInsensitive);
  };
  return std::all_of(m_terms.begin(), m_terms.end(), [&](const Term& term) {
    switch (term.field) {
    case Field::Operator: return toQString(summary.op).startsWith(term.text, Qt::CaseInsensitive);
    case Field::Device: {
      const QString effective = document.effectiveOf(node);
      return (effective.isEmpty() ? document.requestedOf(node) : effective).startsWith(term.text, Qt::CaseInsensitive);
    }
    case Field::Moved: return !document.reasonOf(node).isEmpty();
    case Field::Any:
      return contains(toQString(summary.name), term.text) || contains(toQString(summary.op), term.text) ||
             contains(toQString(summary.scope), term.text);
    }
    return false;
  });
}

QList<int> LayerFilter::matching(const DocumentModel& document) const {
  QList<int> nodes;
  if (isEmpty()) return nodes;
  for (int node = 0; node < document.nodeCount(); ++node) {
    if (matches(document, node)) nodes.append(node);
  }
  return nodes;
}

LayerProxyModel::LayerProxyModel(DocumentModel& document, QObject* parent)
    : QSortFilterProxyModel(parent),
      m_document(document) {
  setSortRole(LayerTableModel::kSortRole);
}

void LayerProxyModel::setFilter(const LayerFilter& filter) {
  m_filter = filter;
  invalidateFilter();
}

bool LayerProxyModel::filterAcceptsRow(int row, const QModelIndex&) const { return m_filter.matches(m_document, row); }

} // namespace tandem::ui
