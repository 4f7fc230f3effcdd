// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/timeline/timeline_geometry.hpp"

#include <QLocale>

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace tandem::ui {
namespace {

constexpr double kLeastNsPerPixel = 0.1;
constexpr double kMostBeyond = 1.25; ///< how much more than the trace may be shown

/// The longest of [first, end), by blocks.
std::uint32_t longestOf(const TimelineLane& lane, std::size_t first, std::size_t end) {
  auto best = static_cast<std::uint32_t>(first);
  for (std::size_t i = first; i < end;) {
    std::size_t level = 0;
    while (level < lane.levels.size() && i % (std::size_t{2} << level) == 0 && i + (std::size_t{2} << level) <= end)
      ++level;
    const std::uint32_t candidate =
        level == 0 ? static_cast<std::uint32_t>(i) : lane.levels[level - 1][i >> level].longest;
    if (lane.slices[candidate].durationNs() > lane.slices[best].durationNs()) best = candidate;
    i += std::size_t{1} << level;
  }
  return best;
}

/// The first slice from `first` on that ends after `limitNs`: up the pyramid while whole blocks end before, then down.
std::size_t firstBeyond(const TimelineLane& lane, std::size_t first, std::int64_t limitNs) {
  const std::size_t count = lane.slices.size();
  std::size_t i = first;
  while (i < count) {
    std::size_t level = 0, fits = 0;
    while (level < lane.levels.size() && i % (std::size_t{2} << level) == 0 &&
           lane.levels[level][i >> (level + 1)].endNs <= limitNs)
      fits = ++level;
    if (fits == 0 && lane.slices[i].endNs > limitNs) return i;
    i += std::size_t{1} << fits;
  }
  return count;
}

} // namespace

TimeWindow TimeWindow::clamped(double width, double traceNs) const {
  TimeWindow result = *this;
  const double whole = std::max(traceNs, 1.0);
  result.nsPerPixel = std::clamp(result.nsPerPixel, kLeastNsPerPixel,
                                 std::max(kLeastNsPerPixel, whole * kMostBeyond / std::max(width, 1.0)));
  const double shown = result.nsPerPixel * width;
  // Half of the window may be empty, so that what is at an end can be looked at in the middle.
  result.startNs = std::clamp(result.startNs, -shown / 2, std::max(-shown / 2, whole - shown / 2));
  return result;
}

TimeWindow TimeWindow::zoomed(double factor, double x, double width, double traceNs) const {
  TimeWindow result = *this;
  const double held = nsAt(x);
  result.nsPerPixel = clamped(width, traceNs).nsPerPixel;
  result.nsPerPixel = TimeWindow{startNs, nsPerPixel / factor}.clamped(width, traceNs).nsPerPixel;
  result.startNs = held - x * result.nsPerPixel;
  return result.clamped(width, traceNs);
}

TimeWindow TimeWindow::panned(double pixels, double width, double traceNs) const {
  return TimeWindow{startNs + pixels * nsPerPixel, nsPerPixel}.clamped(width, traceNs);
}

TimeWindow TimeWindow::fitting(double fromNs, double toNs, double width, double margin) {
  TimeWindow result;
  const double inner = std::max(1.0, width * (1 - 2 * margin));
  result.nsPerPixel = std::max(kLeastNsPerPixel, (toNs - fromNs) / inner);
  result.startNs = (fromNs + toNs) / 2 - result.nsPerPixel * width / 2;
  return result;
}

void laneSpans(const TimelineLane& lane, const TimeWindow& window, double width, std::vector<LaneSpan>& spans) {
  const auto& slices = lane.slices;
  const std::size_t before = spans.size();
  const double endNs = window.endNs(width);
  double used = 0; // everything left of this is taken
  for (std::size_t i = lane.firstEndingAfter(static_cast<std::int64_t>(std::floor(window.startNs)) - 1);
       i < slices.size() && static_cast<double>(slices[i].startNs) < endNs;) {
    const double start = window.xOf(static_cast<double>(slices[i].startNs));
    const double end = window.xOf(static_cast<double>(slices[i].endNs));
    if (end - start >= 1 && end > used) {
      const double left = std::max(start, used);
      if (left < width && end > 0)
        spans.push_back({left, std::max(end, left + 1), static_cast<std::uint32_t>(i),
                         static_cast<std::uint32_t>(i + 1), static_cast<std::uint32_t>(i), false});
      used = std::max(end, left + 1);
      ++i;
      continue;
    }
    // All that ends in this column goes with it.
    const double column = std::floor(std::max({start, used, 0.0}));
    const auto limitNs = static_cast<std::int64_t>(std::ceil(window.nsAt(column + 1)));
    std::size_t next = std::max(firstBeyond(lane, i + 1, limitNs), i + 1);
    if (next < slices.size() && slices[next].startNs < limitNs &&
        static_cast<double>(slices[next].durationNs()) < window.nsPerPixel)
      ++next; // begins here and is narrow, too
    const double left = std::max(column, used), right = std::max(column + 1, left + 1);
    const LaneSpan span{
        left,        right, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(next), longestOf(lane, i, next),
        next > i + 1};
    LaneSpan* last = spans.size() > before ? &spans.back() : nullptr;
    if (last != nullptr && last->merged && span.merged && last->right >= span.left) {
      last->right = span.right;
      last->end = span.end;
      if (slices[span.longest].durationNs() > slices[last->longest].durationNs()) last->longest = span.longest;
    } else if (right > 0) {
      spans.push_back(span);
    }
    used = right;
    i = next;
  }
}

const TimelineRow* TimelineLayout::rowOf(int track) const {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const TimelineRow& row) { return row.track == track; });
  return found != rows.end() ? &*found : nullptr;
}

