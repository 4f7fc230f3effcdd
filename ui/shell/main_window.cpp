// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/shell/main_window.hpp"

#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/theme.hpp"
#include "ui/panels/charts/charts_panel.hpp"
#include "ui/panels/compare/compare_panel.hpp"
#include "ui/panels/devices/devices_panel.hpp"
#include "ui/panels/inspector/inspector_panel.hpp"
#include "ui/panels/layers/layers_panel.hpp"
#include "ui/panels/log/log_panel.hpp"
#include "ui/panels/parity/parity_panel.hpp"
#include "ui/panels/roofline/roofline_panel.hpp"
#include "ui/panels/run/predict_view.hpp"
#include "ui/panels/run/run_panel.hpp"
#include "ui/panels/timeline/timeline_panel.hpp"
#include "ui/shell/start_page.hpp"
#include "ui/widgets/common/common.hpp"
#include "ui/widgets/graph_canvas/graph_canvas.hpp"

#include <QApplication>
#include <QCloseEvent>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QLabel>
#include <QMenuBar>
#include <QMimeData>
#include <QStackedWidget>
#include <QStatusBar>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {
namespace {

QStringList localFiles(const QMimeData* data) {
  QStringList files;
  for (const QUrl& url : data->urls()) {
    if (url.isLocalFile()) files << url.toLocalFile();
  }
  return files;
}

} // namespace

MainWindow::MainWindow(Workspace& workspace, QWidget* parent) : QMainWindow(parent), m_workspace(workspace) {
  setObjectName(QStringLiteral("main_window"));
  setAcceptDrops(true);
  setDockNestingEnabled(true);
  setDockOptions(dockOptions() | QMainWindow::AllowTabbedDocks);
  auto* central = new QWidget(this);
  auto* layout = new QVBoxLayout(central);
  layout->setContentsMargins(0, 0, 0, 0);
  layout->setSpacing(0);
  m_messages = new MessageBar(central);
  m_messages->setObjectName(QStringLiteral("message_bar"));
  m_pages = new QStackedWidget(central);
  m_start = new StartPage(m_workspace);
  m_layers = new LayersPanel(m_workspace);
  m_pages->addWidget(m_start);
  m_pages->addWidget(m_layers);
  layout->addWidget(m_messages);
  layout->addWidget(m_pages, 1);
  setCentralWidget(central);
  makeDocks();
  makeStatusBar();
  makeMenus();
  connectModel();
  const QSize wanted(fontMetrics().averageCharWidth() * 200, fontMetrics().height() * 54);
  resize(wanted.boundedTo(screen() != nullptr ? screen()->availableSize() : wanted));
  if (const QByteArray geometry = m_workspace.settings.windowGeometry(); !geometry.isEmpty()) restoreGeometry(geometry);
  restorePerspective();
  applyTheme(m_workspace.settings.theme());
  updateTitle();
  updateActions();
  updateSummary();
  offerRecovery();
}

MainWindow::~MainWindow() = default;

QDockWidget* MainWindow::addDock(Qt::DockWidgetArea area, const QString& name, const QString& title, QWidget* panel) {
  auto* dock = new QDockWidget(title, this);
  dock->setObjectName(name);
  dock->setWidget(panel);
  addDockWidget(area, dock);
  m_docks.insert(name, dock);
  m_dockAreas.insert(name, area);
  m_dockOrder << name;
  return dock;
}

void MainWindow::makeDocks() {
  setCorner(Qt::BottomLeftCorner, Qt::BottomDockWidgetArea);
  setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
  m_devices = new DevicesPanel(m_workspace);
  m_inspector = new InspectorPanel(m_workspace);
  m_run = new RunPanel(m_workspace);
  m_charts = new ChartsPanel(m_workspace);
  m_log = new LogPanel(m_workspace);
  m_parity = new ParityPanel(m_workspace);
  m_roofline = new RooflinePanel(m_workspace);
  m_compare = new ComparePanel(m_workspace);
  m_timeline = new TimelinePanel(m_workspace);
  addDock(Qt::LeftDockWidgetArea, QStringLiteral("dock_devices"), tr("Devices"), m_devices);
  addDock(Qt::RightDockWidgetArea, QStringLiteral("dock_inspector"), tr("Inspector"), m_inspector);
  addDock(Qt::RightDockWidgetArea, QStringLiteral("dock_run"), tr("Run"), m_run);
  addDock(Qt::BottomDockWidgetArea, QStringLiteral("dock_charts"), tr("Charts"), m_charts);
  addDock(Qt::BottomDockWidgetArea, QStringLiteral("dock_log"), tr("Log"), m_log);
  addDock(Qt::BottomDockWidgetArea, QStringLiteral("dock_parity"), tr("Compare numerics"), m_parity);
  addDock(Qt::BottomDockWidgetArea, QStringLiteral("dock_roofline"), tr("Roofline"), m_roofline);
  addDock(Qt::BottomDockWidgetArea, QStringLiteral("dock_compare"), tr("Compare runs"), m_compare);
  addDock(Qt::BottomDockWidgetArea, QStringLiteral("dock_timeline"), tr("Timeline"), m_timeline);
  setTabPosition(Qt::AllDockWidgetAreas, QTabWidget::North);
}

