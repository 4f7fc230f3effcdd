// SPDX-License-Identifier: GPL-3.0-or-later
// The timeline as a person uses it: keys, mouse, both palettes.
#include "tests/ui/timeline_sample.hpp"
#include "ui/core/theme.hpp"
#include "ui/widgets/timeline/timeline_view.hpp"

#include <QApplication>
#include <QImage>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>
#include <QWheelEvent>

#include <gtest/gtest.h>

#include <cmath>

namespace tandem::ui {
namespace {

class Timeline : public ::testing::Test {
 protected:
  Timeline() {
    view.resize(900, 400);
    view.setDevices({QStringLiteral("CPU:0"), QStringLiteral("OPENCL-CPU:0")});
    view.show();
    view.setModel(sampleTimeline(5000));
    view.setAllCollapsed(true);
    view.setFocus();
  }
  void press(Qt::Key key, Qt::KeyboardModifiers modifiers = Qt::NoModifier) { QTest::keyClick(&view, key, modifiers); }
  void drag(QPoint from, QPoint to, Qt::MouseButton button, Qt::KeyboardModifiers modifiers = Qt::NoModifier,
            bool release = true) {
    QWidget* area = view.viewport();
    QTest::mousePress(area, button, modifiers, from);
    for (int i = 1; i <= 4; ++i) {
      const QPointF at = from + QPointF(to - from) * i / 4;
      QMouseEvent move(QEvent::MouseMove, at, area->mapToGlobal(at), Qt::NoButton, button, modifiers);
      QApplication::sendEvent(area, &move);
    }
    if (release) QTest::mouseRelease(area, button, modifiers, to);
  }
  QImage picture() {
    QImage image(view.viewport()->size(), QImage::Format_RGB32);
    view.viewport()->render(&image);
    return image;
  }
  double whole() const { return static_cast<double>(view.model()->endNs()); }
  QPoint inTracks(int x, int y = 60) const { return {static_cast<int>(view.nameWidth()) + x, y}; }

