// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/live_placement.hpp"

#include "engine/serving/run.hpp"

#include <algorithm>

namespace tandem {

void LivePlacement::attach(const std::shared_ptr<Watched>& watched, ReplicaPlan& plan, int generation) {
  constexpr int kEvery = 8; // often enough for a few a second of a slow model
  constexpr std::size_t kMost = 64;
  plan.options.profileEvery = std::min(plan.options.profileEvery, kEvery);
  plan.options.onProfiled = [watched, generation](int items, const std::vector<TraceEvent>& events) {
    std::lock_guard lock(watched->mutex);
    if (generation == watched->generation && watched->reports.size() < kMost)
      watched->reports.push_back({items, events});
  };
}

void LivePlacement::watch(LiveSubject subject, Planner planner, ReplicaPlan& plan) {
  auto watched = std::make_shared<Watched>(std::move(subject), m_options);
  watched->planner = std::move(planner);
  watched->name = watched->watch.subject().name;
  attach(watched, plan, 0);
  m_watched.push_back(std::move(watched));
}

void LivePlacement::setName(std::size_t index, const std::string& name) {
  m_watched[index]->name = name;
  m_watched[index]->watch.setName(name);
}

void LivePlacement::tick(double elapsedS, ChangeQueue& changes, const std::function<void(std::string)>& note) {
  if (elapsedS < m_nextS) return;
  m_nextS = elapsedS + m_options.tickS;
  for (const std::shared_ptr<Watched>& watched : m_watched) tick(watched, changes, note);
}

void LivePlacement::tick(const std::shared_ptr<Watched>& watched, ChangeQueue& changes,
                         const std::function<void(std::string)>& note) {
  std::vector<Report> reports;
  std::optional<bool> made;
  {
    std::lock_guard lock(watched->mutex);
    made = std::exchange(watched->made, std::nullopt);
    if (made == true) {
      watched->reports.clear();
      ++watched->generation;
    }
    reports.swap(watched->reports);
  }
  if (watched->step && !made) return; // still under way
  if (made == true) watched->watch.done(*watched->step);
  if (made == false) watched->watch.failed();
  watched->step.reset();

  for (const Report& report : reports) watched->watch.learn(report.items, report.events);
  LiveWatch::Step step = watched->watch.tick();
  if (!step.note.empty()) note(step.note);
  if (step.kind == LiveWatch::Step::Kind::Nothing) return;
  TimedChange change;
  change.kind = TimedChange::Kind::Replace;
  change.name = watched->name;
  change.plan = [watched, deviceOf = step.deviceOf]() -> Result<ReplicaPlan> {
    ReplicaPlan plan = TANDEM_TRY(watched->planner(deviceOf));
    int generation = 0;
    {
      std::lock_guard lock(watched->mutex);
      generation = watched->generation + 1;
    }
    attach(watched, plan, generation);
    return plan;
  };
  change.done = [watched, note, text = step.text, kind = step.kind](const Result<void>& result) {
    if (result) note(text);
    std::lock_guard lock(watched->mutex);
    watched->made = result.ok();
    if (result) ++(kind == LiveWatch::Step::Kind::Move ? watched->moves : watched->back);
  };
  watched->step = std::move(step);
  if (!changes.push(std::move(change))) watched->step.reset();
}

int LivePlacement::moves() const {
  int sum = 0;
  for (const auto& watched : m_watched) {
    std::lock_guard lock(watched->mutex);
    sum += watched->moves;
  }
  return sum;
}

int LivePlacement::back() const {
  int sum = 0;
  for (const auto& watched : m_watched) {
    std::lock_guard lock(watched->mutex);
    sum += watched->back;
  }
  return sum;
}

} // namespace tandem
