// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/units.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace tandem::ui {
namespace {

QString missing() { return QString(QChar(0x2013)); }

// Three significant digits at the most, never an exponent: 3.42, 34.2, 342, 3421.
QString significant(double value, const QLocale& locale, int digits = 3) {
  const double magnitude = std::fabs(value);
  const int whole = magnitude < 1 ? 1 : static_cast<int>(std::floor(std::log10(magnitude))) + 1;
  return locale.toString(value, 'f', std::clamp(digits - whole, 0, digits - 1));
}

QString withUnit(const QString& number, const char* unit) { return number + QChar(0x00a0) + QString::fromUtf8(unit); }

} // namespace

QString formatBytes(double bytes, const QLocale& locale) {
  if (!std::isfinite(bytes)) return missing();
  static constexpr std::array<const char*, 6> kUnits = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  double value = bytes;
  // 1023.95 would round to "1,024 KiB"; the next unit says it better.
  while (std::fabs(value) >= 1023.5 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0) return withUnit(locale.toString(value, 'f', 0), kUnits[0]);
  return withUnit(locale.toString(value, 'f', std::fabs(value) < 99.95 ? 1 : 0), kUnits[unit]);
}

QString formatMs(double ms, const QLocale& locale) {
  if (!std::isfinite(ms)) return missing();
  const double magnitude = std::fabs(ms);
  if (magnitude == 0) return withUnit(locale.toString(0), "ms");
  if (magnitude < 0.0009995) return withUnit(significant(ms * 1e6, locale), "ns");
  if (magnitude < 0.9995) return withUnit(significant(ms * 1e3, locale), "\u00b5s");
  if (magnitude < 999.5) return withUnit(significant(ms, locale), "ms");
  return withUnit(significant(ms / 1e3, locale), "s");
}

QString formatFlops(double flops, const QLocale& locale) {
  if (!std::isfinite(flops)) return missing();
  const double magnitude = std::fabs(flops);
  if (magnitude >= 1e12) return withUnit(locale.toString(flops / 1e12, 'f', magnitude < 99.5e12 ? 2 : 0), "TFLOP");
  if (magnitude >= 1e8) return withUnit(locale.toString(flops / 1e9, 'f', magnitude < 99.5e9 ? 2 : 0), "GFLOP");
  if (magnitude >= 999.5e3) return withUnit(significant(flops / 1e6, locale), "MFLOP");
  if (magnitude >= 999.5) return withUnit(significant(flops / 1e3, locale), "kFLOP");
  return withUnit(locale.toString(flops, 'f', 0), "FLOP");
}

QString formatRate(double perSecond, const QLocale& locale) {
  if (!std::isfinite(perSecond)) return missing();
  if (perSecond == 0) return withUnit(locale.toString(0), "/s");
  return withUnit(significant(perSecond, locale, std::fabs(perSecond) < 99.95 ? 2 : 3), "/s");
}

QString formatCount(double count, const QLocale& locale) {
  return std::isfinite(count) ? locale.toString(count, 'f', 0) : missing();
}

QString formatPercent(double fraction, const QLocale& locale) {
  if (!std::isfinite(fraction)) return missing();
  const double percent = fraction * 100;
  const bool whole = percent == 0 || std::fabs(percent) >= 9.95;
  return withUnit(locale.toString(percent, 'f', whole ? 0 : 1), "%");
}

QString formatValue(Unit unit, double value, const QLocale& locale) {
  switch (unit) {
  case Unit::Bytes: return formatBytes(value, locale);
  case Unit::Milliseconds: return formatMs(value, locale);
  case Unit::Flops: return formatFlops(value, locale);
  case Unit::PerSecond: return formatRate(value, locale);
  case Unit::Percent: return formatPercent(value, locale);
  case Unit::Count: return formatCount(value, locale);
  case Unit::None: break;
  }
  return std::isfinite(value) ? significant(value, locale) : missing();
}

QString formatTick(Unit unit, double value, const QLocale& locale) {
  QString text = formatValue(unit, value, locale);
  const qsizetype point = text.indexOf(locale.decimalPoint());
  if (point < 0) return text;
  qsizetype end = point + 1;
  while (end < text.size() && text[end].isDigit()) ++end;
  qsizetype keep = end;
  while (keep > point + 1 && text[keep - 1] == locale.zeroDigit()[0]) --keep;
  if (keep == point + 1) keep = point;
  return text.remove(keep, end - keep);
}

} // namespace tandem::ui
