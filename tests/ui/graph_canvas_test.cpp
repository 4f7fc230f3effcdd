// SPDX-License-Identifier: GPL-3.0-or-later
#include "bench/ui/sample_graphs.hpp"
#include "ui/widgets/graph_canvas/graph_canvas.hpp"

#include <QApplication>
#include <QDir>
#include <QDropEvent>
#include <QFile>
#include <QImage>
#include <QMimeData>
#include <QPainter>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QTest>

#include <gtest/gtest.h>

namespace tandem::ui {
namespace {

class CanvasTest : public ::testing::Test {
 protected:
  void SetUp() override {
    canvas.resize(1000, 700);
    canvas.setDevices(sampleDevices());
    canvas.show();
    ASSERT_TRUE(QTest::qWaitForWindowExposed(&canvas));
    canvas.setFocus();
  }

  void waitForLayout() {
    ASSERT_TRUE(QTest::qWaitFor([this] { return canvas.isLayoutDone(); }, 20000));
  }

  void show(const GraphScene& scene) {
    canvas.setScene(scene);
    waitForLayout();
  }

  void click(QPoint pos, Qt::KeyboardModifiers modifiers = Qt::NoModifier) {
    QTest::mouseClick(canvas.viewport(), Qt::LeftButton, modifiers, pos);
  }

  void drag(QPoint from, QPoint to, Qt::KeyboardModifiers modifiers) {
    QTest::mousePress(canvas.viewport(), Qt::LeftButton, modifiers, from);
    for (int i = 1; i <= 4; ++i) {
      const QPointF at = from + (to - from) * i / 4.0;
      QMouseEvent move(QEvent::MouseMove, at, canvas.viewport()->mapToGlobal(at), Qt::NoButton, Qt::LeftButton,
                       modifiers);
      QApplication::sendEvent(canvas.viewport(), &move);
    }
    QTest::mouseRelease(canvas.viewport(), Qt::LeftButton, modifiers, to);
  }

