// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/document_model.hpp"

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
  [[nodiscard]] qint64 now() const { return m_clock.elapsed(); }

  void start(const session::RunSpec& spec);
  void startAgain();
  void stop();

 signals:
  void stateChanged();
  void progressChanged();
  void started();
  /// With the report; also after a stop.
  void finished();
  /// Failed or lost with its worker.
  void failed(const tandem::Error& error);

 private:
  void setState(State state);
  void onSnapshot(const session::Snapshot& snapshot);
  void onReport(const Result<session::Report>& report);

  EngineBridge& m_engine;
  DocumentModel& m_document;
  session::RunSpec m_spec;
  std::optional<session::Report> m_report;
  std::vector<Sample> m_samples;
  QElapsedTimer m_clock;
  QString m_phaseText;
  State m_state = State::Idle;
  quint64 m_sampleNumber = 0;
  double m_progress = -1, m_elapsedS = 0;
  int m_number = 0;
};

} // namespace tandem::ui
