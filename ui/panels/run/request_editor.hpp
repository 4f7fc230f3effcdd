// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QHash>
#include <QWidget>

class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;

namespace tandem::ui {

/// How requests arrive, are routed and measured: the part of a RunSpec that is not replicas. While a run goes on, only
/// the routing can be changed, with a button that applies it.
class RequestEditor : public QWidget {
  Q_OBJECT
 public:
  explicit RequestEditor(Workspace& workspace, QWidget* parent = nullptr);

  /// Sets all of `spec` but replicas and route.
  void writeTo(session::RunSpec& spec) const;
  /// The chosen routing, where the replicas have these names.
  [[nodiscard]] std::string route(const std::vector<std::string>& names) const;
  [[nodiscard]] bool isPinned() const;
  void setReplicas(int count);
  /// Why a run cannot be asked for; empty where it can.
  [[nodiscard]] QString problem() const;
  void setRunning(bool running);
  /// Under the routing, while a run goes on: what it is, and whether the chosen one can be applied.
  void showLiveRoute(const QString& text, bool canApply);

 signals:
  void changed();
  void routeNow();

 private:
  void makeScenario(QFormLayout* form);
  void makeRoute(QFormLayout* form);
  void makeMeasurement(QFormLayout* form);
  QWidget* makeMore();
  void scenarioChosen();
  void chooseFile();
  void updateExplanations();
  [[nodiscard]] QString scenarioKey() const;
  [[nodiscard]] QString routeKey() const;
  [[nodiscard]] std::vector<int> batches() const;

  Workspace& m_workspace;
  QComboBox* m_scenario;
  QDoubleSpinBox* m_scenarioValue;
  QWidget* m_fileRow;
  QLineEdit* m_file;
  QLabel* m_scenarioText;
  QComboBox* m_route;
  QSpinBox* m_routeSize;
  QDoubleSpinBox* m_routeMs;
  QComboBox* m_routePinned;
  QLabel* m_routeText;
  QCheckBox* m_livePlacement;
  QWidget* m_liveRow;
  QLabel* m_liveRoute;
  QPushButton* m_routeNow;
  QLineEdit* m_batches;
  QDoubleSpinBox* m_duration;
  QDoubleSpinBox* m_warmup;
  QComboBox* m_mode;
  QDoubleSpinBox* m_bulk;
  QDoubleSpinBox* m_alone;
  QLabel* m_aloneText;
  QSpinBox* m_queueLimit;
  QCheckBox* m_timeline;
  QCheckBox* m_startOnCpu;
  QList<QWidget*> m_fixed;         ///< what a run does not let change
  QHash<QString, double> m_values; ///< by scenario: what was last chosen
  QString m_lastScenario;
  int m_replicas = 1;
};

} // namespace tandem::ui
