// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/graph_canvas/layers.hpp"
#include "ui/widgets/graph_canvas/level_layout.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::ui {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

enum class Look { Up, Down, Both };

struct Wish {
  double x = 0;
  double weight = 1;
};

// Boxes follow boxes and dummies follow dummies, so that a skip edge neither bends itself nor pushes the main path
// aside.
Wish wishOf(const Layers& layers, int v, Look look) {
  double same = 0, other = 0;
  int sameCount = 0, otherCount = 0;
  const auto add = [&](int neighbour, double x) {
    if (layers.isDummy(neighbour) == layers.isDummy(v)) {
      same += x;
      ++sameCount;
    } else {
      other += x;
      ++otherCount;
    }
  };
  if (look != Look::Down)
    for (int i = layers.upStart[at(v)]; i < layers.upStart[at(v) + 1]; ++i) {
      const LayerSegment& s = layers.segments[at(layers.up[at(i)])];
      add(s.upper, layers.x[at(s.upper)] + s.upperOffset - s.lowerOffset);
    }
  if (look != Look::Up)
    for (int i = layers.downStart[at(v)]; i < layers.downStart[at(v) + 1]; ++i) {
      const LayerSegment& s = layers.segments[at(layers.down[at(i)])];
      add(s.lower, layers.x[at(s.lower)] + s.lowerOffset - s.upperOffset);
    }
  const double base = layers.isDummy(v) ? 1 : 1000;
  if (sameCount > 0) return {same / sameCount, base * (1 + sameCount)};
  if (otherCount > 0) return {other / otherCount, layers.isDummy(v) ? base : base / 4};
  return {layers.x[at(v)], base / 20};
}

struct Block {
  double sum = 0;
  double weight = 0;
  int count = 0;
};

// Least squares under "in this order, at least this far apart" is isotonic regression (Ayer et al., 1955).
void alignRank(Layers& layers, const LevelOptions& options, const std::vector<int>& rank, Look look,
               std::vector<Block>& blocks) {
  blocks.clear();
  double offset = 0;
  for (std::size_t i = 0; i < rank.size(); ++i) {
    if (i > 0) offset += separation(layers, options, rank[i - 1], rank[i]);
    const Wish wish = wishOf(layers, rank[i], look);
    blocks.push_back({(wish.x - offset) * wish.weight, wish.weight, 1});
    while (blocks.size() > 1) {
      Block& last = blocks[blocks.size() - 1];
      Block& previous = blocks[blocks.size() - 2];
      if (previous.sum * last.weight <= last.sum * previous.weight) break;
      previous.sum += last.sum;
      previous.weight += last.weight;
      previous.count += last.count;
      blocks.pop_back();
    }
  }
  offset = 0;
  std::size_t i = 0;
  for (const Block& block : blocks)
    for (int k = 0; k < block.count; ++k, ++i) {
      if (i > 0) offset += separation(layers, options, rank[i - 1], rank[i]);
      layers.x[at(rank[i])] = block.sum / block.weight + offset;
    }
}

void placeSideBySide(Layers& layers, const LevelOptions& options) {
  layers.x.assign(layers.rank.size(), 0);
  for (const std::vector<int>& rank : layers.order) {
    double x = 0;
    for (std::size_t i = 0; i < rank.size(); ++i) {
      if (i > 0) x += separation(layers, options, rank[i - 1], rank[i]);
      layers.x[at(rank[i])] = x;
    }
    for (const int v : rank) layers.x[at(v)] -= x / 2;
  }
}

// Gives all dummies of one edge the same x where their neighbours leave room for that.
void straightenChain(Layers& layers, const LevelOptions& options, const std::vector<int>& chain) {
  double low = -1e18, high = 1e18, sum = 0;
  for (const int v : chain) {
    const std::vector<int>& rank = layers.order[at(layers.rank[at(v)])];
    const std::size_t p = at(layers.position[at(v)]);
    if (p > 0) low = std::max(low, layers.x[at(rank[p - 1])] + separation(layers, options, rank[p - 1], v));
    if (p + 1 < rank.size())
      high = std::min(high, layers.x[at(rank[p + 1])] - separation(layers, options, v, rank[p + 1]));
    sum += layers.x[at(v)];
  }
  if (low > high) return;
  const double x = std::clamp(sum / static_cast<double>(chain.size()), low, high);
  for (const int v : chain) layers.x[at(v)] = x;
}

