// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/graph_canvas/canvas_looks.hpp"

#include "ui/core/units.hpp"

#include <QCoreApplication>
#include <QSet>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>

namespace tandem::ui {
namespace {

constexpr int kLegendCategories = 8;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

QString translate(const char* text, int n = -1) { return QCoreApplication::translate("GraphCanvas", text, nullptr, n); }

class LookMaker {
 public:
  LookMaker(const GraphScene& scene, const VisibleGraph& graph, const QList<CanvasDevice>& devices, ColorMode mode,
            const Theme& theme)
      : m_scene(scene),
        m_graph(graph),
        m_devices(devices),
        m_mode(mode),
        m_theme(theme) {
    for (const CanvasDevice& device : devices)
      m_badges.append(device.badge.isEmpty() ? deviceBadge(device.id) : device.badge);
  }

  CanvasLooks run() {
    m_looks.boxes.resize(m_graph.boxes.size());
    m_looks.byDevice = m_mode == ColorMode::Device;
    summarizeNodes();
    rankCategories();
    for (std::size_t b = 0; b < m_graph.boxes.size(); ++b) describeBox(b);
    describeEdges();
    makeLegend();
    return std::move(m_looks);
  }

 private:
  [[nodiscard]] double heatOf(int node) const {
    return m_mode == ColorMode::Flops  ? m_scene.flops(node)
           : m_mode == ColorMode::Time ? std::max(m_scene.ms(node), 0.0)
                                       : m_scene.bytes(node);
  }
  [[nodiscard]] bool isHeat() const {
    return m_mode == ColorMode::Flops || m_mode == ColorMode::Bytes || m_mode == ColorMode::Time;
  }
  [[nodiscard]] QString formatHeat(double value) const {
    return m_mode == ColorMode::Flops  ? formatFlops(value)
           : m_mode == ColorMode::Time ? formatMs(value)
                                       : formatBytes(value);
  }
  [[nodiscard]] QString badgeOf(int device) const {
    return device >= 0 && device < m_badges.size() ? m_badges[device] : QStringLiteral("?");
  }

  // One pass over all nodes, whatever the number of collapsed scopes.
  void summarizeNodes() {
    m_heat.assign(m_graph.boxes.size(), 0);
    m_measured.assign(m_graph.boxes.size(), 0);
    std::vector<std::vector<int>> counts(m_graph.boxes.size());
    for (int node = 0; node < m_scene.nodeCount(); ++node) {
      const std::size_t box = at(m_graph.boxOfNode[at(node)]);
      if (isHeat()) m_heat[box] += heatOf(node);
      if (m_scene.ms(node) >= 0) m_measured[box] = 1;
      m_looks.boxes[box].moved |= m_scene.isMoved(node);
      m_looks.boxes[box].unsupported |= (m_scene.flags(node) & kNodeUnsupported) != 0;
      if (m_graph.boxes[box].scope < 0) continue;
      const std::size_t slot = at(m_scene.effective(node) + 1);
      if (counts[box].size() <= slot) counts[box].resize(slot + 1, 0);
      ++counts[box][slot];
    }
    for (std::size_t b = 0; b < counts.size(); ++b) {
      std::vector<DeviceShare>& shares = m_looks.boxes[b].shares;
      for (std::size_t slot = 0; slot < counts[b].size(); ++slot)
        if (counts[b][slot] > 0) shares.push_back({static_cast<int>(slot) - 1, counts[b][slot]});
      std::stable_sort(shares.begin(), shares.end(),
                       [](const DeviceShare& x, const DeviceShare& y) { return x.count > y.count; });
    }
    for (const double heat : m_heat) m_heatMax = std::max(m_heatMax, heat);
  }

  [[nodiscard]] bool byType() const { return m_mode == ColorMode::Type; }
  [[nodiscard]] int categoryOf(int node) const { return byType() ? m_scene.type(node) : m_scene.category(node); }
  [[nodiscard]] const QStringList& categoryNames() const {
    return byType() ? m_scene.typeNames() : m_scene.categoryNames();
  }

