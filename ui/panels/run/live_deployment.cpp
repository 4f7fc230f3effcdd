// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/run/live_deployment.hpp"

#include "ui/core/labels.hpp"

#include <QCoreApplication>

#include <algorithm>

namespace tandem::ui {
namespace {

QString tr(const char* text) { return QCoreApplication::translate("tandem::ui::LiveDeployment", text); }

QString stateText(const std::string& state) {
  if (state == "serving") return tr("serving");
  if (state == "hung") return tr("hung");
  if (state == "lost") return tr("lost");
  if (state == "draining") return tr("draining");
  if (state == "removed") return tr("removed");
  return toQString(state);
}

const std::string& nameOf(const session::RunChange& change) {
  return change.action == "add" ? change.replica.name : change.name;
}

/// Whether both ask for the same; names are given by the run.
bool isSame(session::ReplicaSpec a, session::ReplicaSpec b) {
  a.name = b.name;
  a.placementFile = b.placementFile;
  return a == b;
}

/// The replica that has the name now: a replaced one keeps its entry, as removed.
const session::Snapshot::Replica* find(const session::Snapshot& snapshot, const std::string& name) {
  const session::Snapshot::Replica* found = nullptr;
  for (const auto& replica : snapshot.replicas) {
    if (replica.name != name) continue;
    if (found == nullptr || found->state == "removed" || found->state == "draining") found = &replica;
  }
  return found;
}

} // namespace

void LiveDeployment::begin(const std::vector<int>& cards) {
  m_entries.clear();
  m_taken.clear();
  m_order = cards;
  const auto& spec = m_runs.lastSpec();
  m_route = spec.route;
  for (std::size_t i = 0; i < std::min(cards.size(), spec.replicas.size()); ++i) {
    Entry& entry = m_entries[cards[i]];
    entry.name = spec.replicas[i].name;
    entry.runs = spec.replicas[i];
  }
}

void LiveDeployment::update() {
  const session::Snapshot* snapshot = m_runs.lastSnapshot();
  if (snapshot != nullptr) {
    for (std::size_t i = 0; i < std::min(m_order.size(), snapshot->replicas.size()); ++i) {
      const auto found = m_entries.find(m_order[i]);
      if (found == m_entries.end() || found->second.isNamed) continue;
      found->second.name = snapshot->replicas[i].name;
      found->second.isNamed = true;
    }
  }
  const auto& changes = m_runs.changes();
  m_taken.resize(changes.size());
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const LiveChange& change = changes[i];
    if (m_taken[i] || change.state == LiveChange::State::Waiting) continue;
    m_taken[i] = true;
    const bool made = change.state == LiveChange::State::Made;
    if (change.change.action == "route") {
      if (made) m_route = change.change.route;
      continue;
    }
    Entry* entry = byName(nameOf(change.change));
    if (entry == nullptr) continue;
    entry->refusal = made ? QString() : change.outcome;
    if (change.change.action == "remove") {
      entry->isPresent = !made;
      entry->isRemoved = made;
    } else if (change.change.action == "add") {
      entry->isPresent = made;
    }
    if (made && change.change.action != "remove") entry->runs = change.change.replica;
  }
}

std::vector<int> LiveDeployment::end() {
  update();
  std::vector<int> removed;
  for (const auto& [card, entry] : m_entries)
    if (entry.isRemoved) removed.push_back(card);
  m_entries.clear();
  m_order.clear();
  return removed;
}

bool LiveDeployment::canChange() const { return m_runs.state() == RunController::State::Running; }

std::string LiveDeployment::name(int card) const {
  const auto found = m_entries.find(card);
  return found == m_entries.end() ? std::string() : found->second.name;
}

bool LiveDeployment::isPresent(int card) const {
  const auto found = m_entries.find(card);
  return found != m_entries.end() && (found->second.isPresent || waitingFor(found->second.name) != nullptr);
}

LiveDeployment::Entry* LiveDeployment::byName(const std::string& name) {
  for (auto& [card, entry] : m_entries)
    if (entry.name == name) return &entry;
  return nullptr;
}

const LiveChange* LiveDeployment::waitingFor(const std::string& name) const {
  for (const LiveChange& change : m_runs.changes())
    if (change.state == LiveChange::State::Waiting && change.change.action != "route" && nameOf(change.change) == name)
      return &change;
  return nullptr;
}

