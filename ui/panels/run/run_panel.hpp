// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QWidget>

class QListWidget;
class QProgressBar;
class QPushButton;
class QTabWidget;
class QToolButton;

namespace tandem::ui {

class DeploymentEditor;
class ElidedLabel;
class PredictView;
class ReportView;

/// Describes, starts and stops runs, shows their report, and predicts single pictures.
class RunPanel : public QWidget {
  Q_OBJECT
 public:
  explicit RunPanel(Workspace& workspace, QWidget* parent = nullptr);

  [[nodiscard]] DeploymentEditor* deployment() const { return m_deployment; }
  [[nodiscard]] PredictView* predictions() const { return m_predict; }
  void run();
  void stop();
  void runAgain();
  /// Puts the `tandem run` command of the current deployment on the clipboard. A placement that was never saved is
  /// written to the user's cache folder first, so that the command works as it is.
  void copyCommand();
  void showPredictions();
  void showDeployment();

 signals:
  void failed(const tandem::Error& error);
  void commandCopied(const QString& command);

 private:
  void updateState();
  void updateProgress();
  void addEvent(const QString& text);
  Workspace& m_workspace;
  QPushButton* m_run;
  QPushButton* m_stop;
  QToolButton* m_copy;
  QProgressBar* m_progress;
  ElidedLabel* m_phase;
  QListWidget* m_events;
  QTabWidget* m_tabs;
  DeploymentEditor* m_deployment;
  ReportView* m_report;
  PredictView* m_predict;
};

} // namespace tandem::ui
