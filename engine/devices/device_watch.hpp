// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tandem {

/// Somebody waits for a device, from construction to destruction. Every call into a driver that may never return stands
/// inside one, so that a kernel which never ends can be told from one that takes long: nothing in a process can end
/// such a call, but whoever watches can end the process. Any thread.
class DeviceWait {
 public:
  /// The budget is 60 s, or ten times the longest wait that this device came back from, whichever is more.
  /// TANDEM_DEVICE_TIMEOUT_S takes the place of the 60 s; 0 watches nothing.
  /// `device` is its id, which outlives the wait. Nothing is allocated but at the first wait for a device.
  explicit DeviceWait(std::string_view device);
  ~DeviceWait();
  DeviceWait(const DeviceWait&) = delete;
  DeviceWait& operator=(const DeviceWait&) = delete;

 private:
  friend std::optional<struct StuckDevice> findStuckDevice();
  std::string_view m_device;
  std::int64_t m_startNs;
  DeviceWait* m_previous = nullptr; ///< the waits of a process are a list
  DeviceWait* m_next = nullptr;
};

/// "OPENCL-CPU:1", where a wait for it has gone on beyond its budget.
struct StuckDevice {
  std::string device;
  double seconds = 0;
};
std::optional<StuckDevice> findStuckDevice();

} // namespace tandem
