// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/chart/log_axis.hpp"

#include <QLocale>

#include <algorithm>
#include <cmath>

namespace tandem::ui {

LogAxis LogAxis::over(const QList<double>& values) {
  double least = 0, most = 0;
  for (const double value : values) {
    if (!std::isfinite(value) || value <= 0) continue;
    least = least > 0 ? std::min(least, value) : value;
    most = std::max(most, value);
  }
  if (least <= 0) return {};
  constexpr double kRoom = 1.7;
  LogAxis axis{least / kRoom, most * kRoom};
  if (const double missing = 10 * axis.low / axis.high; missing > 1) {
    axis.low /= std::sqrt(missing);
    axis.high *= std::sqrt(missing);
  }
  return axis;
}

double LogAxis::position(double value) const { return std::log(value / low) / std::log(high / low); }

QList<double> LogAxis::ticks() const {
  constexpr double kTwoDecades = 100;
  const bool fine = high / low < kTwoDecades;
  QList<double> ticks;
  for (int decade = static_cast<int>(std::floor(std::log10(low))); std::pow(10.0, decade) <= high; ++decade) {
    for (const double lead : {1.0, 2.0, 5.0}) {
      const double tick = lead * std::pow(10.0, decade);
      if ((lead == 1 || fine) && tick >= low && tick <= high) ticks.append(tick);
    }
  }
  return ticks;
}

QString logTickText(double value) {
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(value) - 1e-9)));
  return QLocale().toString(value, 'f', decimals);
}

} // namespace tandem::ui
