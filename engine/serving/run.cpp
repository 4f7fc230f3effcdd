// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/run.hpp"

#include "engine/base/clock.hpp"
#include "engine/metrics/process_memory.hpp"

#include <algorithm>

namespace tandem {
namespace {

class Run {
 public:
  Run(Deployment& deployment, const RunSettings& settings)
      : m_deployment(deployment),
        m_settings(settings),
        m_route(deployment.router().route()),
        m_runner(deployment, settings.cancel, settings.snapshot) {
    for (const RequestData& data : settings.data) m_data.push_back(&data);
  }
  ~Run() {
    if (m_changing.joinable()) m_changing.join();
    if (m_settings.changes) m_settings.changes->close();
  }

  Result<RunOutcome> run() {
    TANDEM_TRY(setUp());
    m_deployment.start();
    TANDEM_TRY(measureAlone());
    measurePipelines();
    PhaseSettings phase = phaseOf("measure", m_settings.scenario, m_settings.durationS);
    phase.warmupS = m_settings.warmupS;
    phase.load.pipeline = m_settings.pipeline;
    phase.load.bulkShare = m_settings.bulkShare;
    m_runner.setOnTick([this](double elapsedS) {
      makeChanges(elapsedS);
      if (m_settings.live && m_settings.changes)
        m_settings.live->tick(elapsedS, *m_settings.changes,
                              [this](std::string text) { m_deployment.note(std::move(text)); });
    });
    if (m_settings.pipeline) m_settings.pipeline->start();
    PhaseOutcome measured;
    if (m_settings.scenario.kind == Scenario::Kind::Ramp)
      measured = runRamp(m_runner, phase, m_outcome.ramp.emplace());
    else
      measured = m_runner.run(phase);
    if (m_changing.joinable()) m_changing.join();
    if (measured.failure) return *measured.failure;
    collect(measured);
    return std::move(m_outcome);
  }

 private:
  PhaseSettings phaseOf(std::string name, const Scenario& scenario, double durationS) const {
    PhaseSettings phase;
    phase.name = std::move(name);
    phase.scenario = scenario;
    phase.load.sizes = m_data;
    phase.load.seed = m_settings.seed;
    phase.durationS = durationS;
    return phase;
  }

  ReplicaSetup setup() const {
    ReplicaSetup setup;
    for (const RequestData* data : m_data) setup.sizes.push_back(data->items);
    setup.warmups = m_data;
    setup.cancel = m_settings.cancel;
    setup.trace = m_settings.trace;
    return setup;
  }

  Result<void> setUp() {
    m_runner.report("compile");
    TANDEM_TRY(m_deployment.setUp(setup()));
    for (const Deployment::Entry* entry : m_deployment.entries()) {
      m_outcome.compileMs += entry->cost.compileMs;
      m_outcome.warmupMs += entry->cost.warmupMs;
    }
    m_runner.report("warmup");
    TANDEM_TRY(requireWithinLimits(m_deployment, m_settings.memoryLimits));
    if (m_settings.whenWarm) TANDEM_TRY(m_settings.whenWarm());
    return {};
  }

  /// Requests that the scenario keeps in flight; 0: as many as it likes.
  int inFlight() const {
    switch (m_settings.scenario.kind) {
    case Scenario::Kind::SingleStream: return 1;
    case Scenario::Kind::MultiStream:
    case Scenario::Kind::Closed: return m_settings.scenario.count;
    default: return 0;
    }
  }

  /// Each replica under as much load as it takes: as many clients as the scenario has, where it has clients, else two
  /// for each stream and joined item.
  Scenario load(const Replica& replica) const {
    Scenario scenario;
    scenario.kind = Scenario::Kind::Closed;
    const int joined = std::max(1, replica.options().batching.maximum);
    scenario.count = inFlight() > 0 ? inFlight() : 2 * replica.options().streams * joined;
    return scenario;
  }

  Result<void> measureAlone() {
    const std::vector<Replica*> replicas = m_deployment.present();
    if (m_settings.aloneS <= 0 || replicas.size() < 2) return {};
    for (Replica* replica : replicas) {
      TANDEM_TRY(m_deployment.useRoute({Route::Kind::Pinned, 1, 0, replica->name()}));
      PhaseSettings phase = phaseOf("alone " + replica->name(), load(*replica), m_settings.aloneS);
      phase.warmupS = m_settings.aloneS / 4;
      PhaseOutcome outcome = m_runner.run(phase);
      for (const auto& part : outcome.replicas)
        if (part.replica == replica)
          m_alone.push_back({replica, outcome.itemsPerS, outcome.all.latency.p99Ms, part.serviceMs});
      if (m_runner.cancelled()) break;
    }
    return m_deployment.useRoute(m_route);
  }

