// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/parity_model.hpp"
#include "ui/models/workspace.hpp"

#include <QSortFilterProxyModel>
#include <QWidget>

class QComboBox;
class QProgressBar;
class QPushButton;
class QStackedWidget;
class QToolButton;
class QTreeView;

namespace tandem::ui {

class ElidedLabel;
class EmptyState;

/// Compares the numbers of two placements layer by layer: worst layers first, selection shared with the canvas.
class ParityPanel : public QWidget {
  Q_OBJECT
 public:
  explicit ParityPanel(Workspace& workspace, QWidget* parent = nullptr);

  void focusChoice(); ///< puts the keyboard on the first choice
  void compare();
  void stop();
  void copyCommand();
  void chooseExport(); ///< asks for the file
  Result<void> exportCsv(const QString& path) const;
  [[nodiscard]] bool isBusy() const { return m_busy; }
  [[nodiscard]] const ParityModel& model() const { return m_model; }
  [[nodiscard]] bool hasResult() const { return m_hasResult; }
  [[nodiscard]] QString summaryText() const;

 signals:
  void failed(const tandem::Error& error);
  void commandCopied(const QString& command);
  void stateChanged(); ///< busy or result

 private:
  QWidget* makeChoices();
  QWidget* makeTable();
  void fillSides();
  void fillInputs();
  void chooseFiles();
  void updateState();
  void take(const Result<session::Parity>& result);
  void selectRows(const QList<int>& nodes);
  [[nodiscard]] session::ParitySide sideOf(const QComboBox& choice) const;
  [[nodiscard]] session::ParitySpec spec() const;
  [[nodiscard]] bool canCompare() const;

  Workspace& m_workspace;
  QComboBox *m_a, *m_b, *m_input, *m_tolerance;
  QPushButton *m_compare, *m_stop;
  QToolButton *m_copy, *m_export;
  QProgressBar* m_progress;
  ElidedLabel* m_summary;
  QStackedWidget* m_pages;
  EmptyState* m_empty;
  QTreeView* m_table;
  ParityModel m_model;
  QSortFilterProxyModel m_proxy;
  QStringList m_files; ///< chosen here
  QString m_step;
  bool m_busy = false, m_hasResult = false, m_stale = false, m_selecting = false;
};

} // namespace tandem::ui
