// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <atomic>
#include <vector>

namespace tandem {

/// How the queued requests of a replica are joined into one execution. Names and meaning as in Triton Inference
/// Server's dynamic batcher (model configuration: max_batch_size, preferred_batch_size, max_queue_delay).
struct BatchPolicy {
  int maximum = 0;                 ///< items joined at most; 0: one request per execution
  std::vector<int> preferred = {}; ///< sizes to aim for, ascending; empty: as many as wait
  double maxDelayMs = 0;           ///< the oldest request waits at most this long for others
  /// Adaptive: an execution should take at most this long; 0: off. The joined size then follows what was measured,
  /// between the smallest size and `maximum`.
  double targetMs = 0;

  bool joins() const { return maximum > 1; }
  /// What to compile for: the preferred sizes, else powers of two, and the maximum. Joined batches are padded to them.
  std::vector<int> sizes() const;
};

/// Decides how many items a replica joins. Thread-safe, without locks.
class Batcher {
 public:
  explicit Batcher(BatchPolicy policy);
  const BatchPolicy& policy() const { return m_policy; }
  /// Items joined at most, now.
  int limit() const;
  /// Items to aim for where `available` are at hand: the largest preferred size that they fill, else all up to the
  /// limit.
  int aim(int available) const;
  /// True where `items` items need not wait for more.
  bool isEnough(int items) const;
  /// An execution with `items` items took `ns`. Additive increase, multiplicative decrease, as in Clipper (Crankshaw et
  /// al., NSDI 2017, section 4.3.1), in steps of the compiled sizes: one up after kRaiseAfter full batches in time,
  /// down to at most half after one that took too long.
  void executed(int items, double ns);

 private:
  static constexpr int kRaiseAfter = 8;

  const BatchPolicy m_policy;
  const std::vector<int> m_sizes;
  std::atomic<std::size_t> m_step; ///< index into m_sizes
  std::atomic<int> m_inTime{0};    ///< full batches in a row
};

} // namespace tandem