void MainWindow::makeStatusBar() {
  m_summary = new ElidedLabel({}, this);
  m_summary->setObjectName(QStringLiteral("summary"));
  m_summary->setElideMode(Qt::ElideRight);
  m_summary->setAccessibleName(tr("Placement summary"));
  m_engineState = new QLabel(tr("Engine starting"), this);
  m_engineState->setObjectName(QStringLiteral("engine_state"));
  statusBar()->addWidget(m_summary, 1);
  statusBar()->addPermanentWidget(m_engineState);
}

void MainWindow::connectModel() {
  DocumentModel& document = m_workspace.document;
  EngineBridge& engine = m_workspace.engine;
  RunController& runs = m_workspace.runs;
  connect(m_start, &StartPage::openRequested, this, &MainWindow::chooseModel);
  connect(m_start, &StartPage::sampleRequested, this, [this](const QString& source) { openModel(source); });
  connect(m_layers, &LayersPanel::contextMenuRequested, this,
          [this](QPoint position) { m_layerMenu->popup(position); });
  connect(m_layers, &LayersPanel::failed, this, &MainWindow::showError);
  connect(m_layers, &LayersPanel::pictureSaved, this, [this](const QString& path, const QString& note) {
    m_messages->showMessage(MessageKind::Success, tr("Saved %1").arg(path), note);
  });
  connect(m_layers, &LayersPanel::rowsCopied, this,
          [this](int count) { statusBar()->showMessage(tr("%n layer(s) copied", nullptr, count), 4000); });
  connect(m_run, &RunPanel::failed, this, &MainWindow::showError);
  connect(m_run->predictions(), &PredictView::recovered, this, [this](const QString& headline) {
    if (m_messages->kind() == MessageKind::Error && m_messages->text() == headline) m_messages->hide();
  });
  const auto copied = [this](const QString& command) {
    m_workspace.log.add(Severity::Info, tr("Copied: %1").arg(command));
    statusBar()->showMessage(tr("Command copied"), 4000);
  };
  connect(m_run, &RunPanel::commandCopied, this, copied);
  connect(m_parity, &ParityPanel::commandCopied, this, copied);
  connect(m_parity, &ParityPanel::failed, this, &MainWindow::showError);
  connect(m_parity, &ParityPanel::stateChanged, this, &MainWindow::updateActions);
  connect(m_compare, &ComparePanel::failed, this, &MainWindow::showError);
  connect(m_roofline, &RooflinePanel::failed, this, &MainWindow::showError);
  connect(m_timeline, &TimelinePanel::failed, this, &MainWindow::showError);
  connect(m_timeline, &TimelinePanel::stateChanged, this, &MainWindow::updateActions);
  connect(m_timeline, &TimelinePanel::exported, this,
          [this](const QString& path) { statusBar()->showMessage(tr("Written: %1").arg(path), 4000); });
  connect(m_timeline, &TimelinePanel::recordRequested, this, [this] {
    m_workspace.settings.setRecordTimeline(true);
    m_run->run();
  });

  connect(&document, &DocumentModel::opening, this,
          [this](const QString& source) { statusBar()->showMessage(tr("Opening %1...").arg(sourceTitle(source))); });
  connect(&document, &DocumentModel::opened, this, [this] {
    statusBar()->clearMessage();
    m_messages->hide();
    m_pages->setCurrentWidget(m_layers);
    m_layers->showGraph();
    const auto& unknown = m_workspace.document.document().unsupportedOperators;
    if (!unknown.empty()) {
      QStringList names;
      for (const auto& name : unknown) names << toQString(name);
      m_messages->showMessage(MessageKind::Warning, tr("This model can be viewed, but not run"),
                              tr("Unknown operators: %1").arg(names.join(QStringLiteral(", "))));
    }
  });
  connect(&document, &DocumentModel::closed, this, [this] {
    m_pages->setCurrentWidget(m_start);
    m_start->showChoices();
  });
  connect(&document, &DocumentModel::openFailed, this, [this](const Error& error) {
    statusBar()->clearMessage();
    showError(error);
  });
  for (auto signal : {&DocumentModel::effectiveFailed, &DocumentModel::profileFailed})
    connect(&document, signal, this, &MainWindow::showError);
  connect(&document, &DocumentModel::notice, this, [this](const QString& text, const QString& detail) {
    m_messages->showMessage(MessageKind::Warning, text, detail);
  });
  connect(&document, &DocumentModel::effectiveChanged, this, [this] {
    const auto& warnings = m_workspace.document.view().warnings;
    if (warnings.empty() || m_messages->isVisible()) return;
    m_messages->showMessage(MessageKind::Warning, toQString(warnings.front()),
                            warnings.size() > 1
                                ? tr("%n more warning(s) in the log", nullptr, static_cast<int>(warnings.size()) - 1)
                                : QString());
  });
  for (auto signal : {&DocumentModel::opened, &DocumentModel::closed, &DocumentModel::placementChanged,
                      &DocumentModel::effectiveChanged, &DocumentModel::idleChanged})
    connect(&document, signal, this, &MainWindow::updateSummary);
  for (auto signal : {&DocumentModel::opened, &DocumentModel::closed, &DocumentModel::modifiedChanged,
                      &DocumentModel::sizesChanged, &DocumentModel::measuringChanged}) {
    connect(&document, signal, this, &MainWindow::updateTitle);
    connect(&document, signal, this, &MainWindow::updateActions);
  }
  connect(&m_workspace.selection, &SelectionModel::selectionChanged, this, &MainWindow::updateActions);
  connect(&m_workspace.selection, &SelectionModel::historyChanged, this, &MainWindow::updateActions);
  connect(&runs, &RunController::stateChanged, this, &MainWindow::updateActions);
  connect(&runs, &RunController::started, this, [this] {
    m_messages->hide();
    // A perspective without charts still shows how far the run is.
    QDockWidget* charts = m_docks[QStringLiteral("dock_charts")];
    (charts->isHidden() ? m_docks[QStringLiteral("dock_run")] : charts)->raise();
  });
  connect(&runs, &RunController::failed, this, [this](const Error& error) {
    // A lost worker has its own message.
    if (error.code != ErrorCode::WorkerLost && error.code != ErrorCode::Cancelled) showError(error);
  });
  connect(&m_workspace.devices, &DeviceListModel::changed, this, &MainWindow::fillDeviceMenus);
  connect(&m_workspace.devices, &DeviceListModel::failed, this, &MainWindow::showError);
  connect(&engine, &EngineBridge::workerLost, this, &MainWindow::showWorkerLost);
  connect(&engine, &EngineBridge::engineUnavailable, this, [this](const Error& error) {
    m_engineState->setText(tr("Engine not running"));
    m_messages->showMessage(MessageKind::Error, errorHeadline(error), errorDetail(error),
                            {action(QStringLiteral("restart_engine"))});
  });
  connect(&engine, &EngineBridge::workerReady, this, [this] { m_engineState->setText(tr("Engine ready")); });
  connect(&m_workspace.settings, &Settings::recentFilesChanged, this, &MainWindow::fillRecent);
  connect(&m_workspace.settings, &Settings::themeChanged, this, &MainWindow::applyTheme);
}

