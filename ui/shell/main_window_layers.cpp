// SPDX-License-Identifier: GPL-3.0-or-later
// What can be done with the selected layers: actions of the Placement menu, and the menu of canvas and table.
#include "ui/core/icons.hpp"
#include "ui/panels/layers/layers_panel.hpp"
#include "ui/shell/main_window.hpp"

#include <QAction>
#include <QMenu>

namespace tandem::ui {

void MainWindow::makeLayerActions(QMenu* placement) {
  DocumentModel& document = m_workspace.document;
  SelectionModel& selection = m_workspace.selection;
  add(placement, QStringLiteral("select_upstream"), tr("Select from the &input to here"),
      [&] { selection.select(document.upstream(selection.nodes())); });
  add(placement, QStringLiteral("select_copies"), tr("Select all copies of this &block"),
      [&] { selection.select(document.blocks().copiesOf(selection.nodes())); }, {QKeySequence(tr("Ctrl+Shift+B"))});
  add(placement, QStringLiteral("select_counterparts"), tr("Select these &layers in all copies"),
      [&] { selection.select(document.blocks().counterpartsOf(selection.nodes())); });
  add(placement, QStringLiteral("follow_input"), tr("Go to where its inp&ut comes from"),
      [&] {
        if (const QList<int> nodes = document.producersOf(selection.nodes()); !nodes.isEmpty()) selection.reveal(nodes);
      },
      {QKeySequence(tr("Ctrl+Shift+Up"))});
  add(placement, QStringLiteral("follow_output"), tr("&Go to where its output goes"),
      [&] {
        if (const QList<int> nodes = document.consumersOf(selection.nodes()); !nodes.isEmpty()) selection.reveal(nodes);
      },
      {QKeySequence(tr("Ctrl+Shift+Down"))});
  placement->addSeparator();
  add(placement, QStringLiteral("copy_names"), tr("Cop&y names"), [this] { m_layers->copyNames(); });
  add(
      placement, QStringLiteral("copy_rows"), tr("Copy ro&ws as CSV"), [this] { m_layers->copyRows(); }, {},
      QStringLiteral("copy"));
  add(
      placement, QStringLiteral("paint_devices"), tr("Pai&nt a device (hold B)"),
      [this] { m_layers->togglePainting(); }, {}, QStringLiteral("brush"));
}

void MainWindow::makeLayerMenu() {
  m_layerMenu = new QMenu(this);
  m_layerMenu->setObjectName(QStringLiteral("layer_menu"));
  for (QMenu* menu : {m_assignMenu, m_scopeMenu, m_operatorMenu, m_copiesMenu}) m_layerMenu->addMenu(menu);
  const auto append = [this](std::initializer_list<const char*> names) {
    m_layerMenu->addSeparator();
    for (const char* name : names) m_layerMenu->addAction(action(QLatin1String(name)));
  };
  append({"select_operator", "select_scope", "select_copies", "select_counterparts", "select_upstream",
          "select_downstream"});
  append({"follow_input", "follow_output"});
  append({"copy_names", "copy_rows"});
}

void MainWindow::updateLayerActions() {
  const DocumentModel& document = m_workspace.document;
  const QList<int>& nodes = m_workspace.selection.nodes();
  const bool selected = document.isOpen() && !nodes.isEmpty();
  for (const char* name : {"select_upstream", "copy_names", "copy_rows"})
    action(QLatin1String(name))->setEnabled(selected);
  action(QStringLiteral("follow_input"))->setEnabled(selected && !document.producersOf(nodes).isEmpty());
  action(QStringLiteral("follow_output"))->setEnabled(selected && !document.consumersOf(nodes).isEmpty());
  action(QStringLiteral("paint_devices"))->setEnabled(document.isOpen());
  const bool repeats = selected && document.blocks().repeats(nodes);
  const BlockPlace place = repeats ? document.blocks().around(nodes) : BlockPlace();
  QAction* copies = action(QStringLiteral("select_copies"));
  copies->setEnabled(repeats);
  copies->setText(place.block < 0 ? tr("Select all copies of this &block")
                                  : tr("Select all %1 copies of this &block").arg(place.copies));
  action(QStringLiteral("select_counterparts"))->setEnabled(repeats);
  m_copiesMenu->setEnabled(repeats);
  for (QAction* each : m_copiesMenu->actions()) each->setEnabled(repeats);
}

} // namespace tandem::ui