void straightenChains(Layers& layers, const LevelOptions& options) {
  std::vector<int> chain;
  const auto upperOf = [&](int v) { return layers.segments[at(layers.up[at(layers.upStart[at(v)])])].upper; };
  const auto lowerOf = [&](int v) { return layers.segments[at(layers.down[at(layers.downStart[at(v)])])].lower; };
  for (int v = layers.itemCount; v < layers.vertexCount(); ++v) {
    if (layers.isDummy(upperOf(v))) continue;
    chain.clear();
    for (int d = v; layers.isDummy(d); d = lowerOf(d)) chain.push_back(d);
    if (chain.size() > 1) straightenChain(layers, options, chain);
  }
}

// The box directly above when that is the only one above `v` and `v` the only one below it; -1 otherwise.
int chainAbove(const Layers& layers, int v, double& offset) {
  const auto onlyBox = [&layers](int first, int last, const std::vector<int>& list, int LayerSegment::*end) {
    int only = -1;
    for (int i = first; i < last; ++i) {
      const LayerSegment& s = layers.segments[at(list[at(i)])];
      if (layers.isDummy(s.*end)) continue;
      if (only >= 0) return -1;
      only = list[at(i)];
    }
    return only;
  };
  const int segment = onlyBox(layers.upStart[at(v)], layers.upStart[at(v) + 1], layers.up, &LayerSegment::upper);
  if (segment < 0) return -1;
  const LayerSegment& s = layers.segments[at(segment)];
  const int back =
      onlyBox(layers.downStart[at(s.upper)], layers.downStart[at(s.upper) + 1], layers.down, &LayerSegment::lower);
  if (back != segment) return -1;
  offset = s.upperOffset - s.lowerOffset;
  return s.upper;
}

// A fixed number of passes leaves chains a few units out of line; the eye sees that.
void snapChains(Layers& layers, const LevelOptions& options) {
  for (const std::vector<int>& rank : layers.order)
    for (std::size_t p = 0; p < rank.size(); ++p) {
      const int v = rank[p];
      double offset = 0;
      const int above = layers.isDummy(v) ? -1 : chainAbove(layers, v, offset);
      if (above < 0) continue;
      const double x = layers.x[at(above)] + offset;
      const bool clearLeft =
          p == 0 || x - layers.x[at(rank[p - 1])] >= separation(layers, options, rank[p - 1], v) - 0.5;
      const bool clearRight =
          p + 1 == rank.size() || layers.x[at(rank[p + 1])] - x >= separation(layers, options, v, rank[p + 1]) - 0.5;
      if (clearLeft && clearRight) layers.x[at(v)] = x;
    }
}

} // namespace

double separation(const Layers& layers, const LevelOptions& options, int left, int right) {
  const bool edge = layers.isDummy(left) || layers.isDummy(right);
  return (layers.width[at(left)] + layers.width[at(right)]) / 2 + (edge ? options.edgeGap : options.itemGap);
}

void alignLayers(Layers& layers, const LevelOptions& options, const std::atomic<bool>& cancel) {
  placeSideBySide(layers, options);
  std::vector<Block> blocks;
  const std::size_t count = layers.order.size();
  for (int pass = 0; pass < options.alignPasses && !cancel; ++pass) {
    const bool down = pass % 2 == 0;
    for (std::size_t i = 0; i < count; ++i)
      alignRank(layers, options, layers.order[down ? i : count - 1 - i], down ? Look::Up : Look::Down, blocks);
  }
  for (std::size_t i = 0; i < count && !cancel; ++i) alignRank(layers, options, layers.order[i], Look::Both, blocks);
  if (!cancel) snapChains(layers, options);
  for (int pass = 0; pass < 2 && !cancel; ++pass) straightenChains(layers, options);
  for (double& x : layers.x) x = std::round(x);
}

} // namespace tandem::ui