QString MainWindow::summaryText() const {
  const DocumentModel& document = m_workspace.document;
  if (!document.isOpen()) return tr("No model is open");
  QString text = toQString(document.view().summary);
  if (text.isEmpty()) text = tr("%n node(s)", nullptr, document.nodeCount());
  return text;
}

void MainWindow::updateSummary() {
  const bool pending = m_workspace.document.isOpen() && !m_workspace.document.isEffectiveCurrent();
  m_summary->setText(pending ? tr("%1 (updating)").arg(summaryText()) : summaryText());
}

void MainWindow::updateTitle() {
  const DocumentModel& document = m_workspace.document;
  setWindowModified(document.isOpen() && document.isModified());
  if (!document.isOpen())
    setWindowTitle(tr("Tandem"));
  else if (document.placementFile().isEmpty())
    setWindowTitle(tr("%1[*] - Tandem").arg(sourceTitle(document.source())));
  else
    setWindowTitle(
        tr("%1 (%2)[*] - Tandem").arg(sourceTitle(document.source()), sourceTitle(document.placementFile())));
}

void MainWindow::showError(const Error& error) {
  m_messages->showMessage(MessageKind::Error, errorHeadline(error), errorDetail(error));
}

void MainWindow::showWorkerLost(const QString& message, const QString& device) {
  m_engineState->setText(tr("Engine restarting"));
  QString headline = message.isEmpty() ? tr("The engine stopped") : message;
  headline[0] = headline[0].toUpper();
  QString detail = device.isEmpty() ? QString() : tr("It was working on %1. ").arg(device);
  detail += tr("A new engine is being started. The model, the placement and all results are kept.");
  QList<QAction*> actions;
  if (m_workspace.runs.hasRun() && !m_workspace.runs.report()) actions << action(QStringLiteral("run_again"));
  m_messages->showMessage(MessageKind::Error, headline, detail, actions);
}

