// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/graph_canvas/graph_layout.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <tuple>

namespace tandem::ui {
namespace {

constexpr double kTitleGap = 6; // below a frame's title

std::size_t at(int index) { return static_cast<std::size_t>(index); }

// One scope's inside (or the top level): what layoutLevel gets and gives.
struct Level {
  int parent = -1; // level around it
  int itemInParent = -1;
  int depth = -1;
  std::vector<LevelItem> items;
  std::vector<int> boxOfItem;   // box, or -1
  std::vector<int> levelOfItem; // level of an expanded scope, or -1
  std::vector<LevelEdge> edges;
  std::vector<int> fromPort, toPort; // per edge: the port's item inside the frame it starts or ends at, or -1
  LevelResult result;
  QPointF origin; // of the inside, in scene units
  QSizeF size;
};

struct Step {
  int level;
  int edge;
};

class CompoundLayout {
 public:
  CompoundLayout(const VisibleGraph& graph, const GraphScene& scene, const LayoutOptions& options,
                 const std::atomic<bool>& cancel)
      : m_graph(graph),
        m_scene(scene),
        m_options(options),
        m_cancel(cancel) {}

  GraphLayout run() {
    makeLevels();
    connect();
    for (std::size_t i = m_levels.size(); i-- > 0 && !m_cancel;) layOut(m_levels[i]);
    if (!m_cancel) place();
    m_layout.cancelled = m_cancel;
    return std::move(m_layout);
  }

 private:
  // Level 0 is the top; level i + 1 belongs to frame i. Parents come first, as in `frames`.
  void makeLevels() {
    m_levels.resize(m_graph.frames.size() + 1);
    m_levelOfScope.assign(at(m_scene.scopeCount()), 0);
    for (std::size_t f = 0; f < m_graph.frames.size(); ++f)
      m_levelOfScope[at(m_graph.frames[f])] = static_cast<int>(f) + 1;
    m_itemOfBox.resize(m_graph.boxes.size());
    // Frames take the place of their first node among their neighbours, so the order follows the model's.
    for (std::size_t b = 0; b < m_graph.boxes.size(); ++b) {
      const VisibleBox& box = m_graph.boxes[b];
      const int level = box.frame < 0 ? 0 : m_levelOfScope[at(box.frame)];
      ensureLevel(level);
      Level& in = m_levels[at(level)];
      m_itemOfBox[b] = addItem(in, {box.width, box.height, LevelItemKind::Box}, static_cast<int>(b), -1);
    }
  }

  void ensureLevel(int level) {
    std::vector<int> missing;
    for (int l = level; l > 0 && m_levels[at(l)].itemInParent < 0; l = m_levels[at(l)].parent) {
      const int scope = m_scene.scopeParent(m_graph.frames[at(l - 1)]);
      m_levels[at(l)].parent = scope < 0 ? 0 : m_levelOfScope[at(scope)];
      missing.push_back(l);
    }
    for (std::size_t i = missing.size(); i-- > 0;) {
      Level& l = m_levels[at(missing[i])];
      l.depth = m_levels[at(l.parent)].depth + 1;
      l.itemInParent = addItem(m_levels[at(l.parent)], {}, -1, missing[i]);
    }
  }

  static int addItem(Level& level, const LevelItem& item, int box, int inner) {
    level.items.push_back(item);
    level.boxOfItem.push_back(box);
    level.levelOfItem.push_back(inner);
    return static_cast<int>(level.items.size()) - 1;
  }

  // All edges of one source box share their way out of a scope and into one, like a bus.
  int port(int level, LevelItemKind kind, int sourceBox) {
    const auto [found, isNew] = m_ports.try_emplace({level, kind == LevelItemKind::Entry ? 0 : 1, sourceBox}, 0);
    if (isNew) found->second = addItem(m_levels[at(level)], {10, 0, kind}, -1, -1);
    return found->second;
  }

