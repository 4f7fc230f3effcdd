// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/plurals.hpp"
#include "ui/core/theme.hpp"
#include "ui/core/units.hpp"

#include <QCoreApplication>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>

namespace tandem::ui {
namespace {

// With an ordinary space, to keep the expectations readable.
std::string plain(QString text) { return text.replace(QChar(0x00a0), QLatin1Char(' ')).toStdString(); }

TEST(EnglishPlurals, CountInWords) {
  EnglishPlurals plurals;
  ASSERT_TRUE(QCoreApplication::installTranslator(&plurals));
  const auto layers = [](int n) { return QCoreApplication::translate("x", "%n layer(s)", nullptr, n).toStdString(); };
  EXPECT_EQ(layers(1), "1 layer");
  EXPECT_EQ(layers(2), "2 layers");
  EXPECT_EQ(layers(0), "0 layers");
  EXPECT_EQ(QCoreApplication::translate("x", "f(s) stays").toStdString(), "f(s) stays");
  QCoreApplication::removeTranslator(&plurals);
}

TEST(Units, WriteBytesInBinaryUnits) {
  EXPECT_EQ(plain(formatBytes(0)), "0 B");
  EXPECT_EQ(plain(formatBytes(512)), "512 B");
  EXPECT_EQ(plain(formatBytes(1258291)), "1.2 MiB");
  EXPECT_EQ(plain(formatBytes(1023.9 * 1024)), "1.0 MiB");
  EXPECT_EQ(plain(formatBytes(150.0 * 1024 * 1024)), "150 MiB");
}

TEST(Units, ChooseTheTimeUnitThatReadsBest) {
  EXPECT_EQ(plain(formatMs(0)), "0 ms");
  EXPECT_EQ(plain(formatMs(0.812)), "812 µs");
  EXPECT_EQ(plain(formatMs(3.42)), "3.42 ms");
  EXPECT_EQ(plain(formatMs(1500)), "1.50 s");
  EXPECT_EQ(plain(formatMs(0.0005)), "500 ns");
}

TEST(Units, WriteWorkRatesCountsAndShares) {
  EXPECT_EQ(plain(formatFlops(7e8)), "0.70 GFLOP");
  EXPECT_EQ(plain(formatFlops(52e6)), "52.0 MFLOP");
  EXPECT_EQ(plain(formatRate(312.4)), "312 /s");
  EXPECT_EQ(plain(formatRate(4.46)), "4.5 /s");
  EXPECT_EQ(plain(formatCount(12345)), "12,345");
  EXPECT_EQ(plain(formatPercent(0.5)), "50 %");
  EXPECT_EQ(plain(formatPercent(0.034)), "3.4 %");
}

TEST(Units, FollowTheLocale) {
  const QLocale german(QLocale::German, QLocale::Germany);
  EXPECT_EQ(plain(formatBytes(1258291, german)), "1,2 MiB");
  EXPECT_EQ(plain(formatCount(12345, german)), "12.345");
}

TEST(Units, ShowADashForWhatIsNotANumber) {
  for (const Unit unit :
       {Unit::None, Unit::Count, Unit::Bytes, Unit::Milliseconds, Unit::Flops, Unit::PerSecond, Unit::Percent}) {
    EXPECT_EQ(formatValue(unit, std::numeric_limits<double>::quiet_NaN()), QString(QChar(0x2013)));
    EXPECT_EQ(formatValue(unit, std::numeric_limits<double>::infinity()), QString(QChar(0x2013)));
  }
}

TEST(Units, DropZerosAtTheEndOfAxisLabelsOnly) {
  EXPECT_EQ(plain(formatTick(Unit::Milliseconds, 5)), "5 ms");
  EXPECT_EQ(plain(formatTick(Unit::Milliseconds, 2.5)), "2.5 ms");
  EXPECT_EQ(plain(formatTick(Unit::Milliseconds, 100)), "100 ms");
}

TEST(Theme, TellsDarkFromLightByThePalette) {
  EXPECT_FALSE(Theme::of(lightPalette()).dark);
  EXPECT_TRUE(Theme::of(darkPalette()).dark);
}

TEST(Theme, KeepsTextReadableOnEveryDeviceAndBackground) {
  for (const QPalette& palette : {lightPalette(), darkPalette()}) {
    const Theme theme = Theme::of(palette);
    for (int device = kAutoDevice; device < 12; ++device) {
      const DeviceStyle style = theme.device(device);
      EXPECT_GE(Theme::contrast(style.text, style.fill), 4.5) << device;
      EXPECT_GE(Theme::contrast(style.outline, theme.window), 3.0) << device;
    }
    for (int i = 0; i < 9; ++i) EXPECT_GE(Theme::contrast(theme.category(i), theme.window), 3.0) << i;
    for (const QColor& color : {theme.text, theme.mutedText}) EXPECT_GE(Theme::contrast(color, theme.window), 4.5);
    for (const QColor& color : {theme.edge, theme.transfer, theme.selection, theme.problem, theme.warning})
      EXPECT_GE(Theme::contrast(color, theme.window), 3.0) << color.name().toStdString();
  }
}

TEST(Theme, GivesEveryDeviceItsOwnPairOfColourAndHatch) {
  const Theme theme = Theme::of(lightPalette());
  std::set<std::pair<QRgb, int>> seen;
  for (int device = kAutoDevice; device < 30; ++device) {
    const DeviceStyle style = theme.device(device);
    EXPECT_TRUE(seen.emplace(style.fill.rgb(), static_cast<int>(style.hatch)).second) << device;
  }
}

// Brettel-type full-deficiency matrices in linear RGB (Viénot, Brettel and Mollon, 1999).
QColor seenBy(const QColor& c, bool deuteranope) {
  const auto lin = [](double v) { return std::pow(v, 2.2); };
  const double r = lin(c.redF()), g = lin(c.greenF()), b = lin(c.blueF());
  const double rg = deuteranope ? 0.29275 * r + 0.70725 * g : 0.11238 * r + 0.88762 * g;
  const double blue = deuteranope ? -0.02234 * r + 0.02234 * g + b : 0.00401 * r - 0.00401 * g + b;
  const auto out = [](double v) {
    return static_cast<int>(std::lround(255 * std::pow(std::clamp(v, 0.0, 1.0), 1 / 2.2)));
  };
  return {out(rg), out(rg), out(blue)};
}

TEST(Theme, KeepsTheFirstDevicesApartForTheColourBlind) {
  const Theme theme = Theme::of(lightPalette());
  for (const bool deuteranope : {true, false})
    for (int a = 0; a < 5; ++a)
      for (int b = a + 1; b < 5; ++b) {
        const QColor x = seenBy(theme.device(a).fill, deuteranope), y = seenBy(theme.device(b).fill, deuteranope);
        const double distance = std::hypot(x.red() - y.red(), x.green() - y.green(), x.blue() - y.blue());
        // The hatch tells the closest pair (blue and purple for protanopes, 38) apart besides.
        EXPECT_GE(distance, 35) << a << " and " << b;
      }
}

TEST(Theme, MakesShortBadgesFromDeviceIds) {
  EXPECT_EQ(deviceBadge(QStringLiteral("CPU:0")), QStringLiteral("C"));
  EXPECT_EQ(deviceBadge(QStringLiteral("CPU:1")), QStringLiteral("C1"));
  EXPECT_EQ(deviceBadge(QStringLiteral("GPU:0")), QStringLiteral("G0"));
  EXPECT_EQ(deviceBadge(QStringLiteral("OPENCL-CPU:0")), QStringLiteral("O0"));
  EXPECT_EQ(deviceBadge(QStringLiteral("SIM:laptop")), QStringLiteral("S"));
  EXPECT_EQ(deviceBadge(QString()), QStringLiteral("?"));
}

TEST(Theme, JoinsTheBadgesOfSeveralDevices) {
  EXPECT_EQ(deviceBadges(QStringLiteral("OPENCL-CPU:1 + CPU:0")), QStringLiteral("O1+C"));
  EXPECT_EQ(deviceBadges(QStringLiteral("CPU:0")), QStringLiteral("C"));
}

TEST(Theme, ClampsTheHeatRamp) {
  EXPECT_EQ(Theme::heat(-1), Theme::heat(0));
  EXPECT_EQ(Theme::heat(7), Theme::heat(1));
  EXPECT_EQ(Theme::heat(std::numeric_limits<double>::quiet_NaN()), Theme::heat(0));
}

} // namespace
} // namespace tandem::ui
