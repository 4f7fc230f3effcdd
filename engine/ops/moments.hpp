// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cmath>
#include <cstdint>

namespace tandem::ops {

/// Mean and population variance in two passes, in double: feed all parts to addSum, call finishMean, feed them again
/// to addSquares.
class Moments {
 public:
  template <class C> void addSum(const C* x, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) m_mean += static_cast<double>(x[i]);
    m_count += count;
  }
  void finishMean() { m_mean /= static_cast<double>(m_count); }
  template <class C> void addSquares(const C* x, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) {
      const double difference = static_cast<double>(x[i]) - m_mean;
      m_squares += difference * difference;
    }
  }
  double mean() const { return m_mean; }
  double variance() const { return m_squares / static_cast<double>(m_count); }

 private:
  std::int64_t m_count = 0;
  double m_mean = 0;
  double m_squares = 0;
};

template <class C> Moments momentsOf(const C* x, std::int64_t count) {
  Moments moments;
  moments.addSum(x, count);
  moments.finishMean();
  moments.addSquares(x, count);
  return moments;
}

} // namespace tandem::ops
