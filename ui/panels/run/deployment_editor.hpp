// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"

#include <QWidget>

class QComboBox;
class QDoubleSpinBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QSpinBox;
class QVBoxLayout;

namespace tandem::ui {

class ReplicaCard;
class SharedCoresHint;

/// Edits a RunSpec: replicas, how requests arrive, and how they are routed.
class DeploymentEditor : public QWidget {
  Q_OBJECT
 public:
  explicit DeploymentEditor(Workspace& workspace, QWidget* parent = nullptr);

  [[nodiscard]] session::RunSpec spec() const;
  void setReplicas(const std::vector<session::ReplicaSpec>& replicas);
  [[nodiscard]] int replicaCount() const { return static_cast<int>(m_cards.size()); }

 private:
  enum Preset { kClassic, kOnlyCpu, kOnlyAccelerator, kSplit, kCustom };
  void applyPreset(int preset);
  void fillPresets();
  void addReplica(const session::ReplicaSpec& replica);
  void replicasEdited();
  void makeRequests(QFormLayout* form);
  void updateExplanations();
  [[nodiscard]] QString secondDevice() const;
  [[nodiscard]] std::vector<int> batches() const;

  Workspace& m_workspace;
  QComboBox* m_preset;
  QVBoxLayout* m_list;
  std::vector<ReplicaCard*> m_cards;
  QComboBox* m_scenario;
  QDoubleSpinBox* m_scenarioValue;
  QLabel* m_scenarioText;
  QComboBox* m_route;
  QSpinBox* m_routeSize;
  QComboBox* m_routePinned;
  QLabel* m_routeText;
  QLineEdit* m_batches;
  QDoubleSpinBox* m_duration;
  QDoubleSpinBox* m_warmup;
  QComboBox* m_mode;
  SharedCoresHint* m_sharedCores;
  bool m_touched = false;
};

} // namespace tandem::ui
