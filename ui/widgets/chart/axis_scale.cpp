// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/chart/axis_scale.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace tandem::ui {
namespace {

// Binary units get binary steps: 256 MiB reads better than 286 MiB.
double niceBytes(double value) {
  double step = 1;
  while (step < value) step *= 2;
  return step;
}

} // namespace

double niceMaximum(double value, Unit unit) {
  // Nothing to show yet: an axis whose labels differ.
  if (!std::isfinite(value) || value <= 0) return unit == Unit::Count ? 4 : unit == Unit::Bytes ? 64 << 20 : 1;
  if (unit == Unit::Percent && value <= 1.05) return 1; // a little over 100 % is rounding
  if (unit == Unit::Count && value <= 4) return 4;      // whole steps
  if (unit == Unit::Bytes) return std::max(niceBytes(value), 1024.0);
  const double power = std::pow(10.0, std::floor(std::log10(value)));
  static constexpr std::array<double, 5> kSteps = {1, 2, 4, 5, 8};
  for (const double step : kSteps)
    // The tolerance keeps 0.3 / 0.1 = 2.9999 from growing the axis.
    if (value <= step * power * (1 + 1e-9)) return step * power;
  return 10 * power;
}

int niceSteps(double maximum, Unit unit) {
  if (unit == Unit::Bytes || maximum <= 0) return 4;
  const double lead = maximum / std::pow(10.0, std::floor(std::log10(maximum) + 1e-9));
  return std::fabs(lead - 1) < 1e-6 || std::fabs(lead - 5) < 1e-6 ? 5 : 4;
}

double AxisMaximum::update(double largest, qint64 nowMs) {
  const double wanted = niceMaximum(largest * 1.02, m_unit);
  if (!m_started || wanted >= m_value) {
    m_started = m_started || largest > 0;
    m_value = wanted;
    m_smallerSince = -1;
    return m_value;
  }
  if (m_smallerSince < 0) {
    m_smallerSince = nowMs;
    m_wanted = wanted;
  }
  m_wanted = std::max(m_wanted, wanted);
  if (nowMs - m_smallerSince >= kShrinkAfterMs) {
    m_value = m_wanted;
    m_smallerSince = -1;
  }
  return m_value;
}

void AxisMaximum::reset() {
  m_value = niceMaximum(0, m_unit);
  m_smallerSince = -1;
  m_started = false;
}

} // namespace tandem::ui
