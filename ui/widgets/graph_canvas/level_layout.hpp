// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QPointF>

#include <atomic>
#include <vector>

namespace tandem::ui {

enum class LevelItemKind : unsigned char {
  Box,
  Entry, ///< where edges from outside come in: above all boxes
  Exit,  ///< where edges leave: below all boxes
};

struct LevelItem {
  double width = 0;
  double height = 0;
  LevelItemKind kind = LevelItemKind::Box;
};

/// Offsets are measured from the item's middle; `fixed` ends attach exactly there (ports of frames), the others slide
/// along the box so that edges run straight down where they can.
struct LevelEdge {
  int from = 0;
  int to = 0;
  double fromOffset = 0;
  double toOffset = 0;
  bool fromFixed = false;
  bool toFixed = false;
};

struct LevelOptions {
  double itemGap = 28; ///< between boxes of a rank
  double edgeGap = 14; ///< between a box and an edge that passes it
  double rankGap = 40;
  int maxDummySpan = 16; ///< longer edges run in lanes beside the graph; bounds the dummies
  int orderSweeps = 4;
  int alignPasses = 8;
};

/// Positions of one level. Edge e's points are points[edgeStart[e]] .. points[edgeStart[e + 1]]: alternately a vertical
/// run through a rank and a slanted one between two ranks; y never decreases except for edges that close a cycle.
struct LevelResult {
  std::vector<QPointF> center; ///< per item
  std::vector<int> edgeStart;
  std::vector<QPointF> points;
  double left = 0, top = 0, right = 0, bottom = 0;
};

/// Layered drawing after Sugiyama, Tagawa and Toda (1981), with a fixed number of near-linear passes: longest-path
/// ranks, sources pulled down, dummies for short skips and lanes for long ones, barycenter sweeps that keep the best
/// order, then positions by isotonic regression (pool adjacent violators) rank by rank. No recursion; equal input gives
/// equal output. Stops early, with useless positions, once `cancel` is true.
[[nodiscard]] LevelResult layoutLevel(const std::vector<LevelItem>& items, const std::vector<LevelEdge>& edges,
                                      const LevelOptions& options, const std::atomic<bool>& cancel);

} // namespace tandem::ui