void MainWindow::offerRecovery() {
  const QList<UnsavedWork> works = m_workspace.autosave.leftBehind();
  if (works.isEmpty()) return;
  const UnsavedWork work = works.first();
  auto* recover = new QAction(tr("Recover"), this);
  auto* discard = new QAction(tr("Discard"), this);
  connect(recover, &QAction::triggered, this, [this, work] { m_workspace.document.recover(work); });
  connect(discard, &QAction::triggered, this, [work] { Autosave::discard(work); });
  m_messages->showMessage(
      MessageKind::Info,
      tr("A placement of %1 was not saved when Tandem ended last time").arg(sourceTitle(work.source)),
      tr("Recover opens the model with that placement."), {recover, discard});
}

void MainWindow::openModel(const QString& source, const QString& placementFile) {
  whenSaved([this, source, placementFile] {
    // The worker does one thing after another: opening ends a run, which still shows its report.
    if (m_workspace.runs.isActive()) m_workspace.runs.stop();
    m_workspace.document.open(source, placementFile);
  });
}

void MainWindow::openPlacement(const QString& path) {
  if (!m_workspace.document.isOpen()) {
    showError(makeError(ErrorCode::Usage, "a placement needs a model", path.toStdString(), "open the model first"));
    return;
  }
  whenSaved([this, path] {
    const auto loaded = m_workspace.document.loadPlacement(path);
    if (!loaded.ok()) {
      m_workspace.log.add(Severity::Error, toQString(loaded.error().line()));
      showError(loaded.error());
    }
  });
}

void MainWindow::openAny(const QString& path) {
  if (path.endsWith(QLatin1String(".json"), Qt::CaseInsensitive) && looksLikeTrace(path)) {
    showTimeline();
    m_timeline->openTrace(path);
  } else if (path.endsWith(QLatin1String(".json"), Qt::CaseInsensitive))
    openPlacement(path);
  else
    openModel(path);
}

void MainWindow::closeEvent(QCloseEvent* event) {
  if (!m_closing && m_workspace.document.isOpen() && m_workspace.document.isModified()) {
    event->ignore();
    whenSaved([this] {
      m_closing = true;
      close();
    });
    return;
  }
  m_workspace.settings.setWindowGeometry(saveGeometry());
  savePerspective();
  m_workspace.autosave.remove();
  QMainWindow::closeEvent(event);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
  if (!localFiles(event->mimeData()).isEmpty()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
  const QStringList files = localFiles(event->mimeData());
  if (files.isEmpty()) return;
  event->acceptProposedAction();
  openAny(files.first());
}

void MainWindow::applyTheme(ThemeChoice theme) {
  static const QPalette system = QApplication::palette();
  const bool dark = theme == ThemeChoice::Dark || (theme == ThemeChoice::System && Theme::of(system).dark);
  QApplication::setPalette(dark ? darkPalette() : lightPalette());
}

} // namespace tandem::ui
