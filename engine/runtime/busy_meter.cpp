// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/busy_meter.hpp"

#include "engine/base/clock.hpp"

namespace tandem {

void BusyMeter::enter() {
  std::lock_guard lock(m_mutex);
  if (m_active++ == 0) m_sinceNs = nowNs();
}

void BusyMeter::leave() {
  std::lock_guard lock(m_mutex);
  if (--m_active == 0) m_totalNs += nowNs() - m_sinceNs;
}

std::int64_t BusyMeter::busyNs() const {
  std::lock_guard lock(m_mutex);
  return m_totalNs + (m_active > 0 ? nowNs() - m_sinceNs : 0);
}

BusyMeter& BusyMeters::of(const std::string& deviceId) {
  std::lock_guard lock(m_mutex);
  std::unique_ptr<BusyMeter>& meter = m_meters[deviceId];
  if (!meter) meter = std::make_unique<BusyMeter>();
  return *meter;
}

} // namespace tandem
