// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/run_controller.hpp"

#include "ui/core/labels.hpp"

#include <algorithm>

namespace tandem::ui {
namespace {
constexpr std::size_t kKeptSamples = 700; // a minute at ten a second, and some
}

RunController::RunController(EngineBridge& engine, DocumentModel& document, QObject* parent)
    : QObject(parent),
      m_engine(engine),
      m_document(document) {
  m_clock.start();
}

std::vector<RunController::Sample> RunController::samplesAfter(quint64 after) const {
  const auto first = std::upper_bound(m_samples.begin(), m_samples.end(), after,
                                      [](quint64 number, const Sample& sample) { return number < sample.number; });
  return {first, m_samples.end()};
}

const session::Snapshot* RunController::lastSnapshot() const {
  return m_samples.empty() ? nullptr : &m_samples.back().snapshot;
}

void RunController::start(const session::RunSpec& spec) {
  if (isActive() || !m_document.canRun()) return;
  m_spec = spec;
  ++m_number;
  m_report.reset();
  m_samples.clear();
  m_events.clear();
  m_eventsRead = 0;
  m_changes.clear();
  m_progress = -1;
  m_elapsedS = 0;
  m_phaseText = tr("Starting");
  setState(State::Starting);
  emit started();
  const int number = m_number;
  m_engine.run(
      m_document.ref(), m_spec, [this](const Result<session::Report>& report) { onReport(report); },
      [this, number](const session::Snapshot& snapshot) {
        if (number == m_number && isActive()) onSnapshot(snapshot);
      },
      [this, number](double done, double total, const QString& text) {
        if (number != m_number || !isActive()) return;
        if (!text.isEmpty()) m_phaseText = text;
        m_progress = total > 0 ? std::clamp(done / total, 0.0, 1.0) : -1;
        emit progressChanged();
      });
}

void RunController::startAgain() {
  if (hasRun()) start(session::RunSpec(m_spec));
}

void RunController::stop() {
  if (m_state != State::Starting && m_state != State::Running) return;
  m_phaseText = tr("Stopping");
  setState(State::Stopping);
  m_engine.stopRun();
}

void RunController::deploy(const session::RunChange& change) {
  if (m_state != State::Running && m_state != State::Starting) return;
  const std::size_t index = m_changes.size();
  m_changes.push_back({change, LiveChange::State::Waiting, {}});
  emit changesChanged();
  const int number = m_number;
  m_engine.deploy(change, [this, index, number](const Result<bool>& taken) {
    if (taken.ok() || number != m_number || index >= m_changes.size()) return;
    m_changes[index].state = LiveChange::State::Refused;
    m_changes[index].outcome = toQString(taken.error().line());
    m_events.push_back({m_elapsedS, m_clock.elapsed(),
                        tr("%1 was refused: %2").arg(changeText(m_changes[index].change), m_changes[index].outcome)});
    emit eventHappened(m_events.back());
    emit changesChanged();
  });
}

void RunController::readEvents(const session::Snapshot& snapshot) {
  bool settled = false;
  for (; m_eventsRead < snapshot.events.size(); ++m_eventsRead) {
    const QString text = toQString(snapshot.events[m_eventsRead]);
    m_events.push_back({std::max(0.0, snapshot.elapsedS), m_clock.elapsed(), text});
    settled |= settle(m_changes, text);
    emit eventHappened(m_events.back());
  }
  if (settled) emit changesChanged();
}

void RunController::setState(State state) {
  if (state == m_state) return;
  m_state = state;
  emit stateChanged();
}

void RunController::onSnapshot(const session::Snapshot& snapshot) {
  m_samples.push_back({++m_sampleNumber, m_clock.elapsed(), snapshot});
  if (m_samples.size() > kKeptSamples) m_samples.erase(m_samples.begin());
  readEvents(snapshot);
  if (m_state == State::Stopping) return;
  if (snapshot.phase == "load") m_phaseText = tr("Loading");
  if (snapshot.phase == "compile") m_phaseText = tr("Compiling");
  if (snapshot.phase == "warmup") m_phaseText = tr("Warming up");
  const QString phase = toQString(snapshot.phase);
  const bool ramp = phase.startsWith(QStringLiteral("ramp:"));
  if (phase.startsWith(QStringLiteral("alone ")))
    m_phaseText = tr("Measuring %1 alone").arg(phase.mid(6));
  else if (phase.endsWith(QStringLiteral(" in flight")))
    m_phaseText = tr("Measuring %1").arg(phase);
  if (snapshot.phase == "measure" || ramp) {
    m_phaseText = ramp ? tr("Ramp: %1").arg(phase.mid(5).trimmed()) : tr("Measuring");
    m_elapsedS = std::max(0.0, snapshot.elapsedS);
    m_progress = m_spec.durationS > 0 ? std::clamp(snapshot.elapsedS / m_spec.durationS, 0.0, 1.0) : -1;
    setState(State::Running);
  } else {
    m_progress = -1;
  }
  emit progressChanged();
}

void RunController::onReport(const Result<session::Report>& report) {
  m_progress = -1;
  if (report.ok()) {
    m_report = *report;
    m_phaseText = report->stopped ? tr("Stopped") : tr("Done");
    setState(State::Idle);
    emit finished();
  } else {
    m_phaseText = report.error().code == ErrorCode::Cancelled ? tr("Stopped") : tr("Failed");
    setState(State::Idle);
    emit failed(report.error());
  }
  emit progressChanged();
}

} // namespace tandem::ui
