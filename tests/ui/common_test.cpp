// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/common/common.hpp"
#include "ui/widgets/common/flow.hpp"

#include <QAction>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>
#include <QToolButton>

#include <gtest/gtest.h>

namespace tandem::ui {
namespace {

TEST(MessageBar, ShowsActsAndCloses) {
  QWidget window;
  MessageBar bar(&window);
  window.show();
  EXPECT_TRUE(bar.isHidden());
  QAction again(QStringLiteral("Run again"));
  QSignalSpy triggered(&again, &QAction::triggered), closed(&bar, &MessageBar::closed);
  bar.showMessage(MessageKind::Error, QStringLiteral("The worker died."), QStringLiteral("Signal 11"), {&again});
  EXPECT_TRUE(bar.isVisible());
  EXPECT_EQ(bar.accessibleName(), QStringLiteral("The worker died. Signal 11"));
  EXPECT_FALSE(bar.grab().isNull());
  QTest::mouseClick(bar.findChild<QPushButton*>(), Qt::LeftButton);
  EXPECT_EQ(triggered.size(), 1);
  EXPECT_FALSE(bar.isVisible());
  bar.showMessage(MessageKind::Info, QStringLiteral("Ready."));
  EXPECT_EQ(bar.findChildren<QPushButton*>().size(), 0) << "the old action is gone";
  QTest::mouseClick(bar.findChild<QToolButton*>(), Qt::LeftButton);
  EXPECT_EQ(closed.size(), 1);
  EXPECT_FALSE(bar.isVisible());
}

TEST(MessageBar, GoodNewsLeaveByThemselvesAndErrorsStay) {
  QWidget window;
  MessageBar bar(&window);
  bar.setReadingTime(1);
  window.resize(600, 400);
  window.show();
  QTest::mouseMove(&window, QPoint(590, 390)); // away from where an earlier test left the pointer
  QAction recover(QStringLiteral("Recover"));
  QSignalSpy closed(&bar, &MessageBar::closed);
  for (const MessageKind kind : {MessageKind::Success, MessageKind::Info}) {
    bar.showMessage(kind, QStringLiteral("Exported"));
    EXPECT_TRUE(closed.wait());
    EXPECT_FALSE(bar.isVisible());
  }
  bar.showMessage(MessageKind::Success, QStringLiteral("Exported"));
  bar.showMessage(MessageKind::Error, QStringLiteral("The worker died."));
  EXPECT_FALSE(closed.wait(50)) << "the earlier message's time does not count for an error";
  EXPECT_TRUE(bar.isVisible());
  bar.showMessage(MessageKind::Info, QStringLiteral("Not saved"), {}, {&recover});
  EXPECT_FALSE(closed.wait(50)) << "a question waits for its answer";
  EXPECT_TRUE(bar.isVisible());
}

TEST(Flow, FillsRowsInOrderWithoutOverlap) {
  const QList<QSize> sizes{{40, 10}, {50, 14}, {200, 10}, {30, 10}, {30, 10}};
  for (int width = 1; width < 400; width += 7) {
    const QList<QRect> places = flow(sizes, width, {4, 2});
    ASSERT_EQ(places.size(), sizes.size());
    for (int i = 0; i < places.size(); ++i) {
      EXPECT_GE(places[i].left(), 0);
      EXPECT_LE(places[i].right(), width - 1) << width;
      for (int k = 0; k < i; ++k) EXPECT_FALSE(places[i].intersects(places[k])) << width;
    }
  }
  EXPECT_EQ(flow(sizes, 100, {4, 2})[1], QRect(44, 0, 50, 14));
  EXPECT_EQ(flow(sizes, 100, {4, 2})[2], QRect(0, 16, 100, 10)) << "wider than a row: narrowed";
  EXPECT_TRUE(flow({}, 100, {4, 2}).isEmpty());
}

TEST(EmptyState, OffersItsActions) {
  EmptyState state;
  QAction open(QStringLiteral("Open"));
  QSignalSpy triggered(&open, &QAction::triggered);
  state.setText(QStringLiteral("Nothing here"), QStringLiteral("Open a model."));
  state.setActions({&open});
  state.resize(300, 200);
  state.show();
  QTest::mouseClick(state.findChild<QPushButton*>(), Qt::LeftButton);
  EXPECT_EQ(triggered.size(), 1);
}

TEST(CollapsibleSection, HidesItsContent) {
  CollapsibleSection section(QStringLiteral("Attributes"));
  auto* content = new QLabel(QStringLiteral("text"));
  section.setContent(content);
  section.show();
  QSignalSpy changed(&section, &CollapsibleSection::expandedChanged);
  EXPECT_TRUE(content->isVisible());
  section.setExpanded(false);
  EXPECT_FALSE(content->isVisible());
  EXPECT_EQ(changed.size(), 1);
}

TEST(FilterEdit, WaitsForAPauseInTypingAndClearsAtOnce) {
  FilterEdit edit;
  edit.show();
  QSignalSpy filtered(&edit, &FilterEdit::filterChanged), next(&edit, &FilterEdit::nextRequested),
      previous(&edit, &FilterEdit::previousRequested);
  QTest::keyClicks(&edit, QStringLiteral("conv"));
  EXPECT_EQ(filtered.size(), 0);
  ASSERT_TRUE(QTest::qWaitFor([&] { return filtered.size() == 1; }, 5000));
  EXPECT_EQ(filtered[0][0].toString(), QStringLiteral("conv"));
  edit.setMatchCount(3, 66);
  EXPECT_FALSE(edit.grab().isNull());
  QTest::keyClick(&edit, Qt::Key_Return);
  QTest::keyClick(&edit, Qt::Key_Return, Qt::ShiftModifier);
  EXPECT_EQ(next.size(), 1);
  EXPECT_EQ(previous.size(), 1);
  QTest::keyClick(&edit, Qt::Key_Escape);
  EXPECT_TRUE(edit.text().isEmpty());
  EXPECT_EQ(filtered.size(), 2);
}

TEST(PictureView, KeepsThePicturesShape) {
  PictureView view;
  view.resize(400, 400);
  EXPECT_TRUE(view.pictureRect().isEmpty());
  QImage image(200, 100, QImage::Format_RGB32);
  image.fill(Qt::darkGreen);
  view.setPicture(image, {{QRectF(0, 0, 50, 50), QStringLiteral("cat"), 0.9}, {QRectF(190, 90, 40, 40), {}, -1}});
  EXPECT_EQ(view.pictureRect(), QRectF(0, 100, 400, 200));
  EXPECT_FALSE(view.grab().isNull());
  EXPECT_TRUE(view.accessibleDescription().contains(QStringLiteral("cat")));
}

TEST(PictureView, TheTagOfASmallBoxHidesNoOtherBox) {
  PictureView view;
  view.resize(400, 400);
  QImage image(400, 400, QImage::Format_RGB32);
  image.fill(Qt::darkGreen);
  // The tag of the lower box would lie on the upper one.
  view.setPicture(image, {{QRectF(200, 170, 16, 16), QStringLiteral("lower"), 0.9},
                          {QRectF(200, 140, 16, 24), QStringLiteral("upper"), 0.9}});
  const QImage drawn = view.grab().toImage();
  EXPECT_EQ(drawn.pixelColor(208, 152), QColor(Qt::darkGreen));
  EXPECT_NE(drawn.pixelColor(204, 195), QColor(Qt::darkGreen)) << "it went below its own box";
}

TEST(DevicePill, ShowsBadgeAndName) {
  DevicePill pill;
  pill.setDevice(1, QStringLiteral("GPU:0"), QStringLiteral("Radeon"));
  EXPECT_GT(pill.sizeHint().width(), pill.minimumSizeHint().width());
  EXPECT_EQ(pill.accessibleName(), QStringLiteral("Radeon"));
  EXPECT_FALSE(pill.grab().isNull());
  EXPECT_FALSE(deviceIcon(1, QStringLiteral("GPU:0"), pill.palette()).isNull());
}

TEST(ElidedLabel, NeverForcesItsWidth) {
  ElidedLabel label(QString(300, QLatin1Char('m')));
  EXPECT_LT(label.minimumSizeHint().width(), 120);
  label.resize(100, 20);
  EXPECT_FALSE(label.grab().isNull());
}

} // namespace
} // namespace tandem::ui
