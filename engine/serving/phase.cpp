// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/phase.hpp"

#include "engine/base/clock.hpp"
#include "engine/metrics/process_memory.hpp"

#include <algorithm>
#include <chrono>

namespace tandem {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr int kSlices = 20; // of what was measured, see metrics/batch_means.hpp
constexpr std::int64_t kTickNs = kSecond / 10;
constexpr std::int64_t kNapNs = 10'000'000;     // a stop request is honoured within this time
constexpr std::int64_t kDrainNs = 10 * kSecond; // an overloaded open loop never empties its queue

} // namespace

PhaseRunner::PhaseRunner(Deployment& deployment, CancelToken cancel, std::function<void(const RunSnapshot&)> snapshot)
    : m_deployment(deployment),
      m_cancel(std::move(cancel)),
      m_snapshot(std::move(snapshot)) {}

PhaseOutcome PhaseRunner::run(const PhaseSettings& settings) {
  PhaseOutcome outcome;
  LoadGenerator generator(settings.scenario, m_deployment.router(), settings.load);
  const bool finite = settings.scenario.isFinite();
  const auto beginMeasuring = [&](std::int64_t from) {
    outcome.startNs = m_moment.measureStartNs = from;
    generator.log().beginMeasuring(from);
    for (Replica* replica : m_deployment.replicas()) replica->log().beginMeasuring(from);
    rememberBusy();
    if (settings.load.pipeline) settings.load.pipeline->resetStatistics();
  };
  const std::int64_t begin = nowNs();
  m_moment = {begin, begin};
  // A finite load counts from its first request. Logs that begin anew under load would miss what is being added.
  if (finite || settings.warmupS <= 0) beginMeasuring(begin);
  generator.start();
  if (!finite && settings.warmupS > 0) {
    m_moment.measureStartNs = begin + static_cast<std::int64_t>(settings.warmupS * 1e9);
    tickUntil(settings.name == "measure" ? "warmup" : settings.name, m_moment.measureStartNs, generator, finite);
    beginMeasuring(nowNs());
  }
  outcome.warmupMs = toMs(outcome.startNs - begin);
  struct Work {
    std::uint64_t executions = 0;
    std::int64_t ns = 0;
  };
  std::map<const Replica*, Work> work;
  for (const Replica* replica : m_deployment.replicas()) work[replica] = {replica->executions(), replica->executedNs()};
  const std::int64_t limit = finite ? INT64_MAX : outcome.startNs + static_cast<std::int64_t>(settings.durationS * 1e9);
  tickUntil(settings.name, limit, generator, finite);
  outcome.endNs = nowNs();
  generator.log().endMeasuring(outcome.endNs);
  for (Replica* replica : m_deployment.replicas()) {
    replica->log().endMeasuring(outcome.endNs);
    work[replica] = {replica->executions() - work[replica].executions, replica->executedNs() - work[replica].ns};
  }
  outcome.devices = busySince(outcome.startNs, outcome.endNs);
  if (settings.load.pipeline) outcome.pipeline = settings.load.pipeline->statistics();

  generator.stop();
  drain(generator, outcome);
  outcome.failure = generator.failure();
  outcome.measuredS = static_cast<double>(outcome.endNs - outcome.startNs) * 1e-9;
  const double seconds = std::max(outcome.measuredS, 1e-9);
  outcome.all = generator.log().measured();
  outcome.throughputPerS = static_cast<double>(outcome.all.completed) / seconds;
  outcome.itemsPerS = static_cast<double>(outcome.all.items) / seconds;
  outcome.transferMs = generator.log().meanTransferMs();
  outcome.computeMs = generator.log().meanComputeMs();
  outcome.quantilesMs = generator.log().quantilesMs(101);
  outcome.slices = generator.log().slices(kSlices, outcome.sliceS);
  for (Replica* replica : m_deployment.replicas()) {
    PhaseOutcome::ReplicaPart part;
    part.replica = replica;
    part.window = replica->log().measured();
    part.itemsPerS = static_cast<double>(part.window.items) / seconds;
    part.executions = work[replica].executions;
    if (part.executions > 0) part.serviceMs = toMs(work[replica].ns) / static_cast<double>(part.executions);
    outcome.replicas.push_back(std::move(part));
  }
  outcome.rssPeakBytes = m_rssPeakBytes;
  return outcome;
}

void PhaseRunner::tickUntil(const std::string& phase, std::int64_t endNs, LoadGenerator& generator, bool finite) {
  std::int64_t next = nowNs() + kTickNs;
  while (nowNs() < endNs && !m_cancel.cancelled() && !allLost()) {
    const std::int64_t until = std::min({next, endNs, nowNs() + kNapNs});
    // A finite load ends with its last request, not with the next tick.
    if (finite) {
      if (generator.finished()) return;
      static_cast<void>(generator.waitIdle(std::max<std::int64_t>(1, (until - nowNs()) / 1'000'000)));
      if (generator.finished()) return;
      if (generator.underWay() == 0)
        std::this_thread::sleep_for(std::chrono::nanoseconds(std::min(kNapNs, kTickNs / 100)));
    } else {
      std::this_thread::sleep_for(std::chrono::nanoseconds(std::max<std::int64_t>(until - nowNs(), 0)));
    }
    generator.resume();
    if (generator.failure()) return;
    if (nowNs() < next) continue;
    tell(phase, &generator);
    if (m_onTick) m_onTick(static_cast<double>(nowNs() - m_moment.measureStartNs) * 1e-9);
    next += kTickNs;
  }
}

