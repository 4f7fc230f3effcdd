// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/deployment.hpp"

#include "engine/base/clock.hpp"
#include "engine/metrics/process_memory.hpp"

#include <algorithm>
#include <chrono>

namespace tandem {
namespace {

constexpr auto kWatch = std::chrono::milliseconds(20); // how often it is looked for what does not come back

} // namespace

std::string devicesText(const ReplicaPlan& plan) {
  std::string text;
  for (const std::string& id : plan.deviceIds) text += (text.empty() ? "" : " + ") + id;
  return text;
}

Deployment::Deployment(const DeploymentOptions& options)
    : m_table(options.queueLimit),
      m_router(std::make_unique<Router>(m_table)) {}

Result<std::unique_ptr<Deployment>> Deployment::create(std::vector<ReplicaPlan> plans, const Route& route,
                                                       const DeploymentOptions& options) {
  std::unique_ptr<Deployment> deployment(new Deployment(options));
  for (ReplicaPlan& plan : plans) deployment->insert(std::move(plan), nullptr);
  deployment->m_route = route;
  TANDEM_TRY(deployment->publish(route));
  return Result<std::unique_ptr<Deployment>>(std::move(deployment));
}

Deployment::~Deployment() {
  {
    std::lock_guard lock(m_mutex);
    m_stop = true;
  }
  m_wake.notify_all();
  if (m_supervisor.joinable()) m_supervisor.join();
}

Deployment::Entry& Deployment::insert(ReplicaPlan plan, const Entry* replaced) {
  std::lock_guard lock(m_mutex);
  std::string base = plan.options.name;
  if (base.empty())
    for (const std::string& id : plan.deviceIds) base += (base.empty() ? "" : "+") + id;
  std::string name = base;
  const auto isTaken = [&](const Entry& entry) { return entry.replica->name() == name; };
  for (int number = 2; !replaced && std::any_of(m_entries.begin(), m_entries.end(), isTaken); ++number)
    name = base + " #" + std::to_string(number);
  plan.options.name = name;
  auto backend = plan.backend ? plan.backend(m_meters)
                              : std::make_unique<ModelBackend>(plan.factory, plan.options.batching.maximum, m_meters);
  auto replica = std::make_unique<Replica>(plan.options, std::move(backend), m_table);
  replica->setFailover([this, self = replica.get()](Ticket ticket) { return m_router->dispatch(ticket, self); });
  const std::size_t place = replaced ? replaced->place : m_entries.size();
  return m_entries.emplace_back(Entry{std::move(plan), std::move(replica), {}, place});
}

std::vector<const Deployment::Entry*> Deployment::entries() const {
  std::lock_guard lock(m_mutex);
  std::vector<const Entry*> all;
  for (const Entry& entry : m_entries) all.push_back(&entry);
  return all;
}

std::vector<Replica*> Deployment::replicas() const {
  std::vector<Replica*> all;
  for (const Entry* entry : entries()) all.push_back(entry->replica.get());
  return all;
}

std::vector<Replica*> Deployment::present() const {
  std::vector<const Entry*> there = entries();
  std::erase_if(there, [](const Entry* entry) {
    const ReplicaState state = entry->replica->state();
    return state == ReplicaState::Gone || state == ReplicaState::Draining;
  });
  std::stable_sort(there.begin(), there.end(), [](const Entry* a, const Entry* b) { return a->place < b->place; });
  std::vector<Replica*> all;
  for (const Entry* entry : there) all.push_back(entry->replica.get());
  return all;
}

Result<void> Deployment::setUp(const ReplicaSetup& setup) {
  std::lock_guard changes(m_changes);
  m_sizes = setup.sizes;
  if (m_route.kind == Route::Kind::Size && m_route.size > 0) m_size = m_route.size;
  for (const Entry* entry : entries()) TANDEM_TRY(setUp(const_cast<Entry&>(*entry), setup));
  TANDEM_TRY(measureRoute(setup));
  return publish(m_route);
}

Result<void> Deployment::setUp(Entry& entry, const ReplicaSetup& setup) {
  TANDEM_TRY(setup.cancel.check());
  Replica& replica = *entry.replica;
  const std::int64_t start = nowNs(), before = processRssBytes();
  std::vector<int> sizes = setup.sizes;
  const std::vector<int> joined = replica.options().batching.sizes();
  sizes.insert(sizes.end(), joined.begin(), joined.end());
  std::sort(sizes.begin(), sizes.end());
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  TANDEM_TRY(replica.prepare(sizes));
  replica.setTrace(setup.trace);
  replica.setCancel(setup.cancel);
  const std::int64_t warm = nowNs();
  entry.cost.compileMs = toMs(warm - start);
  for (const RequestData* data : setup.warmups) {
    TANDEM_TRY(setup.cancel.check());
    TANDEM_TRY(replica.warmUp(*data));
  }
  entry.cost.warmupMs = toMs(nowNs() - warm);
  entry.cost.rssBytes = std::max<std::int64_t>(0, processRssBytes() - before);
  return {};
}

void Deployment::start() {
  for (Replica* replica : present()) replica->start();
  if (!m_supervisor.joinable()) m_supervisor = std::thread([this] { supervise(); });
}

/// The router's plan, as replicas and measurements are now.
Result<void> Deployment::publish(const Route& route) {
  RoutingPlan plan{route, present(), m_shares};
  if (route.kind == Route::Kind::Size && (route.size == 0 || m_threshold)) plan.route.size = m_size;
  std::erase_if(plan.shares, [&](const auto& each) { return each.second.size() != plan.replicas.size(); });
  return m_router->setPlan(std::move(plan));
}

Deployment::Entry* Deployment::find(const std::string& name) {
  std::lock_guard lock(m_mutex);
  for (Entry& entry : m_entries)
    if (entry.replica->name() == name && entry.replica->state() != ReplicaState::Gone &&
        entry.replica->state() != ReplicaState::Draining)
      return &entry;
  return nullptr;
}

Result<std::string> Deployment::add(ReplicaPlan plan, const ReplicaSetup& setup) {
  std::lock_guard changes(m_changes);
  Entry& entry = insert(std::move(plan), nullptr);
  const std::string name = entry.replica->name();
  if (Result<void> made = setUp(entry, setup); !made) {
    entry.replica->drain();
    return made.error();
  }
  entry.replica->log().beginMeasuring(nowNs()); // of the phase that is under way
  entry.replica->start();
  m_shares.clear(); // they had one part less; until measured again, the speeds of the moment divide
  TANDEM_TRY(publish(m_route));
  note(name + " serves from now on");
  return name;
}

Result<void> Deployment::remove(const std::string& name) {
  std::lock_guard changes(m_changes);
  Entry* entry = find(name);
  if (!entry)
    return makeError(ErrorCode::Usage, "no replica is called '" + name + "'", "deployment", "see the report for names");
  std::vector<Replica*> others = present();
  std::erase(others, entry->replica.get());
  if (others.empty())
    return makeError(ErrorCode::Usage, "'" + name + "' is the last replica", "deployment", "add another one first");
  m_shares.clear();
  RoutingPlan plan{m_router->route(), std::move(others), {}};
  TANDEM_TRY(m_router->setPlan(std::move(plan)));
  entry->replica->drain();
  note(name + " is drained and gone");
  return {};
}

Result<void> Deployment::replace(const std::string& name, ReplicaPlan plan, const ReplicaSetup& setup) {
  std::lock_guard changes(m_changes);
  Entry* old = find(name);
  if (!old)
    return makeError(ErrorCode::Usage, "no replica is called '" + name + "'", "deployment", "see the report for names");
  plan.options.name = name;
  Entry& entry = insert(std::move(plan), old);
  if (Result<void> made = setUp(entry, setup); !made) {
    entry.replica->drain();
    return made.error();
  }
  entry.replica->log().beginMeasuring(nowNs()); // of the phase that is under way
  entry.replica->start();
  m_shares.clear();
  std::vector<Replica*> serving = present();
  std::erase(serving, old->replica.get());
  TANDEM_TRY(m_router->setPlan({m_router->route(), std::move(serving), {}}));
  old->replica->drain();
  note(name + " is served by " + devicesText(entry.plan) + " from now on, by " + devicesText(old->plan) + " before");
  return {};
}

Result<void> Deployment::setRoute(const Route& route) {
  std::lock_guard changes(m_changes);
  if (route.kind == Route::Kind::Size && route.size > 0) m_size = route.size;
  if (m_threshold) m_threshold.emplace(m_liveMargin); // what it was about to do was for the other route
  TANDEM_TRY(publish(route));
  m_route = route;
  note("routing is " + route.toString() + " from now on");
  return {};
}

Result<void> Deployment::useRoute(const Route& route) {
  std::lock_guard changes(m_changes);
  if (route.kind == Route::Kind::Size && route.size > 0) m_size = route.size;
  TANDEM_TRY(publish(route));
  m_route = route;
  return {};
}

void Deployment::setLiveMargin(double margin) {
  std::lock_guard changes(m_changes);
  m_liveMargin = margin;
  m_threshold.reset();
  if (margin > 0) m_threshold.emplace(margin);
}

void Deployment::setListener(std::function<void(const ServingEvent&)> listener) {
  std::lock_guard lock(m_mutex);
  m_listener = std::move(listener);
}

std::vector<ServingEvent> Deployment::events() const {
  std::lock_guard lock(m_mutex);
  return m_events;
}

void Deployment::note(std::string text) {
  constexpr std::size_t kMost = 1000; // a device that comes and goes must not fill the memory
  std::lock_guard lock(m_mutex);
  if (m_events.size() >= kMost) return;
  m_events.push_back({nowNs(), std::move(text)});
  if (m_listener) m_listener(m_events.back());
}

void Deployment::supervise() {
  nameCurrentThread("supervisor");
  std::int64_t balanced = nowNs();
  for (;;) {
    {
      std::unique_lock lock(m_mutex);
      if (m_wake.wait_for(lock, kWatch, [&] { return m_stop; })) return;
    }
    const std::int64_t now = nowNs();
    for (Replica* replica : present()) {
      const auto check =
          replica->checkHung(now, [this, replica](Ticket ticket) { return m_router->dispatch(ticket, replica); });
      if (check == Replica::Check::Hung)
        note(replica->name() + " is hung: an execution has not come back; others take its requests");
      if (check == Replica::Check::Recovered) note(replica->name() + " came back and serves again");
    }
    constexpr std::int64_t kBalanceNs = 1'000'000'000;
    if (now - balanced < kBalanceNs) continue;
    balanced = now;
    std::unique_lock changes(m_changes, std::try_to_lock); // a change measures and publishes by itself
    if (changes.owns_lock()) rebalance();
  }
}

} // namespace tandem
