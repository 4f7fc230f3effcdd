// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/run_history.hpp"

#include "ui/core/labels.hpp"
#include "ui/core/units.hpp"

namespace tandem::ui {
namespace {
constexpr std::size_t kLimit = 100;
}

RunHistory::RunHistory(RunController& runs, DocumentModel& document, QObject* parent) : QAbstractTableModel(parent) {
  connect(&runs, &RunController::finished, this, [this, &runs, &document] {
    if (m_entries.size() >= kLimit) {
      const int last = static_cast<int>(m_entries.size()) - 1;
      beginRemoveRows({}, last, last);
      m_entries.pop_back();
      endRemoveRows();
    }
    beginInsertRows({}, 0, 0);
    m_entries.insert(m_entries.begin(),
                     Entry{runs.runNumber(), sourceTitle(document.source()), runs.lastSpec(), *runs.report()});
    endInsertRows();
  });
}

int RunHistory::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_entries.size());
}

int RunHistory::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant RunHistory::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  if (role == Qt::TextAlignmentRole && index.column() >= kThroughput) return int(Qt::AlignRight | Qt::AlignVCenter);
  if (role != Qt::DisplayRole && role != Qt::ToolTipRole) return {};
  const Entry& run = entry(index.row());
  switch (index.column()) {
  case kRun: return QString::number(run.number);
  case kModel: return run.model;
  case kDeployment: {
    QStringList devices;
    for (const auto& replica : run.report.replicas) devices << toQString(replica.devices);
    return devices.join(QStringLiteral(" | "));
  }
  case kThroughput: return formatRate(run.report.itemsPerS);
  case kP50: return formatMs(run.report.latency.p50Ms);
  case kP99: return formatMs(run.report.latency.p99Ms);
  case kFailed: return formatCount(static_cast<double>(run.report.failed));
  default: return {};
  }
}

QVariant RunHistory::headerData(int section, Qt::Orientation orientation, int role) const {
  if (role != Qt::DisplayRole || orientation != Qt::Horizontal || section < 0 || section >= kColumns) return {};
  static const char* const kTitles[] = {QT_TR_NOOP("Run"),     QT_TR_NOOP("Model"), QT_TR_NOOP("Replicas"),
                                        QT_TR_NOOP("Items/s"), QT_TR_NOOP("p50"),   QT_TR_NOOP("p99"),
                                        QT_TR_NOOP("Failed")};
  return tr(kTitles[section]);
}

} // namespace tandem::ui
