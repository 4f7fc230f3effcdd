// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QWidget>

class QTextBrowser;
class QTreeView;

namespace tandem::ui {

/// The summary table of a finished run with its notes, and the earlier runs of this window to choose from.
class ReportView : public QWidget {
  Q_OBJECT
 public:
  explicit ReportView(Workspace& workspace, QWidget* parent = nullptr);

 protected:
  void changeEvent(QEvent* event) override;

 private:
  void show(int row);
  [[nodiscard]] QString html(const RunHistory::Entry& entry) const;
  Workspace& m_workspace;
  QTextBrowser* m_text;
  QTreeView* m_runs;
};

} // namespace tandem::ui
