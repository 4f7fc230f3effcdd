// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/models/workspace.hpp"

#include "ui/core/labels.hpp"
#include "ui/core/roofline_text.hpp"
#include "ui/core/units.hpp"

#include <QDir>

namespace tandem::ui {

Workspace::Workspace(const WorkspaceOptions& options, QObject* parent)
    : QObject(parent),
      settings(options.settingsPath),
      autosave(options.autosaveFolder),
      engine(options.session),
      document(engine, autosave),
      devices(engine),
      runs(engine, document),
      history(runs, document) {
  EngineConfig config = settings.engineConfig();
  if (options.cores) config.cores = *options.cores;
  engine.setInitialConfig(config);
  connect(&document, &DocumentModel::opened, &selection, &SelectionModel::reset);
  connect(&document, &DocumentModel::closed, &selection, &SelectionModel::reset);
  connect(&document, &DocumentModel::opened, this, [this] { settings.addRecentFile(document.source()); });
  connect(&devices, &DeviceListModel::configChanged, this, [this](const EngineConfig& changed) {
    settings.setEngineConfig(changed);
    document.refreshEffective();
  });
  connect(&document, &DocumentModel::profiled, this, [this] {
    for (const session::DevicePeaks& peaks : document.measured()->peaks) {
      const session::DeviceSummary* device = devices.find(toQString(peaks.device));
      if (peaks.gflops && device != nullptr && !device->probe) return devices.refresh();
    }
  });
  connectLog();
}

bool Workspace::isIdle() const {
  return engine.isReady() && engine.pending() == 0 && document.isEffectiveCurrent() && !document.isOpening();
}

void Workspace::setPredictionInput(const QStringList& files) {
  m_predictionInput = files;
  emit predictionInputChanged();
}

void Workspace::connectLog() {
  const auto error = [this](const Error& failure) {
    log.add(Severity::Error, toQString(failure.line()));
    for (const std::string& problem : failure.problems) log.add(Severity::Error, toQString(problem));
  };
  connect(&document, &DocumentModel::openFailed, this, error);
  connect(&document, &DocumentModel::effectiveFailed, this, error);
  connect(&document, &DocumentModel::profileFailed, this, error);
  connect(&document, &DocumentModel::profiled, this,
          [this] { log.add(Severity::Info, tr("Layers measured. %1").arg(profileSummary(*document.measured()))); });
  connect(&devices, &DeviceListModel::failed, this, error);
  connect(&runs, &RunController::failed, this, error);
  connect(&engine, &EngineBridge::engineUnavailable, this, error);
  connect(&engine, &EngineBridge::workerReady, this,
          [this] { log.add(Severity::Info, tr("Engine worker ready (process %1)").arg(engine.workerPid())); });
  connect(&engine, &EngineBridge::workerLost, this, [this](const QString& message, const QString& device) {
    log.add(Severity::Error, device.isEmpty() ? message : tr("%1 while working on %2").arg(message, device));
  });
  connect(&document, &DocumentModel::opened, this, [this] {
    log.add(Severity::Info, tr("Opened %1: %n layer(s)", nullptr, document.nodeCount()).arg(document.source()));
    for (const auto& warning : document.document().warnings) log.add(Severity::Warning, toQString(warning));
    logSizes();
  });
  connect(&document, &DocumentModel::sizesChanged, this, &Workspace::logSizes);
  connect(&document, &DocumentModel::effectiveChanged, this, [this] {
    for (const auto& warning : document.view().warnings) log.add(Severity::Warning, toQString(warning));
  });
  connect(&document, &DocumentModel::notice, this, [this](const QString& text) { log.add(Severity::Warning, text); });
  connect(&devices, &DeviceListModel::changed, this, [this] {
    if (devices.isLoading()) return;
    for (const auto& problem : devices.list().problems)
      log.add(Severity::Warning,
              tr("OpenCL platform %1: %2").arg(toQString(problem.platform), toQString(problem.message)));
  });
  connect(&runs, &RunController::started, this,
          [this] { log.add(Severity::Info, tr("Run %1 started").arg(runs.runNumber())); });
  connect(&runs, &RunController::eventHappened, this, [this](const RunController::Event& event) {
    log.add(Severity::Info,
            tr("Run %1, %2: %3").arg(QString::number(runs.runNumber()), formatMs(event.atS * 1e3), event.text));
  });
  connect(&runs, &RunController::finished, this, [this] {
    const auto& report = *runs.report();
    log.add(report.failed > 0 ? Severity::Error : Severity::Info,
            tr("Run %1: %2 requests, %3 failed, %4 items, p50 %5, p99 %6")
                .arg(QString::number(runs.runNumber()), formatCount(static_cast<double>(report.requests)),
                     formatCount(static_cast<double>(report.failed)), formatRate(report.itemsPerS),
                     formatMs(report.latency.p50Ms), formatMs(report.latency.p99Ms)));
    for (const auto& note : report.notes) log.add(Severity::Info, toQString(note));
  });
}

void Workspace::logSizes() {
  const session::Document& model = document.document();
  if (!model.sizesProblem.empty())
    log.add(Severity::Warning, tr("The guessed sizes do not fit the model: %1").arg(toQString(model.sizesProblem)));
  QStringList sizes;
  for (const session::FreeDimSummary& dim : model.freeDims)
    sizes << tr("%1 = %2 (%3)")
                 .arg(toQString(dim.key), QString::number(dim.size), dim.chosen ? tr("chosen") : tr("guessed"));
  if (!sizes.isEmpty())
    log.add(Severity::Info, tr("Sizes that the model leaves open: %1. Run > Input sizes changes them.")
                                .arg(sizes.join(QStringLiteral(", "))));
}

Result<QString> Workspace::traceFile() {
  if (!m_traces) m_traces = std::make_unique<QTemporaryDir>(QDir::tempPath() + QStringLiteral("/tandem-XXXXXX"));
  if (m_traces->isValid()) return m_traces->filePath(QStringLiteral("timeline.json"));
  const Error error =
      makeError(ErrorCode::OutputFailed, "no folder for the timeline: " + m_traces->errorString().toStdString(),
                QDir::tempPath().toStdString(), "free some space there, or record no timeline");
  m_traces.reset();
  return error;
}

} // namespace tandem::ui
