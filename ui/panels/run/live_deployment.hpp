// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/core/run_controller.hpp"
#include "ui/panels/run/replica_card.hpp"

#include <map>

namespace tandem::ui {

/// What the replicas of the editor are in the run that goes on: which of them runs under which name, as what, and what
/// was asked of it. Cards are told apart by numbers that stay when others go. UI thread only.
class LiveDeployment {
 public:
  explicit LiveDeployment(RunController& runs) : m_runs(runs) {}

  /// The cards of the run that begins, in the order of its replicas.
  void begin(const std::vector<int>& cards);
  /// Takes in what snapshots and answers said since.
  void update();
  /// The run is over: forgets it. The cards whose replicas were removed, which belong to no deployment any more.
  std::vector<int> end();

  /// Live changes can be asked for: the load runs.
  [[nodiscard]] bool canChange() const;
  [[nodiscard]] LiveReplica describe(int card, const session::ReplicaSpec& wanted) const;
  /// The name of the card's replica in the run; empty where it has none.
  [[nodiscard]] std::string name(int card) const;
  /// The card's replica runs, or is being added.
  [[nodiscard]] bool isPresent(int card) const;
  [[nodiscard]] const std::string& route() const { return m_route; }
  [[nodiscard]] bool isRoutePending() const;

  void add(int card, const session::ReplicaSpec& wanted);
  void apply(int card, const session::ReplicaSpec& wanted);
  void remove(int card);
  void setRoute(const std::string& route);

 private:
  struct Entry {
    std::string name;
    session::ReplicaSpec runs; ///< what the engine runs under that name
    bool isNamed = false;      ///< the engine makes up names, known from the first snapshot
    bool isPresent = true;     ///< neither removed nor still to be added
    bool isRemoved = false;
    QString refusal; ///< of the last change
  };
  [[nodiscard]] const LiveChange* waitingFor(const std::string& name) const;
  [[nodiscard]] std::string freeName(const session::ReplicaSpec& wanted) const;
  [[nodiscard]] int presentCount() const;
  Entry* byName(const std::string& name);

  RunController& m_runs;
  std::map<int, Entry> m_entries;
  std::vector<int> m_order;  ///< cards of the first replicas
  std::vector<bool> m_taken; ///< which of the run's changes are taken in
  std::string m_route;       ///< what the engine routes by
};

} // namespace tandem::ui
