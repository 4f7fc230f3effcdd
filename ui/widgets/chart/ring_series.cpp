// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/chart/ring_series.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::ui {

RingSeries::RingSeries(Aggregate aggregate) : m_buckets(kBuckets), m_aggregate(aggregate) {}

void RingSeries::add(qint64 timeMs, double value) {
  if (timeMs < 0 || !std::isfinite(value)) return;
  const qint64 index = timeMs / kBucketMs;
  if (index <= m_newest - kBuckets) return;
  Bucket& bucket = m_buckets[static_cast<std::size_t>(index % kBuckets)];
  if (bucket.index != index) bucket = {index, value, 0};
  ++bucket.count;
  switch (m_aggregate) {
  case Aggregate::Mean: bucket.value += (value - bucket.value) / bucket.count; break;
  case Aggregate::Max: bucket.value = std::max(bucket.value, value); break;
  case Aggregate::Last: bucket.value = value; break;
  }
  if (index >= m_newest) {
    m_newest = index;
    m_last = value;
  }
}

void RingSeries::clear() {
  m_buckets.assign(kBuckets, {});
  m_newest = -1;
  m_last = 0;
}

QList<QPointF> RingSeries::points(qint64 nowMs) const {
  QList<QPointF> points;
  if (m_newest < 0) return points;
  const qint64 last = nowMs / kBucketMs;
  points.reserve(kBuckets);
  for (qint64 index = std::max<qint64>(0, last - kBuckets + 1); index <= last; ++index) {
    const Bucket& bucket = m_buckets[static_cast<std::size_t>(index % kBuckets)];
    if (bucket.index == index) points.append({static_cast<double>(index - last) * kBucketMs / 1000.0, bucket.value});
  }
  return points;
}

double RingSeries::maximum(qint64 nowMs) const {
  const qint64 last = nowMs / kBucketMs;
  double highest = 0;
  for (const Bucket& bucket : m_buckets)
    if (bucket.index >= 0 && bucket.index <= last && bucket.index > last - kBuckets)
      highest = std::max(highest, bucket.value);
  return highest;
}

} // namespace tandem::ui
