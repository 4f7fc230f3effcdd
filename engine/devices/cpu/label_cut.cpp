// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/label_cut.hpp"

#include <algorithm>
#include <limits>

namespace tandem::cpu {
namespace {
constexpr double kNothing = 1e-9; // rounding leaves crumbs of capacity
}

LabelCut::LabelCut(std::size_t items) : m_source(items), m_sink(items + 1), m_leaving(items + 2) {}

// An item on the source's side has the first label, so its arc to the sink is cut and costs what the first label does.
void LabelCut::addCosts(std::size_t item, double first, double second) {
  addArcs(m_source, item, second, 0);
  addArcs(item, m_sink, first, 0);
}

void LabelCut::addDifference(std::size_t a, std::size_t b, double cost) {
  if (a != b) addArcs(a, b, cost, cost);
}

void LabelCut::addArcs(std::size_t from, std::size_t to, double forward, double backward) {
  m_leaving[from].push_back(m_arcs.size());
  m_arcs.push_back({to, forward});
  m_leaving[to].push_back(m_arcs.size());
  m_arcs.push_back({from, backward});
}

bool LabelCut::findLevels() {
  m_level.assign(m_leaving.size(), -1);
  m_level[m_source] = 0;
  std::vector<std::size_t> queue{m_source};
  for (std::size_t i = 0; i < queue.size(); ++i)
    for (std::size_t arc : m_leaving[queue[i]])
      if (m_arcs[arc].left > kNothing && m_level[m_arcs[arc].to] < 0) {
        m_level[m_arcs[arc].to] = m_level[queue[i]] + 1;
        queue.push_back(m_arcs[arc].to);
      }
  return m_level[m_sink] >= 0;
}

/// Sends flow along one path of rising levels; false where there is none left. Not recursive: a path may be as long as
/// the network is deep.
bool LabelCut::augment() {
  std::vector<std::size_t> path;
  std::size_t node = m_source;
  while (node != m_sink) {
    std::size_t& next = m_next[node];
    while (next < m_leaving[node].size()) {
      const Arc& arc = m_arcs[m_leaving[node][next]];
      if (arc.left > kNothing && m_level[arc.to] == m_level[node] + 1) break;
      ++next;
    }
    if (next < m_leaving[node].size()) {
      path.push_back(m_leaving[node][next]);
      node = m_arcs[path.back()].to;
    } else {
      if (path.empty()) return false;
      node = m_arcs[path.back() ^ 1].to;
      ++m_next[node];
      path.pop_back();
    }
  }
  double amount = std::numeric_limits<double>::max();
  for (std::size_t arc : path) amount = std::min(amount, m_arcs[arc].left);
  for (std::size_t arc : path) {
    m_arcs[arc].left -= amount;
    m_arcs[arc ^ 1].left += amount;
  }
  return true;
}

std::vector<bool> LabelCut::solve() {
  while (findLevels()) {
    m_next.assign(m_leaving.size(), 0);
    while (augment()) {}
  }
  std::vector<bool> second(m_source);
  for (std::size_t i = 0; i < second.size(); ++i) second[i] = m_level[i] < 0;
  return second;
}

} // namespace tandem::cpu
