// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/timeline/timeline_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

namespace tandem::ui {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::min();

/// Which lane each slice of a track goes to. Requests take two lanes: themselves, and what they wait and work for.
class Lanes {
 public:
  explicit Lanes(bool requests) : m_step(requests ? 2 : 1), m_ends(TimelineModel::kMostLanes, kNever) {}

  int place(const TimelineSlice& slice, std::uint64_t& crowded) {
    if (m_step == 2 && slice.request != 0)
      for (std::size_t lane = 0; lane + 1 < m_used; lane += 2)
        if (m_owner[lane] == slice.request && m_ends[lane] >= slice.endNs && m_ends[lane + 1] <= slice.startNs)
          return put(lane + 1, slice);
    for (std::size_t lane = 0; lane < m_ends.size(); lane += m_step) {
      const bool free = m_ends[lane] <= slice.startNs && (m_step == 1 || m_ends[lane + 1] <= slice.startNs);
      if (!free) continue;
      m_owner[lane] = slice.request;
      return put(lane, slice);
    }
    ++crowded;
    return put(m_ends.size() - 1, slice);
  }

 private:
  int put(std::size_t lane, const TimelineSlice& slice) {
    m_ends[lane] = std::max(m_ends[lane], slice.endNs);
    m_used = std::max(m_used, lane / m_step * m_step + m_step);
    return static_cast<int>(lane);
  }
  std::size_t m_step, m_used = 0;
  std::vector<std::int64_t> m_ends;
  std::uint64_t m_owner[TimelineModel::kMostLanes] = {};
};

bool earlier(const TimelineSlice& a, const TimelineSlice& b) {
  return std::tuple(a.startNs, -a.endNs, static_cast<int>(a.kind)) <
         std::tuple(b.startNs, -b.endNs, static_cast<int>(b.kind));
}

TimelineTrack makeTrack(TimelineTrackInput&& input, std::uint32_t unknownLabel) {
  TimelineTrack track;
  track.name = input.name;
  track.toolTip = input.toolTip;
  track.device = input.device;
  track.requests = input.requests;
  track.dropped = input.dropped;
  track.count = input.slices.size();
  for (TimelineSlice& slice : input.slices) {
    slice.endNs = std::max(slice.endNs, slice.startNs);
    slice.label = std::min(slice.label, unknownLabel);
  }
  std::stable_sort(input.slices.begin(), input.slices.end(), earlier);
  if (!input.slices.empty()) track.firstNs = input.slices.front().startNs;
  Lanes lanes(input.requests);
  track.lanes.resize(1);
  for (const TimelineSlice& slice : input.slices) {
    const auto lane = static_cast<std::size_t>(lanes.place(slice, track.crowded));
    if (lane >= track.lanes.size()) track.lanes.resize(lane + 1);
    track.lanes[lane].slices.push_back(slice);
  }
  input.slices = {};
  for (TimelineLane& lane : track.lanes) lane.buildPyramid();
  return track;
}

} // namespace

void TimelineLane::buildPyramid() {
  levels.clear();
  const auto longer = [this](std::uint32_t a, std::uint32_t b) {
    return slices[b].durationNs() > slices[a].durationNs() ? b : a;
  };
  for (std::size_t below = slices.size(); below > 1;) {
    std::vector<Block> level((below + 1) / 2);
    for (std::size_t i = 0; i < level.size(); ++i) {
      const std::size_t left = 2 * i, right = std::min(left + 1, below - 1);
      if (levels.empty()) {
        level[i] = {std::max(slices[left].endNs, slices[right].endNs),
                    longer(static_cast<std::uint32_t>(left), static_cast<std::uint32_t>(right))};
      } else {
        const auto& under = levels.back();
        level[i] = {std::max(under[left].endNs, under[right].endNs), longer(under[left].longest, under[right].longest)};
      }
    }
    below = level.size();
    levels.push_back(std::move(level));
  }
}

