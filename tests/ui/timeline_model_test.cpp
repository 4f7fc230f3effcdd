// SPDX-License-Identifier: GPL-3.0-or-later
// The timeline without a window: lanes, pyramids, what is drawn, found and summed up.
#include "tests/ui/timeline_sample.hpp"
#include "ui/widgets/timeline/timeline_geometry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace tandem::ui {
namespace {

TimelineSlice slice(std::int64_t from, std::int64_t to, std::uint32_t label = 0, std::uint64_t request = 0,
                    SliceKind kind = SliceKind::Kernel, std::int64_t bytes = 0) {
  return {from, to, bytes, request, label, kind};
}

TimelineTrackInput track(const QString& name, std::vector<TimelineSlice> slices, bool requests = false,
                         int device = -1) {
  return {name, {}, device, requests, 0, std::move(slices)};
}

std::shared_ptr<const TimelineModel> model(std::vector<TimelineTrackInput> tracks) {
  return TimelineModel::build(std::move(tracks), {"a", "b", "c"}, {"CPU:0", "GPU:0"});
}

TEST(TimelineModel, OverlappingSlicesGetLanesOfTheirOwnAndOthersShareOne) {
  const auto made = model({track("t", {slice(20, 30), slice(0, 10), slice(5, 25), slice(10, 20)})});
  const auto& lanes = made->tracks()[0].lanes;
  ASSERT_EQ(lanes.size(), 2u);
  ASSERT_EQ(lanes[0].slices.size(), 3u);
  EXPECT_EQ(lanes[0].slices[0].startNs, 0);
  EXPECT_EQ(lanes[0].slices[2].startNs, 20);
  EXPECT_EQ(lanes[1].slices[0].startNs, 5);
}

TEST(TimelineModel, ARequestHasItsWaitAndItsExecutionUnderIt) {
  const auto made = model({track("r",
                                 {slice(0, 50, 0, 1, SliceKind::Request), slice(0, 20, 1, 1, SliceKind::Queue),
                                  slice(20, 50, 2, 1, SliceKind::Request), slice(10, 90, 0, 2, SliceKind::Request),
                                  slice(10, 50, 1, 2, SliceKind::Queue), slice(50, 90, 2, 2, SliceKind::Request),
                                  slice(60, 80, 0, 3, SliceKind::Request)},
                                 true)});
  const auto& lanes = made->tracks()[0].lanes;
  ASSERT_EQ(lanes.size(), 4u);
  EXPECT_EQ(lanes[0].slices.size(), 2u); // requests 1 and 3
  EXPECT_EQ(lanes[1].slices.size(), 2u); // what request 1 did
  EXPECT_EQ(lanes[2].slices.size(), 1u);
  EXPECT_EQ(lanes[3].slices.size(), 2u);
  for (const TimelineSlice& each : lanes[3].slices) EXPECT_EQ(each.request, 2u);
}

TEST(TimelineModel, TooManyAtOnceShareTheLastLaneAndAreCounted) {
  std::vector<TimelineSlice> slices;
  for (int i = 0; i < 100; ++i) slices.push_back(slice(i, 1000 + i));
  const auto made = model({track("t", slices)});
  EXPECT_EQ(made->tracks()[0].lanes.size(), std::size_t{TimelineModel::kMostLanes});
  EXPECT_EQ(made->tracks()[0].crowded, 36u);
  EXPECT_EQ(made->count(), 100u);
}

TEST(TimelineModel, EndsBeforeStartsAndUnknownLabelsDoNoHarm) {
  const auto made = model({track("t", {slice(10, 5, 77)})});
  const TimelineSlice& only = made->tracks()[0].lanes[0].slices[0];
  EXPECT_EQ(only.durationNs(), 0);
  EXPECT_EQ(made->label(only), QStringLiteral("?"));
}

TEST(TimelineModel, ThePyramidFindsTheSameAsLookingAtEverySlice) {
  const auto made = sampleTimeline(5000);
  for (const TimelineTrack& each : made->tracks())
    for (const TimelineLane& lane : each.lanes)
      for (std::int64_t at = 0; at < made->endNs(); at += made->endNs() / 257) {
        std::size_t plain = 0;
        while (plain < lane.slices.size() && lane.slices[plain].endNs <= at) ++plain;
        ASSERT_EQ(lane.firstEndingAfter(at), plain) << each.name.toStdString() << " at " << at;
      }
}

TEST(TimelineModel, NeighboursVisitEverySliceOfATrackOnceInBothDirections) {
  const auto made = sampleTimeline(3000);
  for (int number = 0; number < static_cast<int>(made->tracks().size()); ++number) {
    const TimelineTrack& each = made->tracks()[static_cast<std::size_t>(number)];
    std::vector<SliceRef> forward;
    for (SliceRef at = made->nearest(number, -1); at.valid(); at = made->neighbour(at, 1)) forward.push_back(at);
    ASSERT_EQ(forward.size(), each.count) << each.name.toStdString();
    std::vector<SliceRef> back;
    for (SliceRef at = forward.back(); at.valid(); at = made->neighbour(at, -1)) back.push_back(at);
    std::reverse(back.begin(), back.end());
    EXPECT_TRUE(forward == back);
  }
}

TEST(TimelineModel, ArrowsLeadFromARequestToItsWorkAndAlongItsTransfers) {
  const auto made =
      model({track("r", {slice(0, 100, 0, 7, SliceKind::Request), slice(500, 600, 0, 7, SliceKind::Request)}, true),
             track("CPU:0", {slice(10, 20, 1, 7), slice(20, 30, 1, 7), slice(510, 520, 1, 7)}, false, 0),
             track("transfers", {slice(32, 38, 2, 7, SliceKind::Transfer, 100)}, false, 1),
             track("GPU:0", {slice(40, 60, 1, 7), slice(40, 60, 1, 8)}, false, 1)});
  const SliceRef request{0, 0, 0}, second{1, 0, 1}, copy{2, 0, 0}, onGpu{3, 0, 0};
  const auto whole = made->flowsOf(request);
  ASSERT_EQ(whole.size(), 3u);
  EXPECT_EQ(whole[0].from, request);
  EXPECT_EQ(whole[0].to, (SliceRef{1, 0, 0}));
  EXPECT_FALSE(whole[0].transfer);
  EXPECT_EQ(whole[1].from, second);
  EXPECT_EQ(whole[1].to, copy);
  EXPECT_TRUE(whole[1].transfer);
  EXPECT_EQ(whole[2].to, onGpu);
  // Of the transfer: what leads to it and away from it. The request of the same number later is another one.
  const auto ofCopy = made->flowsOf(copy);
  EXPECT_TRUE(std::any_of(ofCopy.begin(), ofCopy.end(), [&](const TimelineFlow& flow) { return flow.to == onGpu; }));
  for (const TimelineFlow& flow : ofCopy) EXPECT_LT(made->slice(flow.to).startNs, 500);
  EXPECT_EQ(made->flowsOf({0, 0, 1}).size(), 1u);
  EXPECT_TRUE(made->flowsOf({}).empty());
}

// What a frame must hold, whatever the zoom.
void checkSpans(const TimelineModel& made, double nsPerPixel, double start, double width) {
  for (const TimelineTrack& each : made.tracks())
    for (const TimelineLane& lane : each.lanes) {
      std::vector<LaneSpan> spans;
      const TimeWindow window{start, nsPerPixel};
      laneSpans(lane, window, width, spans);
      std::map<int, int> columns;
      std::uint64_t shown = 0;
      for (std::size_t i = 0; i < spans.size(); ++i) {
        const LaneSpan& span = spans[i];
        ASSERT_GE(span.right - span.left, 1 - 1e-6);
        ASSERT_EQ(span.merged, span.count() > 1);
        ASSERT_TRUE(span.longest >= span.first && span.longest < span.end);
        for (std::uint32_t k = span.first; k < span.end && span.count() < 200; ++k)
          ASSERT_LE(lane.slices[k].durationNs(), lane.slices[span.longest].durationNs());
        if (i > 0) {
          ASSERT_GE(span.left, spans[i - 1].right - 1e-6);
          ASSERT_EQ(span.first, spans[i - 1].end) << "a slice was left out";
        }
        if (span.left >= 0) {
          ASSERT_LE(++columns[static_cast<int>(std::floor(span.left))], 1);
        }
        shown += span.count();
      }
      const std::size_t first = lane.firstEndingAfter(static_cast<std::int64_t>(start));
      const std::size_t end = lane.firstStartingAt(static_cast<std::int64_t>(window.endNs(width)));
      EXPECT_GE(shown + 1, end > first ? end - first : 0) << "nothing vanishes";
    }
}

TEST(TimelineGeometry, AtMostOneSpanBeginsInAColumnAndNoSliceVanishes) {
  const auto made = sampleTimeline(20000);
  const double whole = static_cast<double>(made->endNs());
  for (const double nsPerPixel : {whole / 800, whole / 5000, 20000.0, 3000.0, 400.0})
    for (const double start : {0.0, whole * 0.31, whole * 0.77}) checkSpans(*made, nsPerPixel, start, 800);
}

TEST(TimelineGeometry, SlicesShorterThanAPixelAreMergedAndMarkedAndASingleOneIsNot) {
  std::vector<TimelineSlice> slices;
  for (int i = 0; i < 1000; ++i) slices.push_back(slice(i * 10, i * 10 + 8));
  slices.push_back(slice(50000, 50001));
  const auto made = model({track("t", slices)});
  std::vector<LaneSpan> spans;
  laneSpans(made->tracks()[0].lanes[0], {0, 100}, 1000, spans);
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_TRUE(spans[0].merged);
  EXPECT_EQ(spans[0].count(), 1000u);
  EXPECT_NEAR(spans[0].right, 100, 1);
  EXPECT_FALSE(spans[1].merged);
  EXPECT_EQ(spans[1].right - spans[1].left, 1);
}

TEST(TimelineGeometry, ZoomingHoldsTheTimeUnderThePointer) {
  const TimeWindow window{1000, 50};
  const TimeWindow in = window.zoomed(2, 300, 800, 1e6);
  EXPECT_DOUBLE_EQ(in.nsPerPixel, 25);
  EXPECT_NEAR(in.nsAt(300), window.nsAt(300), 1e-6);
  TimeWindow out = window;
  for (int i = 0; i < 100; ++i) out = out.zoomed(0.5, 300, 800, 1e6);
  EXPECT_LE(out.nsPerPixel * 800, 1.25e6 + 1);
  for (int i = 0; i < 100; ++i) out = out.zoomed(2, 300, 800, 1e6);
  EXPECT_GE(out.nsPerPixel, 0.1);
  EXPECT_TRUE(std::isfinite(out.startNs));
}

TEST(TimelineGeometry, PinnedTracksComeFirstAndHiddenOnesNotAtAll) {
  const auto made = sampleTimeline(500);
  std::vector<TrackLook> looks(5);
  looks[3].pinned = true;
  looks[1].hidden = true;
  looks[0].collapsed = true;
  const TimelineLayout layout = layoutTracks(*made, looks, 20, 4);
  ASSERT_EQ(layout.rows.size(), 4u);
  EXPECT_EQ(layout.rows[0].track, 3);
  EXPECT_EQ(layout.pinnedHeight, 24);
  EXPECT_EQ(layout.rowOf(1), nullptr);
  EXPECT_EQ(layout.rowOf(0)->height, 24);
  EXPECT_EQ(layout.rowAt(10, 1000)->track, 3) << "pinned ones are not scrolled";
  EXPECT_EQ(layout.rowAt(30, 0)->track, 0);
}

TEST(TimelineGeometry, TheSliceUnderThePointerIsFoundAndTheLongestOfMergedOnes) {
  const auto made =
      model({track("t", {slice(0, 1000), slice(1000, 1010, 1), slice(1010, 1060, 2), slice(1060, 1070, 1)})});
  const TimelineLayout layout = layoutTracks(*made, {}, 20, 4);
  EXPECT_EQ(sliceAt(*made, layout, {0, 10}, {50, 5}, 0).index, 0u);
  EXPECT_EQ(sliceAt(*made, layout, {0, 100}, {10.5, 5}, 0).index, 2u);
  EXPECT_FALSE(sliceAt(*made, layout, {0, 10}, {300, 5}, 0).valid());
  EXPECT_FALSE(sliceAt(*made, layout, {0, 10}, {50, 200}, 0).valid());
}

TEST(TimelineGeometry, AnAreaSumsUpWhatLiesInIt) {
  const auto made = model(
      {track("t", {slice(0, 100, 0), slice(100, 140, 1), slice(200, 260, 1), slice(300, 320, 1), slice(400, 500, 2)},
             false, 0),
       track("u", {slice(0, 100, 2, 0, SliceKind::Transfer, 400)}, false, 1)});
  const auto rows = aggregate(*made, {50, 310, {0}});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].label, 1u);
  EXPECT_EQ(rows[0].count, 3u);
  EXPECT_DOUBLE_EQ(rows[0].totalNs, 40 + 60 + 10);
  EXPECT_DOUBLE_EQ(rows[0].meanNs, 40);
  EXPECT_DOUBLE_EQ(rows[0].medianNs, 40);
  EXPECT_DOUBLE_EQ(rows[1].totalNs, 50);
  EXPECT_DOUBLE_EQ(rows[0].share, 110.0 / 160);
  EXPECT_EQ(rows[0].gbPerS(), 0);
  const auto both = aggregate(*made, {0, 1000, {0, 1}});
  const auto moved = std::find_if(both.begin(), both.end(), [](const AreaAggregate& row) { return row.device == 1; });
  ASSERT_NE(moved, both.end());
  EXPECT_DOUBLE_EQ(moved->gbPerS(), 4);
  EXPECT_EQ(moved->label, 2u);
  EXPECT_TRUE(aggregate(*made, {0, 0, {0}}).empty());
}