  // The most frequent operators (or data types) get the distinct colours; the rest share grey.
  void rankCategories() {
    const std::size_t count = static_cast<std::size_t>(categoryNames().size());
    std::vector<int> frequency(count, 0), order(count);
    for (int node = 0; node < m_scene.nodeCount(); ++node) ++frequency[at(categoryOf(node))];
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return frequency[at(a)] > frequency[at(b)]; });
    m_categoryRank.assign(count, 0);
    for (std::size_t i = 0; i < count; ++i) m_categoryRank[at(order[i])] = static_cast<int>(i);
  }

  [[nodiscard]] QColor categoryColor(int category) const {
    const int rank = m_categoryRank[at(category)];
    return rank < 7 ? m_theme.category(rank) : m_theme.device(kAutoDevice).fill;
  }
  // Square root: the heaviest layer must not turn all others into the lowest colour.
  [[nodiscard]] QColor heatColor(double value) const {
    return Theme::heat(m_heatMax > 0 ? std::sqrt(value / m_heatMax) : 0);
  }
  [[nodiscard]] QColor supportColor(const BoxLook& look) const {
    return look.unsupported ? m_theme.problem : look.moved ? m_theme.warning : m_theme.success;
  }

  [[nodiscard]] bool isCold(std::size_t box) const { return m_mode == ColorMode::Time && m_measured[box] == 0; }
  [[nodiscard]] QString heatText(std::size_t box, int node) const {
    if (!isCold(box)) return formatHeat(m_heat[box]);
    return node >= 0 && m_scene.ms(node) == kMeasuredWithOther ? translate("with another layer")
                                                               : translate("not measured");
  }

  void describeBox(std::size_t b) {
    const VisibleBox& box = m_graph.boxes[b];
    BoxLook& look = m_looks.boxes[b];
    if (box.scope >= 0) {
      look.title = m_scene.scopeName(box.scope);
      look.detail = isHeat() ? heatText(b, -1) : shareText(look.shares, m_badges);
      if (const QString copies = m_scene.copyText(box.scope); !copies.isEmpty())
        look.detail += QStringLiteral(" · ") + copies;
    } else {
      look.title = m_scene.title(box.node);
      look.detail = isHeat()   ? heatText(b, box.node)
                    : byType() ? categoryNames()[m_scene.type(box.node)]
                               : m_scene.subtitle(box.node);
    }
    const int device = box.scope < 0         ? m_scene.effective(box.node)
                       : look.shares.empty() ? kAutoDevice
                                             : look.shares.front().device;
    switch (m_mode) {
    case ColorMode::Device: {
      const DeviceStyle style = m_theme.device(device);
      look.color = style.fill;
      look.hatch = style.hatch;
      look.badge = badgeOf(device);
      break;
    }
    case ColorMode::Operator:
    case ColorMode::Type:
      look.color = box.scope < 0 ? categoryColor(categoryOf(box.node)) : m_theme.device(kAutoDevice).fill;
      break;
    case ColorMode::Time:
    case ColorMode::Flops:
    case ColorMode::Bytes: look.color = isCold(b) ? m_theme.device(kAutoDevice).fill : heatColor(m_heat[b]); break;
    case ColorMode::Support:
      look.color = supportColor(look);
      look.badge = look.unsupported ? QStringLiteral("×") : look.moved ? QStringLiteral("!") : QStringLiteral("✓");
      break;
    }
  }

