// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/comparison_model.hpp"
#include "ui/models/workspace.hpp"

#include <QWidget>

class QLabel;
class QPushButton;
class QStackedWidget;
class QTextBrowser;
class QTreeView;

namespace tandem::ui {

class EmptyState;
class QuantileChart;

/// Two runs against each other: the chosen one (B) and the pinned baseline, or else the run before it (A). Figures with
/// confidence, the settings that differ, and both latency distributions in one picture.
class ComparePanel : public QWidget {
  Q_OBJECT
 public:
  explicit ComparePanel(Workspace& workspace, QWidget* parent = nullptr);

  void chooseReports(); ///< asks for files
  Result<void> openReport(const QString& path);
  /// Pins the chosen run, or unpins it where it is the baseline already.
  void pinChosen();
  void copyTable(); ///< as comma separated values
  [[nodiscard]] const ComparisonModel& model() const { return m_model; }
  [[nodiscard]] QString summaryText() const;

 signals:
  void failed(const tandem::Error& error);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  QWidget* makeRuns();
  QWidget* makeResult();
  void compare();
  [[nodiscard]] int chosen() const;
  /// The row that the chosen one is held against; -1 where there is none.
  [[nodiscard]] int reference() const;
  [[nodiscard]] QString detailHtml(const QString& a, const QString& b) const;

  Workspace& m_workspace;
  QStackedWidget* m_pages;
  EmptyState* m_empty;
  QTreeView *m_runs, *m_table;
  QPushButton *m_open, *m_pin, *m_copy;
  QLabel* m_summary;
  QTextBrowser* m_detail;
  QuantileChart* m_chart;
  ComparisonModel m_model;
};

} // namespace tandem::ui