std::size_t TimelineLane::firstEndingAfter(std::int64_t ns) const {
  // Down the pyramid: ends ascend in most lanes, but not where slices overlap.
  if (slices.empty()) return 0;
  if (levels.empty()) return slices[0].endNs > ns ? 0 : 1;
  if (levels.back()[0].endNs <= ns) return slices.size();
  std::size_t at = 0;
  for (std::size_t level = levels.size() - 1; level-- > 0;) {
    at *= 2;
    if (levels[level][at].endNs <= ns) ++at;
  }
  at *= 2;
  return slices[at].endNs > ns ? at : at + 1;
}

std::size_t TimelineLane::firstStartingAt(std::int64_t ns) const {
  const auto found = std::lower_bound(slices.begin(), slices.end(), ns,
                                      [](const TimelineSlice& slice, std::int64_t at) { return slice.startNs < at; });
  return static_cast<std::size_t>(found - slices.begin());
}

std::shared_ptr<const TimelineModel> TimelineModel::build(std::vector<TimelineTrackInput> tracks, QStringList labels,
                                                          QStringList deviceIds, const std::atomic<bool>* cancel) {
  auto model = std::make_shared<TimelineModel>();
  const auto unknown = static_cast<std::uint32_t>(labels.size());
  labels << QStringLiteral("?");
  model->m_labels = std::move(labels);
  model->m_deviceIds = std::move(deviceIds);
  for (TimelineTrackInput& input : tracks) {
    if (cancel != nullptr && cancel->load()) return nullptr;
    model->m_tracks.push_back(makeTrack(std::move(input), unknown));
    const TimelineTrack& track = model->m_tracks.back();
    model->m_count += track.count;
    model->m_dropped += track.dropped;
    for (const TimelineLane& lane : track.lanes)
      for (const TimelineSlice& slice : lane.slices) model->m_endNs = std::max(model->m_endNs, slice.endNs);
  }
  if (cancel != nullptr && cancel->load()) return nullptr;
  model->indexRequests();
  return model;
}

bool TimelineModel::contains(const SliceRef& ref) const {
  if (ref.track < 0 || static_cast<std::size_t>(ref.track) >= m_tracks.size() || ref.lane < 0) return false;
  const auto& lanes = m_tracks[static_cast<std::size_t>(ref.track)].lanes;
  return static_cast<std::size_t>(ref.lane) < lanes.size() &&
         ref.index < lanes[static_cast<std::size_t>(ref.lane)].slices.size();
}

const TimelineSlice& TimelineModel::slice(const SliceRef& ref) const {
  return m_tracks[static_cast<std::size_t>(ref.track)].lanes[static_cast<std::size_t>(ref.lane)].slices[ref.index];
}

SliceRef TimelineModel::neighbour(const SliceRef& ref, int step) const {
  if (!contains(ref)) return {};
  const TimelineTrack& track = m_tracks[static_cast<std::size_t>(ref.track)];
  const std::int64_t start = slice(ref).startNs;
  SliceRef best;
  std::pair<std::int64_t, int> bestKey;
  // By start, and by lane among those that start together, so that every slice has its turn.
  for (int lane = 0; lane < static_cast<int>(track.lanes.size()); ++lane) {
    const TimelineLane& row = track.lanes[static_cast<std::size_t>(lane)];
    std::size_t index;
    if (lane == ref.lane) {
      if (step < 0 && ref.index == 0) continue;
      index = step > 0 ? ref.index + 1 : ref.index - 1;
    } else if (step > 0) {
      index = row.firstStartingAt(lane > ref.lane ? start : start + 1);
    } else {
      index = row.firstStartingAt(lane < ref.lane ? start + 1 : start);
      if (index-- == 0) continue;
    }
    if (index >= row.slices.size()) continue;
    const std::pair key(row.slices[index].startNs, lane);
    if (!best.valid() || (step > 0 ? key < bestKey : key > bestKey)) {
      best = {ref.track, lane, static_cast<std::uint32_t>(index)};
      bestKey = key;
    }
  }
  return best;
}

