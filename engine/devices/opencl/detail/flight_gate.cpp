// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/detail/flight_gate.hpp"

namespace tandem::opencl {

FlightGate& FlightGate::ofProcess() {
  static FlightGate* gate = new FlightGate(); // streams may end after everything static
  return *gate;
}

void FlightGate::enter() {
  std::unique_lock lock(m_mutex);
  m_changed.wait(lock, [&] { return m_waiting == 0; });
  ++m_inside;
}

void FlightGate::leave() {
  std::lock_guard lock(m_mutex);
  if (--m_inside == 0) m_changed.notify_all();
}

} // namespace tandem::opencl
