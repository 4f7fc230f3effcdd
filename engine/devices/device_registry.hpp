// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"

#include <functional>
#include <map>

namespace tandem {

/// A platform or driver that could not be used, with what it said.
struct DeviceProblem {
  std::string platform;
  std::string message;
};

/// Where the threads belong that feed accelerators, which compute nothing on the host themselves.
struct HostCores {
  CpuSet chosen;     ///< by the user; empty: none were
  CpuSet processors; ///< the available ones, where core sets divide them; empty: the system places threads
};

/// The devices of this machine as one session sees them. Filled once, then read by any thread. Devices whose drivers
/// take long to load may be added later: when somebody asks for more than the others,
/// which the native CPUs must be among.
class DeviceRegistry {
 public:
  void add(std::unique_ptr<Device> device) { m_devices.push_back(std::move(device)); }
  /// `enumerate` adds the rest, at most once, in whichever thread needs it. Not after the registry was handed out.
  void addLater(std::function<void(DeviceRegistry&)> enumerate);
  void addProblem(DeviceProblem problem) { m_problems.push_back(std::move(problem)); }
  void hide(std::string id) { m_hidden.push_back(std::move(id)); }
  void setMemoryLimit(std::string id, std::int64_t bytes) { m_memoryLimits[std::move(id)] = bytes; }
  void setHostCores(HostCores cores) { m_hostCores = std::move(cores); }

  std::vector<Device*> devices() const;    ///< all, in display order
  std::vector<Device*> nativeCpus() const; ///< those among them; asks for nothing that would be added later
  Device* find(std::string_view id) const; ///< nullptr where absent; hidden devices are found
  bool isHidden(std::string_view id) const;
  std::optional<std::int64_t> memoryLimit(std::string_view id) const;
  const HostCores& hostCores() const { return m_hostCores; }
  /// The device that takes what others cannot: the first native CPU.
  Device& host() const;
  const std::vector<DeviceProblem>& problems() const;

 private:
  struct Later;
  const DeviceRegistry* later() const; ///< what was added later; nullptr where nothing is

  std::vector<std::unique_ptr<Device>> m_devices;
  std::vector<DeviceProblem> m_problems;
  std::shared_ptr<Later> m_later;
  std::vector<std::string> m_hidden;
  std::map<std::string, std::int64_t, std::less<>> m_memoryLimits;
  HostCores m_hostCores;
};

} // namespace tandem
