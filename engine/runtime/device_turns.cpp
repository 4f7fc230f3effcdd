// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/runtime/device_turns.hpp"

namespace tandem {

void DeviceTurn::take() {
  std::unique_lock lock(m_mutex);
  const std::uint64_t mine = m_drawn++;
  m_next.wait(lock, [&] { return m_served == mine; });
}

bool DeviceTurn::tryTake() {
  std::lock_guard lock(m_mutex);
  if (m_served != m_drawn) return false;
  ++m_drawn;
  return true;
}

void DeviceTurn::give() {
  {
    std::lock_guard lock(m_mutex);
    ++m_served;
  }
  m_next.notify_all();
}

DeviceTurn& DeviceTurns::of(const std::string& deviceId) {
  std::lock_guard lock(m_mutex);
  std::unique_ptr<DeviceTurn>& turn = m_turns[deviceId];
  if (!turn) turn = std::make_unique<DeviceTurn>();
  return *turn;
}

} // namespace tandem
