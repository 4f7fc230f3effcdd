// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/graph_canvas/level_layout.hpp"

#include "ui/widgets/graph_canvas/layers.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tandem::ui {
namespace {

std::size_t at(int index) { return static_cast<std::size_t>(index); }

constexpr double kPortGap = 20;     // between a frame's edge and its first and last row
constexpr double kSlideMargin = 14; // edges keep this far from a box's corners
constexpr int kMaxLanes = 48;       // lanes on one side before they share

// Maximum over a range and "at least this much" on a range, both in steps of whole blocks: thousands of long skips over
// tens of thousands of ranks would take seconds one by one.
class RangeMaximum {
 public:
  explicit RangeMaximum(std::size_t size)
      : m_value(size, kNothing),
        m_blockMaximum(size / kBlock + 1, kNothing),
        m_blockFloor(size / kBlock + 1, kNothing) {}

  void raise(int first, int last, double value) {
    visit(
        first, last,
        [&](std::size_t block) {
          m_blockFloor[block] = std::max(m_blockFloor[block], value);
          m_blockMaximum[block] = std::max(m_blockMaximum[block], value);
        },
        [&](std::size_t i) {
          m_value[i] = std::max(m_value[i], value);
          m_blockMaximum[i / kBlock] = std::max(m_blockMaximum[i / kBlock], value);
        });
  }

  [[nodiscard]] double maximum(int first, int last) const {
    double result = kNothing;
    visit(
        first, last, [&](std::size_t block) { result = std::max(result, m_blockMaximum[block]); },
        [&](std::size_t i) {
          result = std::max({result, m_value[i], m_blockFloor[i / kBlock]});
        });
    return result;
  }

 private:
  static constexpr std::size_t kBlock = 128;
  static constexpr double kNothing = -1e18;

  template <typename Block, typename Single> static void visit(int first, int last, Block&& block, Single&& single) {
    std::size_t i = at(first);
    const std::size_t end = at(last);
    while (i < end) {
      if (i % kBlock == 0 && i + kBlock <= end) {
        block(i / kBlock);
        i += kBlock;
      } else {
        single(i++);
      }
    }
  }

  std::vector<double> m_value, m_blockMaximum, m_blockFloor;
};

class LevelLayout {
 public:
  LevelLayout(const std::vector<LevelItem>& items, const std::vector<LevelEdge>& edges, const LevelOptions& options,
              const std::atomic<bool>& cancel)
      : m_items(items),
        m_edges(edges),
        m_options(options),
        m_cancel(cancel) {}

  LevelResult run() {
    sortTopologically();
    assignRanks();
    buildLayers();
    orderLayers(m_layers, m_options.orderSweeps, m_cancel);
    alignLayers(m_layers, m_options, m_cancel);
    assignLanes();
    assignRows();
    route();
    return std::move(m_result);
  }

 private:
  [[nodiscard]] int itemCount() const { return static_cast<int>(m_items.size()); }
  [[nodiscard]] int upper(int edge) const { return isReversed(edge) ? m_edges[at(edge)].to : m_edges[at(edge)].from; }
  [[nodiscard]] int lower(int edge) const { return isReversed(edge) ? m_edges[at(edge)].from : m_edges[at(edge)].to; }
  [[nodiscard]] bool isReversed(int edge) const { return m_reversed[at(edge)]; }
  [[nodiscard]] bool isLoop(int edge) const { return m_edges[at(edge)].from == m_edges[at(edge)].to; }
  [[nodiscard]] int rankOf(int vertex) const { return m_layers.rank[at(vertex)]; }
  [[nodiscard]] int edgeTotal() const { return static_cast<int>(m_edges.size()); }

  // Kahn's algorithm; inside a cycle the lowest index goes first and the edges that point back count as reversed.
  void sortTopologically() {
    std::vector<int> missing(m_items.size(), 0), start(m_items.size() + 1, 0);
    for (const LevelEdge& e : m_edges)
      if (e.from != e.to) {
        ++missing[at(e.to)];
        ++start[at(e.from) + 1];
      }
    std::partial_sum(start.begin(), start.end(), start.begin());
    std::vector<int> targets(at(start.back())), fill(start.begin(), start.end() - 1);
    for (const LevelEdge& e : m_edges)
      if (e.from != e.to) targets[at(fill[at(e.from)]++)] = e.to;

    std::vector<int> number(m_items.size(), -1);
    std::vector<int> ready;
    for (int v = 0; v < itemCount(); ++v)
      if (missing[at(v)] == 0) ready.push_back(v);
    std::size_t head = 0;
    int stuckAt = 0;
    while (static_cast<int>(m_topological.size()) < itemCount()) {
      if (head == ready.size()) {
        while (number[at(stuckAt)] >= 0) ++stuckAt;
        ready.push_back(stuckAt);
      }
      const int v = ready[head++];
      if (number[at(v)] >= 0) continue;
      number[at(v)] = static_cast<int>(m_topological.size());
      m_topological.push_back(v);
      for (int i = start[at(v)]; i < start[at(v) + 1]; ++i)
        if (--missing[at(targets[at(i)])] == 0) ready.push_back(targets[at(i)]);
    }
    m_reversed.resize(m_edges.size());
    for (std::size_t e = 0; e < m_edges.size(); ++e)
      m_reversed[e] = number[at(m_edges[e].from)] > number[at(m_edges[e].to)];
  }

