// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/device_use.hpp"

#include <set>

namespace tandem {
namespace {

/// Adds up replicas one after another; a piece of weights counts where it is first seen.
class Account {
 public:
  void add(const Replica& replica, std::vector<DeviceUse>& devices) {
    for (const auto& [items, executable] : replica.variants())
      for (const ExecutableMemory& memory : executable->memory()) {
        DeviceUse& use = of(memory.device->id(), devices);
        use.weightsBytes += memory.weightsBytes;
        for (const auto& [piece, bytes] : memory.pieces) {
          if (m_seen.insert(piece).second) continue;
          use.weightsBytes -= bytes;
          use.sharedWeightsBytes += bytes;
        }
        use.activationsBytes += memory.activationsBytes * replica.options().streams;
        use.stagingBytes += memory.stagingBytes * replica.options().streams;
      }
  }

 private:
  static DeviceUse& of(const std::string& id, std::vector<DeviceUse>& devices) {
    for (DeviceUse& use : devices)
      if (use.id == id) return use;
    devices.push_back({id, 0, 0, 0, 0, 0});
    return devices.back();
  }
  std::set<const void*> m_seen;
};

} // namespace

std::vector<DeviceUse> deviceUse(const Deployment& deployment) {
  std::vector<DeviceUse> devices;
  Account account;
  for (const Replica* replica : deployment.replicas()) account.add(*replica, devices);
  return devices;
}

Result<void> requireWithinLimits(const Deployment& deployment, const std::map<std::string, std::int64_t>& limits) {
  for (const DeviceUse& use : deviceUse(deployment)) {
    const auto limit = limits.find(use.id);
    if (limit == limits.end() || use.bytes() <= limit->second) continue;
    return makeError(ErrorCode::DeviceFailed,
                     "the plan needs " + std::to_string(use.bytes()) + " bytes, the memory limit is " +
                         std::to_string(limit->second),
                     use.id, "use a smaller batch, fewer replicas or streams, or a higher limit");
  }
  return {};
}

std::vector<DeviceUse> copyCost(const Deployment& deployment, const Replica& replica) {
  Account account;
  for (const Replica* each : deployment.replicas()) {
    std::vector<DeviceUse> devices;
    account.add(*each, devices);
    if (each == &replica) return devices;
  }
  return {};
}

} // namespace tandem
