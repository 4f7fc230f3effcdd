// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/ids.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tandem {

enum class TraceKind : std::uint8_t { Kernel, Transfer, Request, Queue, Preprocess, Compile };
std::string_view toString(TraceKind kind);

/// One thing that took time. Times are nowNs() values.
struct TraceEvent {
  std::int64_t startNs = 0;
  std::int64_t endNs = 0;
  std::int64_t bytes = 0;    ///< transfers: bytes moved
  std::uint64_t request = 0; ///< 0 where it belongs to no request
  std::uint32_t label = 0;   ///< index into TraceRecorder::labels()
  NodeId node;               ///< kernels: the node of the opened graph
  TraceKind kind = TraceKind::Kernel;
};

/// A row of the timeline: one device queue, worker or lane. One thread writes; any thread may copy through the
/// recorder. Bounded: the oldest half is dropped when full, and counted.
class TraceWriter {
 public:
  TraceWriter(std::string track, std::size_t capacity);
  void record(const TraceEvent& event);
  const std::string& track() const { return m_track; }

 private:
  friend class TraceRecorder;
  std::string m_track;
  std::size_t m_capacity;
  mutable std::mutex m_mutex; // uncontended except while a reader copies
  std::vector<TraceEvent> m_events;
  std::uint64_t m_dropped = 0;
};

/// Collects the rows of one run. Thread-safe. Outlives its writers' users.
class TraceRecorder {
 public:
  explicit TraceRecorder(std::size_t capacityPerTrack = std::size_t{1} << 18);
  /// Different for every recorder of the process, unlike its address.
  std::uint64_t id() const { return m_id; }
  TraceWriter* addTrack(std::string name);
  /// A number for `label`, the same for the same text. Takes a lock: intern at set-up, not per event.
  std::uint32_t intern(std::string_view label);

  struct Track {
    std::string name;
    std::vector<TraceEvent> events;
    std::uint64_t dropped = 0;
  };
  struct Copy {
    std::vector<Track> tracks;
    std::vector<std::string> labels;
  };
  Copy copy() const;
  /// The events of one request, track by track. While a request is recorded, of what it recorded so far.
  std::vector<TraceEvent> eventsOf(std::uint64_t request) const;
  /// How long the events of one kind and request took, together.
  std::int64_t sumNs(TraceKind kind, std::uint64_t request) const;
  void clear(); ///< events only; tracks and labels stay

 private:
  const std::uint64_t m_id;
  std::size_t m_capacity;
  mutable std::mutex m_mutex;
  std::deque<TraceWriter> m_writers;
  std::vector<std::string> m_labels;
  std::unordered_map<std::string, std::uint32_t> m_labelIndex;
};

/// The trace as Chrome trace JSON (an object with "traceEvents"; times in microseconds from the first event), as read
/// by Perfetto and chrome://tracing. Format: "Trace Event Format", Google, complete ("X"), nestable async ("b", "e":
/// requests and their waits), instant ("i": "args" say how many events were "dropped") and metadata ("M") events.
/// "args" of spans: "request", "node" (index in the opened graph), "bytes", "gb_per_s", where they apply.
std::string toChromeTrace(const TraceRecorder::Copy& trace);

} // namespace tandem