  void assignRanks() {
    std::vector<int>& rank = m_layers.rank;
    const auto kind = [this](int v) { return m_items[at(v)].kind; };
    const bool hasEntry =
        std::any_of(m_items.begin(), m_items.end(), [](const LevelItem& i) { return i.kind == LevelItemKind::Entry; });
    rank.assign(m_items.size(), hasEntry ? 1 : 0);
    std::vector<int> degree(m_items.size(), 0), inputs(m_items.size(), 0), start(m_items.size() + 1, 0);
    for (int e = 0; e < edgeTotal(); ++e)
      if (!isLoop(e)) {
        ++start[at(upper(e)) + 1];
        ++inputs[at(lower(e))];
        ++degree[at(upper(e))];
        ++degree[at(lower(e))];
      }
    std::partial_sum(start.begin(), start.end(), start.begin());
    std::vector<int> below(at(start.back())), fill(start.begin(), start.end() - 1);
    for (int e = 0; e < edgeTotal(); ++e)
      if (!isLoop(e)) below[at(fill[at(upper(e))]++)] = lower(e);

    int last = hasEntry ? 1 : 0;
    for (const int v : m_topological) {
      if (kind(v) == LevelItemKind::Entry) rank[at(v)] = 0;
      for (int i = start[at(v)]; i < start[at(v) + 1]; ++i) {
        int& r = rank[at(below[at(i)])];
        r = std::max(r, rank[at(v)] + 1);
      }
      if (kind(v) == LevelItemKind::Box) last = std::max(last, rank[at(v)]);
    }
    for (int v = 0; v < itemCount(); ++v) {
      if (kind(v) == LevelItemKind::Exit) rank[at(v)] = last + 1;
      if (kind(v) != LevelItemKind::Box || inputs[at(v)] > 0 || degree[at(v)] == 0) continue;
      int nearest = last;
      for (int i = start[at(v)]; i < start[at(v) + 1]; ++i) nearest = std::min(nearest, rank[at(below[at(i)])]);
      rank[at(v)] = std::max(rank[at(v)], nearest - 1);
    }
    packIsolated(degree, hasEntry ? 1 : 0);
  }

  // Boxes without any edge fill rows of a block instead of one endless rank.
  void packIsolated(const std::vector<int>& degree, int firstRank) {
    std::vector<int> isolated;
    for (int v = 0; v < itemCount(); ++v)
      if (degree[at(v)] == 0 && m_items[at(v)].kind == LevelItemKind::Box) isolated.push_back(v);
    const int perRow = std::max(4, static_cast<int>(std::ceil(std::sqrt(static_cast<double>(isolated.size()) * 0.6))));
    for (std::size_t i = 0; i < isolated.size(); ++i)
      m_layers.rank[at(isolated[i])] = firstRank + static_cast<int>(i) / perRow;
  }

  void buildLayers() {
    Layers& l = m_layers;
    l.itemCount = itemCount();
    for (const LevelItem& item : m_items) l.width.push_back(item.width);
    m_firstDummy.assign(m_edges.size(), -1);
    m_lane.assign(m_edges.size(), 0);
    for (int e = 0; e < edgeTotal(); ++e) {
      if (isLoop(e)) continue;
      const int top = upper(e), end = lower(e), span = rankOf(end) - rankOf(top);
      if (span > m_options.maxDummySpan) {
        m_laneEdges.push_back(e);
        continue;
      }
      const LevelEdge& edge = m_edges[at(e)];
      const double topOffset = isReversed(e) ? edge.toOffset : edge.fromOffset;
      const double endOffset = isReversed(e) ? edge.fromOffset : edge.toOffset;
      int previous = top;
      for (int r = rankOf(top) + 1; r < rankOf(end); ++r) {
        const int dummy = l.vertexCount();
        l.rank.push_back(r);
        l.width.push_back(0);
        if (m_firstDummy[at(e)] < 0) m_firstDummy[at(e)] = dummy;
        l.segments.push_back({previous, dummy, previous == top ? topOffset : 0, 0});
        previous = dummy;
      }
      l.segments.push_back({previous, end, previous == top ? topOffset : 0, endOffset});
    }
    int ranks = 0;
    for (const int r : l.rank) ranks = std::max(ranks, r + 1);
    l.order.resize(at(ranks));
    for (int v = 0; v < l.vertexCount(); ++v) l.order[at(l.rank[at(v)])].push_back(v);
    l.indexSegments();
  }