double TimelineLayout::topOf(const TimelineRow& row, double scroll) const {
  return row.pinned ? row.y : pinnedHeight + row.y - scroll;
}

const TimelineRow* TimelineLayout::rowAt(double y, double scroll) const {
  for (const TimelineRow& row : rows) {
    if (row.pinned != (y < pinnedHeight)) continue;
    const double top = topOf(row, scroll);
    if (y >= top && y < top + row.height) return &row;
  }
  return nullptr;
}

TimelineLayout layoutTracks(const TimelineModel& model, const std::vector<TrackLook>& looks, double laneHeight,
                            double gap) {
  TimelineLayout layout;
  for (const bool pinned : {true, false})
    for (std::size_t track = 0; track < model.tracks().size(); ++track) {
      const TrackLook look = track < looks.size() ? looks[track] : TrackLook();
      if (look.hidden || look.pinned != pinned) continue;
      const auto lanes = static_cast<double>(std::max<std::size_t>(model.tracks()[track].lanes.size(), 1));
      double& height = pinned ? layout.pinnedHeight : layout.scrolledHeight;
      TimelineRow row;
      row.track = static_cast<int>(track);
      row.pinned = pinned;
      row.y = height;
      row.laneHeight = look.collapsed ? laneHeight / lanes : laneHeight;
      row.height = row.laneHeight * lanes + gap;
      height += row.height;
      layout.rows.push_back(row);
    }
  return layout;
}

SliceRef sliceAt(const TimelineModel& model, const TimelineLayout& layout, const TimeWindow& window,
                 const QPointF& point, double scroll, double reach) {
  const TimelineRow* row = layout.rowAt(point.y(), scroll);
  if (row == nullptr || row->laneHeight <= 0) return {};
  const auto& lanes = model.tracks()[static_cast<std::size_t>(row->track)].lanes;
  const auto lane = static_cast<std::size_t>((point.y() - layout.topOf(*row, scroll)) / row->laneHeight);
  if (lane >= lanes.size()) return {};
  // What is drawn within reach; little spans are looked at only where no slice is under the point.
  const double x = point.x();
  std::vector<LaneSpan> spans;
  const TimeWindow near{window.nsAt(std::floor(x) - std::ceil(reach)), window.nsPerPixel};
  const double at = x - (std::floor(x) - std::ceil(reach));
  laneSpans(lanes[lane], near, 2 * std::ceil(reach) + 1, spans);
  const LaneSpan* best = nullptr;
  double bestDistance = reach + 1e-9;
  for (const LaneSpan& span : spans) {
    const double distance = std::max({span.left - at, at - span.right, 0.0});
    if (distance < bestDistance || (best == nullptr && distance <= bestDistance)) {
      best = &span;
      bestDistance = distance;
    }
  }
  return best != nullptr ? SliceRef{row->track, static_cast<int>(lane), best->longest} : SliceRef();
}

