// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/run.hpp"

#include "engine/base/clock.hpp"
#include "engine/metrics/process_memory.hpp"

#include <algorithm>
#include <chrono>

namespace tandem {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kTickNs = kSecond / 10;
constexpr std::int64_t kNapNs = 10'000'000;     // a stop request is honoured within this time
constexpr std::int64_t kDrainNs = 10 * kSecond; // an overloaded open loop never empties its queue

class RunLoop {
 public:
  RunLoop(Deployment& deployment, const RunSettings& settings) : m_deployment(deployment), m_settings(settings) {
    for (const RequestData& data : settings.data) m_data.push_back(&data);
  }

  Result<RunOutcome> run() {
    TANDEM_TRY(setUp());
    LoadGenerator generator(m_settings.scenario, m_deployment.router(), m_data, m_settings.seed);
    const bool finite = m_settings.scenario.kind == Scenario::Kind::Offline;
    for (const auto& replica : m_deployment.replicas()) replica->start();

    const std::int64_t begin = nowNs();
    m_loadStart = begin;
    m_measureStart = begin;
    if (finite) rememberBusy();
    generator.start();
    if (!finite && m_settings.warmupS > 0) {
      m_measureStart = begin + static_cast<std::int64_t>(m_settings.warmupS * 1e9);
      tickUntil("warmup", m_measureStart, generator);
    }
    if (!finite) { // a finite load counts from its first request
      m_measureStart = nowNs();
      m_outcome.warmupMs += toMs(m_measureStart - begin);
      rememberBusy();
    }
    const std::int64_t limit =
        finite ? INT64_MAX : m_measureStart + static_cast<std::int64_t>(m_settings.durationS * 1e9);
    tickUntil("measure", limit, generator);
    const std::int64_t measureEnd = nowNs();
    const std::vector<DeviceUse> use = busySince(m_measureStart, measureEnd);

    generator.stop();
    drain(generator);
    m_outcome.devices = use;
    collect(generator, measureEnd);
    return std::move(m_outcome);
  }

 private:
  Result<void> setUp() {
    std::vector<int> sizes;
    for (const RequestData* data : m_data) sizes.push_back(data->items);
    const std::int64_t start = nowNs();
    report("compile", nullptr);
    for (const auto& replica : m_deployment.replicas()) {
      TANDEM_TRY(m_settings.cancel.check());
      std::vector<int> own = sizes;
      if (replica->options().batch > 0) own.push_back(replica->options().batch);
      TANDEM_TRY(replica->prepare(own));
      replica->setTrace(m_settings.trace);
    }
    TANDEM_TRY(requireWithinLimits());
    m_outcome.compileMs = toMs(nowNs() - start);
    const std::int64_t warm = nowNs();
    report("warmup", nullptr);
    for (const auto& replica : m_deployment.replicas())
      for (const RequestData* data : m_data) {
        TANDEM_TRY(m_settings.cancel.check());
        TANDEM_TRY(replica->warmUp(*data));
      }
    m_outcome.warmupMs = toMs(nowNs() - warm);
    if (m_settings.whenWarm) TANDEM_TRY(m_settings.whenWarm());
    return {};
  }

  Result<void> requireWithinLimits() const {
    for (const DeviceUse& use : deviceUse(m_deployment)) {
      const auto limit = m_settings.memoryLimits.find(use.id);
      const std::int64_t need = use.weightsBytes + use.activationsBytes + use.stagingBytes;
      if (limit == m_settings.memoryLimits.end() || need <= limit->second) continue;
      return makeError(ErrorCode::DeviceFailed,
                       "the plan needs " + std::to_string(need) + " bytes, the memory limit is " +
                           std::to_string(limit->second),
                       use.id, "use a smaller batch, fewer replicas or streams, or a higher limit");
    }
    return {};
  }

