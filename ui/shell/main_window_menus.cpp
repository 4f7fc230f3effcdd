// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/panels/charts/charts_panel.hpp"
#include "ui/panels/compare/compare_panel.hpp"
#include "ui/panels/devices/devices_panel.hpp"
#include "ui/panels/layers/layers_panel.hpp"
#include "ui/panels/parity/parity_panel.hpp"
#include "ui/panels/roofline/roofline_panel.hpp"
#include "ui/panels/run/predict_view.hpp"
#include "ui/panels/run/run_panel.hpp"
#include "ui/panels/timeline/timeline_panel.hpp"
#include "ui/shell/command_palette.hpp"
#include "ui/shell/help_dialogs.hpp"
#include "ui/shell/main_window.hpp"
#include "ui/shell/start_page.hpp"
#include "ui/widgets/common/common.hpp"
#include "ui/widgets/graph_canvas/graph_canvas.hpp"

#include <QActionGroup>
#include <QApplication>
#include <QDockWidget>
#include <QFileInfo>
#include <QMenuBar>

namespace tandem::ui {

QAction* MainWindow::add(QMenu* menu, const QString& name, const QString& text, const Slot& slot,
                         const QList<QKeySequence>& keys, const QString& iconName) {
  auto* made = new QAction(text, this);
  made->setObjectName(name);
  if (!iconName.isEmpty()) made->setIcon(icon(iconName));
  if (!keys.isEmpty()) made->setShortcuts(keys);
  connect(made, &QAction::triggered, this, [slot] { slot(); });
  menu->addAction(made);
  m_actions.insert(name, made);
  return made;
}

QAction* MainWindow::action(const QString& objectName) const { return m_actions.value(objectName); }

namespace {

void collect(const QMenu* menu, QList<QAction*>& actions) {
  for (QAction* each : menu->actions()) {
    if (each->menu() != nullptr)
      collect(each->menu(), actions);
    else if (!each->isSeparator() && !each->text().isEmpty())
      actions << each;
  }
}

} // namespace

QList<QAction*> MainWindow::allActions() const {
  QList<QAction*> actions;
  for (QAction* top : menuBar()->actions()) {
    if (top->menu() != nullptr) collect(top->menu(), actions);
  }
  return actions;
}

void MainWindow::makeMenus() {
  makeFileMenu();
  makeEditMenu();
  makeViewMenu();
  makePlacementMenu();
  makeRunMenu();
  makeHelpMenu();
  fillRecent();
  fillDeviceMenus();
}

void MainWindow::makeFileMenu() {
  QMenu* menu = menuBar()->addMenu(tr("&File"));
  add(
      menu, QStringLiteral("open_model"), tr("&Open model..."), [this] { chooseModel(); }, {QKeySequence::Open},
      QStringLiteral("open"));
  add(
      menu, QStringLiteral("open_sample"), tr("Open &sample..."),
      [this] {
        whenSaved([this] {
          m_workspace.document.close();
          m_start->showSamples();
        });
      },
      {}, QStringLiteral("sample"));
  m_recentMenu = menu->addMenu(tr("&Recent"));
  add(menu, QStringLiteral("close_model"), tr("&Close model"), [this] { closeModel(); }, {QKeySequence::Close});
  menu->addSeparator();
  add(menu, QStringLiteral("open_placement"), tr("Open &placement..."), [this] { choosePlacement(); },
      {QKeySequence(tr("Ctrl+Shift+O"))});
  add(
      menu, QStringLiteral("save_placement"), tr("&Save placement"), [this] { savePlacement(); }, {QKeySequence::Save},
      QStringLiteral("save"));
  add(menu, QStringLiteral("save_placement_as"), tr("Save placement &as..."), [this] { savePlacementAs(); },
      {QKeySequence(tr("Ctrl+Shift+S"))});
  QMenu* exports = menu->addMenu(icon(QStringLiteral("export")), tr("&Export"));
  add(exports, QStringLiteral("export_placement"), tr("Placement as &JSON..."), [this] { exportPlacementJson(); });
  add(exports, QStringLiteral("export_onnxruntime"), tr("For &ONNX Runtime..."), [this] { chooseExportFolder(); },
      {QKeySequence(tr("Ctrl+Shift+X"))});
  add(exports, QStringLiteral("export_graph_picture"), tr("&Picture of the graph (PNG or SVG)..."),
      [this] { m_layers->exportPicture(); }, {QKeySequence(tr("Ctrl+Shift+E"))});
  menu->addSeparator();
  add(menu, QStringLiteral("quit"), tr("&Quit"), [this] { close(); }, {QKeySequence(tr("Ctrl+Q"))});
}

void MainWindow::makeEditMenu() {
  QMenu* menu = menuBar()->addMenu(tr("&Edit"));
  QUndoStack* stack = m_workspace.document.undoStack();
  QAction* undo = stack->createUndoAction(this, tr("&Undo"));
  undo->setObjectName(QStringLiteral("undo"));
  undo->setShortcuts(QKeySequence::Undo);
  undo->setIcon(icon(QStringLiteral("undo")));
  QAction* redo = stack->createRedoAction(this, tr("&Redo"));
  redo->setObjectName(QStringLiteral("redo"));
  redo->setShortcuts({QKeySequence(tr("Ctrl+Shift+Z")), QKeySequence(tr("Ctrl+Y"))});
  redo->setIcon(icon(QStringLiteral("redo")));
  menu->addActions({undo, redo});
  m_actions.insert(undo->objectName(), undo);
  m_actions.insert(redo->objectName(), redo);
  menu->addSeparator();
  add(
      menu, QStringLiteral("find"), tr("&Find layers"), [this] { m_layers->focusSearch(); }, {QKeySequence::Find},
      QStringLiteral("search"));
  add(menu, QStringLiteral("find_next"), tr("Find &next"), [this] { m_layers->step(1); }, {QKeySequence(tr("F3"))});
  add(menu, QStringLiteral("find_previous"), tr("Find pre&vious"), [this] { m_layers->step(-1); },
      {QKeySequence(tr("Shift+F3"))});
  add(menu, QStringLiteral("select_hits"), tr("Select all &hits"), [this] { m_layers->selectHits(); },
      {QKeySequence(tr("Ctrl+Return")), QKeySequence(tr("Ctrl+Enter"))});
  add(menu, QStringLiteral("select_all"), tr("Select &all layers"),
      [this] {
        QList<int> nodes;
        for (int node = 0; node < m_workspace.document.nodeCount(); ++node) nodes << node;
        m_workspace.selection.select(nodes);
      },
      {QKeySequence(tr("Ctrl+Shift+A"))});
  add(menu, QStringLiteral("select_none"), tr("Select &nothing"), [this] { m_workspace.selection.select({}); },
      {QKeySequence(tr("Ctrl+Shift+D"))});
  add(
      menu, QStringLiteral("go_back"), tr("Selection &before"), [this] { m_workspace.selection.goBack(); },
      {QKeySequence(tr("Alt+Left"))}, QStringLiteral("back"));
  add(
      menu, QStringLiteral("go_forward"), tr("Ne&xt selection"), [this] { m_workspace.selection.goForward(); },
      {QKeySequence(tr("Alt+Right"))}, QStringLiteral("forward"));
  menu->addSeparator();
  add(
      menu, QStringLiteral("command_palette"), tr("&Commands..."), [this] { showPalette(); },
      {QKeySequence(tr("Ctrl+Shift+P")), QKeySequence(tr("Ctrl+K"))}, QStringLiteral("palette"));
}

void MainWindow::makeViewMenu() {
  m_viewMenu = menuBar()->addMenu(tr("&View"));
  QMenu* menu = m_viewMenu;
  add(menu, QStringLiteral("show_graph"), tr("&Graph"), [this] { m_layers->showGraph(); },
      {QKeySequence(tr("Ctrl+Shift+1"))});
  add(menu, QStringLiteral("show_table"), tr("Layers &table"), [this] { m_layers->showTable(); },
      {QKeySequence(tr("Ctrl+Shift+2"))});
  add(menu, QStringLiteral("zoom_in"), tr("Zoom &in"), [this] { m_layers->canvas()->zoomBy(1.25); },
      {QKeySequence::ZoomIn, QKeySequence(tr("Ctrl+="))});
  add(menu, QStringLiteral("zoom_out"), tr("Zoom &out"), [this] { m_layers->canvas()->zoomBy(0.8); },
      {QKeySequence::ZoomOut});
  add(
      menu, QStringLiteral("zoom_fit"), tr("&Fit into window"), [this] { m_layers->canvas()->fitToWindow(); },
      {QKeySequence(tr("Ctrl+0"))}, QStringLiteral("fit"));
  add(
      menu, QStringLiteral("expand_groups"), tr("&Expand all groups"), [this] { m_layers->canvas()->expandAll(); }, {},
      QStringLiteral("expand"));
  add(
      menu, QStringLiteral("collapse_groups"), tr("&Collapse all groups"),
      [this] { m_layers->canvas()->collapseAll(); }, {}, QStringLiteral("collapse"));
  menu->addSeparator();
  QMenu* panels = menu->addMenu(tr("&Panels"));
  for (const QString& name : m_dockOrder) panels->addAction(m_docks[name]->toggleViewAction());
  // Closing is not showing: a panel behind a tab is "visible" to its toggle.
  int number = 0;
  for (const QString& name : m_dockOrder) {
    QDockWidget* dock = m_docks[name];
    add(
        menu, QStringLiteral("show_") + name, tr("Show %1").arg(dock->windowTitle()),
        [dock] {
          dock->show();
          dock->raise();
        },
        number < 9 ? QList{QKeySequence(Qt::ALT | static_cast<Qt::Key>(Qt::Key_1 + number))} : QList<QKeySequence>());
    ++number;
  }
  add(menu, QStringLiteral("next_pane"), tr("&Next pane"),
      [this] {
        // F6 goes round: the layers, then the panels that can be seen.
        QList<QWidget*> panes{centralWidget()};
        for (const QString& name : m_dockOrder) panes << m_docks[name];
        qsizetype current = -1;
        for (qsizetype i = 0; i < panes.size(); ++i) {
          if (panes[i]->isAncestorOf(QApplication::focusWidget())) current = i;
        }
        for (qsizetype step = 1; step <= panes.size(); ++step) {
          QWidget* pane = panes[(current + step) % panes.size()];
          if (pane->visibleRegion().isEmpty()) continue;
          for (QWidget* child : pane->findChildren<QWidget*>()) {
            if ((child->focusPolicy() & Qt::TabFocus) && child->isVisibleTo(this) && child->isEnabled()) {
              child->setFocus(Qt::TabFocusReason);
              return;
            }
          }
        }
      },
      {QKeySequence(tr("F6"))});
  add(menu, QStringLiteral("pause_display"), tr("Pause c&harts"),
      [this] { m_charts->setPaused(!m_charts->isPaused()); });
  menu->addSeparator();
  makePerspectives(menu);
  add(menu, QStringLiteral("reset_layout"), tr("&Reset layout"), [this] { resetLayout(); });
  menu->addSeparator();
  QMenu* themes = menu->addMenu(tr("&Theme"));
  m_themes = new QActionGroup(this);
  const auto theme = [&](const QString& name, const QString& text, ThemeChoice choice) {
    QAction* made = add(themes, name, text, [this, choice] { m_workspace.settings.setTheme(choice); });
    made->setCheckable(true);
    made->setChecked(m_workspace.settings.theme() == choice);
    m_themes->addAction(made);
  };
  theme(QStringLiteral("theme_system"), tr("As the &system"), ThemeChoice::System);
  theme(QStringLiteral("theme_light"), tr("&Light"), ThemeChoice::Light);
  theme(QStringLiteral("theme_dark"), tr("&Dark"), ThemeChoice::Dark);
  add(menu, QStringLiteral("full_screen"), tr("F&ull screen"),
      [this] { setWindowState(windowState() ^ Qt::WindowFullScreen); }, {QKeySequence(tr("F11"))});
}

void MainWindow::makePlacementMenu() {
  m_placementMenu = menuBar()->addMenu(tr("&Placement"));
  QMenu* menu = m_placementMenu;
  m_assignMenu = menu->addMenu(tr("Put &selection on"));
  m_scopeMenu = menu->addMenu(tr("Put its s&cope on"));
  m_operatorMenu = menu->addMenu(tr("Put all of its &operator on"));
  m_copiesMenu = menu->addMenu(tr("Put all co&pies of its block on"));
  menu->addSeparator();
  add(menu, QStringLiteral("select_operator"), tr("Select all of this o&perator"),
      [this] { m_workspace.selection.select(m_workspace.document.sameOperator(m_workspace.selection.nodes())); });
  add(menu, QStringLiteral("select_scope"), tr("Select the whole sco&pe"),
      [this] { m_workspace.selection.select(m_workspace.document.sameScope(m_workspace.selection.nodes())); });
  add(menu, QStringLiteral("select_downstream"), tr("Select from here to the out&put"),
      [this] { m_workspace.selection.select(m_workspace.document.downstream(m_workspace.selection.nodes())); });
  makeLayerActions(menu);
  menu->addSeparator();
  add(menu, QStringLiteral("all_on_cpu"), tr("All layers on the &CPU"),
      [this] { m_workspace.document.assignAll(m_workspace.devices.cpu()); });
  m_allOnMenu = menu->addMenu(tr("All layers &on"));
  add(menu, QStringLiteral("alternate_layers"), tr("A&lternate layers (to see transfers)"), [this] {
    QStringList devices = {m_workspace.devices.cpu()};
    const QString accelerator = m_workspace.devices.accelerator();
    if (!accelerator.isEmpty())
      devices << accelerator;
    else
      devices = m_workspace.devices.visibleIds().mid(0, 2);
    m_workspace.document.alternate(devices);
  });
  add(menu, QStringLiteral("add_rule"), tr("Add &rule..."), [this] { addRule(); });
  add(menu, QStringLiteral("reset_placement"), tr("R&eset placement"), [this] { m_workspace.document.resetAll(); });
  makeLayerMenu();
}

void MainWindow::makeRunMenu() {
  QMenu* menu = menuBar()->addMenu(tr("&Run"));
  add(
      menu, QStringLiteral("run"), tr("&Run"), [this] { m_run->run(); }, {QKeySequence(tr("F5"))},
      QStringLiteral("run"));
  add(
      menu, QStringLiteral("stop"), tr("&Stop"), [this] { m_run->stop(); }, {QKeySequence(tr("Shift+F5"))},
      QStringLiteral("stop"));
  add(
      menu, QStringLiteral("run_again"), tr("Run a&gain"), [this] { m_run->runAgain(); }, {QKeySequence(tr("Ctrl+R"))},
      QStringLiteral("again"));
  menu->addSeparator();
  add(menu, QStringLiteral("show_deployment"), tr("Edit &deployment"), [this] {
    m_docks[QStringLiteral("dock_run")]->show();
    m_docks[QStringLiteral("dock_run")]->raise();
    m_run->showDeployment();
  });
  add(menu, QStringLiteral("input_sizes"), tr("Input si&zes..."), [this] { showSizes(); },
      {QKeySequence(tr("Ctrl+Shift+I"))});
  add(
      menu, QStringLiteral("predict_pictures"), tr("&Predict inputs..."),
      [this] {
        m_docks[QStringLiteral("dock_run")]->show();
        m_docks[QStringLiteral("dock_run")]->raise();
        m_run->showPredictions();
        m_run->predictions()->choosePictures();
      },
      {QKeySequence(tr("Ctrl+P"))}, QStringLiteral("picture"));
  add(
      menu, QStringLiteral("copy_command"), tr("&Copy as command"), [this] { m_run->copyCommand(); },
      {QKeySequence(tr("Ctrl+Shift+C"))}, QStringLiteral("copy"));
  menu->addSeparator();
  add(
      menu, QStringLiteral("measure_layers"), tr("Measure each &layer where it runs"),
      [this] {
        showRoofline();
        m_roofline->measure();
      },
      {QKeySequence(tr("F8"))}, QStringLiteral("chart"));
  add(menu, QStringLiteral("stop_measuring"), tr("Stop measuring la&yers"), [this] { m_roofline->stop(); },
      {QKeySequence(tr("Shift+F8"))});
  add(menu, QStringLiteral("export_roofline"), tr("Export the roo&fline..."), [this] { m_roofline->chooseExport(); });
  add(
      menu, QStringLiteral("compare_runs"), tr("Co&mpare runs"), [this] { showCompare(); }, {QKeySequence(tr("F4"))},
      QStringLiteral("chart"));
  add(menu, QStringLiteral("open_reports"), tr("Open reports to com&pare..."), [this] {
    showCompare();
    m_compare->chooseReports();
  });
  add(
      menu, QStringLiteral("compare_numerics"), tr("Compare &numerics"),
      [this] {
        showParity();
        m_parity->compare();
      },
      {QKeySequence(tr("F7"))}, QStringLiteral("layers"));
  add(menu, QStringLiteral("stop_comparing"), tr("Stop c&omparing"), [this] { m_parity->stop(); },
      {QKeySequence(tr("Shift+F7"))});
  add(menu, QStringLiteral("export_parity"), tr("E&xport the comparison..."), [this] { m_parity->chooseExport(); });
  add(
      menu, QStringLiteral("timeline"), tr("&Timeline"), [this] { showTimeline(); }, {QKeySequence(tr("F10"))},
      QStringLiteral("timeline"));
  add(menu, QStringLiteral("open_trace"), tr("Ope&n trace..."),
      [this] {
        showTimeline();
        m_timeline->chooseTrace();
      },
      {QKeySequence(tr("Ctrl+Shift+T"))});
  add(menu, QStringLiteral("export_trace"), tr("Export trace..."), [this] { m_timeline->chooseExport(); });
  add(
      menu, QStringLiteral("tune_kernels"), tr("Find the fastest &kernels..."), [this] { showTuning(); },
      {QKeySequence(tr("F9"))}, QStringLiteral("probe"));
  add(
      menu, QStringLiteral("measure_devices"), tr("&Measure devices"), [this] { m_workspace.devices.probe(); }, {},
      QStringLiteral("probe"));
  add(menu, QStringLiteral("restart_engine"), tr("Restart the &engine"), [this] { m_workspace.engine.start(); });
}

void MainWindow::makeHelpMenu() {
  QMenu* menu = menuBar()->addMenu(tr("&Help"));
  add(
      menu, QStringLiteral("guide"), tr("&Guide"), [this] { showGuide(); }, {QKeySequence::HelpContents},
      QStringLiteral("learn"));
  add(menu, QStringLiteral("shortcuts"), tr("&Keyboard shortcuts"), [this] { showShortcuts(); },
      {QKeySequence(tr("?"))});
  add(menu, QStringLiteral("about"), tr("&About Tandem"), [this] { showAbout(); });
}

void MainWindow::fillRecent() {
  m_recentMenu->clear();
  const QStringList files = m_workspace.settings.recentFiles();
  for (int i = 0; i < files.size(); ++i) {
    auto* open = m_recentMenu->addAction(QStringLiteral("&%1 %2").arg(i + 1).arg(sourceTitle(files[i])));
    open->setShortcut(QKeySequence(QStringLiteral("Ctrl+Alt+%1").arg(i + 1)));
    open->setToolTip(files[i]);
    open->setEnabled(isSample(files[i]) || QFileInfo::exists(files[i]));
    connect(open, &QAction::triggered, this, [this, file = files[i]] { openModel(file); });
  }
  m_recentMenu->addSeparator();
  QAction* clear = m_recentMenu->addAction(tr("Clear list"), &m_workspace.settings, &Settings::clearRecentFiles);
  clear->setEnabled(!files.isEmpty());
}

void MainWindow::fillDeviceMenus() {
  const QStringList ids = m_workspace.devices.visibleIds();
  const auto fill = [&](QMenu* menu, const QString& name, auto assign, bool withDefault) {
    menu->clear();
    for (int i = 0; i < ids.size(); ++i) {
      const bool keyed = withDefault && menu == m_assignMenu && i < 9;
      const QString text = keyed ? tr("%1 (key %2)").arg(ids[i]).arg(i + 1) : ids[i];
      auto* made = menu->addAction(deviceIcon(i, ids[i], palette()), text);
      made->setObjectName(name + QLatin1Char('_') + ids[i]);
      connect(made, &QAction::triggered, this, [assign, id = ids[i]] { assign(id); });
    }
    if (withDefault) {
      auto* made = menu->addAction(menu == m_assignMenu ? tr("Default (key 0)") : tr("Default"));
      made->setObjectName(name + QStringLiteral("_default"));
      connect(made, &QAction::triggered, this, [assign] { assign(QString()); });
    }
  };
  DocumentModel& document = m_workspace.document;
  SelectionModel& selection = m_workspace.selection;
  fill(
      m_assignMenu, QStringLiteral("assign"), [&](const QString& id) { document.assign(selection.nodes(), id); }, true);
  fill(
      m_scopeMenu, QStringLiteral("assign_scope"),
      [&](const QString& id) { document.assign(document.sameScope(selection.nodes()), id); }, true);
  fill(
      m_operatorMenu, QStringLiteral("assign_operator"),
      [&](const QString& id) { document.assign(document.sameOperator(selection.nodes()), id); }, true);
  fill(
      m_copiesMenu, QStringLiteral("assign_copies"),
      [&](const QString& id) { document.assign(document.blocks().copiesOf(selection.nodes()), id); }, true);
  fill(
      m_allOnMenu, QStringLiteral("all_on"), [&](const QString& id) { document.assignAll(id); }, false);
  updateActions();
}

void MainWindow::updateActions() {
  const DocumentModel& document = m_workspace.document;
  const bool open = document.isOpen(), selected = !m_workspace.selection.nodes().isEmpty();
  const bool active = m_workspace.runs.isActive();
  const auto enable = [this](std::initializer_list<const char*> names, bool enabled) {
    for (const char* name : names) {
      if (QAction* found = action(QLatin1String(name))) found->setEnabled(enabled);
    }
  };
  enable({"close_model",
          "open_placement",
          "save_placement",
          "save_placement_as",
          "export_placement",
          "export_graph_picture",
          "find",
          "find_next",
          "find_previous",
          "select_hits",
          "select_all",
          "show_graph",
          "show_table",
          "zoom_in",
          "zoom_out",
          "zoom_fit",
          "expand_groups",
          "collapse_groups",
          "all_on_cpu",
          "alternate_layers",
          "add_rule",
          "reset_placement"},
         open);
  enable({"export_onnxruntime", "copy_command", "show_deployment"}, document.canRun());
  enable({"select_none", "select_operator", "select_scope", "select_downstream"}, selected);
  enable({"input_sizes"}, open && !active && !document.document().freeDims.empty());
  enable({"run", "run_again", "predict_pictures"}, document.canRun() && !active);
  enable({"tune_kernels"}, document.canRun() && !active);
  enable({"measure_layers"}, document.canRun() && !active && !document.isMeasuring());
  enable({"stop"}, active && m_workspace.runs.state() != RunController::State::Stopping);
  enable({"measure_devices", "restart_engine"}, !active);
  enable({"compare_numerics"}, document.canRun() && !active && !m_parity->isBusy());
  enable({"stop_comparing"}, m_parity->isBusy());
  enable({"export_parity"}, m_parity->hasResult());
  enable({"stop_measuring"}, document.isMeasuring());
  enable({"export_roofline"}, m_roofline->hasResult());
  enable({"export_trace"}, m_timeline->hasTrace() && !m_timeline->isLoading());
  enable({"go_back"}, m_workspace.selection.canGoBack());
  enable({"go_forward"}, m_workspace.selection.canGoForward());
  for (QMenu* menu : {m_assignMenu, m_scopeMenu, m_operatorMenu}) {
    menu->setEnabled(selected);
    for (QAction* each : menu->actions()) each->setEnabled(selected);
  }
  updateLayerActions();
  m_allOnMenu->setEnabled(open);
  for (QAction* each : m_allOnMenu->actions()) each->setEnabled(open);
}

void MainWindow::showParity() {
  QDockWidget* dock = m_docks[QStringLiteral("dock_parity")];
  dock->show();
  dock->raise();
  m_parity->focusChoice();
}

void MainWindow::showRoofline() {
  QDockWidget* dock = m_docks[QStringLiteral("dock_roofline")];
  dock->show();
  dock->raise();
  m_roofline->focusFirst();
}

void MainWindow::showCompare() {
  QDockWidget* dock = m_docks[QStringLiteral("dock_compare")];
  dock->show();
  dock->raise();
  m_compare->setFocus();
}

void MainWindow::showTimeline() {
  QDockWidget* dock = m_docks[QStringLiteral("dock_timeline")];
  dock->show();
  dock->raise();
  m_timeline->focusFirst();
}

void MainWindow::showPalette() { (new CommandPalette(allActions(), this))->open(); }
void MainWindow::showShortcuts() { makeShortcutsDialog(allActions(), this)->open(); }
void MainWindow::showGuide() { makeGuideDialog(this)->open(); }
void MainWindow::showAbout() { makeAboutDialog(this)->open(); }

} // namespace tandem::ui
