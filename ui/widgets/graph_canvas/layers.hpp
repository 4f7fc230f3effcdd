// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <atomic>
#include <vector>

namespace tandem::ui {

struct LevelOptions;

/// Edges between neighbouring ranks, listed twice: by their upper and by their lower end.
struct LayerSegment {
  int upper = 0;
  int lower = 0;
  double upperOffset = 0; ///< where it attaches, from the vertex's middle
  double lowerOffset = 0;
};

/// Working state of a level's layout: vertices are the items followed by dummies, each on one rank.
struct Layers {
  int itemCount = 0; ///< vertices from here on are dummies
  std::vector<double> width;
  std::vector<int> rank;
  std::vector<double> x;               ///< middle
  std::vector<std::vector<int>> order; ///< vertices of each rank from left to right
  std::vector<int> position;           ///< index in its rank's order
  std::vector<LayerSegment> segments;
  std::vector<int> downStart, down; ///< segments below a vertex: down[downStart[v]] .. down[downStart[v + 1]]
  std::vector<int> upStart, up;

  [[nodiscard]] bool isDummy(int vertex) const { return vertex >= itemCount; }
  [[nodiscard]] int vertexCount() const { return static_cast<int>(rank.size()); }
  void indexSegments();
};

/// Orders every rank: depth-first start, then barycenter sweeps; keeps the order with the fewest crossings.
void orderLayers(Layers& layers, int sweeps, const std::atomic<bool>& cancel);
[[nodiscard]] long long countCrossings(const Layers& layers);

/// Sets x: neighbours above each other, orders kept, gaps kept.
void alignLayers(Layers& layers, const LevelOptions& options, const std::atomic<bool>& cancel);
/// Smallest distance between the middles of two neighbours of a rank.
[[nodiscard]] double separation(const Layers& layers, const LevelOptions& options, int left, int right);

} // namespace tandem::ui