  TimelineView view;
};

TEST_F(Timeline, WAndSZoomAAndDPanAndSpaceShowsEverything) {
  const TimeWindow all = view.window();
  EXPECT_LE(all.startNs, 0);
  EXPECT_GE(all.endNs(view.tracksWidth()), whole());
  press(Qt::Key_W);
  EXPECT_LT(view.window().nsPerPixel, all.nsPerPixel);
  const TimeWindow in = view.window();
  press(Qt::Key_D);
  EXPECT_GT(view.window().startNs, in.startNs);
  press(Qt::Key_A);
  EXPECT_NEAR(view.window().startNs, in.startNs, in.nsPerPixel);
  press(Qt::Key_S);
  EXPECT_NEAR(view.window().nsPerPixel, all.nsPerPixel, 1e-6);
  for (int i = 0; i < 8; ++i) press(Qt::Key_W);
  press(Qt::Key_End);
  EXPECT_NEAR(view.window().xOf(whole()), view.tracksWidth() * 0.98, 1);
  press(Qt::Key_Home);
  EXPECT_NEAR(view.window().xOf(0), view.tracksWidth() * 0.02, 1);
  press(Qt::Key_Space);
  EXPECT_NEAR(view.window().nsPerPixel, all.nsPerPixel, 1e-6);
  press(Qt::Key_Backspace);
  EXPECT_LT(view.window().nsPerPixel, all.nsPerPixel) << "back to what was shown before";
}

TEST_F(Timeline, DotAndCommaStepThroughSlicesAndFFocusesThenFits) {
  QSignalSpy chosen(&view, &TimelineView::selectionChanged);
  press(Qt::Key_Down);
  press(Qt::Key_Down);
  EXPECT_EQ(view.currentTrack(), 2);
  press(Qt::Key_Period);
  ASSERT_TRUE(view.selected().valid());
  const SliceRef first = view.selected();
  press(Qt::Key_Period);
  EXPECT_EQ(view.selected().index, first.index + 1);
  press(Qt::Key_Comma);
  EXPECT_EQ(view.selected(), first);
  EXPECT_EQ(chosen.count(), 3);
  for (int i = 0; i < 6; ++i) press(Qt::Key_W);
  press(Qt::Key_Home);
  press(Qt::Key_F);
  const TimelineSlice& slice = view.model()->slice(first);
  const double middle = (static_cast<double>(slice.startNs) + static_cast<double>(slice.endNs)) / 2;
  EXPECT_NEAR(view.window().xOf(middle), view.tracksWidth() / 2, 2);
  const double before = view.window().nsPerPixel;
  press(Qt::Key_F);
  EXPECT_NE(view.window().nsPerPixel, before);
  EXPECT_NEAR(static_cast<double>(slice.durationNs()) / view.window().nsPerPixel, view.tracksWidth() * 0.8, 2);
}

TEST_F(Timeline, MMarksAndBracketsGoBetweenMarks) {
  for (int i = 0; i < 5; ++i) press(Qt::Key_W);
  press(Qt::Key_Home);
  press(Qt::Key_M);
  for (int i = 0; i < 10; ++i) press(Qt::Key_D);
  press(Qt::Key_M);
  ASSERT_EQ(view.marks().size(), 2u);
  press(Qt::Key_BracketLeft);
  EXPECT_NEAR(view.window().xOf(static_cast<double>(view.marks()[0])), view.tracksWidth() / 2, 2);
  press(Qt::Key_BracketRight);
  EXPECT_NEAR(view.window().xOf(static_cast<double>(view.marks()[1])), view.tracksWidth() / 2, 2);
  press(Qt::Key_M);
  EXPECT_EQ(view.marks().size(), 1u) << "a second M on a mark takes it away";
  press(Qt::Key_Escape);
  EXPECT_TRUE(view.marks().empty());
}

TEST_F(Timeline, SlashAsksForTheSearchAndFoundSlicesAreVisitedInTurn) {
  QSignalSpy asked(&view, &TimelineView::searchRequested), cleared(&view, &TimelineView::searchCleared);
  press(Qt::Key_Slash);
  EXPECT_EQ(asked.count(), 1);
  const QImage before = picture();
  EXPECT_GT(view.search(QStringLiteral("block/7/")), 3u);
  EXPECT_NE(picture(), before) << "what matches stands out";
  view.selectFound(1);
  const SliceRef first = view.selected();
  ASSERT_TRUE(view.found().contains(first));
  view.selectFound(1);
  EXPECT_NE(view.selected(), first);
  view.selectFound(-1);
  EXPECT_EQ(view.selected(), first);
  press(Qt::Key_Escape);
  EXPECT_TRUE(view.found().isEmpty());
  EXPECT_EQ(cleared.count(), 1);
  press(Qt::Key_Escape);
  EXPECT_FALSE(view.selected().valid());
}

TEST_F(Timeline, DraggingSelectsAnAreaOfTheTracksUnderItAndEscapeTakesItBack) {
  QSignalSpy changed(&view, &TimelineView::areaChanged);
  drag(inTracks(100), inTracks(300, 62), Qt::LeftButton);
  ASSERT_TRUE(view.area().has_value());
  EXPECT_EQ(changed.count(), 1);
  EXPECT_EQ(view.area()->tracks.size(), 1u);
  EXPECT_NEAR(static_cast<double>(view.area()->startNs), view.window().nsAt(100), view.window().nsPerPixel * 2);
  EXPECT_NEAR(static_cast<double>(view.area()->durationNs()), 200 * view.window().nsPerPixel,
              view.window().nsPerPixel * 2);
  const TimelineArea kept = *view.area();
  drag(inTracks(400), inTracks(500, 150), Qt::LeftButton, Qt::NoModifier, false);
  EXPECT_GT(view.area()->tracks.size(), 1u);
  press(Qt::Key_Escape);
  QTest::mouseRelease(view.viewport(), Qt::LeftButton, Qt::NoModifier, inTracks(500, 150));
  EXPECT_TRUE(view.area() == kept) << "given up half way";
  press(Qt::Key_Escape);
  EXPECT_FALSE(view.area().has_value());
}

TEST_F(Timeline, AreasNeedNoMouse) {
  press(Qt::Key_A, Qt::ControlModifier);
  ASSERT_TRUE(view.area().has_value());
  EXPECT_EQ(view.area()->tracks.size(), 5u);
  press(Qt::Key_Escape);
  press(Qt::Key_Right, Qt::ShiftModifier);
  ASSERT_TRUE(view.area().has_value());
  const auto one = view.area()->durationNs();
  press(Qt::Key_Right, Qt::ShiftModifier);
  EXPECT_NEAR(static_cast<double>(view.area()->durationNs()), 2.0 * static_cast<double>(one), 4);
  press(Qt::Key_Escape);
  press(Qt::Key_Period);
  press(Qt::Key_R);
  ASSERT_TRUE(view.area().has_value());
  EXPECT_FALSE(view.selected().valid()) << "the area takes the place of the slice";
}

TEST_F(Timeline, TheWheelZoomsAtThePointerShiftDragPansAndTheMiddleButtonZoomsToARange) {
  const QPointF at = inTracks(200);
  const double held = view.window().nsAt(200);
  QWheelEvent wheel(at, view.viewport()->mapToGlobal(at), {}, {0, 240}, Qt::NoButton, Qt::ControlModifier,
                    Qt::NoScrollPhase, false);
  const double before = view.window().nsPerPixel;
  QApplication::sendEvent(view.viewport(), &wheel);
  EXPECT_LT(view.window().nsPerPixel, before);
  EXPECT_NEAR(view.window().nsAt(200), held, view.window().nsPerPixel);
  const double start = view.window().startNs;
  drag(inTracks(300), inTracks(200), Qt::LeftButton, Qt::ShiftModifier);
  EXPECT_NEAR(view.window().startNs, start + 100 * view.window().nsPerPixel, view.window().nsPerPixel * 2);
  EXPECT_FALSE(view.area().has_value());
  const double from = view.window().nsAt(100), to = view.window().nsAt(200);
  drag(inTracks(100), inTracks(200), Qt::MiddleButton);
  EXPECT_NEAR(view.window().startNs, from, view.window().nsPerPixel * 2);
  EXPECT_NEAR(view.window().endNs(view.tracksWidth()), to, view.window().nsPerPixel * 2);
}

TEST_F(Timeline, AClickSelectsTheSliceAndTheEdgeOfTheNamesMoves) {
  press(Qt::Key_Down);
  press(Qt::Key_Down);
  press(Qt::Key_Period);
  const SliceRef chosen = view.selected();
  press(Qt::Key_F);
  press(Qt::Key_F);
  press(Qt::Key_Escape);
  ASSERT_FALSE(view.selected().valid());
  QTest::mouseClick(view.viewport(), Qt::LeftButton, Qt::NoModifier, view.positionOf(chosen).toPoint());
  EXPECT_EQ(view.selected(), chosen);
  const int edge = static_cast<int>(view.nameWidth());
  drag({edge, 80}, {edge + 60, 80}, Qt::LeftButton);
  EXPECT_NEAR(view.nameWidth(), edge + 60, 1);
}

TEST_F(Timeline, PPinsEnterFoldsAndAFilterHidesTracks) {
  press(Qt::Key_Down);
  EXPECT_EQ(view.currentTrack(), 1);
  press(Qt::Key_P);
  EXPECT_TRUE(view.looks()[1].pinned);
  press(Qt::Key_Return);
  EXPECT_FALSE(view.looks()[1].collapsed);
  view.setTrackFilter(QStringLiteral("transfers"));
  EXPECT_TRUE(view.looks()[0].hidden);
  EXPECT_FALSE(view.looks()[4].hidden);
  picture();
  view.setTrackFilter({});
  EXPECT_FALSE(view.looks()[0].hidden);
}

TEST_F(Timeline, IsDescribedInWordsThatFollowWhatIsShown) {
  EXPECT_FALSE(view.accessibleName().isEmpty());
  EXPECT_TRUE(view.accessibleDescription().contains(QStringLiteral("5,000 slices")));
  EXPECT_TRUE(view.accessibleDescription().contains(QStringLiteral("1,000 older events were dropped")));
  press(Qt::Key_Down);
  press(Qt::Key_Down);
  press(Qt::Key_Period);
  EXPECT_TRUE(view.accessibleDescription().contains(QStringLiteral("selected: FusedConv")));
}

TEST_F(Timeline, MergedSlicesAreMarkedAndVanishWhenZoomedIn) {
  picture();
  EXPECT_GT(view.painter().mergedDrawn(), 0);
  press(Qt::Key_Down);
  press(Qt::Key_Down);
  press(Qt::Key_Period);
  press(Qt::Key_F);
  press(Qt::Key_F);
  picture();
  EXPECT_EQ(view.painter().mergedDrawn(), 0);
}

TEST_F(Timeline, SlicesStandOutOnALightAndOnADarkBackground) {
  press(Qt::Key_Down);
  press(Qt::Key_Down);
  press(Qt::Key_Period);
  press(Qt::Key_F);
  press(Qt::Key_F);
  const SliceRef chosen = view.selected();
  press(Qt::Key_Escape);
  const QPoint inside = view.positionOf(chosen).toPoint() + QPoint(0, 5),
               empty(view.viewport()->width() - 5, view.viewport()->height() - 5);
  for (const QPalette& palette : {lightPalette(), darkPalette()}) {
    view.setPalette(palette);
    const QImage image = picture();
    const Theme theme = Theme::of(palette);
    EXPECT_EQ(image.pixelColor(empty), theme.window);
    EXPECT_GE(Theme::contrast(image.pixelColor(inside), theme.window), 1.5) << "slices stand out";
  }
}

TEST_F(Timeline, WithoutATraceEveryKeyIsHarmless) {
  view.setModel(nullptr);
  for (const Qt::Key key :
       {Qt::Key_W, Qt::Key_F, Qt::Key_M, Qt::Key_Period, Qt::Key_R, Qt::Key_Return, Qt::Key_BracketLeft})
    press(key);
  EXPECT_FALSE(view.selected().valid());
  EXPECT_TRUE(view.summary().contains(QStringLiteral("No trace")));
  picture();
}

} // namespace
} // namespace tandem::ui
