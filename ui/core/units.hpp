// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QLocale>
#include <QString>

namespace tandem::ui {

/// What a number means, for axes, tooltips and tables.
enum class Unit { None, Count, Bytes, Milliseconds, Flops, PerSecond, Percent };

/// All of these use the default QLocale unless one is given, keep about three significant digits, and answer an en dash
/// for values that are not finite.
[[nodiscard]] QString formatBytes(double bytes, const QLocale& locale = {}); ///< "512 B", "1.2 MiB"
[[nodiscard]] QString formatMs(double ms, const QLocale& locale = {});       ///< "812 µs", "3.42 ms", "1.50 s"
[[nodiscard]] QString formatFlops(double flops,
                                  const QLocale& locale = {}); ///< "820 MFLOP", "0.70 GFLOP" from 0.1 G up
[[nodiscard]] QString formatRate(double perSecond, const QLocale& locale = {});   ///< "312 /s", "4.5 /s"
[[nodiscard]] QString formatCount(double count, const QLocale& locale = {});      ///< grouped digits: "12,345"
[[nodiscard]] QString formatPercent(double fraction, const QLocale& locale = {}); ///< 0.5 -> "50 %"
[[nodiscard]] QString formatValue(Unit unit, double value, const QLocale& locale = {});
/// formatValue without zeros at the end of the fraction, for axis labels: "5 ms" instead of "5.00 ms".
[[nodiscard]] QString formatTick(Unit unit, double value, const QLocale& locale = {});

} // namespace tandem::ui