bool LiveDeployment::isRoutePending() const {
  const auto& changes = m_runs.changes();
  return std::any_of(changes.begin(), changes.end(), [](const LiveChange& each) {
    return each.state == LiveChange::State::Waiting && each.change.action == "route";
  });
}

int LiveDeployment::presentCount() const {
  int count = 0;
  for (const auto& [card, entry] : m_entries) {
    const LiveChange* waiting = waitingFor(entry.name);
    // One that is on its way out or not in yet cannot be counted on.
    count += entry.isPresent && (waiting == nullptr || waiting->change.action == "replace") ? 1 : 0;
  }
  return count;
}

LiveReplica LiveDeployment::describe(int card, const session::ReplicaSpec& wanted) const {
  LiveReplica live;
  const auto found = m_entries.find(card);
  if (found == m_entries.end()) {
    live.add = canChange();
    return live;
  }
  const Entry& entry = found->second;
  const session::Snapshot* snapshot = m_runs.lastSnapshot();
  const auto* replica = snapshot != nullptr && entry.isNamed ? find(*snapshot, entry.name) : nullptr;
  if (const LiveChange* waiting = waitingFor(entry.name)) {
    const std::string& action = waiting->change.action;
    live.state = action == "remove" ? tr("draining") : action == "add" ? tr("compiling") : tr("serving");
    live.note = action == "remove" ? tr("finishes the requests that it has")
                : action == "add"  ? tr("is being added")
                                   : tr("the change is being compiled; until then it runs as before");
    if (action != "remove" && !isSame(waiting->change.replica, wanted))
      live.note += tr("; what is set here now is not applied yet");
    return live;
  }
  if (!entry.isPresent) {
    live.state = entry.isRemoved ? tr("removed") : QString();
    live.note = entry.refusal;
    live.add = canChange();
    return live;
  }
  const bool preparing = snapshot == nullptr || snapshot->phase == "load" || snapshot->phase == "compile";
  live.state = preparing || replica == nullptr ? tr("compiling") : stateText(replica->state);
  QStringList notes;
  if (!entry.refusal.isEmpty()) notes << entry.refusal;
  if (!isSame(entry.runs, wanted)) {
    notes << tr("what is set here is not applied yet");
    live.apply = canChange();
  }
  if (notes.isEmpty() && replica != nullptr && replica->batchLimit > 1 && entry.runs.targetMs > 0)
    notes << tr("joins up to %1 items now").arg(replica->batchLimit);
  live.note = notes.join(QStringLiteral("; "));
  live.remove = canChange() && presentCount() > 1;
  return live;
}

std::string LiveDeployment::freeName(const session::ReplicaSpec& wanted) const {
  const std::string base = !wanted.name.empty()    ? wanted.name
                           : wanted.device.empty() ? std::string("placement")
                                                   : wanted.device;
  const session::Snapshot* snapshot = m_runs.lastSnapshot();
  const auto isTaken = [&](const std::string& name) {
    const auto has = [&](const auto& each) { return each.name == name; };
    return std::any_of(m_entries.begin(), m_entries.end(), [&](const auto& each) { return has(each.second); }) ||
           (snapshot != nullptr && std::any_of(snapshot->replicas.begin(), snapshot->replicas.end(), has));
  };
  std::string name = base;
  for (int number = 2; isTaken(name); ++number) name = base + " #" + std::to_string(number);
  return name;
}

void LiveDeployment::add(int card, const session::ReplicaSpec& wanted) {
  m_entries.erase(card); // its earlier replica, which is gone
  session::RunChange change{.action = "add", .replica = wanted};
  change.replica.name = freeName(wanted);
  Entry& entry = m_entries[card];
  entry.name = change.replica.name;
  entry.runs = change.replica;
  entry.isNamed = true;
  entry.isPresent = false;
  m_runs.deploy(change);
}

void LiveDeployment::apply(int card, const session::ReplicaSpec& wanted) {
  session::RunChange change{.action = "replace", .replica = wanted, .name = name(card)};
  change.replica.name = change.name;
  m_runs.deploy(change);
}

void LiveDeployment::remove(int card) { m_runs.deploy({.action = "remove", .name = name(card)}); }

void LiveDeployment::setRoute(const std::string& route) { m_runs.deploy({.action = "route", .route = route}); }

} // namespace tandem::ui
