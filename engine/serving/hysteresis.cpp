// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/hysteresis.hpp"

#include <algorithm>
#include <cstdio>

namespace tandem {

Hysteresis::Step Hysteresis::tick(double now, double predicted) {
  if (m_isChecking) {
    if (++m_checked < m_needed) return Step::Wait;
    m_isChecking = false;
    if (now < m_before) {
      m_needed = std::max(m_least, m_needed / 2);
      return Step::Kept;
    }
    wait();
    return Step::Back;
  }
  if (predicted >= now * (1 - m_margin)) {
    m_inARow = 0;
    return predicted < now ? Step::TooLittle : Step::Wait;
  }
  if (++m_inARow < m_needed) return Step::Wait;
  m_inARow = 0;
  m_before = now;
  return Step::Change;
}

void Hysteresis::changed() {
  m_isChecking = true;
  m_checked = 0;
}

void Hysteresis::failed() { wait(); }

void Hysteresis::wait() {
  constexpr int kMost = 1 << 12; // over an hour of seconds
  m_inARow = 0;
  m_needed = std::min(m_needed * 2, kMost);
}

std::string Hysteresis::marginText() const {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g %%", m_margin * 100);
  return text;
}

} // namespace tandem
