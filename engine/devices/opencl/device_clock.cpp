// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/device_clock.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::opencl {
namespace {

constexpr double kMostDrift = 0.1;               // whoever is off by more does not count nanoseconds
constexpr double kDriftError = 1e-4;             // two readings this close to a line say what the drift is
constexpr std::int64_t kBaseNs = 10'000'000'000; // long for precision, short against warming up
constexpr std::int64_t kSlewRate = 100;          // a step back is made up for over this many times its length
constexpr std::int64_t kWorse = 4;               // a reading this much less certain than the last one is passed over
constexpr std::int64_t kPatience = 10;           // unless none was better for this many intervals

} // namespace

void DeviceClock::add(const ClockReading& reading) {
  if (reading.hostAfter < reading.hostBefore) return;
  const std::int64_t half = (reading.hostAfter - reading.hostBefore + 1) / 2;
  const Anchor anchor{reading.device, reading.hostBefore + (reading.hostAfter - reading.hostBefore) / 2, half};
  const bool between = reading.hostBefore <= reading.device && reading.device <= reading.hostAfter;
  if (!m_known) {
    m_known = true;
    m_same = between;
    m_oldest = m_middle = m_newest = anchor;
    return;
  }
  if (anchor.device <= m_newest.device || anchor.host <= m_newest.host) return;
  const bool stale = anchor.host - m_newest.host >= kPatience * kIntervalNs;
  if (!stale && half > std::max<std::int64_t>(m_newest.uncertain, 1) * kWorse) return;
  m_newest = anchor;
  m_same = m_same && between;
  findDrift();
  m_slew = 0;
  if (!m_used) return;
  m_slew = std::max<std::int64_t>(m_latestHost - line(m_latestDevice), 0);
  m_slewFrom = m_latestDevice;
}

void DeviceClock::findDrift() {
  if (m_oldest.uncertain > m_newest.uncertain * kWorse) m_oldest = m_middle = m_newest; // a poor one spoils the line
  const std::int64_t span = m_newest.device - m_oldest.device;
  const auto error = static_cast<double>(m_oldest.uncertain + m_newest.uncertain);
  if (span > 0 && error <= static_cast<double>(span) * kDriftError) {
    const double drift = static_cast<double>(m_newest.host - m_oldest.host) / static_cast<double>(span);
    m_drift = std::abs(drift - 1) <= kMostDrift ? drift : 1;
  }
  if (m_newest.host - m_middle.host < kBaseNs) return;
  m_oldest = m_middle;
  m_middle = m_newest;
}

std::int64_t DeviceClock::line(std::int64_t device) const {
  if (m_same) return device;
  return m_newest.host + std::llround(m_drift * static_cast<double>(device - m_newest.device));
}

std::int64_t DeviceClock::toHost(std::int64_t device) {
  if (!m_known) return device;
  const std::int64_t passed = std::max<std::int64_t>(device - m_slewFrom, 0);
  const std::int64_t host = line(device) + std::max<std::int64_t>(m_slew - passed / kSlewRate, 0);
  if (m_used && device <= m_latestDevice) return std::min(host, m_latestHost);
  m_latestHost = m_used ? std::max(host, m_latestHost) : host;
  m_latestDevice = device;
  m_used = true;
  return m_latestHost;
}

} // namespace tandem::opencl
