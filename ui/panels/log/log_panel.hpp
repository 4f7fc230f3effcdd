// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QWidget>

class QTreeView;

namespace tandem::ui {

/// What happened, with time and severity; the selected lines can be copied.
class LogPanel : public QWidget {
  Q_OBJECT
 public:
  explicit LogPanel(Workspace& workspace, QWidget* parent = nullptr);

 private:
  void copy() const;
  Workspace& m_workspace;
  QTreeView* m_view;
};

} // namespace tandem::ui
