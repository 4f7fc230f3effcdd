// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/panels/timeline/trace_loader.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace tandem::ui {
namespace {

SliceKind sliceKind(TraceKind kind) {
  switch (kind) {
  case TraceKind::Kernel: return SliceKind::Kernel;
  case TraceKind::Transfer: return SliceKind::Transfer;
  case TraceKind::Request: return SliceKind::Request;
  case TraceKind::Queue: return SliceKind::Queue;
  case TraceKind::Preprocess: return SliceKind::Preprocess;
  case TraceKind::Compile: return SliceKind::Compile;
  case TraceKind::Other: break;
  }
  return SliceKind::Other;
}

enum Rank { kRequests, kPreprocess, kDevice, kOther };

Rank rankOf(const TraceTrack& track) {
  std::array<std::size_t, 7> counts{};
  for (const TraceEvent& event : track.events) ++counts[static_cast<std::size_t>(event.kind)];
  const auto of = [&](TraceKind kind) { return counts[static_cast<std::size_t>(kind)]; };
  if (of(TraceKind::Request) + of(TraceKind::Queue) > track.events.size() / 2) return kRequests;
  if (of(TraceKind::Preprocess) > track.events.size() / 2) return kPreprocess;
  return deviceOfTrack(track.name).isEmpty() ? kOther : kDevice;
}

} // namespace

Result<LoadedTrace> makeTimeline(TraceFile file, const std::atomic<bool>* cancel) {
  struct Place {
    Rank rank;
    std::size_t base; ///< first track of the same name without " transfers"
    std::size_t track;
  };
  std::vector<Place> order;
  std::map<QString, std::size_t> bases;
  for (std::size_t i = 0; i < file.tracks.size(); ++i) {
    const TraceTrack& track = file.tracks[i];
    QString base = track.name;
    if (base.endsWith(QLatin1String(" transfers"))) base.chop(10);
    const std::size_t first = bases.try_emplace(base, i).first->second;
    if (!track.events.empty() || track.dropped > 0) order.push_back({rankOf(track), first, i});
  }
  std::stable_sort(order.begin(), order.end(), [](const Place& a, const Place& b) {
    return std::tuple(a.rank, a.base, a.track) < std::tuple(b.rank, b.base, b.track);
  });
  LoadedTrace loaded;
  loaded.unusable = file.unusable;
  loaded.nodeOfLabel.assign(static_cast<std::size_t>(file.labels.size()) + 1, -1);
  QStringList devices;
  std::vector<TimelineTrackInput> inputs;
  for (const Place& place : order) {
    if (cancel != nullptr && cancel->load()) return makeError(ErrorCode::Cancelled, "stopped", "", "");
    TraceTrack& track = file.tracks[place.track];
    TimelineTrackInput input;
    input.name = trackTitle(track.name);
    input.toolTip = track.name;
    input.requests = place.rank == kRequests;
    input.dropped = track.dropped;
    if (const QString device = deviceOfTrack(track.name); !device.isEmpty()) {
      input.device = static_cast<int>(devices.indexOf(device));
      if (input.device < 0) {
        input.device = static_cast<int>(devices.size());
        devices << device;
      }
    }
    input.slices.reserve(track.events.size());
    for (const TraceEvent& event : track.events) {
      input.slices.push_back(
          {event.startNs, event.endNs, event.bytes, event.request, event.label, sliceKind(event.kind)});
      if (event.node >= 0) loaded.nodeOfLabel[event.label] = event.node;
    }
    track.events = {};
    inputs.push_back(std::move(input));
  }
  loaded.model = TimelineModel::build(std::move(inputs), std::move(file.labels), devices, cancel);
  if (loaded.model == nullptr) return makeError(ErrorCode::Cancelled, "stopped", "", "");
  return loaded;
}

Result<LoadedTrace> loadTrace(const QString& path, TraceJob& job, const TraceLimits& limits) {
  auto file = readTraceFile(path, limits, &job.cancel, [&job](std::int64_t bytes) { job.bytesRead.store(bytes); });
  if (!file.ok()) return file.error();
  if (file->count() == 0 &&
      std::all_of(file->tracks.begin(), file->tracks.end(), [](const TraceTrack& track) { return track.dropped == 0; }))
    return makeError(ErrorCode::InputRejected, "the trace holds no events that took time", path.toStdString(),
                     "choose another file");
  return makeTimeline(std::move(*file), &job.cancel);
}

} // namespace tandem::ui