TEST(TimelineGeometry, RulerTicksAreRoundTimesWithEnoughDigits) {
  const TimeWindow window{1.2e6, 130};
  const auto ticks = rulerTicks(window, 900, 100);
  double last = -1;
  for (const RulerTick& tick : ticks) {
    if (!tick.major) continue;
    if (last >= 0) {
      EXPECT_DOUBLE_EQ(tick.ns - last, 20000);
    }
    last = tick.ns;
  }
  ASSERT_GE(last, 0);
  EXPECT_EQ(rulerText(1'240'000, 20'000), QStringLiteral("1.24\u00a0ms"));
  EXPECT_NE(rulerText(1'234'500'000, 100), rulerText(1'234'500'100, 100));
}

TEST(TimelineSearch, FindsByPartOfTheNameAndGoesRound) {
  const auto made = sampleTimeline(2000);
  const SliceSet found = SliceSet::matching(*made, QStringLiteral("BLOCK/7/"));
  ASSERT_GT(found.count, 2u);
  SliceRef at;
  std::size_t steps = 0;
  std::int64_t last = -1;
  do {
    at = found.next(*made, at, 1);
    ASSERT_EQ(made->label(made->slice(at)), QStringLiteral("FusedConv block/7/conv"));
    ASSERT_GE(made->slice(at).startNs, last);
    last = made->slice(at).startNs;
    ++steps;
  } while (steps < found.count);
  const SliceRef first = found.next(*made, at, 1);
  EXPECT_LT(made->slice(first).startNs, last);
  EXPECT_EQ(found.next(*made, first, -1), at);
  EXPECT_TRUE(SliceSet::matching(*made, {}).isEmpty());
  EXPECT_FALSE(SliceSet::matching(*made, QStringLiteral("nothing like it")).next(*made, {}, 1).valid());
}

TEST(TimelineModel, AMillionEventsAreBuiltTheSameEveryTimeAndDrawnInFewSpans) {
  const auto made = sampleTimeline(1'000'000), again = sampleTimeline(1'000'000);
  EXPECT_EQ(made->count(), 1'000'000u);
  EXPECT_EQ(made->endNs(), again->endNs());
  const TimeWindow all = TimeWindow::fitting(0, static_cast<double>(made->endNs()), 1600);
  for (const TimelineTrack& each : made->tracks())
    for (const TimelineLane& lane : each.lanes) {
      std::vector<LaneSpan> spans;
      laneSpans(lane, all, 1600, spans);
      EXPECT_LE(spans.size(), 1600u);
      std::uint64_t shown = 0;
      for (const LaneSpan& span : spans) shown += span.count();
      EXPECT_EQ(shown, lane.slices.size());
    }
}

} // namespace
} // namespace tandem::ui
