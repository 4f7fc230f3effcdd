// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/graph_canvas/visible_graph.hpp"

#include <QFontMetricsF>
#include <QSet>

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace tandem::ui {
namespace {

constexpr float kMinWidth = 112, kMaxWidth = 216, kTwoLines = 46, kOneLine = 34;
constexpr float kShareSpace = 36; // for the counts before "1 of 24 copies"
constexpr float kBadgeSpace = 34, kPadding = 22;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

std::uint64_t pairKey(int a, int b) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(a)) << 32U | static_cast<std::uint32_t>(b);
}

// Widths in steps of 16 keep columns aligned when texts differ by a letter.
float boxWidth(float text, float extra) {
  return std::clamp(std::ceil((text + extra) / 16.0F) * 16.0F, kMinWidth, kMaxWidth);
}

void addBoxes(const GraphScene& scene, const std::vector<int>& hiding, const TextMetrics& title,
              const TextMetrics& subtitle, VisibleGraph& graph) {
  graph.boxOfNode.assign(at(scene.nodeCount()), -1);
  graph.boxOfScope.assign(at(scene.scopeCount()), -1);
  for (int node = 0; node < scene.nodeCount(); ++node) {
    const int scope = scene.scopeOf(node);
    const int hider = scope < 0 ? -1 : hiding[at(scope)];
    if (hider >= 0 && graph.boxOfScope[at(hider)] >= 0) {
      graph.boxOfNode[at(node)] = graph.boxOfScope[at(hider)];
      ++graph.boxes[at(graph.boxOfNode[at(node)])].count;
      continue;
    }
    const int index = static_cast<int>(graph.boxes.size());
    graph.boxOfNode[at(node)] = index;
    VisibleBox box;
    if (hider >= 0) {
      graph.boxOfScope[at(hider)] = index;
      box.scope = hider;
      box.frame = scene.scopeParent(hider);
      const QString copies = scene.copyText(hider);
      const float below = copies.isEmpty() ? 0 : subtitle.width(copies) + kShareSpace;
      box.width = std::max(boxWidth(std::max(title.width(scene.scopeName(hider)), below), 52), 144.0F);
      box.height = kTwoLines + 6;
    } else {
      box.node = node;
      box.frame = scope;
      const float text = std::max(title.width(scene.title(node)), subtitle.width(scene.subtitle(node)));
      box.width = boxWidth(text, kBadgeSpace + kPadding);
      box.height = scene.subtitle(node).isEmpty() ? kOneLine : kTwoLines;
    }
    graph.boxes.push_back(box);
  }
}

void addEdges(const GraphScene& scene, VisibleGraph& graph) {
  std::unordered_map<std::uint64_t, int> known;
  known.reserve(at(scene.edgeCount()));
  QSet<QPair<int, int>> carried; // (visible edge, value)
  graph.visibleEdgeOf.assign(at(scene.edgeCount()), -1);
  for (int e = 0; e < scene.edgeCount(); ++e) {
    const SceneEdge& edge = scene.edge(e);
    const int from = graph.boxOfNode[at(edge.from)], to = graph.boxOfNode[at(edge.to)];
    if (from == to) continue;
    const auto [found, isNew] = known.try_emplace(pairKey(from, to), static_cast<int>(graph.edges.size()));
    if (isNew) graph.edges.push_back({from, to, 0, 0});
    graph.visibleEdgeOf[at(e)] = found->second;
    VisibleEdge& merged = graph.edges[at(found->second)];
    ++merged.count;
    if (edge.value >= 0) {
      const QPair<int, int> key(found->second, edge.value);
      if (carried.contains(key)) continue;
      carried.insert(key);
    }
    merged.bytes += edge.bytes;
  }
}

void addFrames(const GraphScene& scene, VisibleGraph& graph) {
  std::vector<quint8> used(at(scene.scopeCount()), 0);
  for (const VisibleBox& box : graph.boxes)
    for (int s = box.frame; s >= 0 && used[at(s)] == 0; s = scene.scopeParent(s)) used[at(s)] = 1;
  for (int s = 0; s < scene.scopeCount(); ++s)
    if (used[at(s)] != 0) graph.frames.push_back(s);
}

} // namespace

TextMetrics TextMetrics::of(const QFont& font) {
  const QFontMetricsF metrics(font);
  TextMetrics result;
  for (std::size_t c = 32; c < result.ascii.size(); ++c)
    result.ascii[c] = static_cast<float>(metrics.horizontalAdvance(QChar(static_cast<char16_t>(c))));
  result.other = static_cast<float>(metrics.horizontalAdvance(QChar(0x00d7)));
  return result;
}

float TextMetrics::width(const QString& text) const {
  float sum = 0;
  for (const QChar c : text) sum += c.unicode() < ascii.size() ? ascii[c.unicode()] : other;
  return sum;
}

VisibleGraph visibleGraph(const GraphScene& scene, const TextMetrics& title, const TextMetrics& subtitle) {
  VisibleGraph graph;
  addBoxes(scene, scene.hidingScopes(), title, subtitle, graph);
  addEdges(scene, graph);
  addFrames(scene, graph);
  return graph;
}

QString shareText(const std::vector<DeviceShare>& shares, const QStringList& badges) {
  QStringList parts;
  for (const DeviceShare& share : shares) {
    const bool known = share.device >= 0 && share.device < badges.size();
    parts.append(QString::number(share.count) + (known ? badges[share.device] : QStringLiteral("?")));
  }
  return parts.join(QLatin1Char('/'));
}

} // namespace tandem::ui