  void describeEdges() {
    m_looks.edges.resize(m_graph.edges.size());
    QSet<QPair<int, int>> counted; // (value, target device)
    std::vector<char> firstParts(m_graph.edges.size(), 0);
    std::set<std::tuple<int, int, int>> shown; // (visible edge, value, target device)
    for (int e = 0; e < m_scene.edgeCount(); ++e) {
      const bool crosses = m_scene.crossesDevices(e);
      if (!crosses) continue;
      const SceneEdge& edge = m_scene.edge(e);
      const int visible = m_graph.visibleEdgeOf[at(e)];
      // A tensor is copied once per target device, whoever reads it there.
      const QPair<int, int> copy(edge.value, m_scene.effective(edge.to));
      const bool again = edge.value >= 0 && counted.contains(copy);
      if (edge.value >= 0) counted.insert(copy);
      const double ms = copyMs(m_scene.effective(edge.from), m_scene.effective(edge.to), edge.bytes);
      if (!again) {
        ++m_looks.transfers;
        m_looks.transferBytes += static_cast<double>(edge.bytes);
        m_allEstimated &= ms >= 0;
        m_estimatedMs += std::max(ms, 0.0);
      }
      if (visible < 0) continue;
      EdgeLook& look = m_looks.edges[at(visible)];
      look.transfer = true;
      const bool sameCopy = edge.value >= 0 && !shown.emplace(visible, edge.value, m_scene.effective(edge.to)).second;
      if (sameCopy) continue;
      look.transferBytes += edge.bytes;
      // One part without a bandwidth leaves no honest sum.
      const bool isFirst = firstParts[at(visible)] == 0;
      firstParts[at(visible)] = 1;
      look.transferMs = isFirst ? ms : ms < 0 || look.transferMs < 0 ? -1 : look.transferMs + ms;
    }
    describeTransferTime();
    for (std::size_t e = 0; e < m_looks.edges.size(); ++e) {
      EdgeLook& look = m_looks.edges[e];
      const VisibleEdge& edge = m_graph.edges[e];
      if (look.transferBytes > 0) look.label = formatBytes(static_cast<double>(look.transferBytes));
      if (look.transferBytes > 0 && look.transferMs >= 0)
        look.label += QStringLiteral(" ≈ ") + formatMs(look.transferMs);
      look.width = edge.bytes < 64 * 1024     ? 1.2F
                   : edge.bytes < 1024 * 1024 ? 1.6F
                   : edge.bytes < 16 << 20    ? 2.2F
                                              : 3.0F;
    }
  }

  // Between two accelerators a tensor goes through the host. Negative: a bandwidth is not measured.
  [[nodiscard]] double copyMs(int from, int to, qint64 bytes) const {
    if (from >= m_devices.size() || to >= m_devices.size()) return -1;
    const CanvasDevice &source = m_devices[from], &target = m_devices[to];
    if (source.host && target.host) return -1;
    double ms = 0;
    if (!source.host) {
      if (source.toHostGbPerS <= 0) return -1;
      ms += static_cast<double>(bytes) / (source.toHostGbPerS * 1e6);
    }
    if (!target.host) {
      if (target.toDeviceGbPerS <= 0) return -1;
      ms += static_cast<double>(bytes) / (target.toDeviceGbPerS * 1e6);
    }
    return ms;
  }

  void describeTransferTime() {
    if (m_looks.transfers == 0) return;
    if (m_scene.transferMs() >= 0 && !m_scene.isMeasuredStale())
      m_looks.transferTime = translate("%1 measured").arg(formatMs(m_scene.transferMs()));
    else if (m_allEstimated)
      m_looks.transferTime = translate("≈ %1 estimated").arg(formatMs(m_estimatedMs));
  }

  LegendEntry& entry(const QColor& color, const QString& text) {
    m_looks.legend.push_back({color, Qt::NoBrush, {}, text, {}, {}});
    return m_looks.legend.back();
  }

  void makeLegend() {
    switch (m_mode) {
    case ColorMode::Device: deviceLegend(); break;
    case ColorMode::Operator:
    case ColorMode::Type: categoryLegend(); break;
    case ColorMode::Time: timeLegend(); break;
    case ColorMode::Support: supportLegend(); break;
    case ColorMode::Flops: m_looks.legendTitle = translate("Work per layer"); break;
    case ColorMode::Bytes: m_looks.legendTitle = translate("Memory per layer"); break;
    }
    if (isHeat() && (m_mode != ColorMode::Time || m_scene.isMeasured())) {
      m_looks.heat = true;
      m_looks.heatMiddle = formatHeat(m_heatMax / 4); // the ramp follows the square root
      m_looks.heatLow = formatHeat(0);
      m_looks.heatHigh = formatHeat(m_heatMax);
    }
    for (LegendEntry& e : m_looks.legend) e.count = formatCount(static_cast<double>(e.nodes.size()));
  }

