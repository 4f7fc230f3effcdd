// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "ui/core/units.hpp"

#include <QtGlobal>

namespace tandem::ui {

/// The upper end of an axis from 0 for values up to `value`: 1, 2, 4, 5 or 8 times a power of ten, for bytes a power of
/// two, never below the value. 1 for nothing or nonsense
/// (4 for counts, so that steps are whole).
[[nodiscard]] double niceMaximum(double value, Unit unit);
/// How many equal parts such an axis is divided into: 4 or 5.
[[nodiscard]] int niceSteps(double maximum, Unit unit);

/// An upper end that grows at once and shrinks only after the smaller one was enough for 5 s, so that a live axis does
/// not breathe with every sample.
class AxisMaximum {
 public:
  static constexpr qint64 kShrinkAfterMs = 5000;

  explicit AxisMaximum(Unit unit) : m_unit(unit), m_value(niceMaximum(0, unit)) {}
  /// Returns the maximum to use now. `nowMs` must not go back.
  double update(double largest, qint64 nowMs);
  [[nodiscard]] double value() const { return m_value; }
  void reset();

 private:
  Unit m_unit;
  double m_value;
  double m_wanted = 0; ///< largest smaller end asked for since m_smallerSince
  qint64 m_smallerSince = -1;
  bool m_started = false;
};

} // namespace tandem::ui
