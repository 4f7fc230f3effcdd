// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QPointF>

#include <vector>

namespace tandem::ui {

/// The last 60 seconds of one quantity in 600 buckets of 100 ms, without Qt widgets. Times are milliseconds of any
/// monotonic clock, the same for all series of a chart.
class RingSeries {
 public:
  static constexpr int kBuckets = 600;
  static constexpr int kBucketMs = 100;

  /// What a bucket with several samples shows.
  enum class Aggregate { Mean, Max, Last };

  explicit RingSeries(Aggregate aggregate = Aggregate::Mean);

  /// Samples older than the window are dropped; values that are not finite are ignored.
  void add(qint64 timeMs, double value);
  void clear();
  /// Filled buckets as (seconds before now, in [-60, 0]; value), oldest first; at most 600.
  [[nodiscard]] QList<QPointF> points(qint64 nowMs) const;
  [[nodiscard]] bool isEmpty() const { return m_newest < 0; }
  [[nodiscard]] double lastValue() const { return m_last; }
  /// Largest bucket value in the window, 0 when empty.
  [[nodiscard]] double maximum(qint64 nowMs) const;

 private:
  struct Bucket {
    qint64 index = -1; // absolute bucket number; tells stale slots apart
    double value = 0;
    int count = 0;
  };
  std::vector<Bucket> m_buckets;
  qint64 m_newest = -1;
  double m_last = 0;
  Aggregate m_aggregate;
};

} // namespace tandem::ui
