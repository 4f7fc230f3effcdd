// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/pipeline_statistics.hpp"

#include <algorithm>

namespace tandem {

PipelineStages& PipelineStages::operator+=(const PipelineStages& other) {
  readNs += other.readNs;
  decodeNs += other.decodeNs;
  resizeNs += other.resizeNs;
  normalizeNs += other.normalizeNs;
  batchNs += other.batchNs;
  return *this;
}

double PipelineStatistics::msPerItem() const {
  return items > 0 ? static_cast<double>(stages.totalNs()) * 1e-6 / static_cast<double>(items) : 0;
}

double PipelineStatistics::itemsPerThreadS() const {
  const double busyS = busyFraction * elapsedS * threads;
  return busyS > 0 ? static_cast<double>(items) / busyS : 0;
}

PipelineMeter::PipelineMeter(int threads, std::vector<WatchedDevice> devices) : m_threads(threads) {
  for (WatchedDevice& device : devices) m_devices.push_back({std::move(device), 0, 0});
}

void PipelineMeter::reset(std::int64_t nowNs) {
  m_startNs = m_lastNs = nowNs;
  m_depthNs = m_busyNs = 0;
  m_starvedNs = 0;
  for (Watched& each : m_devices) each.idleNs = 0;
  if (m_starvingSince) beginStarving(nowNs);
}

void PipelineMeter::advance(std::int64_t nowNs) {
  const auto passed = static_cast<double>(nowNs - m_lastNs);
  m_depthNs += passed * m_ready;
  m_busyNs += passed * m_active;
  m_lastNs = nowNs;
}

void PipelineMeter::setState(std::int64_t nowNs, int ready, bool starving) {
  advance(nowNs);
  m_ready = ready;
  if (starving && !m_starvingSince) beginStarving(nowNs);
  if (!starving && m_starvingSince) endStarving(nowNs);
}

void PipelineMeter::threadBegins(std::int64_t nowNs) {
  advance(nowNs);
  ++m_active;
}

void PipelineMeter::threadEnds(std::int64_t nowNs) {
  advance(nowNs);
  --m_active;
}

void PipelineMeter::beginStarving(std::int64_t nowNs) {
  m_starvingSince = nowNs;
  for (Watched& each : m_devices) each.busyAtStart = each.device.busyNs();
}

std::int64_t PipelineMeter::idleSince(const Watched& watched, std::int64_t fromNs, std::int64_t toNs) {
  // The meter is read a little later than the clock.
  const std::int64_t busy = watched.device.busyNs() - watched.busyAtStart;
  return std::clamp<std::int64_t>(toNs - fromNs - busy, 0, toNs - fromNs);
}

void PipelineMeter::endStarving(std::int64_t nowNs) {
  m_starvedNs += nowNs - *m_starvingSince;
  for (Watched& each : m_devices) each.idleNs += idleSince(each, *m_starvingSince, nowNs);
  m_starvingSince.reset();
}

void PipelineMeter::fill(std::int64_t nowNs, PipelineStatistics& statistics) const {
  const double elapsed = static_cast<double>(nowNs - m_startNs);
  const double open = static_cast<double>(nowNs - m_lastNs);
  statistics.threads = m_threads;
  statistics.elapsedS = elapsed * 1e-9;
  statistics.starvedNs = m_starvedNs + (m_starvingSince ? nowNs - *m_starvingSince : 0);
  for (const Watched& each : m_devices)
    statistics.devices.push_back(
        {each.device.id, each.idleNs + (m_starvingSince ? idleSince(each, *m_starvingSince, nowNs) : 0)});
  if (elapsed <= 0) return;
  statistics.meanDepth = (m_depthNs + open * m_ready) / elapsed;
  statistics.busyFraction = (m_busyNs + open * m_active) / (elapsed * m_threads);
}

} // namespace tandem