  void tickUntil(const char* phase, std::int64_t endNs, LoadGenerator& generator) {
    std::int64_t next = nowNs() + kTickNs;
    while (nowNs() < endNs && !m_settings.cancel.cancelled() && !allLost()) {
      const std::int64_t until = std::min({next, endNs, nowNs() + kNapNs});
      // An offline run ends with its last request, not with the next tick.
      if (m_settings.scenario.kind == Scenario::Kind::Offline) {
        if (generator.waitIdle(std::max<std::int64_t>(1, (until - nowNs()) / 1'000'000))) return;
      } else {
        std::this_thread::sleep_for(std::chrono::nanoseconds(std::max<std::int64_t>(until - nowNs(), 0)));
      }
      if (nowNs() >= next) {
        report(phase, &generator);
        next += kTickNs;
      }
    }
  }

  bool allLost() const {
    const auto& replicas = m_deployment.replicas();
    return std::all_of(replicas.begin(), replicas.end(), [](const auto& replica) { return replica->isLost(); });
  }

  void dropQueues() {
    for (const auto& replica : m_deployment.replicas()) replica->dropQueue();
  }

  void drain(LoadGenerator& generator) {
    const std::int64_t start = nowNs();
    std::int64_t next = start;
    while (nowNs() - start < kDrainNs && !m_settings.cancel.cancelled()) {
      if (generator.waitIdle(kNapNs / 1'000'000)) return;
      if (nowNs() < next) continue;
      report("drain", &generator);
      next += kTickNs;
    }
    if (!m_settings.cancel.cancelled()) m_outcome.unfinished = generator.underWay();
    // What is running ends by itself; the generator must not go away under its completion. An arrival that was just
    // being issued may still come in after the queues were emptied.
    do dropQueues();
    while (!generator.waitIdle(kNapNs / 1'000'000));
  }

  void rememberBusy() {
    for (const DeviceUse& use : deviceUse(m_deployment))
      m_busyBefore[use.id] = m_deployment.meters().of(use.id).busyNs();
  }

  std::vector<DeviceUse> busySince(std::int64_t fromNs, std::int64_t toNs) {
    std::vector<DeviceUse> devices = deviceUse(m_deployment);
    for (DeviceUse& use : devices) {
      const std::int64_t busy = m_deployment.meters().of(use.id).busyNs() - m_busyBefore[use.id];
      if (toNs > fromNs)
        use.busyFraction = std::min(1.0, static_cast<double>(busy) / static_cast<double>(toNs - fromNs));
    }
    return devices;
  }

  void report(const char* phase, LoadGenerator* generator) {
    const std::int64_t now = nowNs();
    const std::int64_t rss = processRssBytes();
    m_outcome.rssPeakBytes = std::max(m_outcome.rssPeakBytes, rss);
    if (!m_settings.snapshot) return;
    RunSnapshot snapshot;
    snapshot.phase = phase;
    snapshot.rssBytes = rss;
    snapshot.elapsedS = m_measureStart == 0 ? -m_settings.warmupS : static_cast<double>(now - m_measureStart) * 1e-9;
    const std::int64_t cpu = processCpuNs();
    if (m_lastTickNs != 0)
      snapshot.cpuFraction = static_cast<double>(cpu - m_lastCpuNs) / static_cast<double>(now - m_lastTickNs);
    double windowS = 1; // shorter while the load is younger than a second
    if (generator) {
      const SampleWindow window = generator->log().window(now - kSecond, now);
      windowS = std::clamp(static_cast<double>(now - m_loadStart) * 1e-9, 0.05, 1.0);
      snapshot.completed = generator->log().completed();
      snapshot.failed = generator->log().failed();
      snapshot.throughputPerS = static_cast<double>(window.completed) / windowS;
      snapshot.itemsPerS = static_cast<double>(window.items) / windowS;
    }
    for (std::size_t i = 0; i < m_deployment.replicas().size(); ++i) {
      Replica& replica = *m_deployment.replicas()[i];
      const SampleWindow window = replica.log().window(now - kSecond, now);
      snapshot.replicas.push_back(
          {replica.name(), devicesText(i), replica.log().completed(), static_cast<double>(window.completed) / windowS,
           static_cast<double>(window.items) / windowS, window.latency, replica.queued(), replica.inFlight()});
    }
    snapshot.devices = deviceUse(m_deployment);
    for (DeviceUse& use : snapshot.devices) {
      const std::int64_t busy = m_deployment.meters().of(use.id).busyNs();
      if (m_lastTickNs != 0)
        use.busyFraction = std::clamp(
            static_cast<double>(busy - m_lastBusy[use.id]) / static_cast<double>(now - m_lastTickNs), 0.0, 1.0);
      m_lastBusy[use.id] = busy;
    }
    m_lastTickNs = now;
    m_lastCpuNs = cpu;
    m_settings.snapshot(snapshot);
  }

