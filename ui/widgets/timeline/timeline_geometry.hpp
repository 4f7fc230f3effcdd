// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "ui/widgets/timeline/timeline_model.hpp"

#include <QPointF>
#include <QString>

#include <vector>

/// Where things are on a timeline: pure functions of model, looks and window.
namespace tandem::ui {

/// Which part of the trace is shown: x is in pixels from the left edge of the tracks (not of the name column).
struct TimeWindow {
  double startNs = 0;
  double nsPerPixel = 1000;

  [[nodiscard]] double xOf(double ns) const { return (ns - startNs) / nsPerPixel; }
  [[nodiscard]] double nsAt(double x) const { return startNs + x * nsPerPixel; }
  [[nodiscard]] double endNs(double width) const { return nsAt(width); }
  friend bool operator==(const TimeWindow&, const TimeWindow&) = default;

  /// Zoomed by `factor` (over 1: in) around `x`, between a nanosecond per ten pixels and the whole trace with a margin.
  [[nodiscard]] TimeWindow zoomed(double factor, double x, double width, double traceNs) const;
  [[nodiscard]] TimeWindow panned(double pixels, double width, double traceNs) const;
  /// [fromNs, toNs] with a margin of `margin` of the width at both sides.
  [[nodiscard]] static TimeWindow fitting(double fromNs, double toNs, double width, double margin = 0.02);
  /// Moved so that at least a part of the trace is shown.
  [[nodiscard]] TimeWindow clamped(double width, double traceNs) const;
};

/// What is drawn for one or more slices of a lane.
struct LaneSpan {
  double left = 0, right = 0; ///< at least a pixel apart
  std::uint32_t first = 0, end = 0;
  std::uint32_t longest = 0; ///< of [first, end): gives colour and label
  bool merged = false;       ///< several that are each narrower than a pixel

  [[nodiscard]] std::uint32_t count() const { return end - first; }
};

/// Appends the spans of the lane in [0, width), left to right, disjoint: at most one begins in each pixel column.
/// Neighbouring columns of merged slices are one span. Takes time in proportion to `width`, not to the slices.
void laneSpans(const TimelineLane& lane, const TimeWindow& window, double width, std::vector<LaneSpan>& spans);

/// How the user wants a track.
struct TrackLook {
  bool collapsed = false; ///< all lanes in the height of one
  bool pinned = false;    ///< above the others, not scrolled
  bool hidden = false;    ///< filtered out
};

struct TimelineRow {
  int track = 0;
  double y = 0; ///< from the top of its area: the pinned or the scrolled one
  double height = 0, laneHeight = 0;
  bool pinned = false;
};

struct TimelineLayout {
  std::vector<TimelineRow> rows; ///< the pinned first, then the others, each top to bottom
  double pinnedHeight = 0, scrolledHeight = 0;

  [[nodiscard]] const TimelineRow* rowOf(int track) const;
  /// The row at `y` of the tracks' area (pinned ones on top), scrolled by `scroll`; nullptr for none.
  [[nodiscard]] const TimelineRow* rowAt(double y, double scroll) const;
  /// Top of the row in the tracks' area, scrolled by `scroll`.
  [[nodiscard]] double topOf(const TimelineRow& row, double scroll) const;
};

[[nodiscard]] TimelineLayout layoutTracks(const TimelineModel& model, const std::vector<TrackLook>& looks,
                                          double laneHeight, double gap);

/// The slice at a point of the tracks' area: what is under it, else the nearest within `reach` pixels in its lane;
/// the longest of merged ones. Invalid for none.
[[nodiscard]] SliceRef sliceAt(const TimelineModel& model, const TimelineLayout& layout, const TimeWindow& window,
                               const QPointF& point, double scroll, double reach = 3);

/// A piece of time on some tracks.
struct TimelineArea {
  std::int64_t startNs = 0, endNs = 0;
  std::vector<int> tracks; ///< ascending

  [[nodiscard]] bool isEmpty() const { return endNs <= startNs || tracks.empty(); }
  [[nodiscard]] std::int64_t durationNs() const { return endNs - startNs; }
  friend bool operator==(const TimelineArea&, const TimelineArea&) = default;
};

/// The slices of one label on one device that touch an area.
struct AreaAggregate {
  std::uint32_t label = 0;
  int device = -1; ///< index into the model's device ids
  SliceKind kind = SliceKind::Other;
  std::uint64_t count = 0;
  double totalNs = 0;  ///< as much of them as lies in the area
  double meanNs = 0;   ///< of whole slices
  double medianNs = 0; ///< sorted[floor(count / 2)], of whole slices
  double share = 0;    ///< of the totals of all labels
  double bytes = 0;    ///< of whole slices
  double movingNs = 0; ///< whole time of the slices that move bytes

  /// Bytes per nanosecond are gigabytes per second; 0 where nothing moves.
  [[nodiscard]] double gbPerS() const { return movingNs > 0 ? bytes / movingNs : 0; }
};

/// Greatest total first.
[[nodiscard]] std::vector<AreaAggregate> aggregate(const TimelineModel& model, const TimelineArea& area);

struct RulerTick {
  double x = 0;
  double ns = 0;
  bool major = false; ///< with a label
};

/// Ticks at 1, 2 or 5 times a power of ten, major ones at least `spacing` pixels apart.
[[nodiscard]] std::vector<RulerTick> rulerTicks(const TimeWindow& window, double width, double spacing);
/// The time of a tick among ticks that are `stepNs` apart: "1.2340 ms" has as many digits as tell neighbours apart.
[[nodiscard]] QString rulerText(double ns, double stepNs);
/// Distance of the major ticks.
[[nodiscard]] double rulerStep(double nsPerPixel, double spacing);

} // namespace tandem::ui
