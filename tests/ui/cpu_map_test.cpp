// SPDX-License-Identifier: GPL-3.0-or-later
// The map of the processor: geometry for any size of machine, looks, and what mouse and keyboard ask for.
#include "ui/core/theme.hpp"
#include "ui/widgets/cpu_map/cpu_map.hpp"
#include "ui/widgets/cpu_map/cpu_map_painter.hpp"

#include <QApplication>
#include <QImage>
#include <QPainter>
#include <QSet>
#include <QSignalSpy>
#include <QTest>

#include <gtest/gtest.h>

namespace tandem::ui {
namespace {

constexpr double kLine = 16;

/// Siblings are neighbours; owners alternate by core.
CpuMapModel machine(int packages, int nodes, int caches, int cores, int threads) {
  CpuMapModel model;
  int index = 0, core = 0, node = 0, cache = 0;
  for (int p = 0; p < packages; ++p)
    for (int n = 0; n < nodes; ++n, ++node)
      for (int l = 0; l < caches; ++l, ++cache)
        for (int c = 0; c < cores; ++c, ++core)
          for (int t = 0; t < threads; ++t) {
            CpuMapProcessor processor;
            processor.index = index++;
            processor.core = core;
            processor.package = p;
            processor.numaNode = node;
            processor.cache = cache;
            processor.owner = core % 2;
            model.processors.append(processor);
          }
  model.owners = {{0, QStringLiteral("CPU:0"), QStringLiteral("CPU:0, OPENCL-CPU:0")},
                  {1, QStringLiteral("CPU:1"), QStringLiteral("CPU:1")}};
  return model;
}

QStringList titles(const CpuMapLayout& layout) {
  QStringList found;
  for (const CpuMapBox& box : layout.boxes)
    if (!box.title.isEmpty()) found << box.title;
  return found;
}

TEST(CpuMapGeometry, EveryProcessorHasAPlaceOfItsOwnWithinTheWidth) {
  const QList<CpuMapModel> machines = {machine(1, 1, 1, 1, 1), machine(1, 1, 1, 2, 1), machine(1, 1, 2, 4, 2),
                                       machine(2, 2, 2, 8, 2), machine(2, 4, 2, 8, 2), machine(1, 1, 1, 96, 1)};
  for (const CpuMapModel& model : machines)
    for (const double width : {170.0, 240.0, 600.0}) {
      const CpuMapLayout layout = layoutCpuMap(model, width, kLine);
      const std::string what = std::to_string(model.processors.size()) + " at " + std::to_string(width);
      ASSERT_EQ(layout.cells.size(), model.processors.size()) << what;
      EXPECT_LE(layout.size.width(), width) << what;
      const QRectF all(QPointF(0, 0), layout.size);
      QSet<int> seen;
      for (qsizetype i = 0; i < layout.cells.size(); ++i) {
        seen.insert(layout.cells[i].processor);
        EXPECT_TRUE(all.contains(layout.cells[i].rect)) << what << " cell " << i;
        for (qsizetype k = 0; k < i; ++k)
          ASSERT_FALSE(layout.cells[i].rect.intersects(layout.cells[k].rect)) << what << " " << i << " and " << k;
      }
      EXPECT_EQ(seen.size(), model.processors.size()) << what;
    }
}

TEST(CpuMapGeometry, BoxesNestAndHoldWhatBelongsToThem) {
  const CpuMapModel model = machine(2, 2, 2, 2, 2);
  const CpuMapLayout layout = layoutCpuMap(model, 400, kLine);
  QList<int> boxes(4, 0);
  for (const CpuMapBox& box : layout.boxes) {
    int inside = 0;
    for (const CpuMapCell& cell : layout.cells) inside += box.rect.contains(cell.rect) ? 1 : 0;
    ASSERT_LT(box.depth, 4);
    ++boxes[box.depth];
    EXPECT_EQ(inside, 16 >> box.depth);
    for (const CpuMapBox& other : layout.boxes) {
      const bool apart = &other == &box || !other.rect.intersects(box.rect);
      EXPECT_TRUE(apart || other.rect.contains(box.rect) || box.rect.contains(other.rect));
    }
  }
  EXPECT_EQ(boxes, (QList<int>{2, 4, 8, 16})); // packages, NUMA nodes, caches, cores
}

TEST(CpuMapGeometry, LevelsThatTellNothingApartAreLeftOut) {
  EXPECT_EQ(titles(layoutCpuMap(machine(1, 1, 1, 2, 1), 300, kLine)), QStringList{QStringLiteral("Package 0")});
  EXPECT_EQ(titles(layoutCpuMap(machine(2, 1, 1, 2, 1), 300, kLine)),
            (QStringList{QStringLiteral("Package 0, NUMA node 0"), QStringLiteral("Package 1, NUMA node 1")}));
  CpuMapModel hybrid = machine(1, 1, 1, 4, 1);
  hybrid.processors[0].kind = hybrid.processors[1].kind = CpuMapKind::Performance;
  hybrid.processors[2].kind = hybrid.processors[3].kind = CpuMapKind::Efficiency;
  EXPECT_EQ(titles(layoutCpuMap(hybrid, 300, kLine)),
            (QStringList{QStringLiteral("Package 0"), QStringLiteral("Performance cores"),
                         QStringLiteral("Efficiency cores")}));
  EXPECT_TRUE(layoutCpuMap({}, 300, kLine).cells.isEmpty());
}

TEST(CpuMapGeometry, ArrowsReachEveryProcessorAndStopAtTheEdge) {
  const CpuMapLayout layout = layoutCpuMap(machine(2, 2, 2, 2, 2), 240, kLine);
  QSet<int> reached{0};
  QList<int> open{0};
  while (!open.isEmpty()) {
    const int cell = open.takeFirst();
    for (const QPoint direction : {QPoint(1, 0), QPoint(-1, 0), QPoint(0, 1), QPoint(0, -1)}) {
      const int next = neighbourOf(layout, cell, direction);
      if (!reached.contains(next)) {
        reached.insert(next);
        open.append(next);
      }
    }
  }
  EXPECT_EQ(reached.size(), layout.cells.size());
  EXPECT_EQ(neighbourOf(layout, 0, {-1, 0}), 0);
  EXPECT_EQ(neighbourOf(layout, 0, {0, -1}), 0);
  EXPECT_EQ(neighbourOf({}, 0, {1, 0}), -1);
}

TEST(CpuMapGeometry, AFastStrokeMissesNothingBetweenItsEnds) {
  const CpuMapLayout layout = layoutCpuMap(machine(1, 1, 1, 4, 1), 400, kLine);
  const QPointF from = layout.cells.first().rect.center(), to = layout.cells.last().rect.center();
  EXPECT_EQ(cellsAlong(layout, from, to), (QList<int>{1, 2, 3}));
  EXPECT_EQ(cellAt(layout, from), 0);
  EXPECT_EQ(cellAt(layout, {-5, -5}), -1);
}

class CpuMapTest : public ::testing::Test {
 protected:
  void show(const CpuMapModel& model) {
    map.setModel(model);
    map.resize(300, map.heightForWidth(300));
    map.show();
    EXPECT_TRUE(QTest::qWaitForWindowExposed(&map));
  }
  QPoint at(int index) const { return map.rectOf(index).center().toPoint(); }
  /// In the upper left corner, where there are no letters.
  static QColor colorOf(const CpuMapModel& model, int index, double scale, const QPalette& palette) {
    const CpuMapLayout layout = layoutCpuMap(model, 300, kLine);
    QImage image((layout.size * scale).toSize() + QSize(1, 1), QImage::Format_ARGB32_Premultiplied);
    image.setDevicePixelRatio(scale);
    image.fill(palette.color(QPalette::Window));
    QPainter painter(&image);
    paintCpuMap(painter, model, layout, {}, palette);
    painter.end();
    for (const CpuMapCell& cell : layout.cells)
      if (model.processors[cell.processor].index == index)
        return image.pixelColor(((cell.rect.topLeft() + QPointF(4, 4)) * scale).toPoint());
    return {};
  }
  CpuMap map;
  QSignalSpy assigned{&map, &CpuMap::assigned};
};

TEST_F(CpuMapTest, ProcessorsHaveTheColourOfTheirSetInLightAndDarkAndAtTwiceTheSize) {
  const CpuMapModel model = machine(1, 1, 1, 2, 1);
  for (const QPalette& palette : {lightPalette(), darkPalette()})
    for (const double scale : {1.0, 2.0}) {
      EXPECT_EQ(colorOf(model, 0, scale, palette), Theme::of(palette).device(0).fill);
      EXPECT_NE(colorOf(model, 1, scale, palette), colorOf(model, 0, scale, palette));
    }
}

TEST_F(CpuMapTest, WhatIsNotAvailableIsHatchedWhoeverOwnsIt) {
  CpuMapModel model = machine(1, 1, 1, 2, 1);
  const auto paint = [&] {
    show(model);
    return map.grab(map.rectOf(1).toAlignedRect()).toImage();
  };
  const QImage owned = paint();
  model.processors[1].available = false;
  const QImage hatched = paint();
  model.processors[1].owner = -1;
  EXPECT_EQ(hatched, paint());
  model.processors[1].available = true;
  const QImage free = paint();
  EXPECT_NE(owned, hatched);
  EXPECT_NE(free, hatched);
  EXPECT_NE(free, owned);
}

TEST_F(CpuMapTest, AClickGivesToTheBrushAndASecondOneTakesAway) {
  show(machine(1, 1, 1, 4, 1));
  map.setBrush(1);
  QTest::mouseClick(&map, Qt::LeftButton, Qt::NoModifier, at(0));
  QTest::mouseClick(&map, Qt::LeftButton, Qt::NoModifier, at(1));
  ASSERT_EQ(assigned.count(), 2);
  EXPECT_EQ(assigned[0], (QVariantList{0, 1}));
  EXPECT_EQ(assigned[1], (QVariantList{1, -1})); // it had it already
  QTest::mouseClick(&map, Qt::RightButton, Qt::NoModifier, at(2));
  EXPECT_EQ(assigned.count(), 2);
}

TEST_F(CpuMapTest, ADragGivesEverythingItCrossesThatIsAvailable) {
  CpuMapModel model = machine(1, 1, 1, 4, 1);
  for (CpuMapProcessor& processor : model.processors) processor.owner = 0;
  model.processors[2].available = false;
  show(model);
  map.setBrush(1);
  QTest::mousePress(&map, Qt::LeftButton, Qt::NoModifier, at(0));
  QTest::mouseMove(&map, at(3));
  QTest::mouseRelease(&map, Qt::LeftButton, Qt::NoModifier, at(3));
  ASSERT_EQ(assigned.count(), 3);
  EXPECT_EQ(assigned[0], (QVariantList{0, 1}));
  EXPECT_EQ(assigned[1], (QVariantList{1, 1}));
  EXPECT_EQ(assigned[2], (QVariantList{3, 1}));
  QTest::mouseMove(&map, at(0)); // the stroke is over
  EXPECT_EQ(assigned.count(), 3);
}

TEST_F(CpuMapTest, TheKeyboardDoesTheSame) {
  show(machine(1, 1, 1, 4, 1));
  map.setFocus();
  map.setBrush(1);
  QTest::keyClick(&map, Qt::Key_Space);
  QTest::keyClick(&map, Qt::Key_Right);
  QTest::keyClick(&map, Qt::Key_1);
  QTest::keyClick(&map, Qt::Key_Delete);
  QTest::keyClick(&map, Qt::Key_9); // there is no such set
  QTest::keyClick(&map, Qt::Key_Right, Qt::ShiftModifier);
  QTest::keyClick(&map, Qt::Key_End);
  QTest::keyClick(&map, Qt::Key_1);
  ASSERT_EQ(assigned.count(), 5);
  EXPECT_EQ(assigned[0], (QVariantList{0, 1}));
  EXPECT_EQ(assigned[1], (QVariantList{1, 0}));
  EXPECT_EQ(assigned[2], (QVariantList{1, -1}));
  EXPECT_EQ(assigned[3], (QVariantList{2, 1})); // what processor 1 has
  EXPECT_EQ(assigned[4], (QVariantList{3, 0}));
}

TEST_F(CpuMapTest, NothingChangesWhileItOnlyShows) {
  show(machine(1, 1, 1, 4, 1));
  map.setFocus();
  map.setBrush(1);
  map.setReadOnly(true);
  QTest::mouseClick(&map, Qt::LeftButton, Qt::NoModifier, at(0));
  QTest::keyClick(&map, Qt::Key_Space);
  EXPECT_EQ(assigned.count(), 0);
}

TEST_F(CpuMapTest, SaysInWordsWhatItShows) {
  CpuMapModel model = machine(1, 1, 1, 2, 2);
  model.processors[3].available = false;
  show(model);
  EXPECT_EQ(map.describe(model.processors[1]),
            QStringLiteral("Processor 1: core 0, L3 cache 0, NUMA node 0, package 0, SMT sibling of 0\n"
                           "CPU:0, OPENCL-CPU:0"));
  EXPECT_TRUE(map.describe(model.processors[3]).endsWith(QStringLiteral("\nNot available to this program")));
  EXPECT_FALSE(map.accessibleName().isEmpty());
  EXPECT_TRUE(map.accessibleDescription().contains(QStringLiteral("CPU:0 has processors 0, 1")));
  EXPECT_TRUE(map.accessibleDescription().contains(QStringLiteral("CPU:1 has processors 2")));
  map.setFocus();
  QTest::keyClick(&map, Qt::Key_Right);
  EXPECT_TRUE(map.accessibleDescription().startsWith(QStringLiteral("Processor 1:")));
}

} // namespace
} // namespace tandem::ui
