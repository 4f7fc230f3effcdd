// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <QAbstractTableModel>
#include <QDateTime>
#include <QList>

namespace tandem::ui {

enum class Severity { Info, Warning, Error };

/// What happened, newest last; the oldest lines go after kLimit.
class LogModel : public QAbstractTableModel {
  Q_OBJECT
 public:
  static constexpr int kLimit = 5000;
  enum Column { kTime, kSeverity, kText, kColumns };

  using QAbstractTableModel::QAbstractTableModel;
  void add(Severity severity, const QString& text);
  void clear();
  [[nodiscard]] QString line(int row) const; ///< "12:03:04 warning ..."

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  struct Entry {
    QDateTime time;
    Severity severity;
    QString text;
  };
  [[nodiscard]] static QString severityText(Severity severity);
  QList<Entry> m_entries;
};

} // namespace tandem::ui
