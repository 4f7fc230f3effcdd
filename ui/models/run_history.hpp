// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/run_controller.hpp"

#include <QAbstractTableModel>

namespace tandem::ui {

/// The finished runs of this window and reports that were opened, newest first, at most a hundred. Notes can be edited.
/// One run may be pinned as the baseline: it stays, whatever comes after.
class RunHistory : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { kRun, kModel, kDeployment, kThroughput, kP50, kP99, kFailed, kNote, kColumns };
  struct Entry {
    int number = 0;
    QString model;
    session::RunSpec spec;
    session::Report report;
    QString file; ///< where it was loaded from; empty for runs of this window
    QString note; ///< the user's
  };

  RunHistory(RunController& runs, DocumentModel& document, QObject* parent = nullptr);
  [[nodiscard]] const Entry& entry(int row) const { return m_entries[static_cast<std::size_t>(row)]; }

  /// "3", or the file's name.
  [[nodiscard]] QString label(int row) const;
  /// Adds the report in a file, as tandem run --json and the window write it.
  Result<void> open(const QString& path);
  /// -1: no run is pinned.
  void setBaseline(int row);
  [[nodiscard]] int baseline() const { return m_baseline; }

  [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;
  bool setData(const QModelIndex& index, const QVariant& value, int role) override;
  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 signals:
  void baselineChanged();

 private:
  void add(Entry entry);
  std::vector<Entry> m_entries;
  int m_baseline = -1;
};

} // namespace tandem::ui
