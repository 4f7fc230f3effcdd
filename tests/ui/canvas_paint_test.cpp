// SPDX-License-Identifier: GPL-3.0-or-later
// The brush of the canvas, its colours by time and type, and what its edges say.
#include "bench/ui/sample_graphs.hpp"
#include "ui/widgets/graph_canvas/canvas_looks.hpp"
#include "ui/widgets/graph_canvas/graph_canvas.hpp"
#include "ui/widgets/graph_canvas/visible_graph.hpp"

#include <QApplication>
#include <QMouseEvent>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

namespace tandem::ui {
namespace {

class Brush : public ::testing::Test {
 protected:
  void SetUp() override {
    canvas.resize(1000, 700);
    canvas.setDevices(sampleDevices());
    canvas.show();
    ASSERT_TRUE(QTest::qWaitForWindowExposed(&canvas));
    canvas.setFocus();
    canvas.setScene(squeezeNetLike());
    ASSERT_TRUE(QTest::qWaitFor([this] { return canvas.isLayoutDone(); }, 20000));
  }
  void press(QPoint pos) { QTest::mousePress(canvas.viewport(), Qt::LeftButton, Qt::NoModifier, pos); }
  void release(QPoint pos) { QTest::mouseRelease(canvas.viewport(), Qt::LeftButton, Qt::NoModifier, pos); }
  void moveTo(QPoint pos) {
    QMouseEvent move(QEvent::MouseMove, pos, canvas.viewport()->mapToGlobal(pos), Qt::NoButton, Qt::LeftButton,
                     Qt::NoModifier);
    QApplication::sendEvent(canvas.viewport(), &move);
  }

