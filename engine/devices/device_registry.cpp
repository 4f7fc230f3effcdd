// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/device_registry.hpp"

#include <algorithm>

namespace tandem {

std::vector<Device*> DeviceRegistry::devices() const {
  std::vector<Device*> devices;
  for (const auto& device : m_devices) devices.push_back(device.get());
  return devices;
}

Device* DeviceRegistry::find(std::string_view id) const {
  for (const auto& device : m_devices)
    if (device->id() == id) return device.get();
  return nullptr;
}

bool DeviceRegistry::isHidden(std::string_view id) const {
  return std::find(m_hidden.begin(), m_hidden.end(), id) != m_hidden.end();
}

std::optional<std::int64_t> DeviceRegistry::memoryLimit(std::string_view id) const {
  auto it = m_memoryLimits.find(id);
  return it == m_memoryLimits.end() ? std::nullopt : std::optional(it->second);
}

Device& DeviceRegistry::host() const {
  for (const auto& device : m_devices)
    if (device->info().kind == DeviceKind::NativeCpu) return *device;
  assertionFailed("a native CPU device is always registered", __FILE__, __LINE__);
}

} // namespace tandem
