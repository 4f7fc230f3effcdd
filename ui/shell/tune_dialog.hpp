// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QDialog>
#include <QStandardItemModel>

class QCheckBox;
class QComboBox;
class QLabel;
class QProgressBar;
class QPushButton;
class QSpinBox;
class QTreeView;

namespace tandem::ui {

/// Finds the fastest kernels for the open model where its layers are placed, or as a whole on one device, within a time
/// that the user sets; shows what every choice took before and takes now. Deletes itself; call open(). Closing it stops
/// the measurement, which then keeps nothing.
class TuneDialog : public QDialog {
  Q_OBJECT
 public:
  explicit TuneDialog(Workspace& workspace, QWidget* parent = nullptr);
  ~TuneDialog() override;
  [[nodiscard]] bool isBusy() const { return m_busy; }
  [[nodiscard]] QString text() const; ///< of the result, the progress or the error
  [[nodiscard]] int rowCount() const { return m_rows.rowCount(); }

 private:
  void fillTargets();
  void start();
  void take(const Result<session::Tuning>& tuning);
  void show(const session::Tuning& tuning);
  void setBusy(bool busy);

  Workspace& m_workspace;
  QStandardItemModel m_rows;
  QComboBox* m_target;
  QSpinBox* m_batch;
  QSpinBox* m_seconds;
  QCheckBox* m_again;
  QPushButton* m_start;
  QPushButton* m_stop;
  QProgressBar* m_progress;
  QLabel* m_text;
  QTreeView* m_table;
  bool m_busy = false;
};

} // namespace tandem::ui