SliceRef TimelineModel::nearest(int track, std::int64_t ns) const {
  if (track < 0 || static_cast<std::size_t>(track) >= m_tracks.size()) return {};
  const auto& lanes = m_tracks[static_cast<std::size_t>(track)].lanes;
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    const auto& slices = lanes[lane].slices;
    if (slices.empty()) continue;
    std::size_t index = std::min(lanes[lane].firstEndingAfter(ns), slices.size() - 1);
    if (index > 0 && slices[index].startNs - ns > ns - slices[index - 1].endNs) --index;
    return {track, static_cast<int>(lane), static_cast<std::uint32_t>(index)};
  }
  return {};
}

void TimelineModel::indexRequests() {
  for (std::size_t t = 0; t < m_tracks.size(); ++t)
    for (std::size_t l = 0; l < m_tracks[t].lanes.size(); ++l) {
      const auto& slices = m_tracks[t].lanes[l].slices;
      for (std::size_t i = 0; i < slices.size(); ++i) {
        const TimelineSlice& slice = slices[i];
        if (slice.request == 0 || slice.kind == SliceKind::Queue) continue;
        auto& list = m_tracks[t].requests ? m_requests : m_work;
        list.push_back(
            {slice.request, slice.startNs, {static_cast<int>(t), static_cast<int>(l), static_cast<std::uint32_t>(i)}});
      }
    }
  const auto before = [](const OfRequest& a, const OfRequest& b) {
    return std::tuple(a.request, a.startNs, a.ref.track, a.ref.lane) <
           std::tuple(b.request, b.startNs, b.ref.track, b.ref.lane);
  };
  std::sort(m_work.begin(), m_work.end(), before);
  std::sort(m_requests.begin(), m_requests.end(), before);
}

/// The innermost request slice in which `inner` happened: numbers of requests may come again after the warm-up.
SliceRef TimelineModel::outerRequest(const TimelineSlice& inner) const {
  auto found = std::lower_bound(m_requests.begin(), m_requests.end(), inner.request,
                                [](const OfRequest& each, std::uint64_t request) { return each.request < request; });
  SliceRef best;
  for (; found != m_requests.end() && found->request == inner.request && found->startNs <= inner.startNs; ++found)
    if (slice(found->ref).endNs >= inner.endNs) best = found->ref;
  return best;
}

std::vector<TimelineFlow> TimelineModel::flowsOf(const SliceRef& ref, std::size_t most) const {
  std::vector<TimelineFlow> flows;
  if (!contains(ref) || slice(ref).request == 0) return flows;
  const TimelineSlice& chosen = slice(ref);
  const bool isRequest = m_tracks[static_cast<std::size_t>(ref.track)].requests;
  const SliceRef request = isRequest ? ref : outerRequest(chosen);
  const std::int64_t from = request.valid() ? slice(request).startNs : chosen.startNs;
  const std::int64_t to = request.valid() ? slice(request).endNs : chosen.endNs;
  auto it = std::lower_bound(m_work.begin(), m_work.end(), std::pair(chosen.request, from),
                             [](const OfRequest& each, const std::pair<std::uint64_t, std::int64_t>& key) {
                               return std::pair(each.request, each.startNs) < key;
                             });
  SliceRef last = request;
  for (; it != m_work.end() && it->request == chosen.request && it->startNs <= to && flows.size() < most; ++it) {
    const bool changes = last.valid() && last.track != it->ref.track;
    const bool moves =
        last.valid() && (slice(it->ref).kind == SliceKind::Transfer || slice(last).kind == SliceKind::Transfer);
    // A request shows its whole way; another slice what leads to it and away from it.
    if (last.valid() && (changes || moves) && (isRequest || last == ref || it->ref == ref || last == request))
      flows.push_back({last, it->ref, last != request});
    last = it->ref;
  }
  return flows;
}

} // namespace tandem::ui