  /// A replica whose layers are split over devices keeps several requests in flight: what does that give?
  void measurePipelines() {
    if (m_settings.aloneS <= 0) return;
    for (const Deployment::Entry* entry : m_deployment.entries()) {
      Replica& replica = *entry->replica;
      if (entry->plan.deviceIds.size() < 2 || replica.options().streams < 2) continue;
      if (!m_deployment.useRoute({Route::Kind::Pinned, 1, 0, replica.name()})) continue;
      PipelineGain gain{replica.name(), devicesText(entry->plan), replica.options().streams, 0, 0};
      for (int streams : {1, replica.options().streams}) {
        replica.setActiveStreams(streams);
        Scenario scenario;
        scenario.kind = Scenario::Kind::Closed;
        scenario.count = 2 * streams;
        PhaseSettings phase =
            phaseOf(replica.name() + ", " + std::to_string(streams) + " in flight", scenario, m_settings.aloneS);
        phase.warmupS = m_settings.aloneS / 4;
        (streams == 1 ? gain.oneItemsPerS : gain.manyItemsPerS) = m_runner.run(phase).itemsPerS;
      }
      m_outcome.pipelines.push_back(gain);
    }
    if (const auto back = m_deployment.useRoute(m_route); !back) m_deployment.note(back.error().line());
  }

  /// Changes that are due are made on a thread of their own, one after another, while the load goes on.
  void makeChanges(double elapsedS) {
    if (!m_settings.changes || m_busyChanging) return;
    std::vector<TimedChange> due = m_settings.changes->takeDue(elapsedS);
    if (due.empty()) return;
    if (m_changing.joinable()) m_changing.join();
    m_busyChanging = true;
    m_changing = std::thread([this, due = std::move(due)] {
      nameCurrentThread("changes");
      for (const TimedChange& change : due) {
        Result<void> made = apply(change);
        if (!made) m_deployment.note("a change was not made: " + made.error().line());
        if (change.done) change.done(std::move(made));
      }
      m_busyChanging = false;
    });
  }

  Result<void> apply(const TimedChange& change) {
    switch (change.kind) {
    case TimedChange::Kind::Remove: return m_deployment.remove(change.name);
    case TimedChange::Kind::Route: return m_deployment.setRoute(change.route);
    case TimedChange::Kind::Add: {
      ReplicaPlan plan = TANDEM_TRY(change.plan());
      TANDEM_TRY(m_deployment.add(std::move(plan), setup()));
      return {};
    }
    case TimedChange::Kind::Replace: {
      ReplicaPlan plan = TANDEM_TRY(change.plan());
      return m_deployment.replace(change.name, std::move(plan), setup());
    }
    }
    return {};
  }

  void collect(const PhaseOutcome& measured) {
    m_outcome.route = m_deployment.router().route();
    m_outcome.measuredS = measured.measuredS;
    m_outcome.all = measured.all;
    m_outcome.throughputPerS = measured.throughputPerS;
    m_outcome.itemsPerS = measured.itemsPerS;
    m_outcome.transferMs = measured.transferMs;
    m_outcome.computeMs = measured.computeMs;
    m_outcome.warmupMs += measured.warmupMs;
    m_outcome.quantilesMs = measured.quantilesMs;
    m_outcome.slices = measured.slices;
    m_outcome.sliceS = measured.sliceS;
    m_outcome.devices = measured.devices;
    m_outcome.pipeline = measured.pipeline;
    if (measured.pipeline) {
      std::vector<DeviceLoad> loads;
      for (const DeviceUse& use : measured.devices) loads.push_back({use.id, use.busyFraction});
      m_outcome.starvation = judgeStarvation(*measured.pipeline, measured.measuredS, loads);
    }
    m_outcome.unfinished = measured.unfinished;
    m_outcome.stopped = m_settings.cancel.cancelled();
    for (const Deployment::Entry* entry : m_deployment.entries()) {
      const Replica& replica = *entry->replica;
      RunOutcome::ReplicaOutcome outcome;
      outcome.name = replica.name();
      outcome.devices = devicesText(entry->plan);
      outcome.summary = entry->plan.summary;
      for (const auto& part : measured.replicas) {
        if (part.replica != &replica) continue;
        outcome.window = part.window;
        outcome.itemsPerS = part.itemsPerS;
        outcome.serviceMs = part.serviceMs;
        outcome.executions = part.executions;
      }
      outcome.paddedItems = replica.paddedItems();
      outcome.lastError = replica.lastError();
      outcome.state = replica.state();
      outcome.lost = replica.isLost();
      outcome.cost = entry->cost;
      outcome.copy = copyCost(m_deployment, replica);
      m_outcome.replicas.push_back(std::move(outcome));
    }
    for (const ServingEvent& event : m_deployment.events())
      m_outcome.events.push_back({static_cast<double>(event.timeNs - measured.startNs) * 1e-9, event.text});
    m_outcome.rssBytes = processRssBytes();
    m_outcome.rssPeakBytes = std::max(m_runner.rssPeakBytes(), m_outcome.rssBytes);
    // Whoever stops a run early wants to know as well, where there is something to compare.
    const bool isLongEnough = !m_outcome.stopped || measured.measuredS >= m_settings.aloneS;
    if (m_alone.size() == m_outcome.replicas.size() && m_alone.size() > 1 && isLongEnough) judgeRun(measured);
  }