  GraphCanvas canvas;
};

TEST_F(Brush, OneStrokeIsOneRequestForAllThatItTouched) {
  QSignalSpy asked(&canvas, &GraphCanvas::assignRequested);
  canvas.setPainting(true);
  canvas.setBrush(1);
  press(canvas.viewPosOf(1));
  moveTo(canvas.viewPosOf(4)); // one event for all of the way
  EXPECT_EQ(asked.size(), 0) << "nothing is asked before the end";
  release(canvas.viewPosOf(4));
  ASSERT_EQ(asked.size(), 1);
  EXPECT_EQ(asked[0][0].value<QList<int>>(), (QList<int>{1, 2, 3, 4})) << "also what lies between two events";
  EXPECT_EQ(asked[0][1].toInt(), 2);
  EXPECT_TRUE(canvas.selection().isEmpty()) << "painting leaves the selection";
}

TEST_F(Brush, EscapeTakesTheStrokeBackAndThenEndsPainting) {
  QSignalSpy asked(&canvas, &GraphCanvas::assignRequested);
  canvas.setPainting(true);
  press(canvas.viewPosOf(1));
  moveTo(canvas.viewPosOf(2));
  const QImage during = canvas.grab().toImage();
  QTest::keyClick(&canvas, Qt::Key_Escape);
  EXPECT_NE(canvas.grab().toImage(), during) << "the painted boxes look as before";
  release(canvas.viewPosOf(2));
  EXPECT_EQ(asked.size(), 0);
  EXPECT_TRUE(canvas.isPainting());
  QTest::keyClick(&canvas, Qt::Key_Escape);
  EXPECT_FALSE(canvas.isPainting());
}

TEST_F(Brush, HoldingBPaintsAndNumbersChooseTheDevice) {
  QSignalSpy asked(&canvas, &GraphCanvas::assignRequested), painting(&canvas, &GraphCanvas::paintingChanged);
  QTest::keyPress(&canvas, Qt::Key_B);
  EXPECT_TRUE(canvas.isPainting());
  QTest::keyClick(&canvas, Qt::Key_1);
  EXPECT_EQ(canvas.brush(), 0);
  EXPECT_NE(canvas.viewport()->cursor().shape(), Qt::ArrowCursor);
  press(canvas.viewPosOf(3));
  QTest::keyRelease(&canvas, Qt::Key_B);
  ASSERT_EQ(asked.size(), 1) << "letting go ends the stroke";
  EXPECT_EQ(asked[0][0].value<QList<int>>(), QList<int>{3});
  EXPECT_EQ(asked[0][1].toInt(), 1);
  EXPECT_FALSE(canvas.isPainting());
  EXPECT_EQ(painting.size(), 2);
  release(canvas.viewPosOf(3));
  EXPECT_EQ(asked.size(), 1);
}

TEST_F(Brush, ACollapsedGroupIsPaintedWhole) {
  canvas.collapseAll();
  ASSERT_TRUE(QTest::qWaitFor([this] { return canvas.isLayoutDone(); }, 20000));
  QSignalSpy asked(&canvas, &GraphCanvas::assignRequested);
  canvas.setPainting(true);
  press(canvas.viewPosOfScope(0));
  release(canvas.viewPosOfScope(0));
  ASSERT_EQ(asked.size(), 1);
  EXPECT_EQ(asked[0][0].value<QList<int>>().size(), 61);
}

TEST_F(Brush, WithoutDevicesThereIsNothingToPaintWith) {
  canvas.setDevices({});
  canvas.setPainting(true);
  QSignalSpy asked(&canvas, &GraphCanvas::assignRequested);
  press(canvas.viewPosOf(1));
  release(canvas.viewPosOf(1));
  EXPECT_EQ(canvas.brush(), -1);
  EXPECT_EQ(asked.size(), 0);
  EXPECT_EQ(canvas.selection(), QList<int>{1}) << "a click selects";
}

/// Three nodes in a row: two devices, two types, the last in a scope of which there are two copies.
GraphScene smallScene() {
  GraphScene scene;
  const int scope = scene.addScope(-1, QStringLiteral("block"));
  scene.setScopeCopy(scope, 0, 2);
  for (int i = 0; i < 3; ++i) {
    SceneNode node;
    node.name = node.title = QStringLiteral("n%1").arg(i);
    node.type = i == 2 ? QStringLiteral("float16") : QStringLiteral("float32");
    node.requested = node.effective = i == 2 ? 1 : 0;
    node.scope = i == 2 ? scope : -1;
    scene.addNode(node);
  }
  scene.addEdge(0, 1, 1000, 0);
  scene.addEdge(1, 2, 4'000'000, 1);
  return scene;
}

QString plain(QString text) { return text.replace(QChar(0x00a0), u' '); }

CanvasLooks looksOf(const GraphScene& scene, ColorMode mode, const QList<CanvasDevice>& devices = sampleDevices()) {
  const TextMetrics metrics;
  return makeLooks(scene, visibleGraph(scene, metrics, metrics), devices, mode, Theme::of(lightPalette()));
}

TEST(CanvasColours, TimeSaysWhatIsNotMeasured) {
  GraphScene scene = smallScene();
  CanvasLooks looks = looksOf(scene, ColorMode::Time);
  EXPECT_FALSE(looks.heat);
  EXPECT_TRUE(looks.legendTitle.contains(QStringLiteral("not measured")));
  EXPECT_EQ(looks.boxes[0].detail, QStringLiteral("not measured"));
  scene.setMeasured({4.0, kMeasuredWithOther, 1.0}, 0.25);
  looks = looksOf(scene, ColorMode::Time);
  EXPECT_TRUE(looks.heat);
  EXPECT_EQ(plain(looks.heatMiddle), QStringLiteral("1.00 ms")) << "a quarter: the ramp follows the square root";
  EXPECT_EQ(plain(looks.heatHigh), QStringLiteral("4.00 ms"));
  EXPECT_EQ(looks.boxes[0].color, Theme::heat(1));
  EXPECT_EQ(looks.boxes[2].color, Theme::heat(0.5));
  EXPECT_EQ(looks.boxes[1].detail, QStringLiteral("with another layer"));
  ASSERT_EQ(looks.legend.size(), 1U);
  EXPECT_EQ(looks.legend[0].nodes, QList<int>{1});
  scene.setMeasured({4.0, kMeasuredWithOther, 1.0}, 0.25, true);
  EXPECT_TRUE(looksOf(scene, ColorMode::Time).legendTitle.contains(QStringLiteral("older placement")));
}

TEST(CanvasColours, DataTypesHaveColoursAndCounts) {
  const CanvasLooks looks = looksOf(smallScene(), ColorMode::Type);
  ASSERT_EQ(looks.legend.size(), 2U);
  EXPECT_EQ(looks.legend[0].text, QStringLiteral("float32"));
  EXPECT_EQ(looks.legend[0].nodes, (QList<int>{0, 1}));
  EXPECT_EQ(looks.legend[1].text, QStringLiteral("float16"));
  EXPECT_NE(looks.boxes[0].color, looks.boxes[2].color);
}

TEST(CanvasColours, CopiesOfABlockAreNamedOnTheGroup) {
  GraphScene scene = smallScene();
  scene.setAllCollapsed(true);
  EXPECT_TRUE(looksOf(scene, ColorMode::Device).boxes[2].detail.endsWith(QStringLiteral("1 of 2 copies")));
  EXPECT_EQ(scene.copyText(0), QStringLiteral("1 of 2 copies"));
}

TEST(CanvasEdges, CopiesBetweenDevicesSayWhatTheirTimeComesFrom) {
  GraphScene scene = smallScene();
  QList<CanvasDevice> devices = sampleDevices();
  devices[0].host = true;
  CanvasLooks looks = looksOf(scene, ColorMode::Device, devices);
  EXPECT_TRUE(looks.edges[1].transfer);
  EXPECT_LT(looks.edges[1].transferMs, 0) << "no bandwidth, no estimate";
  EXPECT_EQ(plain(looks.edges[1].label), QStringLiteral("3.8 MiB"));
  EXPECT_TRUE(looks.transferTime.isEmpty());
  devices[1].toDeviceGbPerS = 4;
  looks = looksOf(scene, ColorMode::Device, devices);
  EXPECT_DOUBLE_EQ(looks.edges[1].transferMs, 1.0);
  EXPECT_EQ(plain(looks.edges[1].label), QStringLiteral("3.8 MiB ≈ 1.00 ms"));
  EXPECT_EQ(plain(looks.transferTime), QStringLiteral("≈ 1.00 ms estimated"));
  EXPECT_GT(looks.edges[1].width, looks.edges[0].width) << "more bytes, a thicker line";
  scene.setMeasured({1, 1, 1}, 0.8);
  EXPECT_EQ(plain(looksOf(scene, ColorMode::Device, devices).transferTime), QStringLiteral("800 µs measured"));
  scene.setMeasured({1, 1, 1}, 0.8, true);
  EXPECT_EQ(plain(looksOf(scene, ColorMode::Device, devices).transferTime), QStringLiteral("≈ 1.00 ms estimated"))
      << "measured with another placement";
}

} // namespace
} // namespace tandem::ui
