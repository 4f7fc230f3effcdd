// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/timeline/timeline_model.hpp"

#include <algorithm>
#include <tuple>

namespace tandem::ui {
namespace {

template <class Wanted> SliceSet collect(const TimelineModel& model, Wanted wanted) {
  SliceSet set;
  set.indices.resize(model.tracks().size());
  for (std::size_t t = 0; t < set.indices.size(); ++t) {
    const auto& lanes = model.tracks()[t].lanes;
    set.indices[t].resize(lanes.size());
    for (std::size_t l = 0; l < lanes.size(); ++l) {
      const auto& slices = lanes[l].slices;
      for (std::size_t i = 0; i < slices.size(); ++i)
        if (wanted(slices[i])) set.indices[t][l].push_back(static_cast<std::uint32_t>(i));
      set.count += set.indices[t][l].size();
    }
  }
  return set;
}

} // namespace

bool SliceSet::any(int track, int lane, std::size_t first, std::size_t end) const {
  if (count == 0) return false;
  const auto& found = indices[static_cast<std::size_t>(track)][static_cast<std::size_t>(lane)];
  const auto at = std::lower_bound(found.begin(), found.end(), static_cast<std::uint32_t>(first));
  return at != found.end() && *at < end;
}

bool SliceSet::contains(const SliceRef& ref) const { return any(ref.track, ref.lane, ref.index, ref.index + 1); }

SliceSet SliceSet::ofLabels(const TimelineModel& model, const std::vector<bool>& chosen) {
  if (std::find(chosen.begin(), chosen.end(), true) == chosen.end()) return {};
  return collect(model, [&](const TimelineSlice& slice) { return slice.label < chosen.size() && chosen[slice.label]; });
}

SliceSet SliceSet::matching(const TimelineModel& model, const QString& text) {
  std::vector<bool> chosen;
  if (!text.isEmpty())
    for (const QString& label : model.labels()) chosen.push_back(label.contains(text, Qt::CaseInsensitive));
  return ofLabels(model, chosen);
}

SliceRef SliceSet::next(const TimelineModel& model, const SliceRef& at, int step) const {
  if (count == 0) return {};
  const auto keyOf = [&](const SliceRef& ref) {
    return std::tuple(model.slice(ref).startNs, ref.track, ref.lane, ref.index);
  };
  SliceRef best, wrapped; // the nearest in that direction, and the one at the other end
  for (int track = 0; track < static_cast<int>(indices.size()); ++track)
    for (int lane = 0; lane < static_cast<int>(indices[static_cast<std::size_t>(track)].size()); ++lane) {
      const auto& found = indices[static_cast<std::size_t>(track)][static_cast<std::size_t>(lane)];
      if (found.empty()) continue;
      const auto refOf = [&](std::size_t i) { return SliceRef{track, lane, found[i]}; };
      const SliceRef end = refOf(step > 0 ? 0 : found.size() - 1);
      const auto better = [&](const SliceRef& a, const SliceRef& b) {
        return !b.valid() || (step > 0 ? keyOf(a) < keyOf(b) : keyOf(a) > keyOf(b));
      };
      if (better(end, wrapped)) wrapped = end;
      if (!model.contains(at)) continue;
      // Starts ascend along a lane, so the first beyond `at` is found by halves.
      const auto split = std::partition_point(found.begin(), found.end(), [&](std::uint32_t index) {
        const SliceRef ref{track, lane, index};
        return step > 0 ? keyOf(ref) <= keyOf(at) : keyOf(ref) < keyOf(at);
      });
      const auto position = static_cast<std::size_t>(split - found.begin());
      if (step > 0 ? position >= found.size() : position == 0) continue;
      const SliceRef candidate = refOf(step > 0 ? position : position - 1);
      if (better(candidate, best)) best = candidate;
    }
  return best.valid() ? best : wrapped;
}

} // namespace tandem::ui
