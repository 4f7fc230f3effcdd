// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/theme.hpp"
#include "ui/widgets/chart/roofline_chart.hpp"

#include <QFile>
#include <QImage>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tandem::ui {
namespace {

TEST(LogAxis, ShowsEveryValueWithRoomAndSpansADecade) {
  const LogAxis axis = LogAxis::over({0.5, 200, 3});
  EXPECT_LT(axis.low, 0.5);
  EXPECT_GT(axis.high, 200);
  EXPECT_NEAR(axis.position(axis.low), 0, 1e-12);
  EXPECT_NEAR(axis.position(axis.high), 1, 1e-12);
  EXPECT_NEAR(axis.position(std::sqrt(axis.low * axis.high)), 0.5, 1e-12);
  const LogAxis one = LogAxis::over({7});
  EXPECT_GE(one.high / one.low, 10 * (1 - 1e-12));
  EXPECT_NEAR(one.position(7), 0.5, 1e-9);
}

TEST(LogAxis, IgnoresWhatHasNoLogarithm) {
  const LogAxis axis =
      LogAxis::over({0, -1, std::numeric_limits<double>::quiet_NaN(), 10, std::numeric_limits<double>::infinity()});
  EXPECT_GT(axis.low, 0);
  EXPECT_TRUE(std::isfinite(axis.high));
  EXPECT_GT(LogAxis::over({}).low, 0);
  EXPECT_GT(LogAxis::over({0}).high, LogAxis::over({0}).low);
}

TEST(LogAxis, TicksArePowersOfTenAndFinerWhereThereAreFew) {
  EXPECT_EQ((LogAxis{0.05, 2000}).ticks(), (QList<double>{0.1, 1, 10, 100, 1000}));
  EXPECT_EQ((LogAxis{3, 60}).ticks(), (QList<double>{5, 10, 20, 50}));
  EXPECT_EQ(logTickText(0.001), QStringLiteral("0.001"));
  EXPECT_EQ(logTickText(0.5), QStringLiteral("0.5"));
  EXPECT_EQ(logTickText(20), QStringLiteral("20"));
  EXPECT_EQ(logTickText(1000), QStringLiteral("1,000"));
}

class RooflineChartTest : public ::testing::Test {
 protected:
  RooflineChartTest() {
    chart.resize(600, 360);
    chart.setData({cpu(), opencl()}, {{7, 0, 50, 90, 2.0, "conv", "<b>Conv</b> conv"},
                                      {8, 0, 0.5, 4, 0.1, "relu", "relu"},
                                      {9, 1, 20, 10, 0.5, "gemm", "gemm"}});
    chart.show();
    EXPECT_TRUE(QTest::qWaitForWindowExposed(&chart));
  }
  static RooflineRoof cpu() { return {"CPU:0", "1 thread", 0, 100, 10}; }
  static RooflineRoof opencl() { return {"OPENCL-CPU:0", {}, 1, 40, 8}; }
  RooflineChart chart;
};

TEST_F(RooflineChartTest, PutsLayersByIntensityAndRateAndFindsThemAgain) {
  const QPointF conv = chart.positionOf(7), relu = chart.positionOf(8), gemm = chart.positionOf(9);
  EXPECT_GT(conv.x(), gemm.x());
  EXPECT_GT(gemm.x(), relu.x());
  EXPECT_LT(conv.y(), gemm.y());
  EXPECT_LT(gemm.y(), relu.y());
  for (const int key : {7, 8, 9}) EXPECT_EQ(chart.keyAt(chart.positionOf(key)), key);
  EXPECT_EQ(chart.keyAt(QPointF(2, 2)), -1);
  EXPECT_TRUE(chart.positionOf(99).isNull());
  EXPECT_EQ(chart.keyAt(conv + QPointF(12, 0)), 7) << "long layers are large";
  EXPECT_EQ(chart.keyAt(relu + QPointF(12, 0)), -1);
}

TEST_F(RooflineChartTest, AClickChoosesAndControlExtendsAndTheBackgroundClears) {
  QSignalSpy chosen(&chart, &RooflineChart::chosen);
  QTest::mouseClick(&chart, Qt::LeftButton, {}, chart.positionOf(9).toPoint());
  QTest::mouseClick(&chart, Qt::LeftButton, Qt::ControlModifier, chart.positionOf(8).toPoint());
  QTest::mouseClick(&chart, Qt::LeftButton, {}, QPoint(2, 2));
  ASSERT_EQ(chosen.size(), 3);
  EXPECT_EQ(chosen[0], (QVariantList{9, false}));
  EXPECT_EQ(chosen[1], (QVariantList{8, true}));
  EXPECT_EQ(chosen[2], (QVariantList{-1, false}));
}

TEST_F(RooflineChartTest, TheKeyboardWalksAlongTheIntensity) {
  QSignalSpy chosen(&chart, &RooflineChart::chosen);
  QObject::connect(&chart, &RooflineChart::chosen, &chart, [this](int key) { chart.setSelected({key}); });
  QTest::keyClick(&chart, Qt::Key_Right); // nothing is chosen: the slowest
  QTest::keyClick(&chart, Qt::Key_Left);
  QTest::keyClick(&chart, Qt::Key_Left);
  QTest::keyClick(&chart, Qt::Key_Left); // there is none before it
  QTest::keyClick(&chart, Qt::Key_Home);
  QList<int> keys;
  for (const QVariantList& each : chosen) keys << each[0].toInt();
  EXPECT_EQ(keys, (QList<int>{7, 9, 8, 8, 7}));
}

TEST_F(RooflineChartTest, TellsWhichLayerThePointerIsOn) {
  QSignalSpy hovered(&chart, &RooflineChart::hoverChanged);
  const QImage before = chart.grab().toImage();
  QTest::mouseMove(&chart, chart.positionOf(7).toPoint());
  EXPECT_EQ(chart.hovered(), 7);
  EXPECT_NE(before, chart.grab().toImage()) << "its details lie beside it";
  QTest::mouseMove(&chart, QPoint(2, 2));
  EXPECT_EQ(chart.hovered(), -1);
  EXPECT_EQ(hovered.size(), 2);
}

TEST_F(RooflineChartTest, SumsUpInWordsWhatItShows) {
  const QString text = chart.summary();
  for (const char* part : {"3 layer", "CPU:0: 100 GFLOP/s, 10.0 GB/s, 1 thread", "OPENCL-CPU:0", "conv: 90.0 GFLOP/s"})
    EXPECT_TRUE(QString(text).replace(QChar(0x00a0), QLatin1Char(' ')).contains(QLatin1String(part)))
        << part << " in " << text.toStdString();
  EXPECT_EQ(chart.accessibleDescription(), text);
}

TEST_F(RooflineChartTest, ShowsTheSlowestSixHundredOfTenThousandAndNothingWithoutARate) {
  QList<RooflineDot> dots;
  for (int i = 0; i < 10'000; ++i) dots << RooflineDot{i, 0, 1 + i * 0.01, 10, i * 0.001, "n", "n"};
  dots << RooflineDot{-5, 0, 0, 10, 99, "moves only", {}}
       << RooflineDot{-6, 0, std::numeric_limits<double>::infinity(), 10, 99, "broken", {}};
  chart.setData({cpu()}, dots);
  EXPECT_EQ(chart.dotCount(), RooflineChart::kMostDots);
  EXPECT_FALSE(chart.positionOf(9'999).isNull());
  EXPECT_TRUE(chart.positionOf(9'399).isNull());
  EXPECT_TRUE(chart.positionOf(-5).isNull());
  EXPECT_FALSE(chart.grab().isNull());
}

TEST_F(RooflineChartTest, SurvivesNoDataNoPeaksAndHardlyAnyRoomInBothPalettes) {
  const QImage light = chart.grab().toImage();
  chart.setPalette(darkPalette());
  EXPECT_NE(light, chart.grab().toImage());
  for (const QSize size : {QSize(1, 1), QSize(60, 40), QSize(2000, 30)}) {
    chart.resize(size);
    EXPECT_FALSE(chart.grab().isNull());
  }
  chart.resize(400, 300);
  chart.setData({{"CPU:0", {}, 0, 0, 0}}, {{1, 0, 3, 4, 5, "a", "a"}});
  EXPECT_FALSE(chart.positionOf(1).isNull()) << "layers show without roofs";
  EXPECT_TRUE(chart.summary().contains(QStringLiteral("no measured peaks")));
  EXPECT_FALSE(chart.grab().isNull());
  chart.setData({}, {});
  chart.setEmptyText(QStringLiteral("nothing here"));
  EXPECT_TRUE(chart.summary().contains(QStringLiteral("nothing here")));
  EXPECT_FALSE(chart.grab().isNull());
}

TEST_F(RooflineChartTest, WritesPicturesAndSaysWhenItCannot) {
  QTemporaryDir folder;
  const QString png = folder.filePath("r.png"), svg = folder.filePath("r.svg");
  ASSERT_TRUE(chart.exportPicture(png));
  ASSERT_TRUE(chart.exportPicture(svg));
  EXPECT_GE(QImage(png).width(), 1600);
  QFile drawing(svg);
  ASSERT_TRUE(drawing.open(QIODevice::ReadOnly));
  EXPECT_TRUE(drawing.readAll().contains("<svg"));
  EXPECT_FALSE(chart.exportPicture(QStringLiteral("/nowhere/r.png")));
}

} // namespace
} // namespace tandem::ui
