// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/log/log_panel.hpp"

#include "ui/core/icons.hpp"

#include <QAction>
#include <QClipboard>
#include <QGuiApplication>
#include <QHeaderView>
#include <QScrollBar>
#include <QTreeView>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {

LogPanel::LogPanel(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  setObjectName(QStringLiteral("log_panel"));
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, 0, 0, 0);
  m_view = new QTreeView(this);
  m_view->setObjectName(QStringLiteral("log_view"));
  m_view->setAccessibleName(tr("Log"));
  m_view->setModel(&m_workspace.log);
  m_view->setRootIsDecorated(false);
  m_view->setUniformRowHeights(true);
  m_view->setAlternatingRowColors(true);
  m_view->setFrameShape(QFrame::NoFrame);
  m_view->setSelectionMode(QAbstractItemView::ExtendedSelection);
  m_view->setContextMenuPolicy(Qt::ActionsContextMenu);
  m_view->header()->setSectionResizeMode(LogModel::kTime, QHeaderView::ResizeToContents);
  m_view->header()->setSectionResizeMode(LogModel::kSeverity, QHeaderView::ResizeToContents);
  layout->addWidget(m_view);

  auto* copyAction = new QAction(icon(QStringLiteral("copy")), tr("Copy lines"), this);
  copyAction->setShortcut(QKeySequence::Copy);
  copyAction->setShortcutContext(Qt::WidgetWithChildrenShortcut);
  auto* clearAction = new QAction(icon(QStringLiteral("clear")), tr("Clear log"), this);
  m_view->addActions({copyAction, clearAction});
  connect(copyAction, &QAction::triggered, this, &LogPanel::copy);
  connect(clearAction, &QAction::triggered, &m_workspace.log, &LogModel::clear);
  connect(&m_workspace.log, &QAbstractItemModel::rowsInserted, this, [this] {
    const QScrollBar* bar = m_view->verticalScrollBar();
    if (bar->value() == bar->maximum()) m_view->scrollToBottom();
  });
}

void LogPanel::copy() const {
  QModelIndexList rows = m_view->selectionModel()->selectedRows();
  std::sort(rows.begin(), rows.end());
  QStringList lines;
  for (const QModelIndex& row : rows) lines << m_workspace.log.line(row.row());
  if (!lines.isEmpty()) QGuiApplication::clipboard()->setText(lines.join(QLatin1Char('\n')));
}

} // namespace tandem::ui