std::vector<AreaAggregate> aggregate(const TimelineModel& model, const TimelineArea& area) {
  struct Group {
    AreaAggregate sum;
    std::vector<std::int64_t> durations;
  };
  std::vector<Group> groups;
  std::unordered_map<std::uint64_t, std::size_t> places;
  for (const int number : area.tracks) {
    if (number < 0 || static_cast<std::size_t>(number) >= model.tracks().size()) continue;
    const TimelineTrack& track = model.tracks()[static_cast<std::size_t>(number)];
    for (const TimelineLane& lane : track.lanes) {
      for (std::size_t i = lane.firstEndingAfter(area.startNs - 1); i < lane.slices.size(); ++i) {
        const TimelineSlice& slice = lane.slices[i];
        if (slice.startNs >= area.endNs) break;
        const std::int64_t inside = std::min(slice.endNs, area.endNs) - std::max(slice.startNs, area.startNs);
        if (inside < 0 || (inside == 0 && slice.durationNs() > 0)) continue; // beside it, or touches only its edge
        const std::uint64_t key = (std::uint64_t{slice.label} << 32) | static_cast<std::uint32_t>(track.device);
        const auto [place, isNew] = places.try_emplace(key, groups.size());
        if (isNew) {
          groups.emplace_back();
          groups.back().sum.label = slice.label;
          groups.back().sum.device = track.device;
          groups.back().sum.kind = slice.kind;
        }
        Group& group = groups[place->second];
        group.sum.totalNs += static_cast<double>(inside);
        group.sum.meanNs += static_cast<double>(slice.durationNs());
        group.sum.bytes += static_cast<double>(slice.bytes);
        if (slice.bytes > 0) group.sum.movingNs += static_cast<double>(slice.durationNs());
        group.durations.push_back(slice.durationNs());
      }
    }
  }
  double all = 0;
  for (const Group& group : groups) all += group.sum.totalNs;
  std::vector<AreaAggregate> result;
  for (Group& group : groups) {
    group.sum.count = group.durations.size();
    group.sum.meanNs /= static_cast<double>(group.sum.count);
    const auto middle = group.durations.begin() + static_cast<std::ptrdiff_t>(group.durations.size() / 2);
    std::nth_element(group.durations.begin(), middle, group.durations.end());
    group.sum.medianNs = static_cast<double>(*middle);
    group.sum.share = all > 0 ? group.sum.totalNs / all : 0;
    result.push_back(group.sum);
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const AreaAggregate& a, const AreaAggregate& b) { return a.totalNs > b.totalNs; });
  return result;
}

double rulerStep(double nsPerPixel, double spacing) {
  const double least = std::max(nsPerPixel * spacing, 1.0);
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (power * factor >= least) return power * factor;
  return power * 10;
}

std::vector<RulerTick> rulerTicks(const TimeWindow& window, double width, double spacing) {
  std::vector<RulerTick> ticks;
  const double step = rulerStep(window.nsPerPixel, spacing);
  constexpr int kMinor = 5;
  const double minor = step / kMinor;
  const double first = std::ceil(window.startNs / minor), last = std::floor(window.endNs(width) / minor);
  for (double i = first; i <= last; ++i)
    ticks.push_back({window.xOf(i * minor), i * minor, std::fmod(std::fabs(i), kMinor) < 0.5});
  return ticks;
}

QString rulerText(double ns, double stepNs) {
  struct Scale {
    double ns;
    const char* unit;
  };
  static constexpr Scale kScales[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "\u00b5s"}, {1, "ns"}};
  const Scale* scale = kScales;
  while (scale->ns > 1 && std::fabs(ns) < scale->ns) ++scale;
  if (ns == 0) return QLocale().toString(0) + QChar(0x00a0) + QStringLiteral("s");
  const int digits = std::clamp(static_cast<int>(std::ceil(std::log10(scale->ns / stepNs) - 1e-9)), 0, 9);
  return QLocale().toString(ns / scale->ns, 'f', digits) + QChar(0x00a0) + QString::fromUtf8(scale->unit);
}

} // namespace tandem::ui
