// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/chart/axis_scale.hpp"
#include "ui/widgets/chart/bar_chart.hpp"
#include "ui/widgets/chart/chart_legend.hpp"
#include "ui/widgets/chart/histogram_chart.hpp"
#include "ui/widgets/chart/live_chart.hpp"
#include "ui/widgets/chart/ring_series.hpp"

#include <QChart>
#include <QChartView>
#include <QLabel>
#include <QSignalSpy>
#include <QTest>
#include <QToolButton>
#include <QXYSeries>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace tandem::ui {
namespace {

TEST(RingSeries, AggregatesSamplesOfOneBucket) {
  RingSeries mean(RingSeries::Aggregate::Mean), max(RingSeries::Aggregate::Max), last(RingSeries::Aggregate::Last);
  for (RingSeries* series : {&mean, &max, &last})
    for (const double value : {1.0, 9.0, 2.0}) series->add(1050, value);
  EXPECT_DOUBLE_EQ(mean.points(1099)[0].y(), 4.0);
  EXPECT_DOUBLE_EQ(max.points(1099)[0].y(), 9.0);
  EXPECT_DOUBLE_EQ(last.points(1099)[0].y(), 2.0);
}

TEST(RingSeries, KeepsAMinuteAndForgetsWhatIsOlder) {
  RingSeries series;
  for (int i = 0; i < 2000; ++i) series.add(i * 100, i);
  const QList<QPointF> points = series.points(199900);
  ASSERT_EQ(points.size(), RingSeries::kBuckets);
  EXPECT_DOUBLE_EQ(points.back().x(), 0);
  EXPECT_DOUBLE_EQ(points.back().y(), 1999);
  EXPECT_NEAR(points.front().x(), -59.9, 1e-9);
  EXPECT_DOUBLE_EQ(points.front().y(), 1400);
  EXPECT_DOUBLE_EQ(series.maximum(199900), 1999);
  series.add(1000, 5000); // far too old
  EXPECT_DOUBLE_EQ(series.maximum(199900), 1999);
}

TEST(RingSeries, LeavesGapsAndScrollsWithoutNewSamples) {
  RingSeries series;
  series.add(0, 1);
  series.add(30000, 2);
  EXPECT_EQ(series.points(30000).size(), 2);
  EXPECT_NEAR(series.points(50000).back().x(), -20, 1e-9);
  EXPECT_EQ(series.points(70000).size(), 1);
  EXPECT_TRUE(series.points(200000).isEmpty());
}

TEST(RingSeries, IgnoresNonsense) {
  RingSeries series;
  series.add(100, std::numeric_limits<double>::quiet_NaN());
  series.add(-100, 1);
  EXPECT_TRUE(series.isEmpty());
  series.add(100, 1);
  series.clear();
  EXPECT_TRUE(series.isEmpty());
  EXPECT_TRUE(series.points(1000).isEmpty());
}

TEST(AxisMaximum, IsNiceAndNeverBelowTheValue) {
  EXPECT_DOUBLE_EQ(niceMaximum(0, Unit::Milliseconds), 1);
  EXPECT_DOUBLE_EQ(niceMaximum(0, Unit::Bytes), 64.0 * 1024 * 1024);
  EXPECT_DOUBLE_EQ(niceMaximum(3.1, Unit::Milliseconds), 4);
  EXPECT_DOUBLE_EQ(niceMaximum(410, Unit::PerSecond), 500);
  EXPECT_DOUBLE_EQ(niceMaximum(0.3, Unit::None), 0.4);
  EXPECT_DOUBLE_EQ(niceMaximum(0.7, Unit::Percent), 1);
  EXPECT_DOUBLE_EQ(niceMaximum(300.0 * 1024 * 1024, Unit::Bytes), 512.0 * 1024 * 1024);
  EXPECT_DOUBLE_EQ(niceMaximum(2, Unit::Count), 4);
  for (double v = 1e-6; v < 1e9; v *= 1.37)
    for (const Unit unit : {Unit::None, Unit::Bytes, Unit::Count}) EXPECT_GE(niceMaximum(v, unit) * (1 + 1e-8), v) << v;
}

TEST(AxisMaximum, GrowsAtOnceAndShrinksAfterFiveSeconds) {
  AxisMaximum axis(Unit::Milliseconds);
  EXPECT_DOUBLE_EQ(axis.update(90, 0), 100);
  EXPECT_DOUBLE_EQ(axis.update(150, 100), 200);
  EXPECT_DOUBLE_EQ(axis.update(10, 200), 200);
  EXPECT_DOUBLE_EQ(axis.update(30, 3000), 200);
  EXPECT_DOUBLE_EQ(axis.update(10, 5100), 200);
  EXPECT_DOUBLE_EQ(axis.update(10, 5200), 40) << "the largest of the five seconds decides";
}

QXYSeries* lineOf(LiveChart& chart, int index) {
  return qobject_cast<QXYSeries*>(chart.findChild<QChartView*>()->chart()->series().value(index));
}

class LiveChartTest : public ::testing::Test {
 protected:
  LiveChartTest() : chart(QStringLiteral("Throughput"), Unit::PerSecond) {
    chart.resize(500, 240);
    cpu = chart.addDeviceSeries(QStringLiteral("CPU:0"), 0);
    gpu = chart.addDeviceSeries(QStringLiteral("GPU:0"), 1);
    chart.show();
  }
  LiveChart chart;
  int cpu, gpu;
};

TEST_F(LiveChartTest, SumsUpWhatItShows) {
  for (int i = 0; i < 100; ++i) {
    chart.append(cpu, i * 100, 100 + i);
    chart.append(gpu, i * 100, 312);
  }
  chart.refresh(9900);
  const QString text = chart.summary().replace(QChar(0x00a0), QLatin1Char(' '));
  EXPECT_TRUE(text.contains(QStringLiteral("Throughput"))) << text.toStdString();
  EXPECT_TRUE(text.contains(QStringLiteral("CPU:0: last 199 /s, highest in a minute 199 /s"))) << text.toStdString();
  EXPECT_TRUE(text.contains(QStringLiteral("GPU:0: last 312 /s"))) << text.toStdString();
  EXPECT_DOUBLE_EQ(chart.yMaximum(), 400);
  EXPECT_EQ(chart.accessibleDescription(), chart.summary());
}

TEST_F(LiveChartTest, ReplacesItsPointsOnceATickAndNeverShowsMoreThanSixHundred) {
  ASSERT_NE(lineOf(chart, 0), nullptr);
  QSignalSpy replaced(lineOf(chart, 0), &QXYSeries::pointsReplaced), added(lineOf(chart, 0), &QXYSeries::pointAdded);
  for (int i = 0; i < 5000; ++i) chart.append(cpu, i * 50, i);
  chart.refresh(249950);
  EXPECT_EQ(replaced.size(), 1);
  EXPECT_EQ(added.size(), 0);
  EXPECT_EQ(lineOf(chart, 0)->count(), 600);
}

TEST_F(LiveChartTest, RecordsButStandsStillWhilePaused) {
  chart.append(cpu, 0, 1);
  chart.refresh(0);
  chart.pause(true);
  chart.append(cpu, 1000, 2);
  chart.refresh(1000);
  EXPECT_EQ(lineOf(chart, 0)->count(), 1);
  chart.pause(false);
  chart.refresh(1000);
  EXPECT_EQ(lineOf(chart, 0)->count(), 2);
}

TEST_F(LiveChartTest, DrawsNothingWhileHidden) {
  chart.hide();
  chart.append(cpu, 0, 1);
  chart.refresh(0);
  EXPECT_EQ(lineOf(chart, 0)->count(), 0);
}

TEST_F(LiveChartTest, TogglesSeriesFromItsLegend) {
  const auto toggles = chart.findChildren<QToolButton*>();
  ASSERT_EQ(toggles.size(), 2);
  QTest::mouseClick(toggles[1], Qt::LeftButton);
  EXPECT_FALSE(chart.isSeriesVisible(gpu));
  chart.append(cpu, 0, 10);
  chart.append(gpu, 0, 1000);
  chart.refresh(0);
  EXPECT_LT(chart.yMaximum(), 100) << "a hidden series does not stretch the axis";
}

TEST_F(LiveChartTest, KeepsItsLegendWholeAndBelowTheTitleAtEveryWidth) {
  chart.clearSeries();
  for (const char* name : {"C p50", "C p95", "C p99", "O1+C p50", "O1+C p95", "O1+C p99"})
    chart.addSeries(QString::fromLatin1(name));
  const QList<QToolButton*> entries = chart.findChildren<QToolButton*>();
  ASSERT_EQ(entries.size(), 6);
  const QLabel* title = chart.findChild<QLabel*>();
  ASSERT_NE(title, nullptr);
  const auto* legend = chart.findChild<ChartLegend*>();
  for (int width = 200; width <= 600; width += 25) {
    chart.resize(width, 240);
    QTest::qWait(0);
    EXPECT_GE(title->width(), title->sizeHint().width()) << width;
    EXPECT_GE(legend->y(), title->geometry().bottom()) << width;
    EXPECT_LE(legend->geometry().bottom(), chart.findChild<QChartView*>()->y()) << width;
    for (int i = 0; i < entries.size(); ++i) {
      EXPECT_TRUE(legend->rect().contains(entries[i]->geometry())) << width << ": " << i;
      EXPECT_GE(entries[i]->width(), entries[i]->sizeHint().width()) << "cut off at " << width << ": " << i;
      for (int k = 0; k < i; ++k)
        EXPECT_FALSE(entries[i]->geometry().intersects(entries[k]->geometry())) << width << ": " << k << ", " << i;
    }
  }
}

TEST_F(LiveChartTest, ExplainsShortNamesInItsLegend) {
  chart.setSeriesDescription(gpu, QStringLiteral("OPENCL-CPU:1+CPU:0 p50"));
  const QToolButton* entry = chart.findChildren<QToolButton*>()[1];
  EXPECT_TRUE(entry->toolTip().contains(QStringLiteral("OPENCL-CPU:1+CPU:0 p50"))) << entry->toolTip().toStdString();
  EXPECT_TRUE(entry->accessibleName().contains(QStringLiteral("OPENCL-CPU:1+CPU:0 p50")));
  EXPECT_EQ(entry->text(), QStringLiteral("GPU:0"));
}

TEST_F(LiveChartTest, PaintsInBothPalettesWithItsCrosshair) {
  for (int i = 0; i < 600; ++i) chart.append(cpu, i * 100, i % 7);
  chart.refresh(59900);
  chart.showCrosshair(-20);
  const QImage light = chart.grab().toImage();
  chart.setPalette(QPalette(QColor(40, 40, 40), QColor(20, 20, 20)));
  chart.refresh(60000);
  EXPECT_NE(light, chart.grab().toImage());
  chart.clearSeries();
  EXPECT_EQ(chart.seriesCount(), 0);
  EXPECT_FALSE(chart.grab().isNull());
}

TEST(BarChart, SumsUpItsBars) {
  BarChart chart(QStringLiteral("Memory"), Unit::Bytes);
  chart.setData({QStringLiteral("CPU:0"), QStringLiteral("GPU:0")},
                {{QStringLiteral("weights"), {}, {1048576, 2097152}}, {QStringLiteral("staging"), {}, {0, 1048576}}},
                {0, 4194304});
  const QString text = chart.summary().replace(QChar(0x00a0), QLatin1Char(' '));
  EXPECT_TRUE(text.contains(QStringLiteral("CPU:0: 1.0 MiB (weights 1.0 MiB, staging 0 B)"))) << text.toStdString();
  EXPECT_TRUE(text.contains(QStringLiteral("GPU:0: 3.0 MiB"))) << text.toStdString();
  EXPECT_TRUE(text.contains(QStringLiteral("of 4.0 MiB"))) << text.toStdString();
  chart.resize(chart.sizeHint());
  EXPECT_FALSE(chart.grab().isNull());
  chart.setData({}, {});
  EXPECT_FALSE(chart.grab().isNull());
}

TEST(BarChart, MovesItsRowsTogetherBeforeItAsksForMoreRoom) {
  BarChart chart(QStringLiteral("Memory"), Unit::Bytes);
  const QStringList devices{QStringLiteral("CPU:0"), QStringLiteral("CPU:1"), QStringLiteral("GPU:0")};
  chart.setData(devices, {{QStringLiteral("weights"), {}, {1, 2, 3}}, {QStringLiteral("staging"), {}, {0, 1, 2}}});
  EXPECT_LT(chart.minimumSizeHint().height(), chart.sizeHint().height());
  chart.resize(300, chart.minimumSizeHint().height());
  EXPECT_FALSE(chart.grab().isNull());
}

TEST(HistogramChart, SurvivesEmptyAndBrokenBins) {
  HistogramChart chart(QStringLiteral("Latency"), Unit::Milliseconds);
  chart.resize(400, 220);
  EXPECT_FALSE(chart.grab().isNull());
  const double nan = std::numeric_limits<double>::quiet_NaN();
  chart.setData({{QStringLiteral("run"), {}, {{1, 1, 5}, {3, 2, 5}, {nan, 2, 1}, {1, 2, nan}}, nan, 0, 0}});
  EXPECT_FALSE(chart.grab().isNull());
  chart.setData({{QStringLiteral("run"), {}, {{0.01, 0.1, 5}, {0.1, 100, 5}}, 0.05, 50, 90}});
  EXPECT_FALSE(chart.grab().isNull());
  EXPECT_TRUE(chart.summary().contains(QStringLiteral("10 values")));
}

} // namespace
} // namespace tandem::ui
