// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/roofline_model.hpp"

#include "ui/core/csv.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/roofline_text.hpp"
#include "ui/core/units.hpp"

#include <algorithm>

namespace tandem::ui {
namespace {

bool isNumber(int column) { return column >= RooflineModel::kLost && column <= RooflineModel::kIntensity; }

QString csvNumber(const std::optional<double>& value) { return value ? QString::number(*value, 'g', 9) : QString(); }

} // namespace

void RooflineModel::setProfile(const session::Profile& profile, const session::Document& document) {
  beginResetModel();
  m_rows.clear();
  m_rowOf.assign(document.nodes.size(), -1);
  for (const session::LayerTime& layer : profile.times) {
    if (layer.medianMs <= 0) continue; // nothing is executed
    const auto& node = document.nodes[static_cast<std::size_t>(layer.node)];
    m_rows.push_back({layer, toQString(node.name), toQString(node.op)});
  }
  std::stable_sort(m_rows.begin(), m_rows.end(), [](const Row& a, const Row& b) {
    const double lostA = lostMs(a.layer), lostB = lostMs(b.layer);
    return lostA != lostB ? lostA > lostB : a.layer.medianMs > b.layer.medianMs;
  });
  for (std::size_t row = 0; row < m_rows.size(); ++row)
    for (const int node : m_rows[row].layer.nodes) m_rowOf[static_cast<std::size_t>(node)] = static_cast<int>(row);
  endResetModel();
}

void RooflineModel::clear() { setProfile({}, {}); }

int RooflineModel::rowOf(int node) const {
  return node >= 0 && static_cast<std::size_t>(node) < m_rowOf.size() ? m_rowOf[static_cast<std::size_t>(node)] : -1;
}

int RooflineModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}
int RooflineModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QString RooflineModel::toolTip(int row) const {
  const Row& each = m_rows[static_cast<std::size_t>(row)];
  return roofToolTip(each.layer, each.name, each.op);
}

QString RooflineModel::text(const Row& row, int column) const {
  const session::LayerTime& layer = row.layer;
  switch (column) {
  case kLayer: return row.name;
  case kShare: return roofShareText(layer);
  case kRoof: return roofText(layer);
  case kLost: return lostMs(layer) >= 0 ? formatMs(lostMs(layer)) : QStringLiteral("–");
  case kTime: return formatMs(layer.medianMs);
  case kGflops: return rateText(layer.gflopPerS);
  case kBandwidth: return rateText(layer.gbPerS);
  case kIntensity: return rateText(layer.flopPerByte);
  case kOperator: {
    const auto others = layer.nodes.size() - 1;
    return others > 0 ? QStringLiteral("%1 +%2").arg(row.op).arg(others) : row.op;
  }
  case kDevice: return toQString(layer.device);
  case kKernel: return toQString(layer.kernel);
  default: return {};
  }
}

QVariant RooflineModel::sortKey(const Row& row, int column) const {
  switch (column) {
  case kShare: return row.layer.roofFraction.value_or(-1);
  case kLost: return lostMs(row.layer);
  case kTime: return row.layer.medianMs;
  case kGflops: return row.layer.gflopPerS.value_or(-1);
  case kBandwidth: return row.layer.gbPerS.value_or(-1);
  case kIntensity: return row.layer.flopPerByte.value_or(-1);
  default: return text(row, column);
  }
}

QVariant RooflineModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const Row& row = m_rows[static_cast<std::size_t>(index.row())];
  const int column = index.column();
  switch (role) {
  case Qt::DisplayRole: return text(row, column);
  case Qt::ToolTipRole: return toolTip(index.row());
  case kSortRole: return sortKey(row, column);
  case kDeviceRole: return column == kDevice ? text(row, column) : QString();
  case kShareRole: return column == kShare && row.layer.roofFraction ? QVariant(*row.layer.roofFraction) : QVariant();
  case Qt::TextAlignmentRole:
    return QVariant::fromValue(Qt::Alignment(isNumber(column) || column == kShare ? Qt::AlignRight | Qt::AlignVCenter
                                                                                  : Qt::AlignLeft | Qt::AlignVCenter));
  default: return {};
  }
}

QVariant RooflineModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= kColumns) return {};
  static const char* const kTitles[] = {QT_TR_NOOP("Layer"),  QT_TR_NOOP("Of peak"),   QT_TR_NOOP("Limit"),
                                        QT_TR_NOOP("Lost"),   QT_TR_NOOP("Time"),      QT_TR_NOOP("GFLOP/s"),
                                        QT_TR_NOOP("GB/s"),   QT_TR_NOOP("FLOP/byte"), QT_TR_NOOP("Operator"),
                                        QT_TR_NOOP("Device"), QT_TR_NOOP("Kernel")};
  static const char* const kHelp[] = {
      QT_TR_NOOP("The first of the layers that one kernel computes"),
      QT_TR_NOOP(
          "Least time that the device's measured peaks allow, as a share of the measured time. The mark is 100 %."),
      QT_TR_NOOP("What keeps the layer from being faster: the device's arithmetic, its memory, or neither, because "
                 "there is less work than it takes to start a kernel"),
      QT_TR_NOOP("Time over what the roof allows"),
      QT_TR_NOOP("Median of the runs"),
      QT_TR_NOOP("Operations of the direct algorithm a second"),
      QT_TR_NOOP("Least bytes a second: inputs, weights and outputs, each once"),
      QT_TR_NOOP("Arithmetic intensity: operations for each byte that must move"),
      "",
      "",
      ""};
  if (role == Qt::DisplayRole) return tr(kTitles[section]);
  if (role == Qt::ToolTipRole && section == kShare) return tr(kHelp[section]) + QLatin1Char(' ') + overHundredText();
  if (role == Qt::ToolTipRole && *kHelp[section] != '\0') return tr(kHelp[section]);
  if (role == Qt::TextAlignmentRole && (isNumber(section) || section == kShare))
    return QVariant::fromValue(Qt::Alignment(Qt::AlignRight | Qt::AlignVCenter));
  return {};
}

QString RooflineModel::csv() const {
  QString text = QStringLiteral("layer,operator,layers,device,kernel,median_ms,mean_ms,min_ms,flops,least_bytes,"
                                "gflop_per_s,gb_per_s,flop_per_byte,roof,roof_ms,roof_fraction\n");
  for (const Row& row : m_rows) {
    const session::LayerTime& layer = row.layer;
    QStringList fields{csvField(row.name), csvField(row.op), QString::number(layer.nodes.size()),
                       csvField(toQString(layer.device)), csvField(toQString(layer.kernel))};
    fields << csvNumber(layer.medianMs) << csvNumber(layer.meanMs) << csvNumber(layer.minMs) << csvNumber(layer.flops)
           << (layer.leastBytes ? QString::number(*layer.leastBytes) : QString()) << csvNumber(layer.gflopPerS)
           << csvNumber(layer.gbPerS) << csvNumber(layer.flopPerByte) << toQString(layer.roof)
           << csvNumber(layer.roofMs) << csvNumber(layer.roofFraction);
    text += fields.join(QLatin1Char(',')) + QLatin1Char('\n');
  }
  return text;
}

} // namespace tandem::ui