  void judgeRun(const PhaseOutcome& measured) {
    VerdictFacts facts;
    facts.togetherItemsPerS = measured.itemsPerS;
    facts.togetherP99Ms = measured.all.latency.p99Ms;
    facts.transferMs = measured.transferMs;
    facts.computeMs = measured.computeMs;
    facts.loadSaturates = !m_settings.scenario.isOpenLoop() && m_settings.scenario.kind != Scenario::Kind::Ramp;
    facts.isSplit = m_route.kind == Route::Kind::Split;
    facts.inFlight = inFlight();
    for (std::size_t i = 0; i < m_alone.size(); ++i) {
      const RunOutcome::ReplicaOutcome& outcome = m_outcome.replicas[i];
      VerdictPart part;
      part.name = outcome.name;
      part.devices = outcome.devices;
      part.aloneItemsPerS = m_alone[i].itemsPerS;
      part.togetherItemsPerS = outcome.itemsPerS;
      part.aloneP99Ms = m_alone[i].p99Ms;
      part.aloneServiceMs = m_alone[i].serviceMs;
      part.togetherServiceMs = outcome.serviceMs;
      for (const std::string& id : m_deployment.entries()[i]->plan.deviceIds)
        for (const DeviceUse& use : measured.devices)
          if (use.id == id) part.busyFraction = std::max(part.busyFraction, use.busyFraction);
      part.setupMs = outcome.cost.compileMs + outcome.cost.warmupMs;
      part.rssBytes = outcome.cost.rssBytes;
      for (const DeviceUse& use : outcome.copy) part.copyBytes += use.bytes();
      facts.parts.push_back(std::move(part));
    }
    m_outcome.verdict = judge(facts);
  }

  struct Alone {
    const Replica* replica = nullptr;
    double itemsPerS = 0, p99Ms = 0, serviceMs = 0;
  };

  Deployment& m_deployment;
  const RunSettings& m_settings;
  const Route m_route;
  PhaseRunner m_runner;
  std::vector<const RequestData*> m_data;
  std::vector<Alone> m_alone;
  RunOutcome m_outcome;
  std::thread m_changing;
  std::atomic<bool> m_busyChanging{false};
};

} // namespace

bool ChangeQueue::push(TimedChange change) {
  std::lock_guard lock(m_mutex);
  if (m_closed) return false;
  m_changes.push_back(std::move(change));
  return true;
}

std::vector<TimedChange> ChangeQueue::takeDue(double elapsedS) {
  std::lock_guard lock(m_mutex);
  std::vector<TimedChange> due;
  for (TimedChange& change : m_changes)
    if (change.atS <= elapsedS) due.push_back(std::move(change));
  std::erase_if(m_changes, [&](const TimedChange& change) { return change.atS <= elapsedS; });
  std::stable_sort(due.begin(), due.end(), [](const auto& a, const auto& b) { return a.atS < b.atS; });
  return due;
}

void ChangeQueue::close() {
  std::vector<TimedChange> left;
  {
    std::lock_guard lock(m_mutex);
    m_closed = true;
    left.swap(m_changes);
  }
  for (const TimedChange& change : left)
    if (change.done) change.done(makeError(ErrorCode::Cancelled, "the run ended before it was made", "deployment"));
}

Result<RunOutcome> runDeployment(Deployment& deployment, const RunSettings& settings) {
  return Run(deployment, settings).run();
}

} // namespace tandem
