// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/core/repeated_windows.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace tandem::ui {
namespace {

constexpr int kCandidates = 8; // lengths tried for each length of context
constexpr int kRounds = 4;     // kinds of blocks looked for, one after the other
constexpr int kContexts[] = {2, 4, 12};

std::size_t at(int index) { return static_cast<std::size_t>(index); }

class WindowFinder {
 public:
  explicit WindowFinder(const WindowSequence& sequence)
      : m_op(sequence.op),
        m_count(static_cast<int>(sequence.op.size())),
        m_taken(sequence.op.size(), 0) {
    m_start.assign(sequence.op.size() + 1, 0);
    for (const auto& edge : sequence.edges) ++m_start[at(edge.to) + 1];
    for (std::size_t i = 1; i < m_start.size(); ++i) m_start[i] += m_start[i - 1];
    m_incoming.resize(sequence.edges.size());
    std::vector<int> next(m_start.begin(), m_start.end() - 1);
    for (const auto& edge : sequence.edges) m_incoming[at(next[at(edge.to)]++)] = edge;
  }

  std::vector<RepeatedWindow> run() {
    std::vector<RepeatedWindow> found;
    const std::vector<int> lengths = candidates();
    for (int round = 0; round < kRounds; ++round) {
      std::vector<RepeatedWindow> best;
      long bestCovered = 0;
      for (const int length : lengths) {
        std::vector<RepeatedWindow> windows = windowsOf(length);
        long covered = 0;
        for (const RepeatedWindow& window : windows) covered += static_cast<long>(window.starts.size()) * window.size;
        if (covered <= bestCovered) continue; // of equal cover the shorter one, which comes first
        bestCovered = covered;
        best = std::move(windows);
      }
      if (best.empty()) break;
      for (RepeatedWindow& window : best) {
        for (const int start : window.starts)
          std::fill(m_taken.begin() + start, m_taken.begin() + start + window.size, 1);
        found.push_back(std::move(window));
      }
    }
    return found;
  }

 private:
  // The most frequent distances between the same few operators in a row.
  [[nodiscard]] std::vector<int> candidates() const {
    std::map<int, long> chosen;
    for (const int context : kContexts) {
      std::unordered_map<std::uint64_t, int> previous;
      std::map<int, long> distances;
      for (int i = 0; i + context <= m_count; ++i) {
        std::uint64_t key = 0;
        for (int k = 0; k < context; ++k) key = mixHash(key, static_cast<std::uint64_t>(m_op[at(i + k)]));
        const auto [entry, isNew] = previous.try_emplace(key, i);
        if (!isNew && i - entry->second >= 2) ++distances[i - entry->second];
        entry->second = i;
      }
      std::vector<std::pair<long, int>> ranked;
      for (const auto& [distance, number] : distances)
        if (distance <= m_count / 2) ranked.emplace_back(-number, distance);
      std::sort(ranked.begin(), ranked.end());
      for (std::size_t i = 0; i < std::min<std::size_t>(ranked.size(), kCandidates); ++i)
        chosen.emplace(ranked[i].second, 0);
    }
    std::vector<int> lengths;
    for (const auto& [length, unused] : chosen) lengths.push_back(length);
    return lengths;
  }

  [[nodiscard]] std::uint64_t hashOf(int start, int length) const {
    std::uint64_t ops = 0, edges = 0;
    for (int i = start; i < start + length; ++i) {
      ops = mixHash(ops, static_cast<std::uint64_t>(m_op[at(i)]) + 1);
      for (int e = m_start[at(i)]; e < m_start[at(i) + 1]; ++e) {
        const auto& edge = m_incoming[at(e)];
        if (edge.from >= start && edge.from < start + length)
          edges += edgeHash(edge.from - start, i - start, edge.slot);
      }
    }
    return mixHash(ops, edges);
  }

  [[nodiscard]] bool hasTwoOperators(int start, int length) const {
    for (int i = start + 1; i < start + length; ++i)
      if (m_op[at(i)] != m_op[at(start)]) return true;
    return false;
  }

  // Where operators repeat at this distance for at least its length, the stretch is cut into windows.
  [[nodiscard]] std::vector<RepeatedWindow> windowsOf(int length) const {
    std::vector<RepeatedWindow> windows;
    std::unordered_map<std::uint64_t, std::size_t> known;
    int run = 0;
    for (int i = 0; i + length <= m_count; ++i) {
      const bool same = i + length < m_count && m_op[at(i)] == m_op[at(i + length)] && m_taken[at(i)] == 0 &&
                        m_taken[at(i + length)] == 0;
      if (same) {
        ++run;
        continue;
      }
      if (run >= length) {
        const int begin = i - run;
        for (int start = begin; start + length <= begin + run + length; start += length) {
          if (!hasTwoOperators(start, length)) break;
          const auto [entry, isNew] = known.try_emplace(hashOf(start, length), windows.size());
          if (isNew) windows.push_back({length, {}});
          windows[entry->second].starts.push_back(start);
        }
      }
      run = 0;
    }
    windows.erase(std::remove_if(windows.begin(), windows.end(),
                                 [](const RepeatedWindow& window) { return window.starts.size() < 2; }),
                  windows.end());
    return windows;
  }

  const std::vector<int>& m_op;
  int m_count;
  std::vector<char> m_taken;
  std::vector<int> m_start;
  std::vector<WindowSequence::Edge> m_incoming; ///< by consumer
};

} // namespace

std::vector<RepeatedWindow> repeatedWindows(const WindowSequence& sequence) {
  if (sequence.op.size() < 4) return {};
  return WindowFinder(sequence).run();
}

} // namespace tandem::ui