  void deviceLegend() {
    m_looks.legendTitle = translate("Runs on");
    const int count = static_cast<int>(m_devices.size());
    std::vector<QList<int>> nodes(at(count) + 1);
    for (int node = 0; node < m_scene.nodeCount(); ++node) {
      const int device = m_scene.effective(node);
      nodes[device >= 0 && device < count ? at(device) : at(count)].append(node);
    }
    for (int i = 0; i <= count; ++i) {
      const bool isAuto = i == count;
      if (isAuto && nodes[at(i)].isEmpty()) continue;
      const DeviceStyle style = m_theme.device(isAuto ? kAutoDevice : i);
      LegendEntry& e = entry(style.fill, isAuto                        ? translate("Not placed")
                                         : m_devices[i].name.isEmpty() ? m_devices[i].id
                                                                       : m_devices[i].name);
      e.hatch = style.hatch;
      e.badge = badgeOf(isAuto ? kAutoDevice : i);
      e.nodes = nodes[at(i)];
    }
  }

  // What has no time is grey and counted.
  void timeLegend() {
    m_looks.legendTitle = !m_scene.isMeasured()       ? translate("Time per layer: not measured (F8)")
                          : m_scene.isMeasuredStale() ? translate("Time per layer, with an older placement")
                                                      : translate("Measured time per layer");
    QList<int> missing, with;
    for (int node = 0; node < m_scene.nodeCount(); ++node) {
      if (m_scene.ms(node) == kMeasuredWithOther)
        with.append(node);
      else if (m_scene.ms(node) < 0)
        missing.append(node);
    }
    const QColor grey = m_theme.device(kAutoDevice).fill;
    if (!with.isEmpty()) entry(grey, translate("Computed with another layer")).nodes = with;
    if (!missing.isEmpty()) entry(grey, translate("Not measured")).nodes = missing;
  }

  void categoryLegend() {
    m_looks.legendTitle = byType() ? translate("Data type of the output") : translate("Operator");
    std::vector<LegendEntry> byRank(at(kLegendCategories));
    for (int node = 0; node < m_scene.nodeCount(); ++node) {
      const int category = categoryOf(node);
      const int rank = std::min(m_categoryRank[at(category)], kLegendCategories - 1);
      LegendEntry& e = byRank[at(rank)];
      e.color = categoryColor(category);
      e.text = rank < kLegendCategories - 1 ? categoryNames()[category] : translate("Others");
      if (e.text.isEmpty()) e.text = translate("Unknown");
      e.nodes.append(node);
    }
    for (LegendEntry& e : byRank)
      if (!e.nodes.isEmpty()) m_looks.legend.push_back(std::move(e));
  }

  void supportLegend() {
    m_looks.legendTitle = translate("Support");
    LegendEntry fine{m_theme.success, Qt::NoBrush, QStringLiteral("✓"), translate("Runs where requested"), {}, {}};
    LegendEntry moved{m_theme.warning, Qt::NoBrush, QStringLiteral("!"), translate("Runs elsewhere"), {}, {}};
    LegendEntry missing{m_theme.problem, Qt::NoBrush, QStringLiteral("×"), translate("Not supported"), {}, {}};
    for (int node = 0; node < m_scene.nodeCount(); ++node) {
      const bool unsupported = (m_scene.flags(node) & kNodeUnsupported) != 0;
      (unsupported ? missing : m_scene.isMoved(node) ? moved : fine).nodes.append(node);
    }
    m_looks.legend = {fine, moved, missing};
  }

  const GraphScene& m_scene;
  const VisibleGraph& m_graph;
  const QList<CanvasDevice>& m_devices;
  ColorMode m_mode;
  const Theme& m_theme;
  QStringList m_badges;
  std::vector<double> m_heat;
  std::vector<char> m_measured; ///< per box: a node inside has a time
  double m_heatMax = 0, m_estimatedMs = 0;
  bool m_allEstimated = true;
  std::vector<int> m_categoryRank;
  CanvasLooks m_looks;
};

} // namespace

CanvasLooks makeLooks(const GraphScene& scene, const VisibleGraph& graph, const QList<CanvasDevice>& devices,
                      ColorMode mode, const Theme& theme) {
  return LookMaker(scene, graph, devices, mode, theme).run();
}

} // namespace tandem::ui
