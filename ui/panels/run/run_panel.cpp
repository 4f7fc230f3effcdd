// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/run_panel.hpp"

#include "engine/session/codec.hpp"
#include "ui/core/icons.hpp"
#include "ui/core/labels.hpp"
#include "ui/core/units.hpp"
#include "ui/panels/run/deployment_editor.hpp"
#include "ui/panels/run/predict_view.hpp"
#include "ui/panels/run/report_view.hpp"
#include "ui/widgets/common/common.hpp"

#include <QClipboard>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QListWidget>
#include <QLocale>
#include <QProgressBar>
#include <QPushButton>
#include <QScrollArea>
#include <QTabWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace tandem::ui {

RunPanel::RunPanel(Workspace& workspace, QWidget* parent) : QWidget(parent), m_workspace(workspace) {
  setObjectName(QStringLiteral("run_panel"));
  const int gap = fontMetrics().height() / 2;
  auto* layout = new QVBoxLayout(this);
  layout->setContentsMargins(0, gap, 0, 0);
  layout->setSpacing(gap / 2);
  auto* row = new QHBoxLayout;
  row->setContentsMargins(gap, 0, gap, 0);
  m_run = new QPushButton(icon(QStringLiteral("run")), tr("&Run"), this);
  m_run->setObjectName(QStringLiteral("run_button"));
  m_run->setToolTip(tr("Run the deployment (F5)"));
  m_stop = new QPushButton(icon(QStringLiteral("stop")), tr("Sto&p"), this);
  m_stop->setObjectName(QStringLiteral("stop_button"));
  m_stop->setToolTip(tr("End the run now and show its report (Shift+F5)"));
  m_copy = new QToolButton(this);
  m_copy->setIcon(icon(QStringLiteral("copy")));
  m_copy->setToolTip(tr("Copy as command"));
  m_copy->setAccessibleName(tr("Copy as command"));
  m_copy->setObjectName(QStringLiteral("copy_command_button"));
  row->addWidget(m_run, 1);
  row->addWidget(m_stop, 1);
  row->addWidget(m_copy);
  layout->addLayout(row);
  auto* progressRow = new QHBoxLayout;
  progressRow->setContentsMargins(gap, 0, gap, 0);
  m_phase = new ElidedLabel({}, this);
  m_phase->setObjectName(QStringLiteral("run_phase"));
  m_progress = new QProgressBar(this);
  m_progress->setAccessibleName(tr("Progress of the run"));
  m_progress->setTextVisible(false);
  m_progress->setMaximumHeight(fontMetrics().height());
  progressRow->addWidget(m_phase, 3);
  progressRow->addWidget(m_progress, 2);
  layout->addLayout(progressRow);

  m_events = new QListWidget(this);
  m_events->setObjectName(QStringLiteral("run_events"));
  m_events->setAccessibleName(tr("What happened in the run"));
  m_events->setWordWrap(true);
  m_events->setSelectionMode(QAbstractItemView::NoSelection);
  m_events->hide();
  layout->addWidget(m_events);

  m_tabs = new QTabWidget(this);
  m_tabs->setObjectName(QStringLiteral("run_tabs"));
  m_tabs->setDocumentMode(true);
  m_deployment = new DeploymentEditor(m_workspace);
  auto* scroll = new QScrollArea(m_tabs);
  scroll->setObjectName(QStringLiteral("deployment_area"));
  scroll->setAccessibleName(tr("Deployment"));
  scroll->setWidgetResizable(true);
  scroll->setFrameShape(QFrame::NoFrame);
  scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
  scroll->setWidget(m_deployment);
  m_report = new ReportView(m_workspace, m_tabs);
  m_predict = new PredictView(m_workspace, m_tabs);
  m_tabs->addTab(scroll, tr("Deployment"));
  m_tabs->addTab(m_report, tr("Report"));
  m_tabs->addTab(m_predict, tr("Predict"));
  layout->addWidget(m_tabs, 1);

  connect(m_run, &QPushButton::clicked, this, &RunPanel::run);
  connect(m_stop, &QPushButton::clicked, this, &RunPanel::stop);
  connect(m_copy, &QToolButton::clicked, this, &RunPanel::copyCommand);
  connect(m_report, &ReportView::failed, this, &RunPanel::failed);
  connect(m_predict, &PredictView::failed, this, &RunPanel::failed);
  RunController& runs = m_workspace.runs;
  connect(&runs, &RunController::stateChanged, this, &RunPanel::updateState);
  connect(&runs, &RunController::progressChanged, this, &RunPanel::updateProgress);
  connect(&runs, &RunController::started, this, [this] {
    m_events->clear();
    m_events->hide();
  });
  connect(&runs, &RunController::eventHappened, this, [this](const RunController::Event& event) {
    addEvent(tr("%1  %2").arg(formatMs(event.atS * 1e3), event.text));
  });
  connect(m_deployment, &DeploymentEditor::problemChanged, this, &RunPanel::updateState);
  connect(&runs, &RunController::finished, this, [this] { m_tabs->setCurrentWidget(m_report); });
  connect(&m_workspace.document, &DocumentModel::opened, this, &RunPanel::updateState);
  connect(&m_workspace.document, &DocumentModel::closed, this, &RunPanel::updateState);
  updateState();
}