  int edge(int level, int from, int fromPort, int to, int toPort) {
    Level& in = m_levels[at(level)];
    const auto add = [&] {
      in.edges.push_back({from, to, 0, 0, false, false});
      in.fromPort.push_back(fromPort);
      in.toPort.push_back(toPort);
      return static_cast<int>(in.edges.size()) - 1;
    };
    const bool bus = fromPort >= 0 || toPort >= 0 || in.items[at(from)].kind != LevelItemKind::Box ||
                     in.items[at(to)].kind != LevelItemKind::Box;
    if (!bus) return add();
    const auto [found, isNew] = m_busEdges.try_emplace({level, from, fromPort, to, toPort}, 0);
    if (isNew) found->second = add();
    return found->second;
  }

  [[nodiscard]] int levelOfBox(int box) const {
    const int frame = m_graph.boxes[at(box)].frame;
    return frame < 0 ? 0 : m_levelOfScope[at(frame)];
  }

  void connect() {
    std::vector<Step> into;
    m_stepStart.push_back(0);
    for (const VisibleEdge& e : m_graph.edges) {
      int from = m_itemOfBox[at(e.from)], to = m_itemOfBox[at(e.to)];
      int fromLevel = levelOfBox(e.from), toLevel = levelOfBox(e.to);
      int fromPort = -1, toPort = -1;
      into.clear();
      while (fromLevel != toLevel) {
        if (m_levels[at(fromLevel)].depth >= m_levels[at(toLevel)].depth) {
          const int exit = port(fromLevel, LevelItemKind::Exit, e.from);
          m_steps.push_back({fromLevel, edge(fromLevel, from, fromPort, exit, -1)});
          from = m_levels[at(fromLevel)].itemInParent;
          fromLevel = m_levels[at(fromLevel)].parent;
          fromPort = exit;
        } else {
          const int entry = port(toLevel, LevelItemKind::Entry, e.from);
          into.push_back({toLevel, edge(toLevel, entry, -1, to, toPort)});
          to = m_levels[at(toLevel)].itemInParent;
          toLevel = m_levels[at(toLevel)].parent;
          toPort = entry;
        }
      }
      m_steps.push_back({fromLevel, edge(fromLevel, from, fromPort, to, toPort)});
      m_steps.insert(m_steps.end(), into.rbegin(), into.rend());
      m_stepStart.push_back(static_cast<int>(m_steps.size()));
    }
  }

  // Where a port of the frame `item` lies, from the frame's middle.
  [[nodiscard]] double portOffset(const Level& level, int item, int portItem) const {
    const Level& inner = m_levels[at(level.levelOfItem[at(item)])];
    const double insideMiddle = (inner.result.left + inner.result.right) / 2;
    return inner.result.center[at(portItem)].x() - insideMiddle;
  }

  void layOut(Level& level) {
    for (std::size_t i = 0; i < level.items.size(); ++i)
      if (level.levelOfItem[i] >= 0) {
        const QSizeF size = m_levels[at(level.levelOfItem[i])].size;
        level.items[i].width = size.width();
        level.items[i].height = size.height();
      }
    for (std::size_t e = 0; e < level.edges.size(); ++e) {
      LevelEdge& out = level.edges[e];
      const auto isPort = [&](int item) { return level.items[at(item)].kind != LevelItemKind::Box; };
      out.fromFixed = level.fromPort[e] >= 0 || isPort(out.from);
      out.toFixed = level.toPort[e] >= 0 || isPort(out.to);
      if (level.fromPort[e] >= 0) out.fromOffset = portOffset(level, out.from, level.fromPort[e]);
      if (level.toPort[e] >= 0) out.toOffset = portOffset(level, out.to, level.toPort[e]);
    }
    level.result = layoutLevel(level.items, level.edges, m_options.level, m_cancel);
    const double width = level.result.right - level.result.left + 2 * m_options.framePadding;
    const double height = level.result.bottom + m_options.frameTitle + kTitleGap + m_options.framePadding;
    // Even, so that the middle of a frame is a whole number.
    level.size = {std::max(112.0, std::ceil(width / 2) * 2), std::ceil(height / 2) * 2};
  }