  // Short lanes first, so that nested skips nest on screen; each lane lies outside everything on its ranks.
  void assignLanes() {
    if (m_laneEdges.empty()) return;
    // The left side is kept mirrored, so that both sides ask for a maximum.
    RangeMaximum bare[2] = {RangeMaximum(m_layers.order.size()), RangeMaximum(m_layers.order.size())};
    for (int v = 0; v < m_layers.vertexCount(); ++v) {
      const double x = m_layers.x[at(v)], half = m_layers.width[at(v)] / 2;
      bare[0].raise(rankOf(v), rankOf(v) + 1, x + half);
      bare[1].raise(rankOf(v), rankOf(v) + 1, half - x);
    }
    RangeMaximum used[2] = {bare[0], bare[1]};
    const auto span = [this](int e) { return rankOf(lower(e)) - rankOf(upper(e)); };
    std::stable_sort(m_laneEdges.begin(), m_laneEdges.end(), [&](int a, int b) { return span(a) < span(b); });
    for (const int e : m_laneEdges) {
      if (m_cancel) return;
      const int first = rankOf(upper(e)) + 1, last = rankOf(lower(e));
      const double from = m_layers.x[at(upper(e))], to = m_layers.x[at(lower(e))];
      double lane[2] = {};
      for (const int side : {0, 1}) {
        lane[side] = used[side].maximum(first, last) + m_options.edgeGap;
        const double innermost = bare[side].maximum(first, last) + m_options.edgeGap;
        if (lane[side] > innermost + m_options.edgeGap * kMaxLanes)
          lane[side] = innermost + m_options.edgeGap * (e % kMaxLanes);
      }
      const double right = lane[0], left = -lane[1];
      const bool goRight =
          std::fabs(right - from) + std::fabs(right - to) <= std::fabs(left - from) + std::fabs(left - to);
      m_lane[at(e)] = std::round(goRight ? right : left);
      const int side = goRight ? 0 : 1;
      used[side].raise(first, last, lane[side]);
    }
  }

  void assignRows() {
    const std::size_t ranks = m_layers.order.size();
    std::vector<double> height(ranks, 0), reach(ranks, 0);
    std::vector<bool> port(ranks, false);
    for (int v = 0; v < itemCount(); ++v) {
      const std::size_t r = at(rankOf(v));
      height[r] = std::max(height[r], m_items[at(v)].height);
      if (m_items[at(v)].kind != LevelItemKind::Box) port[r] = true;
    }
    for (const LayerSegment& s : m_layers.segments)
      reach[at(rankOf(s.upper))] =
          std::max(reach[at(rankOf(s.upper))],
                   std::fabs(m_layers.x[at(s.upper)] + s.upperOffset - m_layers.x[at(s.lower)] - s.lowerOffset));
    for (const int e : m_laneEdges) {
      double& leave = reach[at(rankOf(upper(e)))];
      leave = std::max(leave, std::fabs(m_lane[at(e)] - m_layers.x[at(upper(e))]));
      double& arrive = reach[at(rankOf(lower(e)) - 1)];
      arrive = std::max(arrive, std::fabs(m_lane[at(e)] - m_layers.x[at(lower(e))]));
    }
    double y = 0;
    for (std::size_t r = 0; r < ranks; ++r) {
      m_top.push_back(y);
      m_bottom.push_back(y + height[r]);
      const bool nearPort = port[r] || (r + 1 < ranks && port[r + 1]);
      // Long slanted edges need more height, or they run flat.
      const double base = nearPort ? kPortGap : m_options.rankGap;
      y += height[r] + std::round(base + std::clamp(0.05 * (reach[r] - 100), 0.0, 70.0));
    }
  }

  [[nodiscard]] double middle(int v) const { return (m_top[at(rankOf(v))] + m_bottom[at(rankOf(v))]) / 2; }

  // Where an edge leaves an item towards `goal`, and the range it may slide in.
  struct End {
    double x, low, high;
  };
  [[nodiscard]] End endAt(int item, double offset, bool fixed) const {
    const double x = m_layers.x[at(item)] + offset;
    const double slide = fixed ? 0 : std::max(0.0, m_items[at(item)].width / 2 - kSlideMargin);
    return {x, x - slide, x + slide};
  }
  // Sliding all the way is for straight runs only; slanted edges stay near the middle.
  static double towards(const End& end, double goal) {
    if (goal >= end.low && goal <= end.high) return goal;
    const double reach = (end.high - end.low) * 0.3;
    return goal > end.x ? end.x + reach : end.x - reach;
  }

