// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/run_controller.hpp"

#include <QAbstractTableModel>

namespace tandem::ui {

/// The finished runs of this window, newest first.
class RunHistory : public QAbstractTableModel {
  Q_OBJECT
 public:
  enum Column { kRun, kModel, kDeployment, kThroughput, kP50, kP99, kFailed, kColumns };
  struct Entry {
    int number = 0;
    QString model;
    session::RunSpec spec;
    session::Report report;
  };

  RunHistory(RunController& runs, DocumentModel& document, QObject* parent = nullptr);
  [[nodiscard]] const Entry& entry(int row) const { return m_entries[static_cast<std::size_t>(row)]; }

  [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
  [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
  [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

 private:
  std::vector<Entry> m_entries;
};

} // namespace tandem::ui