bool PhaseRunner::allLost() const {
  const auto present = m_deployment.present();
  return std::all_of(present.begin(), present.end(), [](const Replica* replica) { return replica->isLost(); });
}

void PhaseRunner::drain(LoadGenerator& generator, PhaseOutcome& outcome) {
  const std::int64_t start = nowNs();
  std::int64_t next = start;
  while (nowNs() - start < kDrainNs && !m_cancel.cancelled()) {
    if (generator.waitIdle(kNapNs / 1'000'000)) return;
    if (nowNs() < next) continue;
    tell("drain", &generator);
    next += kTickNs;
  }
  if (!m_cancel.cancelled()) outcome.unfinished = generator.underWay();
  // What is running ends by itself; the generator must not go away under its completion. An arrival that was just
  // being issued may still come in after the queues were emptied.
  do
    for (Replica* replica : m_deployment.replicas()) replica->emptyQueue(Status::Cancelled);
  while (!generator.waitIdle(kNapNs / 1'000'000));
}

void PhaseRunner::rememberBusy() {
  for (const DeviceUse& use : deviceUse(m_deployment)) m_busyBefore[use.id] = m_deployment.meters().of(use.id).busyNs();
}

std::vector<DeviceUse> PhaseRunner::busySince(std::int64_t fromNs, std::int64_t toNs) {
  std::vector<DeviceUse> devices = deviceUse(m_deployment);
  for (DeviceUse& use : devices) {
    const std::int64_t busy = m_deployment.meters().of(use.id).busyNs() - m_busyBefore[use.id];
    if (toNs > fromNs) use.busyFraction = std::min(1.0, static_cast<double>(busy) / static_cast<double>(toNs - fromNs));
  }
  return devices;
}

void PhaseRunner::report(const std::string& phase) { tell(phase, nullptr); }

void PhaseRunner::tell(const std::string& phase, LoadGenerator* generator) {
  const std::int64_t now = nowNs();
  const std::int64_t rss = processRssBytes();
  m_rssPeakBytes = std::max(m_rssPeakBytes, rss);
  if (!m_snapshot) return;
  RunSnapshot snapshot;
  snapshot.phase = phase;
  snapshot.rssBytes = rss;
  snapshot.elapsedS = generator ? static_cast<double>(now - m_moment.measureStartNs) * 1e-9 : -1;
  const std::int64_t cpu = processCpuNs();
  if (m_lastTickNs != 0)
    snapshot.cpuFraction = static_cast<double>(cpu - m_lastCpuNs) / static_cast<double>(now - m_lastTickNs);
  double windowS = 1; // shorter while the load is younger than a second; what came before it is of another load
  const std::int64_t from = generator ? std::max(now - kSecond, m_moment.loadStartNs) : now - kSecond;
  if (generator) {
    const SampleWindow window = generator->log().window(from, now);
    windowS = std::clamp(static_cast<double>(now - m_moment.loadStartNs) * 1e-9, 0.05, 1.0);
    snapshot.completed = generator->log().completed();
    snapshot.failed = generator->log().failed();
    snapshot.rejected = generator->log().rejected();
    snapshot.throughputPerS = static_cast<double>(window.completed) / windowS;
    snapshot.itemsPerS = static_cast<double>(window.items) / windowS;
  }
  for (const Deployment::Entry* entry : m_deployment.entries()) {
    const Replica& replica = *entry->replica;
    const SampleWindow window = replica.log().window(from, now);
    snapshot.replicas.push_back({replica.name(), devicesText(entry->plan), std::string(toString(replica.state())),
                                 replica.log().completed(), static_cast<double>(window.completed) / windowS,
                                 static_cast<double>(window.items) / windowS, window.latency, replica.queued(),
                                 replica.inFlight(), replica.batchLimit()});
  }
  snapshot.devices = deviceUse(m_deployment);
  for (DeviceUse& use : snapshot.devices) {
    const std::int64_t busy = m_deployment.meters().of(use.id).busyNs();
    if (m_lastTickNs != 0)
      use.busyFraction = std::clamp(
          static_cast<double>(busy - m_lastBusy[use.id]) / static_cast<double>(now - m_lastTickNs), 0.0, 1.0);
    m_lastBusy[use.id] = busy;
  }
  snapshot.events = m_deployment.events();
  m_lastTickNs = now;
  m_lastCpuNs = cpu;
  m_snapshot(snapshot);
}

} // namespace tandem
