// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace tandem {

/// Lets one request at a time onto a device, first come, first served. Thread-safe.
class DeviceTurn {
 public:
  void take(); ///< blocks
  bool tryTake();
  void give();

 private:
  std::mutex m_mutex;
  std::condition_variable m_next;
  std::uint64_t m_drawn = 0, m_served = 0;
};

/// One turn per device id, shared by the slots of one replica whose layers are split over devices. Without turns, two
/// requests that begin together divide each device between them, move in lockstep, and no device works beside another;
/// with them they take the places of a pipeline.
class DeviceTurns {
 public:
  DeviceTurn& of(const std::string& deviceId);

 private:
  std::mutex m_mutex;
  std::map<std::string, std::unique_ptr<DeviceTurn>> m_turns;
};

} // namespace tandem
