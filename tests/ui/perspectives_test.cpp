// SPDX-License-Identifier: GPL-3.0-or-later
// Layouts of the panels for each kind of work.
#include "tests/ui/window_fixture.hpp"

#include <QAction>
#include <QDockWidget>
#include <QTabBar>

namespace tandem::ui::test {
namespace {

class Perspectives : public Window {
 protected:
  QDockWidget* dock(const char* name) { return window->findChild<QDockWidget*>(QLatin1String(name)); }
  QTabBar* bar() { return window->findChild<QTabBar*>(QStringLiteral("perspectives")); }
  void choose(const char* id) { window->action(QStringLiteral("perspective_") + QLatin1String(id))->trigger(); }
};

TEST_F(Perspectives, TheFirstStartShowsEverythingThatARunNeeds) {
  EXPECT_EQ(window->perspective(), QStringLiteral("run"));
  for (const char* name : {"dock_devices", "dock_run", "dock_charts"}) EXPECT_FALSE(dock(name)->isHidden()) << name;
  EXPECT_EQ(bar()->tabText(bar()->currentIndex()), QStringLiteral("Run"));
}

TEST_F(Perspectives, EachHasItsPanelsAndItsKey) {
  choose("place");
  EXPECT_TRUE(dock("dock_charts")->isHidden());
  EXPECT_FALSE(dock("dock_inspector")->isHidden());
  choose("compare");
  EXPECT_TRUE(dock("dock_devices")->isHidden());
  EXPECT_FALSE(dock("dock_compare")->isHidden());
  int number = 1;
  for (const char* id : {"place", "run", "compare"})
    EXPECT_EQ(window->action(QStringLiteral("perspective_") + QLatin1String(id))->shortcut(),
              QKeySequence(QStringLiteral("Ctrl+%1").arg(number++)));
}

TEST_F(Perspectives, TheBarAndTheMenuFollowEachOther) {
  bar()->setCurrentIndex(2);
  EXPECT_EQ(window->perspective(), QStringLiteral("compare"));
  choose("place");
  EXPECT_EQ(bar()->currentIndex(), 0);
  window->setPerspective(QStringLiteral("none of them"));
  EXPECT_EQ(window->perspective(), QStringLiteral("place"));
}

TEST_F(Perspectives, NoneMakesTheWindowLarger) {
  open();
  const QSize before = window->size();
  for (const char* id : {"place", "compare", "run", "place", "run"}) {
    choose(id);
    QTest::qWait(0);
    EXPECT_EQ(window->size(), before) << id;
    EXPECT_LE(window->minimumSizeHint().width(), before.width()) << id;
  }
}

TEST_F(Perspectives, WhatTheUserChangesIsKeptPerPerspectiveAndBetweenStarts) {
  dock("dock_devices")->hide();
  choose("place");
  EXPECT_FALSE(dock("dock_devices")->isHidden());
  dock("dock_log")->show();
  choose("run");
  EXPECT_TRUE(dock("dock_devices")->isHidden());
  choose("place");
  EXPECT_FALSE(dock("dock_log")->isHidden());
  ASSERT_TRUE(window->close());
  make();
  EXPECT_EQ(window->perspective(), QStringLiteral("place"));
  EXPECT_FALSE(dock("dock_log")->isHidden());
  choose("run");
  EXPECT_TRUE(dock("dock_devices")->isHidden());
}

TEST_F(Perspectives, ResetBringsThePanelsOfThisPerspectiveBack) {
  dock("dock_devices")->hide();
  window->addDockWidget(Qt::TopDockWidgetArea, dock("dock_run"));
  window->resetLayout();
  EXPECT_FALSE(dock("dock_devices")->isHidden());
  EXPECT_EQ(window->dockWidgetArea(dock("dock_run")), Qt::RightDockWidgetArea);
}

TEST_F(Perspectives, ADamagedStateOfAnotherVersionGivesTheDefault) {
  ASSERT_TRUE(window->close());
  workspace->settings.setPerspectiveState(QStringLiteral("run"), QByteArray("not a state"));
  workspace->settings.setPerspective(QStringLiteral("from a newer version"));
  make();
  EXPECT_EQ(window->perspective(), QStringLiteral("run"));
  EXPECT_FALSE(dock("dock_charts")->isHidden());
}

TEST_F(Perspectives, ARunWithoutChartsShowsHowFarItIs) {
  open();
  choose("place");
  window->action(QStringLiteral("run"))->trigger();
  EXPECT_TRUE(dock("dock_charts")->isHidden());
  EXPECT_TRUE(eventually([&] { return !dock("dock_run")->visibleRegion().isEmpty(); }));
  engine.finishRun(reportJson(false));
  EXPECT_TRUE(eventually([&] { return !workspace->runs.isActive(); }));
}

} // namespace
} // namespace tandem::ui::test
