// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/graph_canvas/layers.hpp"

#include <algorithm>

namespace tandem::ui {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

void buildIndex(const std::vector<LayerSegment>& segments, int LayerSegment::*end, std::size_t vertices,
                std::vector<int>& start, std::vector<int>& list) {
  start.assign(vertices + 1, 0);
  for (const LayerSegment& s : segments) ++start[at(s.*end) + 1];
  for (std::size_t v = 0; v < vertices; ++v) start[v + 1] += start[v];
  list.resize(segments.size());
  std::vector<int> next(start.begin(), start.end() - 1);
  for (std::size_t i = 0; i < segments.size(); ++i) list[at(next[at(segments[i].*end)]++)] = static_cast<int>(i);
}

void setOrder(Layers& layers, std::vector<std::vector<int>> order) {
  layers.order = std::move(order);
  for (const std::vector<int>& rank : layers.order)
    for (std::size_t i = 0; i < rank.size(); ++i) layers.position[at(rank[i])] = static_cast<int>(i);
}

// Depth-first visiting order keeps what belongs together side by side and does not depend on hash orders.
std::vector<int> visitOrder(const Layers& layers) {
  const int count = layers.vertexCount();
  std::vector<int> visit(at(count), -1);
  std::vector<int> stack;
  int next = 0;
  for (int root = 0; root < count; ++root) {
    if (layers.upStart[at(root)] != layers.upStart[at(root) + 1]) continue;
    stack.push_back(root);
    while (!stack.empty()) {
      const int v = stack.back();
      stack.pop_back();
      if (visit[at(v)] >= 0) continue;
      visit[at(v)] = next++;
      for (int i = layers.downStart[at(v) + 1]; i-- > layers.downStart[at(v)];)
        stack.push_back(layers.segments[at(layers.down[at(i)])].lower);
    }
  }
  return visit;
}

void sortByBarycenter(Layers& layers, std::vector<int>& rank, bool down, std::vector<double>& key) {
  const std::vector<int>& start = down ? layers.upStart : layers.downStart;
  const std::vector<int>& list = down ? layers.up : layers.down;
  std::vector<int> movable;
  std::vector<std::size_t> slots;
  for (std::size_t i = 0; i < rank.size(); ++i) {
    const int v = rank[i];
    const int first = start[at(v)], last = start[at(v) + 1];
    if (first == last) continue;
    double sum = 0;
    for (int k = first; k < last; ++k) {
      const LayerSegment& s = layers.segments[at(list[at(k)])];
      sum += layers.position[at(down ? s.upper : s.lower)];
    }
    key[at(v)] = sum / (last - first);
    movable.push_back(v);
    slots.push_back(i);
  }
  std::stable_sort(movable.begin(), movable.end(), [&key](int a, int b) { return key[at(a)] < key[at(b)]; });
  for (std::size_t i = 0; i < movable.size(); ++i) rank[slots[i]] = movable[i];
  for (std::size_t i = 0; i < rank.size(); ++i) layers.position[at(rank[i])] = static_cast<int>(i);
}

// Inversions by a Fenwick tree (Barth, Juenger and Mutzel, "Simple and efficient bilayer cross counting", 2002).
long long crossingsBelow(const Layers& layers, std::size_t rank, std::vector<int>& tree, std::vector<int>& ends) {
  tree.assign(layers.order[rank + 1].size() + 1, 0);
  long long crossings = 0;
  int seen = 0;
  for (const int v : layers.order[rank]) {
    ends.clear();
    for (int k = layers.downStart[at(v)]; k < layers.downStart[at(v) + 1]; ++k)
      ends.push_back(layers.position[at(layers.segments[at(layers.down[at(k)])].lower)]);
    for (const int end : ends) {
      int notRight = 0;
      for (int i = end + 1; i > 0; i -= i & -i) notRight += tree[at(i)];
      crossings += seen - notRight;
    }
    for (const int end : ends)
      for (int i = end + 1; i < static_cast<int>(tree.size()); i += i & -i) ++tree[at(i)];
    seen += static_cast<int>(ends.size());
  }
  return crossings;
}

} // namespace

void Layers::indexSegments() {
  buildIndex(segments, &LayerSegment::upper, rank.size(), downStart, down);
  buildIndex(segments, &LayerSegment::lower, rank.size(), upStart, up);
}

long long countCrossings(const Layers& layers) {
  std::vector<int> tree, ends;
  long long crossings = 0;
  for (std::size_t r = 0; r + 1 < layers.order.size(); ++r) crossings += crossingsBelow(layers, r, tree, ends);
  return crossings;
}

void orderLayers(Layers& layers, int sweeps, const std::atomic<bool>& cancel) {
  const std::vector<int> visit = visitOrder(layers);
  for (std::vector<int>& rank : layers.order)
    std::sort(rank.begin(), rank.end(), [&visit](int a, int b) { return visit[at(a)] < visit[at(b)]; });
  layers.position.assign(layers.rank.size(), 0);
  setOrder(layers, std::move(layers.order));

  std::vector<double> key(layers.rank.size(), 0);
  long long fewest = countCrossings(layers);
  std::vector<std::vector<int>> best = layers.order;
  int worse = 0;
  for (int sweep = 0; sweep < sweeps && fewest > 0 && worse < 2 && !cancel; ++sweep) {
    const bool down = sweep % 2 == 0;
    const std::size_t count = layers.order.size();
    for (std::size_t i = 1; i < count; ++i) sortByBarycenter(layers, layers.order[down ? i : count - 1 - i], down, key);
    const long long crossings = countCrossings(layers);
    if (crossings < fewest) {
      fewest = crossings;
      best = layers.order;
      worse = 0;
    } else {
      ++worse;
    }
  }
  setOrder(layers, std::move(best));
}

} // namespace tandem::ui