  GraphCanvas canvas;
};

TEST_F(CanvasTest, SelectsTheNodeThatIsClicked) {
  show(squeezeNetLike());
  QSignalSpy changed(&canvas, &GraphCanvas::selectionChanged);
  EXPECT_EQ(canvas.nodeAt(canvas.viewPosOf(1)), 1);
  click(canvas.viewPosOf(1));
  EXPECT_EQ(canvas.selection(), QList<int>{1});
  ASSERT_EQ(changed.size(), 1);
  EXPECT_EQ(changed[0][0].value<QList<int>>(), QList<int>{1});
  click(canvas.viewPosOf(2), Qt::ShiftModifier);
  EXPECT_EQ(canvas.selection(), (QList<int>{1, 2}));
  click(canvas.viewPosOf(1), Qt::ControlModifier);
  EXPECT_EQ(canvas.selection(), QList<int>{2});
  click({5, 5});
  EXPECT_TRUE(canvas.selection().isEmpty());
}

TEST_F(CanvasTest, DoesNotRepeatASelectionItWasGiven) {
  show(squeezeNetLike());
  QSignalSpy changed(&canvas, &GraphCanvas::selectionChanged);
  canvas.setSelection({4, 2, 2, 999, -1});
  EXPECT_EQ(canvas.selection(), (QList<int>{2, 4}));
  canvas.setSelection({2, 4});
  EXPECT_EQ(changed.size(), 1);
}

TEST_F(CanvasTest, SelectsAllInsideACollapsedScope) {
  GraphScene scene = squeezeNetLike();
  scene.setAllCollapsed(true);
  show(scene);
  EXPECT_EQ(canvas.scopeAt(canvas.viewPosOfScope(0)), 0);
  EXPECT_EQ(canvas.nodeAt(canvas.viewPosOfScope(0)), -1);
  click(canvas.viewPosOfScope(0));
  EXPECT_EQ(canvas.selection().size(), 61);
}

TEST_F(CanvasTest, AsksForTheDeviceOfANumberKey) {
  show(squeezeNetLike());
  QSignalSpy asked(&canvas, &GraphCanvas::assignRequested);
  QTest::keyClick(&canvas, Qt::Key_1);
  EXPECT_EQ(asked.size(), 0) << "nothing is selected";
  canvas.setSelection({3, 5});
  QTest::keyClick(&canvas, Qt::Key_2);
  QTest::keyClick(&canvas, Qt::Key_0);
  ASSERT_EQ(asked.size(), 2);
  EXPECT_EQ(asked[0][0].value<QList<int>>(), (QList<int>{3, 5}));
  EXPECT_EQ(asked[0][1].toInt(), 2);
  EXPECT_EQ(asked[1][1].toInt(), 0);
}

TEST_F(CanvasTest, MovesAlongEdgesWithTheArrowKeys) {
  show(squeezeNetLike());
  QTest::keyClick(&canvas, Qt::Key_Home);
  EXPECT_EQ(canvas.selection(), QList<int>{0});
  QTest::keyClick(&canvas, Qt::Key_Down);
  EXPECT_EQ(canvas.selection(), QList<int>{1});
  for (int i = 0; i < 4; ++i) QTest::keyClick(&canvas, Qt::Key_Down);
  const QList<int> branch = canvas.selection();
  ASSERT_TRUE(branch == QList<int>{5} || branch == QList<int>{7});
  const bool left = canvas.viewPosOf(5).x() < canvas.viewPosOf(7).x();
  QTest::keyClick(&canvas, (branch == QList<int>{5}) == left ? Qt::Key_Right : Qt::Key_Left);
  EXPECT_EQ(canvas.selection(), branch == QList<int>{5} ? QList<int>{7} : QList<int>{5});
  QTest::keyClick(&canvas, Qt::Key_Up, Qt::ShiftModifier);
  EXPECT_EQ(canvas.selection().size(), 2);
  QTest::keyClick(&canvas, Qt::Key_End);
  EXPECT_EQ(canvas.selection(), QList<int>{65});
  QTest::keyClick(&canvas, Qt::Key_Escape);
  EXPECT_TRUE(canvas.selection().isEmpty());
  QTest::keyClick(&canvas, Qt::Key_A, Qt::ControlModifier);
  EXPECT_EQ(canvas.selection().size(), 66);
}

TEST_F(CanvasTest, ExpandsAndCollapsesWithTheKeyboard) {
  GraphScene scene = squeezeNetLike();
  scene.setAllCollapsed(true);
  show(scene);
  QSignalSpy expansion(&canvas, &GraphCanvas::expansionChanged);
  QTest::keyClick(&canvas, Qt::Key_Home);
  QTest::keyClick(&canvas, Qt::Key_Return);
  waitForLayout();
  EXPECT_FALSE(canvas.scene().isCollapsed(0));
  QTest::keyClick(&canvas, Qt::Key_Home);
  QTest::keyClick(&canvas, Qt::Key_Backspace);
  waitForLayout();
  EXPECT_TRUE(canvas.scene().isCollapsed(0));
  QTest::keyClick(&canvas, Qt::Key_Asterisk);
  waitForLayout();
  EXPECT_EQ(canvas.scene().visibleCount(), 66);
  QTest::keyClick(&canvas, Qt::Key_Slash);
  waitForLayout();
  EXPECT_EQ(canvas.scene().visibleCount(), 3);
  EXPECT_EQ(expansion.size(), 4);
}

TEST_F(CanvasTest, KeepsADoubleClickedScopeUnderThePointer) {
  GraphScene scene = squeezeNetLike();
  scene.setAllCollapsed(true);
  scene.setCollapsed(0, false);
  show(scene);
  const QPoint at = canvas.viewPosOfScope(3);
  QTest::mouseDClick(canvas.viewport(), Qt::LeftButton, Qt::NoModifier, at);
  waitForLayout();
  EXPECT_FALSE(canvas.scene().isCollapsed(3));
  EXPECT_EQ(canvas.scopeAt(at), 3);
  QTest::mouseDClick(canvas.viewport(), Qt::LeftButton, Qt::NoModifier, at);
  waitForLayout();
  EXPECT_TRUE(canvas.scene().isCollapsed(3));
  EXPECT_EQ(canvas.scopeAt(at), 3);
}

TEST_F(CanvasTest, SelectsARangeWithShiftDragAndPansWithoutShift) {
  show(squeezeNetLike());
  const QPoint first = canvas.viewPosOf(0), second = canvas.viewPosOf(1);
  drag(first - QPoint(150, 40), second + QPoint(150, 5), Qt::ShiftModifier);
  EXPECT_EQ(canvas.selection(), (QList<int>{0, 1}));
  drag({300, 300}, {300, 200}, Qt::NoModifier);
  EXPECT_EQ(canvas.viewPosOf(0), first - QPoint(0, 100));
  EXPECT_EQ(canvas.selection(), (QList<int>{0, 1})) << "panning is no click";
}

TEST_F(CanvasTest, ZoomsAtThePointerAndToARange) {
  show(squeezeNetLike());
  const QPoint at = canvas.viewPosOf(3);
  const double before = canvas.zoom();
  QWheelEvent wheel(at, canvas.viewport()->mapToGlobal(at), {}, {0, 120}, Qt::NoButton, Qt::NoModifier,
                    Qt::NoScrollPhase, false);
  QApplication::sendEvent(canvas.viewport(), &wheel);
  EXPECT_GT(canvas.zoom(), before);
  EXPECT_LE((canvas.viewPosOf(3) - at).manhattanLength(), 2);
  drag(at - QPoint(40, 40), at + QPoint(40, 40), Qt::ControlModifier);
  EXPECT_GT(canvas.zoom(), 2 * before);
  EXPECT_LE((canvas.viewPosOf(3) - canvas.viewport()->rect().center()).manhattanLength(), 12);
}

TEST_F(CanvasTest, FitsTheWholeGraphOnSpace) {
  show(chainWithSkips(1000));
  QTest::keyClick(&canvas, Qt::Key_Space);
  const QRect view = canvas.viewport()->rect();
  for (int node = 0; node < 1000; node += 37) EXPECT_TRUE(view.contains(canvas.viewPosOf(node))) << node;
}

TEST_F(CanvasTest, BringsANodeIntoSightEvenFromACollapsedScope) {
  GraphScene scene = squeezeNetLike();
  scene.setAllCollapsed(true);
  show(scene);
  canvas.ensureVisible(50);
  waitForLayout();
  EXPECT_TRUE(canvas.viewport()->rect().contains(canvas.viewPosOf(50)));
  EXPECT_EQ(canvas.nodeAt(canvas.viewPosOf(50)), 50);
}

TEST_F(CanvasTest, TakesADroppedDevice) {
  show(squeezeNetLike());
  QSignalSpy dropped(&canvas, &GraphCanvas::deviceDropped);
  QMimeData mime;
  mime.setData(QLatin1String(kDeviceMimeType), "GPU:0");
  const auto drop = [&](QPoint pos) {
    QDragEnterEvent enter(pos, Qt::CopyAction, &mime, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(canvas.viewport(), &enter);
    QDropEvent event(pos, Qt::CopyAction, &mime, Qt::LeftButton, Qt::NoModifier);
    QApplication::sendEvent(canvas.viewport(), &event);
  };
  drop(canvas.viewPosOf(2));
  canvas.setSelection({1, 2});
  drop(canvas.viewPosOf(1));
  ASSERT_EQ(dropped.size(), 2);
  EXPECT_EQ(dropped[0][0].toString(), QStringLiteral("GPU:0"));
  EXPECT_EQ(dropped[0][1].value<QList<int>>(), QList<int>{2});
  EXPECT_EQ(dropped[1][1].value<QList<int>>(), (QList<int>{1, 2}));
  QMimeData other;
  other.setText(QStringLiteral("GPU:0"));
  QDropEvent text(canvas.viewPosOf(2), Qt::CopyAction, &other, Qt::LeftButton, Qt::NoModifier);
  QApplication::sendEvent(canvas.viewport(), &text);
  EXPECT_EQ(dropped.size(), 2);
}

TEST_F(CanvasTest, ChangesColoursWithThePlacementAndKeepsTheView) {
  show(chainWithSkips(20));
  const QPoint where = canvas.viewPosOf(3);
  const QColor before = canvas.grab().toImage().pixelColor(where - QPoint(static_cast<int>(45 * canvas.zoom()), 0));
  canvas.setPlacement(QList<int>(20, 1), QList<int>(20, 1));
  const QColor after = canvas.grab().toImage().pixelColor(where - QPoint(static_cast<int>(45 * canvas.zoom()), 0));
  EXPECT_EQ(canvas.viewPosOf(3), where);
  EXPECT_NE(before, after);
}

TEST_F(CanvasTest, SaysWhatItShowsToAssistiveTechnology) {
  show(squeezeNetLike());
  EXPECT_TRUE(canvas.accessibleDescription().contains(QStringLiteral("66")));
  canvas.setSelection({0});
  EXPECT_TRUE(canvas.accessibleDescription().contains(QStringLiteral("features.0")));
  EXPECT_TRUE(canvas.accessibleDescription().contains(QStringLiteral("CPU:0")));
  EXPECT_FALSE(canvas.accessibleName().isEmpty());
}

TEST_F(CanvasTest, ReportsHoverAndContextMenus) {
  show(squeezeNetLike());
  QSignalSpy hover(&canvas, &GraphCanvas::hoverChanged), menu(&canvas, &GraphCanvas::contextMenuRequested);
  const QPointF at = canvas.viewPosOf(1);
  QMouseEvent move(QEvent::MouseMove, at, canvas.viewport()->mapToGlobal(at), Qt::NoButton, Qt::NoButton,
                   Qt::NoModifier);
  QApplication::sendEvent(canvas.viewport(), &move);
  ASSERT_EQ(hover.size(), 1);
  EXPECT_EQ(hover[0][0].toInt(), 1);
  QContextMenuEvent event(QContextMenuEvent::Mouse, at.toPoint(), canvas.viewport()->mapToGlobal(at.toPoint()));
  QApplication::sendEvent(canvas.viewport(), &event);
  ASSERT_EQ(menu.size(), 1);
  EXPECT_EQ(menu[0][1].value<QList<int>>(), QList<int>{1});
}

TEST_F(CanvasTest, PaintsEveryModeAndZoomWithFiftyThousandNodes) {
  show(unetLike(50000));
  canvas.setSelection({0, 1, 2, 40000});
  for (const ColorMode mode : {ColorMode::Device, ColorMode::Operator, ColorMode::Time, ColorMode::Flops,
                               ColorMode::Bytes, ColorMode::Type, ColorMode::Support}) {
    canvas.setColorMode(mode);
    canvas.fitToWindow();
    EXPECT_FALSE(canvas.grab().isNull());
  }
  for (int i = 0; i < 14; ++i) {
    canvas.zoomBy(2);
    EXPECT_FALSE(canvas.grab().isNull());
  }
}

TEST_F(CanvasTest, ShowsTheSamePictureAfterPanningAsWhenPaintedAfresh) {
  show(squeezeNetLike());
  canvas.setMinimapVisible(false);
  canvas.setLegendVisible(false);
  canvas.clearFocus();
  canvas.grab();
  drag({500, 400}, {463, 171}, Qt::NoModifier);
  QMouseEvent leave(QEvent::MouseMove, QPointF(3, 3), QPointF(3, 3), Qt::NoButton, Qt::NoButton, Qt::NoModifier);
  QApplication::sendEvent(canvas.viewport(), &leave);
  const QImage moved = canvas.grab().toImage();
  canvas.setColorMode(ColorMode::Operator);
  canvas.setColorMode(ColorMode::Device); // drops the cached picture
  const QImage fresh = canvas.grab().toImage();
  ASSERT_EQ(moved.size(), fresh.size());
  qint64 different = 0;
  for (int y = 0; y < fresh.height(); ++y)
    for (int x = 0; x < fresh.width(); ++x) {
      const QColor a = moved.pixelColor(x, y), b = fresh.pixelColor(x, y);
      different += std::abs(a.red() - b.red()) + std::abs(a.green() - b.green()) + std::abs(a.blue() - b.blue()) > 24;
    }
  EXPECT_LT(different, fresh.width() * fresh.height() / 1000);
}

TEST_F(CanvasTest, WritesPicturesToFiles) {
  show(squeezeNetLike());
  const QTemporaryDir dir;
  EXPECT_TRUE(canvas.exportPng(dir.filePath(QStringLiteral("graph.png"))));
  EXPECT_TRUE(canvas.exportSvg(dir.filePath(QStringLiteral("graph.svg"))));
  EXPECT_GT(QImage(dir.filePath(QStringLiteral("graph.png"))).height(), 4000);
  QFile svg(dir.filePath(QStringLiteral("graph.svg")));
  ASSERT_TRUE(svg.open(QIODevice::ReadOnly));
  EXPECT_TRUE(svg.readAll().contains("Softmax"));
  EXPECT_FALSE(canvas.exportPng(QStringLiteral("/no/such/folder/graph.png")));
  EXPECT_FALSE(GraphCanvas().exportPng(dir.filePath(QStringLiteral("empty.png"))));
}

TEST_F(CanvasTest, FollowsTheApplicationsPalette) {
  show(squeezeNetLike());
  const QColor light = canvas.grab().toImage().pixelColor(3, 3);
  QApplication::setPalette(darkPalette());
  QCoreApplication::processEvents();
  const QColor dark = canvas.grab().toImage().pixelColor(3, 3);
  QApplication::setPalette(lightPalette());
  EXPECT_GT(light.lightness(), 200);
  EXPECT_LT(dark.lightness(), 60);
}

TEST_F(CanvasTest, ForgetsAGraphThatIsReplacedWhileItIsLaidOut) {
  canvas.setScene(unetLike(20000));
  canvas.setScene(squeezeNetLike());
  waitForLayout();
  EXPECT_EQ(canvas.scene().nodeCount(), 66);
  EXPECT_EQ(canvas.nodeAt(canvas.viewPosOf(2)), 2);
  canvas.setScene({});
  waitForLayout();
  EXPECT_EQ(canvas.viewPosOf(0), QPoint(-1, -1));
  EXPECT_FALSE(canvas.grab().isNull());
}

} // namespace
} // namespace tandem::ui
