// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QWidget>

class QPushButton;
class QTextBrowser;
class QTreeView;

namespace tandem::ui {

class QuantileChart;

/// The summary table of a finished run with its notes, and the earlier runs of this window to choose from.
class ReportView : public QWidget {
  Q_OBJECT
 public:
  explicit ReportView(Workspace& workspace, QWidget* parent = nullptr);

  void chooseExport();
  /// JSON where the name ends so, else the text as shown, in Markdown.
  [[nodiscard]] Result<void> exportTo(const QString& path) const;

 signals:
  void failed(const tandem::Error& error);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void show(int row);
  Workspace& m_workspace;
  QTextBrowser* m_text;
  QuantileChart* m_latency;
  QPushButton* m_export;
  QTreeView* m_runs;
};

} // namespace tandem::ui
