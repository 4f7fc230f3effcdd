// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/device_watch.hpp"

#include "engine/base/clock.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>

namespace tandem {
namespace {

struct Watch {
  std::mutex mutex;
  DeviceWait* first = nullptr;
  std::map<std::string, std::int64_t, std::less<>> longestNs; ///< by device
};

Watch& watch() {
  static Watch* all = new Watch(); // a driver may still be waited for while the process ends
  return *all;
}

std::int64_t leastBudgetNs() {
  static const std::int64_t ns = [] {
    constexpr double kDefaultS = 60;
    const char* text = std::getenv("TANDEM_DEVICE_TIMEOUT_S");
    char* end = nullptr;
    const double seconds = text ? std::strtod(text, &end) : kDefaultS;
    const bool usable = !text || (end != text && seconds >= 0 && seconds <= 1e6);
    return static_cast<std::int64_t>((usable ? seconds : kDefaultS) * 1e9);
  }();
  return ns;
}

} // namespace

DeviceWait::DeviceWait(std::string_view device) : m_device(device), m_startNs(nowNs()) {
  Watch& all = watch();
  std::lock_guard lock(all.mutex);
  m_next = all.first;
  if (m_next) m_next->m_previous = this;
  all.first = this;
}

DeviceWait::~DeviceWait() {
  Watch& all = watch();
  std::lock_guard lock(all.mutex);
  (m_previous ? m_previous->m_next : all.first) = m_next;
  if (m_next) m_next->m_previous = m_previous;
  auto longest = all.longestNs.find(m_device);
  if (longest == all.longestNs.end()) longest = all.longestNs.emplace(m_device, 0).first;
  longest->second = std::max(longest->second, nowNs() - m_startNs);
}

std::optional<StuckDevice> findStuckDevice() {
  constexpr std::int64_t kTimesLongest = 10;
  if (leastBudgetNs() == 0) return std::nullopt;
  Watch& all = watch();
  std::lock_guard lock(all.mutex);
  const std::int64_t now = nowNs();
  for (const DeviceWait* wait = all.first; wait; wait = wait->m_next) {
    const auto longest = all.longestNs.find(wait->m_device);
    const std::int64_t known = longest == all.longestNs.end() ? 0 : kTimesLongest * longest->second;
    if (now - wait->m_startNs > std::max(leastBudgetNs(), known))
      return StuckDevice{std::string(wait->m_device), static_cast<double>(now - wait->m_startNs) * 1e-9};
  }
  return std::nullopt;
}

} // namespace tandem
