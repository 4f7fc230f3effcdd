// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/run_history.hpp"

#include "engine/session/comparison.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/units.hpp"

#include <QFile>
#include <QFileInfo>
#include <QFont>

namespace tandem::ui {
namespace {
constexpr std::size_t kLimit = 100;
constexpr qint64 kLargestFile = 64 << 20; // a report of twenty replicas has some hundred kilobytes
} // namespace

RunHistory::RunHistory(RunController& runs, DocumentModel& document, QObject* parent) : QAbstractTableModel(parent) {
  connect(&runs, &RunController::finished, this, [this, &runs, &document] {
    add({runs.runNumber(), sourceTitle(document.source()), runs.lastSpec(), *runs.report(), {}, {}});
  });
}

void RunHistory::add(Entry entry) {
  if (m_entries.size() >= kLimit) {
    int last = static_cast<int>(m_entries.size()) - 1;
    if (last == m_baseline) --last; // pinned
    beginRemoveRows({}, last, last);
    m_entries.erase(m_entries.begin() + last);
    if (m_baseline > last) --m_baseline;
    endRemoveRows();
  }
  beginInsertRows({}, 0, 0);
  m_entries.insert(m_entries.begin(), std::move(entry));
  if (m_baseline >= 0) ++m_baseline;
  endInsertRows();
}

QString RunHistory::label(int row) const {
  const Entry& run = entry(row);
  return run.file.isEmpty() ? QString::number(run.number) : QFileInfo(run.file).fileName();
}

Result<void> RunHistory::open(const QString& path) {
  QFile file(path);
  if (!file.open(QIODevice::ReadOnly))
    return makeError(ErrorCode::InputRejected, "the report cannot be read: " + file.errorString().toStdString(),
                     path.toStdString(), "check its name and rights");
  if (file.size() > kLargestFile)
    return makeError(ErrorCode::InputRejected, "the file is too large for a report", path.toStdString(),
                     "is it the right one?");
  const std::string text = file.readAll().toStdString();
  session::Report report = TANDEM_TRY(session::readReport(text, path.toStdString()));
  const QString model = toQString(report.model);
  add({0, model, {}, std::move(report), path, {}});
  return {};
}

void RunHistory::setBaseline(int row) {
  if (row == m_baseline || row < -1 || row >= rowCount()) return;
  const int before = m_baseline;
  m_baseline = row;
  for (const int changed : {before, row})
    if (changed >= 0) emit dataChanged(index(changed, 0), index(changed, kColumns - 1));
  emit baselineChanged();
}

Qt::ItemFlags RunHistory::flags(const QModelIndex& index) const {
  const Qt::ItemFlags flags = QAbstractTableModel::flags(index);
  return index.isValid() && index.column() == kNote ? flags | Qt::ItemIsEditable : flags;
}

bool RunHistory::setData(const QModelIndex& index, const QVariant& value, int role) {
  if (!index.isValid() || index.column() != kNote || role != Qt::EditRole) return false;
  m_entries[static_cast<std::size_t>(index.row())].note = value.toString();
  emit dataChanged(index, index);
  return true;
}

int RunHistory::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_entries.size());
}

int RunHistory::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant RunHistory::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  if (role == Qt::TextAlignmentRole && index.column() >= kThroughput && index.column() < kNote)
    return int(Qt::AlignRight | Qt::AlignVCenter);
  const Entry& run = entry(index.row());
  if (role == Qt::EditRole && index.column() == kNote) return run.note;
  if (role == Qt::FontRole && index.row() == m_baseline) {
    QFont bold;
    bold.setBold(true);
    return bold;
  }
  if (role == Qt::ToolTipRole && index.column() == kRun && !run.file.isEmpty()) return run.file;
  if (role != Qt::DisplayRole && role != Qt::ToolTipRole) return {};
  switch (index.column()) {
  case kRun: return index.row() == m_baseline ? tr("%1 (baseline)").arg(label(index.row())) : label(index.row());
  case kNote: return run.note;
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
                                        QT_TR_NOOP("Failed"),  QT_TR_NOOP("Note")};
  return tr(kTitles[section]);
}

} // namespace tandem::ui