  void routeEdge(int e, std::vector<QPointF>& points) const {
    const LevelEdge& edge = m_edges[at(e)];
    const bool back = isReversed(e);
    const int u = upper(e), v = lower(e);
    const End start = endAt(u, back ? edge.toOffset : edge.fromOffset, back ? edge.toFixed : edge.fromFixed);
    const End stop = endAt(v, back ? edge.fromOffset : edge.toOffset, back ? edge.fromFixed : edge.toFixed);
    const int dummies = rankOf(v) - rankOf(u) - 1;
    const bool lane = dummies + 1 > m_options.maxDummySpan;
    double leave = 0, arrive = 0;
    if (dummies == 0) {
      const double low = std::max(start.low, stop.low), high = std::min(start.high, stop.high);
      if (low <= high) {
        leave = arrive = std::clamp((start.x + stop.x) / 2, low, high);
      } else {
        leave = towards(start, stop.x);
        arrive = towards(stop, start.x);
      }
    } else {
      const int first = m_firstDummy[at(e)];
      leave = towards(start, lane ? m_lane[at(e)] : m_layers.x[at(first)]);
      arrive = towards(stop, lane ? m_lane[at(e)] : m_layers.x[at(first + dummies - 1)]);
    }
    points.emplace_back(leave, middle(u) + m_items[at(u)].height / 2);
    points.emplace_back(leave, m_bottom[at(rankOf(u))]);
    if (lane) {
      points.emplace_back(m_lane[at(e)], m_top[at(rankOf(u) + 1)]);
      points.emplace_back(m_lane[at(e)], m_bottom[at(rankOf(v) - 1)]);
    } else {
      for (int i = 0; i < dummies; ++i) {
        const int d = m_firstDummy[at(e)] + i;
        const std::size_t r = at(rankOf(d));
        // A straight run over several ranks is one run.
        const std::size_t have = points.size();
        if (i > 0 && points[have - 1].x() == m_layers.x[at(d)])
          points[have - 1].setY(m_bottom[r]);
        else {
          points.emplace_back(m_layers.x[at(d)], m_top[r]);
          points.emplace_back(m_layers.x[at(d)], m_bottom[r]);
        }
      }
    }
    points.emplace_back(arrive, m_top[at(rankOf(v))]);
    points.emplace_back(arrive, middle(v) - m_items[at(v)].height / 2);
  }

  void route() {
    m_result.center.reserve(m_items.size());
    double left = 1e18, right = -1e18;
    for (int v = 0; v < itemCount(); ++v) {
      m_result.center.emplace_back(m_layers.x[at(v)], middle(v));
      left = std::min(left, m_layers.x[at(v)] - m_items[at(v)].width / 2);
      right = std::max(right, m_layers.x[at(v)] + m_items[at(v)].width / 2);
    }
    std::vector<QPointF> one;
    m_result.edgeStart.push_back(0);
    for (int e = 0; e < edgeTotal(); ++e) {
      one.clear();
      if (!isLoop(e)) routeEdge(e, one);
      if (isReversed(e)) std::reverse(one.begin(), one.end());
      for (const QPointF& p : one) {
        left = std::min(left, p.x());
        right = std::max(right, p.x());
      }
      m_result.points.insert(m_result.points.end(), one.begin(), one.end());
      m_result.edgeStart.push_back(static_cast<int>(m_result.points.size()));
    }
    if (m_items.empty()) left = right = 0;
    m_result.left = left;
    m_result.right = right;
    m_result.bottom = m_bottom.empty() ? 0 : m_bottom.back();
  }

  const std::vector<LevelItem>& m_items;
  const std::vector<LevelEdge>& m_edges;
  const LevelOptions& m_options;
  const std::atomic<bool>& m_cancel;
  std::vector<int> m_topological;
  std::vector<bool> m_reversed;
  Layers m_layers;
  std::vector<int> m_firstDummy; // per edge
  std::vector<int> m_laneEdges;
  std::vector<double> m_lane;          // per edge: x of its lane
  std::vector<double> m_top, m_bottom; // per rank
  LevelResult m_result;
};

} // namespace

LevelResult layoutLevel(const std::vector<LevelItem>& items, const std::vector<LevelEdge>& edges,
                        const LevelOptions& options, const std::atomic<bool>& cancel) {
  return LevelLayout(items, edges, options, cancel).run();
}

} // namespace tandem::ui
