// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/timeline/aggregate_model.hpp"

#include "ui/core/csv.hpp"
#include "ui/core/units.hpp"

#include <QLocale>

namespace tandem::ui {
namespace {

QString number(double value) { return QString::number(value, 'g', 9); }

} // namespace

void AggregateModel::setRows(std::shared_ptr<const TimelineModel> model, std::vector<AreaAggregate> rows) {
  beginResetModel();
  m_model = std::move(model);
  m_rows = std::move(rows);
  endResetModel();
}

int AggregateModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int AggregateModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QString AggregateModel::name(const AreaAggregate& row) const { return m_model->labels()[row.label]; }

QString AggregateModel::device(const AreaAggregate& row) const {
  return row.device >= 0 ? m_model->deviceIds()[row.device] : QString();
}

QString AggregateModel::text(const AreaAggregate& row, int column) const {
  switch (column) {
  case kName: return name(row);
  case kDevice: return device(row);
  case kCount: return formatCount(static_cast<double>(row.count));
  case kTotal: return formatMs(row.totalNs / 1e6);
  case kMean: return formatMs(row.meanNs / 1e6);
  case kMedian: return formatMs(row.medianNs / 1e6);
  case kShare: return formatPercent(row.share);
  case kBytes: return row.bytes > 0 ? formatBytes(row.bytes) : QString();
  case kGbPerS: return row.gbPerS() > 0 ? formatValue(Unit::None, row.gbPerS()) : QString();
  default: return {};
  }
}

QVariant AggregateModel::sortKey(const AreaAggregate& row, int column) const {
  switch (column) {
  case kCount: return static_cast<qulonglong>(row.count);
  case kTotal: return row.totalNs;
  case kMean: return row.meanNs;
  case kMedian: return row.medianNs;
  case kShare: return row.share;
  case kBytes: return row.bytes;
  case kGbPerS: return row.gbPerS();
  default: return text(row, column).toLower();
  }
}

QVariant AggregateModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid() || index.row() >= rowCount()) return {};
  const AreaAggregate& row = aggregateOf(index.row());
  const int column = index.column();
  switch (role) {
  case Qt::DisplayRole: return text(row, column);
  case kSortRole: return sortKey(row, column);
  case Qt::TextAlignmentRole:
    return QVariant::fromValue((column <= kDevice ? Qt::AlignLeft : Qt::AlignRight) | Qt::AlignVCenter);
  case Qt::ToolTipRole: // a name from a file is text
    return column == kName ? QStringLiteral("<p>%1</p>").arg(name(row).toHtmlEscaped()) : QVariant();
  default: return {};
  }
}

QVariant AggregateModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (orientation != Qt::Horizontal || section < 0 || section >= kColumns) return {};
  if (role == Qt::TextAlignmentRole && section > kDevice) return QVariant::fromValue(Qt::AlignRight | Qt::AlignVCenter);
  const QString titles[kColumns] = {tr("Name"),   tr("Device"), tr("Count"), tr("Total"), tr("Mean"),
                                    tr("Median"), tr("Share"),  tr("Bytes"), tr("GB/s")};
  const QString tips[kColumns] = {tr("What took time"),
                                  tr("Where"),
                                  tr("How many of them touch the area"),
                                  tr("Their time within the area"),
                                  tr("Mean of their whole times"),
                                  tr("Median of their whole times"),
                                  tr("Of the total time of all rows"),
                                  tr("Moved by them"),
                                  tr("Bytes over the time of those that move any")};
  if (role == Qt::DisplayRole) return titles[section];
  if (role == Qt::ToolTipRole) return tips[section];
  return {};
}

QString AggregateModel::csv(const QList<int>& rows) const {
  QString text = QStringLiteral("name,device,count,total_ms,mean_ms,median_ms,share,bytes,gb_per_s\n");
  for (const int number_ : rows) {
    const AreaAggregate& row = aggregateOf(number_);
    const QStringList fields{csvField(name(row)),
                             csvField(device(row)),
                             QString::number(row.count),
                             number(row.totalNs / 1e6),
                             number(row.meanNs / 1e6),
                             number(row.medianNs / 1e6),
                             number(row.share),
                             QString::number(row.bytes, 'f', 0),
                             row.gbPerS() > 0 ? number(row.gbPerS()) : QString()};
    text += fields.join(QLatin1Char(',')) + QLatin1Char('\n');
  }
  return text;
}

} // namespace tandem::ui
