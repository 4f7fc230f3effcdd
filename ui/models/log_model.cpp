// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/log_model.hpp"

#include "ui/core/theme.hpp"

#include <QBrush>
#include <QGuiApplication>

namespace tandem::ui {

void LogModel::add(Severity severity, const QString& text) {
  if (m_entries.size() >= kLimit) {
    beginRemoveRows({}, 0, 0);
    m_entries.removeFirst();
    endRemoveRows();
  }
  const int row = static_cast<int>(m_entries.size());
  beginInsertRows({}, row, row);
  m_entries.append({QDateTime::currentDateTime(), severity, text});
  endInsertRows();
}

void LogModel::clear() {
  beginResetModel();
  m_entries.clear();
  endResetModel();
}

QString LogModel::severityText(Severity severity) {
  switch (severity) {
  case Severity::Info: return tr("info");
  case Severity::Warning: return tr("warning");
  case Severity::Error: return tr("error");
  }
  return {};
}

QString LogModel::line(int row) const {
  const Entry& entry = m_entries[row];
  return QStringLiteral("%1 %2 %3")
      .arg(entry.time.toString(QStringLiteral("HH:mm:ss")), severityText(entry.severity), entry.text);
}

int LogModel::rowCount(const QModelIndex& parent) const {
  return parent.isValid() ? 0 : static_cast<int>(m_entries.size());
}

int LogModel::columnCount(const QModelIndex& parent) const { return parent.isValid() ? 0 : kColumns; }

QVariant LogModel::data(const QModelIndex& index, int role) const {
  if (!index.isValid()) return {};
  const Entry& entry = m_entries[index.row()];
  if (role == Qt::DisplayRole || role == Qt::ToolTipRole) {
    switch (index.column()) {
    case kTime: return entry.time.toString(QStringLiteral("HH:mm:ss"));
    case kSeverity: return severityText(entry.severity);
    case kText:
      return role == Qt::DisplayRole ? QString(entry.text).replace(QLatin1Char('\n'), QLatin1Char(' ')) : entry.text;
    default: return {};
    }
  }
  if (role == Qt::ForegroundRole && index.column() == kSeverity && entry.severity != Severity::Info) {
    const Theme theme = Theme::of(QGuiApplication::palette());
    return QBrush(entry.severity == Severity::Error ? theme.problem : theme.warning);
  }
  return {};
}

QVariant LogModel::headerData(int section, Qt::Orientation orientation, int role) const {
  if (role != Qt::DisplayRole || orientation != Qt::Horizontal) return {};
  static const char* const kTitles[] = {QT_TR_NOOP("Time"), QT_TR_NOOP("Severity"), QT_TR_NOOP("Message")};
  return section >= 0 && section < kColumns ? tr(kTitles[section]) : QVariant();
}

} // namespace tandem::ui
