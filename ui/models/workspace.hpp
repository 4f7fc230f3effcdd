// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/document_model.hpp"
#include "ui/core/engine_bridge.hpp"
#include "ui/core/run_controller.hpp"
#include "ui/core/selection_model.hpp"
#include "ui/core/settings.hpp"
#include "ui/models/device_list_model.hpp"
#include "ui/models/log_model.hpp"
#include "ui/models/run_history.hpp"

#include <QTemporaryDir>

#include <memory>

namespace tandem::ui {

struct WorkspaceOptions {
  SessionFactory session;
  QString settingsPath;         ///< empty: the user's
  QString autosaveFolder;       ///< empty: the user's
  std::optional<QString> cores; ///< instead of the remembered core sets
};

/// Everything that all panels share, made and connected once per window. Outlives the panels.
class Workspace : public QObject {
  Q_OBJECT
 public:
  explicit Workspace(const WorkspaceOptions& options, QObject* parent = nullptr);

  Settings settings;
  Autosave autosave;
  EngineBridge engine;
  DocumentModel document;
  SelectionModel selection;
  DeviceListModel devices;
  RunController runs;
  RunHistory history;
  LogModel log;

  /// No request is under way and the effective placement is the current one.
  [[nodiscard]] bool isIdle() const;

  /// The files that the prediction view works on, for panels that offer the same.
  [[nodiscard]] const QStringList& predictionInput() const { return m_predictionInput; }
  void setPredictionInput(const QStringList& files);

  /// Where the next run writes its timeline: in a folder of this window that is deleted with it. An error where no
  /// folder can be made.
  [[nodiscard]] Result<QString> traceFile();

 signals:
  void predictionInputChanged();

 private:
  void connectLog();
  QStringList m_predictionInput;
  std::unique_ptr<QTemporaryDir> m_traces;
  void logSizes();
};

} // namespace tandem::ui
