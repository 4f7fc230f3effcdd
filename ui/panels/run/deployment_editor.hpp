// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/models/workspace.hpp"
#include "ui/panels/run/live_deployment.hpp"

#include <QWidget>

class QComboBox;
class QLabel;
class QVBoxLayout;

namespace tandem::ui {

class RequestEditor;
class SharedCoresHint;

/// Edits a RunSpec: replicas, how requests arrive, and how they are routed. While a run goes on, shows what became of
/// its replicas and changes them one by one; what is edited but not applied is said on the card.
class DeploymentEditor : public QWidget {
  Q_OBJECT
 public:
  explicit DeploymentEditor(Workspace& workspace, QWidget* parent = nullptr);

  [[nodiscard]] session::RunSpec spec() const;
  void setReplicas(const std::vector<session::ReplicaSpec>& replicas);
  [[nodiscard]] int replicaCount() const { return static_cast<int>(m_cards.size()); }
  /// Why a run of this would be refused; empty where it would not.
  [[nodiscard]] QString problem() const;

 signals:
  void problemChanged();

 private:
  enum Preset { kClassic, kOnlyCpu, kOnlyAccelerator, kSplit, kCustom };
  void applyPreset(int preset);
  void fillPresets();
  struct Card {
    int number; ///< stays its own for as long as the window is open
    ReplicaCard* widget;
  };
  void setCards(const std::vector<std::pair<int, session::ReplicaSpec>>& cards);
  void addCard(int number, const session::ReplicaSpec& replica);
  void removeCards(const std::vector<int>& numbers);
  void replicasEdited();
  void updateExplanations();
  void updateProblem();
  void beginRun();
  void endRun();
  void setRunning(bool running);
  void takeSnapshot();
  void updateLive();
  [[nodiscard]] std::string route() const;
  [[nodiscard]] QString secondDevice() const;

  Workspace& m_workspace;
  LiveDeployment m_live;
  QComboBox* m_preset;
  QVBoxLayout* m_list;
  std::vector<Card> m_cards;
  RequestEditor* m_requests;
  QLabel* m_problem;
  SharedCoresHint* m_sharedCores;
  std::string m_liveKey; ///< what the cards show of the run
  int m_nextCard = 0;
  bool m_touched = false, m_running = false;
};

} // namespace tandem::ui
