// SPDX-License-Identifier: GPL-3.0-or-later
#include "bench/ui/sample_graphs.hpp"
#include "ui/widgets/graph_canvas/canvas_geometry.hpp"
#include "ui/widgets/graph_canvas/canvas_looks.hpp"
#include "ui/widgets/graph_canvas/graph_layout.hpp"
#include "ui/widgets/graph_canvas/layers.hpp"

#include <gtest/gtest.h>

#include <random>

namespace tandem::ui {
namespace {

TextMetrics evenMetrics() {
  TextMetrics metrics;
  metrics.ascii.fill(7);
  metrics.other = 7;
  return metrics;
}

SceneNode plainNode(int number, int scope) {
  SceneNode node;
  node.name = QStringLiteral("n%1").arg(number);
  node.title = QStringLiteral("Op");
  node.scope = scope;
  return node;
}

struct Laid {
  VisibleGraph graph;
  GraphLayout layout;
};

Laid lay(const GraphScene& scene) {
  const std::atomic<bool> cancel{false};
  Laid laid{visibleGraph(scene, evenMetrics(), evenMetrics()), {}};
  laid.layout = layoutGraph(laid.graph, scene, {}, cancel);
  return laid;
}

int overlaps(const GraphLayout& layout) {
  CanvasGeometry geometry;
  SpatialIndex index;
  std::vector<int> ids(layout.boxes.size()), found;
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int>(i);
  index.build(layout.boxes, ids, static_cast<int>(ids.size()));
  int count = 0;
  for (const QRectF& box : layout.boxes) {
    index.query(box, found);
    count += static_cast<int>(found.size()) - 1;
  }
  return count;
}

// Points that go up: none may unless the visible graph has a cycle.
int upwardSteps(const GraphLayout& layout) {
  int count = 0;
  for (std::size_t e = 0; e + 1 < layout.edgeStart.size(); ++e)
    for (int p = layout.edgeStart[e] + 1; p < layout.edgeStart[e + 1]; ++p)
      count += layout.points[static_cast<std::size_t>(p)].y() < layout.points[static_cast<std::size_t>(p) - 1].y();
  return count;
}

GraphScene randomGraph(unsigned seed, int nodes, int scopes) {
  std::mt19937 random(seed);
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  GraphScene scene;
  for (int s = 0; s < scopes; ++s) scene.addScope(below(s + 1) - 1, QStringLiteral("scope%1").arg(s));
  for (int i = 0; i < nodes; ++i) {
    SceneNode node;
    node.name = QStringLiteral("n%1").arg(i);
    node.title = QString(1 + below(20), QLatin1Char('x'));
    node.scope = scopes > 0 ? below(scopes + 1) - 1 : -1;
    node.effective = below(3) - 1;
    scene.addNode(node);
    for (int k = below(3); k > 0 && i > 0; --k) scene.addEdge(below(i), i, 1 << below(20));
  }
  return scene;
}

TEST(GraphLayout, IsTheSameEveryTime) {
  EXPECT_EQ(lay(squeezeNetLike()).layout.hash(), lay(squeezeNetLike()).layout.hash());
  EXPECT_EQ(lay(unetLike(500)).layout.hash(), lay(unetLike(500)).layout.hash());
  EXPECT_NE(lay(unetLike(500)).layout.hash(), lay(unetLike(501)).layout.hash());
}

TEST(GraphLayout, LetsNoBoxesOverlap) {
  EXPECT_EQ(overlaps(lay(squeezeNetLike()).layout), 0);
  EXPECT_EQ(overlaps(lay(chainWithSkips(1000)).layout), 0);
  EXPECT_EQ(overlaps(lay(unetLike(1000)).layout), 0);
  EXPECT_EQ(overlaps(lay(repeatedBlocks(40)).layout), 0);
  for (unsigned seed = 0; seed < 30; ++seed) EXPECT_EQ(overlaps(lay(randomGraph(seed, 150, 0)).layout), 0) << seed;
  for (unsigned seed = 0; seed < 30; ++seed) EXPECT_EQ(overlaps(lay(randomGraph(seed, 150, 12)).layout), 0) << seed;
}

TEST(GraphLayout, LeadsEveryEdgeDownwards) {
  EXPECT_EQ(upwardSteps(lay(squeezeNetLike()).layout), 0);
  EXPECT_EQ(upwardSteps(lay(chainWithSkips(1000)).layout), 0);
  EXPECT_EQ(upwardSteps(lay(unetLike(1000)).layout), 0);
  EXPECT_EQ(upwardSteps(lay(repeatedBlocks(40)).layout), 0);
  for (unsigned seed = 0; seed < 30; ++seed) EXPECT_EQ(upwardSteps(lay(randomGraph(seed, 150, 0)).layout), 0) << seed;
}

TEST(GraphLayout, StartsAndEndsEveryEdgeAtItsBoxes) {
  for (const GraphScene& scene : {squeezeNetLike(), unetLike(300), randomGraph(5, 120, 10)}) {
    const Laid laid = lay(scene);
    for (std::size_t e = 0; e < laid.graph.edges.size(); ++e) {
      const int first = laid.layout.edgeStart[e], last = laid.layout.edgeStart[e + 1] - 1;
      ASSERT_GT(last, first);
      const auto near = [&](int box, int point) {
        return laid.layout.boxes[static_cast<std::size_t>(box)]
            .adjusted(-1, -1, 1, 1)
            .contains(laid.layout.points[static_cast<std::size_t>(point)]);
      };
      EXPECT_TRUE(near(laid.graph.edges[e].from, first)) << e;
      EXPECT_TRUE(near(laid.graph.edges[e].to, last)) << e;
    }
  }
}

TEST(GraphLayout, RunsNoShortEdgeThroughABox) {
  const Laid laid = lay(chainWithSkips(200));
  for (std::size_t e = 0; e < laid.graph.edges.size(); ++e)
    for (int p = laid.layout.edgeStart[e] + 1; p < laid.layout.edgeStart[e + 1]; ++p) {
      const QPointF middle =
          (laid.layout.points[static_cast<std::size_t>(p)] + laid.layout.points[static_cast<std::size_t>(p) - 1]) / 2;
      for (const QRectF& box : laid.layout.boxes) EXPECT_FALSE(box.adjusted(1, 1, -1, -1).contains(middle)) << e;
    }
}

TEST(GraphLayout, PutsAFrameAroundWhatAnExpandedScopeHolds) {
  const GraphScene scene = squeezeNetLike();
  const Laid laid = lay(scene);
  ASSERT_EQ(laid.layout.frames.size(), 10U);
  for (const LayoutFrame& frame : laid.layout.frames)
    for (int node = 0; node < scene.nodeCount(); ++node) {
      bool inside = false;
      for (int s = scene.scopeOf(node); s >= 0; s = scene.scopeParent(s)) inside |= s == frame.scope;
      const QRectF& box =
          laid.layout.boxes[static_cast<std::size_t>(laid.graph.boxOfNode[static_cast<std::size_t>(node)])];
      EXPECT_EQ(frame.rect.contains(box), inside) << frame.scope << ' ' << node;
      EXPECT_EQ(frame.rect.intersects(box), inside) << frame.scope << ' ' << node;
    }
}

TEST(GraphLayout, DrawsCyclesToo) {
  GraphScene scene;
  const int left = scene.addScope(-1, QStringLiteral("a")), right = scene.addScope(-1, QStringLiteral("b"));
  const int scopes[] = {left, right, left, right};
  for (int i = 0; i < 4; ++i) {
    SceneNode node;
    node.name = node.title = QStringLiteral("n%1").arg(i);
    node.scope = scopes[i];
    scene.addNode(node);
    if (i > 0) scene.addEdge(i - 1, i, 1);
  }
  EXPECT_EQ(overlaps(lay(scene).layout), 0);
  scene.setAllCollapsed(true);
  const Laid laid = lay(scene);
  EXPECT_EQ(laid.graph.boxes.size(), 2U);
  EXPECT_EQ(laid.graph.edges.size(), 2U);
  EXPECT_EQ(overlaps(laid.layout), 0);
}

TEST(GraphLayout, SurvivesEmptyAndUnconnectedGraphs) {
  EXPECT_TRUE(lay({}).layout.boxes.empty());
  GraphScene loose;
  for (int i = 0; i < 400; ++i) loose.addNode(plainNode(i, -1));
  const GraphLayout layout = lay(loose).layout;
  EXPECT_EQ(overlaps(layout), 0);
  // In a block, not in one endless row.
  EXPECT_LT(layout.bounds.width(), 8 * layout.bounds.height());
}

TEST(GraphLayout, ReactsToCancel) {
  const GraphScene scene = unetLike(5000);
  const std::atomic<bool> cancel{true};
  EXPECT_TRUE(layoutGraph(visibleGraph(scene, evenMetrics(), evenMetrics()), scene, {}, cancel).cancelled);
}

TEST(GraphLayout, UncrossesTwoSwappedPairs) {
  Layers layers;
  layers.itemCount = 4;
  layers.width.assign(4, 100);
  layers.rank = {0, 0, 1, 1};
  layers.order = {{0, 1}, {2, 3}};
  layers.segments = {{0, 3, 0, 0}, {1, 2, 0, 0}};
  layers.indexSegments();
  const std::atomic<bool> cancel{false};
  orderLayers(layers, 4, cancel);
  EXPECT_EQ(countCrossings(layers), 0);
}

TEST(VisibleGraph, CollapsesAScopeToOneBoxThatKnowsItsSize) {
  GraphScene scene = squeezeNetLike();
  scene.setAllCollapsed(true);
  const Laid laid = lay(scene);
  ASSERT_EQ(laid.graph.boxes.size(), 3U); // features, classifier, output
  EXPECT_EQ(laid.graph.boxes[0].count, 61);
  EXPECT_EQ(laid.graph.boxes[1].count, 4);
  EXPECT_EQ(scene.visibleCount(), 3);
  EXPECT_EQ(scene.hiddenBy(5), 0);
  EXPECT_EQ(scene.nodesInside(0).size(), 61);
  scene.setCollapsed(0, false);
  EXPECT_EQ(scene.visibleCount(), 3 + 8 + 5 - 1);
}

TEST(VisibleGraph, CountsATensorOnceHoweverManyNodesReadIt) {
  GraphScene scene;
  const int scope = scene.addScope(-1, QStringLiteral("block"));
  for (int i = 0; i < 3; ++i) scene.addNode(plainNode(i, i == 0 ? -1 : scope));
  scene.addEdge(0, 1, 1000, 7);
  scene.addEdge(0, 2, 1000, 7);
  scene.addEdge(0, 2, 500, 8);
  scene.setCollapsed(scope, true);
  const VisibleGraph graph = visibleGraph(scene, evenMetrics(), evenMetrics());
  ASSERT_EQ(graph.edges.size(), 1U);
  EXPECT_EQ(graph.edges[0].bytes, 1500);
  EXPECT_EQ(graph.edges[0].count, 3);
}

TEST(GraphScene, CollapsesUntilTheBoxesFit) {
  GraphScene scene = squeezeNetLike();
  scene.collapseToFit(400);
  EXPECT_EQ(scene.visibleCount(), 66);
  scene.collapseToFit(20);
  EXPECT_LE(scene.visibleCount(), 20);
  EXPECT_GT(scene.visibleCount(), 3);
}

TEST(CanvasLooks, SayHowManyNodesOfAGroupRunWhere) {
  GraphScene scene = squeezeNetLike();
  scene.setAllCollapsed(true);
  const VisibleGraph graph = visibleGraph(scene, evenMetrics(), evenMetrics());
  const CanvasLooks looks = makeLooks(scene, graph, sampleDevices(), ColorMode::Device, Theme::of(lightPalette()));
  EXPECT_EQ(looks.boxes[0].detail, QStringLiteral("33C/28G0"));
  EXPECT_EQ(looks.boxes[1].detail, QStringLiteral("3G0/1C"));
  EXPECT_TRUE(looks.boxes[1].moved);
  EXPECT_FALSE(looks.boxes[0].moved);
  EXPECT_EQ(looks.transfers, 2);
  ASSERT_EQ(looks.legend.size(), 2U);
  EXPECT_EQ(looks.legend[0].nodes.size() + looks.legend[1].nodes.size(), 66);
}

TEST(CanvasLooks, MarkEdgesThatChangeDeviceWithTheirBytes) {
  const GraphScene scene = squeezeNetLike();
  const VisibleGraph graph = visibleGraph(scene, evenMetrics(), evenMetrics());
  const CanvasLooks looks = makeLooks(scene, graph, sampleDevices(), ColorMode::Device, Theme::of(lightPalette()));
  int marked = 0;
  for (std::size_t e = 0; e < looks.edges.size(); ++e) {
    EXPECT_EQ(looks.edges[e].transfer, !looks.edges[e].label.isEmpty());
    marked += looks.edges[e].transfer;
  }
  EXPECT_EQ(marked, 2);
}

TEST(CanvasGeometry, FindsTheBoxUnderAPointAndNothingBetween) {
  const Laid laid = lay(squeezeNetLike());
  CanvasGeometry geometry;
  geometry.set(laid.layout, laid.graph);
  for (std::size_t b = 0; b < laid.layout.boxes.size(); ++b) {
    EXPECT_EQ(geometry.boxAt(laid.layout.boxes[b].center()), static_cast<int>(b));
    EXPECT_EQ(geometry.boxAt(laid.layout.boxes[b].center() + QPointF(0, laid.layout.boxes[b].height() / 2 + 3)), -1);
  }
}

TEST(CanvasGeometry, AnswersRangeQueriesLikeALinearSearch) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> place(-5000, 5000), size(0, 900);
  std::vector<QRectF> rects;
  std::vector<int> ids, found, expected;
  for (int i = 0; i < 400; ++i) {
    rects.emplace_back(place(random), place(random), size(random),
                       i % 9 == 0 ? 0.0 : size(random) * (i % 17 == 0 ? 12 : 1));
    ids.push_back(i / 2);
  }
  SpatialIndex index;
  index.build(rects, ids, 200);
  for (int q = 0; q < 200; ++q) {
    const QRectF area(place(random), place(random), size(random), size(random));
    expected.clear();
    for (std::size_t i = 0; i < rects.size(); ++i)
      if (rects[i].left() <= area.right() && area.left() <= rects[i].right() && rects[i].top() <= area.bottom() &&
          area.top() <= rects[i].bottom() && (expected.empty() || expected.back() != ids[i]))
        expected.push_back(ids[i]);
    index.query(area, found);
    EXPECT_EQ(found, expected) << q;
  }
}

TEST(ViewTransform, KeepsTheAnchorWhileZooming) {
  const ViewTransform view{0.7, {13, -20}};
  const QPointF anchor(200, 140);
  const ViewTransform zoomed = view.zoomedAt(anchor, 2.1);
  EXPECT_NEAR(zoomed.toScene(anchor).x(), view.toScene(anchor).x(), 1e-9);
  EXPECT_NEAR(zoomed.toScene(anchor).y(), view.toScene(anchor).y(), 1e-9);
  EXPECT_DOUBLE_EQ(zoomed.zoom, 2.1);
}

} // namespace
} // namespace tandem::ui