void RunPanel::updateState() {
  const bool active = m_workspace.runs.isActive(), ready = m_workspace.document.canRun();
  const QString problem = m_deployment->problem();
  m_run->setEnabled(ready && !active && problem.isEmpty());
  m_run->setToolTip(problem.isEmpty() ? tr("Run the deployment (F5)") : problem);
  m_stop->setEnabled(active && m_workspace.runs.state() != RunController::State::Stopping);
  m_copy->setEnabled(ready);
  updateProgress();
}

void RunPanel::updateProgress() {
  const RunController& runs = m_workspace.runs;
  m_progress->setVisible(runs.isActive());
  m_progress->setRange(0, runs.progress() < 0 ? 0 : 1000);
  if (runs.progress() >= 0) m_progress->setValue(static_cast<int>(runs.progress() * 1000));
  const bool viewOnly = m_workspace.document.isOpen() && !m_workspace.document.canRun();
  QString text = viewOnly ? tr("This model has unknown operators: view only") : runs.phaseText();
  if (runs.state() == RunController::State::Running) {
    const double total = runs.lastSpec().durationS;
    text =
        tr("%1  %2 / %3 s").arg(text, QLocale().toString(runs.elapsedS(), 'f', 1), QLocale().toString(total, 'g', 6));
  }
  if (text.isEmpty()) text = m_workspace.document.isOpen() ? tr("Ready") : tr("Open a model to run it");
  m_phase->setText(text);
}

void RunPanel::addEvent(const QString& text) {
  auto* item = new QListWidgetItem(text, m_events);
  item->setToolTip(text);
  // As high as what there is, up to four lines: the panel is short.
  constexpr int kMostLines = 4;
  m_events->setFixedHeight(std::min(m_events->count(), kMostLines) * m_events->sizeHintForRow(0) +
                           2 * m_events->frameWidth() + fontMetrics().height() / 3);
  m_events->show();
  m_events->scrollToBottom();
}

void RunPanel::run() {
  if (m_workspace.runs.isActive() || !m_workspace.document.canRun()) return;
  if (const QString problem = m_deployment->problem(); !problem.isEmpty()) {
    showDeployment();
    emit failed(makeError(ErrorCode::Usage, problem.toStdString(), "deployment", "change it in the Run panel"));
    return;
  }
  session::RunSpec spec = m_deployment->spec();
  if (!spec.traceFile.empty()) {
    const auto file = m_workspace.traceFile();
    if (!file.ok()) {
      emit failed(file.error());
      return;
    }
    spec.traceFile = file->toStdString();
  }
  m_workspace.runs.start(spec);
}

void RunPanel::stop() { m_workspace.runs.stop(); }

void RunPanel::runAgain() {
  if (m_workspace.runs.hasRun())
    m_workspace.runs.startAgain();
  else
    run();
}

void RunPanel::copyCommand() {
  if (!m_workspace.document.isOpen()) return;
  session::RunSpec spec = m_deployment->spec();
  const DocumentModel& document = m_workspace.document;
  for (auto& replica : spec.replicas) {
    if (!replica.placement) continue;
    const auto file = document.placementOnDisk();
    if (!file.ok()) {
      emit failed(file.error());
      return;
    }
    replica.placementFile = file->toStdString();
  }
  const std::string command =
      session::runCommand(document.document(), spec, m_workspace.engine.config().cores.toStdString());
  QGuiApplication::clipboard()->setText(toQString(command));
  emit commandCopied(toQString(command));
}

void RunPanel::showPredictions() { m_tabs->setCurrentWidget(m_predict); }
void RunPanel::showDeployment() { m_tabs->setCurrentIndex(0); }

} // namespace tandem::ui
