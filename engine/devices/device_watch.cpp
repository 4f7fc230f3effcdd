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
  struct Wait {
    std::string device;
    std::int64_t startNs = 0;
  };
  std::mutex mutex;
  std::map<std::size_t, Wait> waits;
  std::map<std::string, std::int64_t, std::less<>> longestNs; ///< by device
  std::size_t next = 0;
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

DeviceWait::DeviceWait(const std::string& device) : m_device(device) {
  Watch& all = watch();
  std::lock_guard lock(all.mutex);
  m_number = all.next++;
  all.waits[m_number] = {m_device, nowNs()};
}

DeviceWait::~DeviceWait() {
  Watch& all = watch();
  std::lock_guard lock(all.mutex);
  const auto own = all.waits.find(m_number);
  std::int64_t& longest = all.longestNs[m_device];
  longest = std::max(longest, nowNs() - own->second.startNs);
  all.waits.erase(own);
}

std::optional<StuckDevice> findStuckDevice() {
  constexpr std::int64_t kTimesLongest = 10;
  if (leastBudgetNs() == 0) return std::nullopt;
  Watch& all = watch();
  std::lock_guard lock(all.mutex);
  const std::int64_t now = nowNs();
  for (const auto& [number, wait] : all.waits) {
    const auto longest = all.longestNs.find(wait.device);
    const std::int64_t known = longest == all.longestNs.end() ? 0 : kTimesLongest * longest->second;
    if (now - wait.startNs > std::max(leastBudgetNs(), known))
      return StuckDevice{wait.device, static_cast<double>(now - wait.startNs) * 1e-9};
  }
  return std::nullopt;
}

} // namespace tandem
