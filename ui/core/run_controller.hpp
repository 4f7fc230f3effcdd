// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/document_model.hpp"
#include "ui/core/live_change.hpp"

#include <QElapsedTimer>
#include <QObject>

#include <vector>

namespace tandem::ui {

/// Runs the open model: one run at a time, with its snapshots and its report.
class RunController : public QObject {
  Q_OBJECT
 public:
  enum class State { Idle, Starting, Running, Stopping };

  /// A snapshot and when it arrived (milliseconds of now()).
  struct Sample {
    quint64 number = 0; ///< counts up over all runs
    qint64 timeMs = 0;
    session::Snapshot snapshot;
  };

  /// What happened to the deployment of the run, and when it was first heard of (seconds measured).
  struct Event {
    double atS = 0;
    qint64 timeMs = 0; ///< of now()
    QString text;
  };

  RunController(EngineBridge& engine, DocumentModel& document, QObject* parent = nullptr);

  [[nodiscard]] State state() const { return m_state; }
  [[nodiscard]] bool isActive() const { return m_state != State::Idle; }
  [[nodiscard]] const session::RunSpec& lastSpec() const { return m_spec; }
  [[nodiscard]] bool hasRun() const { return m_number > 0; }
  /// Counts runs from 1; 0 before the first.
  [[nodiscard]] int runNumber() const { return m_number; }
  [[nodiscard]] const std::optional<session::Report>& report() const { return m_report; }
  [[nodiscard]] QString phaseText() const { return m_phaseText; }
  /// 0..1, or negative while unknown.
  [[nodiscard]] double progress() const { return m_progress; }
  /// Seconds measured so far; 0 before.
  [[nodiscard]] double elapsedS() const { return m_elapsedS; }
  /// The samples after number `after`, oldest first; at most the last minute is kept.
  [[nodiscard]] std::vector<Sample> samplesAfter(quint64 after) const;
  /// The newest sample of this run, or null.
  [[nodiscard]] const session::Snapshot* lastSnapshot() const;
  [[nodiscard]] const std::vector<Event>& events() const { return m_events; }
  /// What was asked of the run that goes on, oldest first.
  [[nodiscard]] const std::vector<LiveChange>& changes() const { return m_changes; }
  [[nodiscard]] qint64 now() const { return m_clock.elapsed(); }

  void start(const session::RunSpec& spec);
  void startAgain();
  void stop();
  /// Changes the deployment of the run that goes on. Replicas that are added need a name that none of the run has.
  void deploy(const session::RunChange& change);

 signals:
  void changesChanged();
  void eventHappened(const tandem::ui::RunController::Event& event);
  void stateChanged();
  void progressChanged();
  void started();
  /// With the report; also after a stop.
  void finished();
  /// Failed or lost with its worker.
  void failed(const tandem::Error& error);

 private:
  void setState(State state);
  void readEvents(const session::Snapshot& snapshot);
  void onSnapshot(const session::Snapshot& snapshot);
  void onReport(const Result<session::Report>& report);

  EngineBridge& m_engine;
  DocumentModel& m_document;
  session::RunSpec m_spec;
  std::optional<session::Report> m_report;
  std::vector<Sample> m_samples;
  std::vector<Event> m_events;
  std::vector<LiveChange> m_changes;
  QElapsedTimer m_clock;
  QString m_phaseText;
  State m_state = State::Idle;
  quint64 m_sampleNumber = 0;
  double m_progress = -1, m_elapsedS = 0;
  std::size_t m_eventsRead = 0;
  int m_number = 0;
};

} // namespace tandem::ui
