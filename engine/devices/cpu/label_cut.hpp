// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstddef>
#include <vector>

namespace tandem::cpu {

/// Gives each of a number of items one of two labels so that the sum of all costs is least: what an item costs under
/// each label, and what each pair costs where its labels differ. Exact, as a minimum cut (Greig, Porteous and Seheult
/// 1989; maximum flow by Dinic 1970).
class LabelCut {
 public:
  explicit LabelCut(std::size_t items);
  /// Costs are finite and not negative; they add up over calls.
  void addCosts(std::size_t item, double first, double second);
  void addDifference(std::size_t a, std::size_t b, double cost);
  /// True: the second label. Call it once.
  std::vector<bool> solve();

 private:
  struct Arc {
    std::size_t to;
    double left; ///< capacity that flow has not used up
  };
  void addArcs(std::size_t from, std::size_t to, double forward, double backward);
  bool findLevels();
  bool augment();

  std::size_t m_source, m_sink;
  std::vector<Arc> m_arcs; ///< arc i and its reverse i ^ 1
  std::vector<std::vector<std::size_t>> m_leaving;
  std::vector<int> m_level;
  std::vector<std::size_t> m_next;
};

} // namespace tandem::cpu