  void place() {
    m_layout.boxes.resize(m_graph.boxes.size());
    m_levels[0].origin = {-m_levels[0].result.left, 0};
    QRectF bounds(0, 0, m_levels[0].result.right - m_levels[0].result.left, m_levels[0].result.bottom);
    for (std::size_t l = 0; l < m_levels.size(); ++l) placeLevel(m_levels[l]);
    for (std::size_t l = 1; l < m_levels.size(); ++l) {
      const Level& level = m_levels[l];
      const QPointF inside(level.result.left + level.origin.x(), level.origin.y());
      const double spare = (level.size.width() - (level.result.right - level.result.left)) / 2;
      m_layout.frames.push_back({m_graph.frames[l - 1], level.depth,
                                 QRectF(inside - QPointF(spare, m_options.frameTitle + kTitleGap), level.size)});
    }
    routeEdges();
    m_layout.bounds = bounds;
  }

  void placeLevel(Level& level) {
    for (std::size_t i = 0; i < level.items.size(); ++i) {
      const QPointF center = level.result.center[i] + level.origin;
      const QSizeF size(level.items[i].width, level.items[i].height);
      const QRectF rect(center - QPointF(size.width() / 2, size.height() / 2), size);
      if (level.boxOfItem[i] >= 0) m_layout.boxes[at(level.boxOfItem[i])] = rect;
      if (level.levelOfItem[i] < 0) continue;
      Level& inner = m_levels[at(level.levelOfItem[i])];
      const double insideMiddle = (inner.result.left + inner.result.right) / 2;
      inner.origin = {center.x() - insideMiddle, rect.top() + m_options.frameTitle + kTitleGap};
    }
  }

  // A frame's own padding and title row lie between a port and the frame's edge: the run goes straight through.
  void routeEdges() {
    m_layout.edgeStart.push_back(0);
    std::vector<QPointF>& points = m_layout.points;
    for (std::size_t e = 0; e + 1 < m_stepStart.size(); ++e) {
      for (int s = m_stepStart[e]; s < m_stepStart[e + 1]; ++s) {
        const Level& level = m_levels[at(m_steps[at(s)].level)];
        const std::size_t edge = at(m_steps[at(s)].edge);
        for (int p = level.result.edgeStart[edge]; p < level.result.edgeStart[edge + 1]; ++p)
          points.push_back(level.result.points[at(p)] + level.origin);
      }
      m_layout.edgeStart.push_back(static_cast<int>(points.size()));
    }
  }

  const VisibleGraph& m_graph;
  const GraphScene& m_scene;
  const LayoutOptions& m_options;
  const std::atomic<bool>& m_cancel;
  std::vector<Level> m_levels;
  std::vector<int> m_levelOfScope, m_itemOfBox;
  std::map<std::tuple<int, int, int>, int> m_ports;
  std::map<std::tuple<int, int, int, int, int>, int> m_busEdges;
  std::vector<Step> m_steps;
  std::vector<int> m_stepStart;
  GraphLayout m_layout;
};

// FNV-1a over the numbers' bits.
void mix(std::uint64_t& hash, double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  for (int i = 0; i < 8; ++i) {
    hash ^= (bits >> (8 * i)) & 0xffU;
    hash *= 1099511628211ULL;
  }
}

} // namespace

std::uint64_t GraphLayout::hash() const {
  std::uint64_t hash = 14695981039346656037ULL;
  const auto mixRect = [&hash](const QRectF& r) {
    for (const double v : {r.x(), r.y(), r.width(), r.height()}) mix(hash, v);
  };
  for (const QRectF& box : boxes) mixRect(box);
  for (const LayoutFrame& frame : frames) mixRect(frame.rect);
  for (const QPointF& p : points) {
    mix(hash, p.x());
    mix(hash, p.y());
  }
  return hash;
}

GraphLayout layoutGraph(const VisibleGraph& graph, const GraphScene& scene, const LayoutOptions& options,
                        const std::atomic<bool>& cancel) {
  return CompoundLayout(graph, scene, options, cancel).run();
}

} // namespace tandem::ui