  std::string devicesText(std::size_t replica) const {
    std::string text;
    for (const std::string& id : m_deployment.plans()[replica].deviceIds) text += (text.empty() ? "" : " + ") + id;
    return text;
  }

  void collect(LoadGenerator& generator, std::int64_t measureEnd) {
    m_outcome.measuredS = static_cast<double>(measureEnd - m_measureStart) * 1e-9;
    m_outcome.all = generator.log().window(m_measureStart, measureEnd);
    const double seconds = std::max(m_outcome.measuredS, 1e-9);
    m_outcome.throughputPerS = static_cast<double>(m_outcome.all.completed) / seconds;
    m_outcome.itemsPerS = static_cast<double>(m_outcome.all.items) / seconds;
    m_outcome.transferMs = generator.log().meanTransferMs();
    m_outcome.computeMs = generator.log().meanComputeMs();
    for (std::size_t i = 0; i < m_deployment.replicas().size(); ++i) {
      Replica& replica = *m_deployment.replicas()[i];
      RunOutcome::ReplicaOutcome outcome;
      outcome.name = replica.name();
      outcome.devices = devicesText(i);
      outcome.summary = m_deployment.plans()[i].summary;
      outcome.window = replica.log().window(m_measureStart, measureEnd);
      outcome.itemsPerS = static_cast<double>(outcome.window.items) / seconds;
      outcome.paddedItems = replica.paddedItems();
      outcome.lastError = replica.lastError();
      outcome.lost = replica.isLost();
      m_outcome.replicas.push_back(std::move(outcome));
    }
    m_outcome.rssBytes = processRssBytes();
    m_outcome.rssPeakBytes = std::max(m_outcome.rssPeakBytes, m_outcome.rssBytes);
    m_outcome.stopped = m_settings.cancel.cancelled();
  }

  Deployment& m_deployment;
  const RunSettings& m_settings;
  std::vector<const RequestData*> m_data;
  RunOutcome m_outcome;
  std::int64_t m_loadStart = 0, m_measureStart = 0, m_lastTickNs = 0, m_lastCpuNs = 0;
  std::map<std::string, std::int64_t> m_busyBefore, m_lastBusy;
};

} // namespace

std::vector<DeviceUse> deviceUse(const Deployment& deployment) {
  std::vector<DeviceUse> devices;
  auto of = [&](const std::string& id) -> DeviceUse& {
    for (DeviceUse& use : devices)
      if (use.id == id) return use;
    devices.push_back({id, 0, 0, 0, 0, 0});
    return devices.back();
  };
  std::set<const void*> seen;
  for (const auto& replica : deployment.replicas())
    for (const auto& [items, executable] : replica->variants())
      for (const ExecutableMemory& memory : executable->memory()) {
        DeviceUse& use = of(memory.device->id());
        use.weightsBytes += memory.weightsBytes;
        for (const auto& [piece, bytes] : memory.pieces) {
          if (seen.insert(piece).second) continue;
          use.weightsBytes -= bytes;
          use.sharedWeightsBytes += bytes;
        }
        use.activationsBytes += memory.activationsBytes * replica->options().streams;
        use.stagingBytes += memory.stagingBytes * replica->options().streams;
      }
  return devices;
}

Result<RunOutcome> runDeployment(Deployment& deployment, const RunSettings& settings) {
  return RunLoop(deployment, settings).run();
}

} // namespace tandem
