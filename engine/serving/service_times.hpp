// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

namespace tandem {

/// (items, nanoseconds of one execution), ascending.
using ServicePoints = std::vector<std::pair<int, double>>;

/// What one execution takes on a replica, by number of items: a running mean of what was measured (of all at first, of
/// about the last ten later on), straight lines between sizes, and in proportion beyond the largest. Readers
/// and learn() of a size that is known take no lock. Thread-safe.
class ServiceTimes {
 public:
  static constexpr std::size_t kMaxSizes = 64;

  /// One execution with `items` items took `ns`.
  void learn(int items, double ns);
  /// 0 while nothing was measured.
  double ns(int items) const;
  ServicePoints points() const;
  /// How many times as long as at its best an execution takes now; 1 while nothing is slower. The worst size counts.
  double slowdown() const;

 private:
  struct Entry {
    std::atomic<int> items{0};
    std::atomic<double> ns{0};
    std::atomic<int> count{0};     ///< measured so far, as far as it matters
    std::atomic<double> bestNs{0}; ///< least running mean so far
  };
  Entry* find(int items);

  std::array<Entry, kMaxSizes> m_entries; ///< in the order they came; the first m_count are there
  std::atomic<std::size_t> m_count{0};
  std::mutex m_mutex; // new sizes
};

} // namespace tandem
