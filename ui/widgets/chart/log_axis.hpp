// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QString>

namespace tandem::ui {

/// A logarithmic axis; 0 < low < high.
struct LogAxis {
  double low = 1, high = 10;

  /// The axis that shows every positive finite value of `values`, with room at both ends, and spans a decade at least.
  [[nodiscard]] static LogAxis over(const QList<double>& values);
  /// 0 at the low end, 1 at the high one; outside of both for values beyond them. `value` is above 0.
  [[nodiscard]] double position(double value) const;
  /// Powers of ten inside, or 1, 2 and 5 times those where the axis spans less than two decades.
  [[nodiscard]] QList<double> ticks() const;
};

/// "0.01", "1", "1,000": all digits that a tick needs, without an exponent.
[[nodiscard]] QString logTickText(double value);

} // namespace tandem::ui
