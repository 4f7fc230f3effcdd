// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <vector>

/// Repeated stretches of a graph that has no scopes; used by RepeatedBlocks.
namespace tandem::ui {

/// Splitmix64's finaliser (Steele, Lea and Flood, 2014) over both values.
[[nodiscard]] inline std::uint64_t mixHash(std::uint64_t a, std::uint64_t b) {
  std::uint64_t x = a * 0x9e3779b97f4a7c15ULL + b + 0x632be59bd9b4e019ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

/// An edge inside a block, its ends counted from the block's first node.
[[nodiscard]] inline std::uint64_t edgeHash(int from, int to, int slot) {
  return mixHash(mixHash(static_cast<std::uint64_t>(from), static_cast<std::uint64_t>(to)),
                 static_cast<std::uint64_t>(slot));
}

/// Nodes in their order, as numbers of operators, and the edges between them.
struct WindowSequence {
  struct Edge {
    int from = 0, to = 0, slot = 0; ///< positions in `op`
  };
  std::vector<int> op;
  std::vector<Edge> edges;
};

/// A stretch of `size` nodes that occurs at all `starts` (ascending, not overlapping) with the same operators and the
/// same edges inside. Several windows never share a node.
struct RepeatedWindow {
  int size = 0;
  std::vector<int> starts;
};

/// Stretches of at least two nodes and two operators that follow each other at least twice, those that cover most
/// first. A fixed number of candidate lengths is tried, so the time is linear.
[[nodiscard]] std::vector<RepeatedWindow> repeatedWindows(const WindowSequence& sequence);

} // namespace tandem::ui
