// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/device_registry.hpp"

#include <algorithm>
#include <mutex>

namespace tandem {

struct DeviceRegistry::Later {
  std::once_flag once;
  std::function<void(DeviceRegistry&)> enumerate;
  DeviceRegistry rest;
};

void DeviceRegistry::addLater(std::function<void(DeviceRegistry&)> enumerate) {
  m_later = std::make_shared<Later>();
  m_later->enumerate = std::move(enumerate);
}

const DeviceRegistry* DeviceRegistry::later() const {
  if (!m_later) return nullptr;
  std::call_once(m_later->once, [this] {
    m_later->enumerate(m_later->rest);
    m_later->rest.m_problems.insert(m_later->rest.m_problems.begin(), m_problems.begin(), m_problems.end());
  });
  return &m_later->rest;
}

const std::vector<DeviceProblem>& DeviceRegistry::problems() const {
  const DeviceRegistry* rest = later();
  return rest ? rest->m_problems : m_problems;
}

std::vector<Device*> DeviceRegistry::devices() const {
  std::vector<Device*> devices;
  for (const auto& device : m_devices) devices.push_back(device.get());
  if (const DeviceRegistry* rest = later())
    for (const auto& device : rest->m_devices) devices.push_back(device.get());
  return devices;
}

std::vector<Device*> DeviceRegistry::nativeCpus() const {
  std::vector<Device*> devices;
  for (const auto& device : m_devices)
    if (device->info().kind == DeviceKind::NativeCpu) devices.push_back(device.get());
  return devices;
}

Device* DeviceRegistry::find(std::string_view id) const {
  for (const auto& device : m_devices)
    if (device->id() == id) return device.get();
  const DeviceRegistry* rest = later();
  return rest ? rest->find(id) : nullptr;
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
