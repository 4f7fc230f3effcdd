// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tandem {

/// How long a device had at least one piece of work queued or running. Thread-safe.
class BusyMeter {
 public:
  void enter(); ///< work begins (calls nest across threads)
  void leave();
  /// Busy time so far in ns, the running stretch included.
  std::int64_t busyNs() const;

 private:
  mutable std::mutex m_mutex;
  int m_active = 0;
  std::int64_t m_sinceNs = 0;
  std::int64_t m_totalNs = 0;
};

/// One meter per device id, shared by all executables of a run. Meters live as long as the set.
class BusyMeters {
 public:
  BusyMeter& of(const std::string& deviceId);

 private:
  std::mutex m_mutex;
  std::map<std::string, std::unique_ptr<BusyMeter>> m_meters;
};

} // namespace tandem
