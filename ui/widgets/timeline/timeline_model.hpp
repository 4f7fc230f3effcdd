// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QStringList>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace tandem::ui {

/// What took time. The order is that of the kinds in legends and menus.
enum class SliceKind : std::uint8_t { Kernel, Transfer, Request, Queue, Preprocess, Compile, Other };

/// One thing that took time, in nanoseconds from the beginning of the trace.
struct TimelineSlice {
  std::int64_t startNs = 0;
  std::int64_t endNs = 0; ///< not before startNs
  std::int64_t bytes = 0; ///< moved; 0: none or unknown
  std::uint64_t request = 0;
  std::uint32_t label = 0; ///< index into TimelineModel::labels()
  SliceKind kind = SliceKind::Other;

  [[nodiscard]] std::int64_t durationNs() const { return endNs - startNs; }
};

/// A track as it is handed to the model: slices in any order.
struct TimelineTrackInput {
  QString name;              ///< shown
  QString toolTip;           ///< the whole name, where `name` is shorter
  int device = -1;           ///< index into the model's device ids; -1: belongs to none
  bool requests = false;     ///< lanes of requests: each with its wait and its execution under it
  std::uint64_t dropped = 0; ///< older events that the recorder had no room for
  std::vector<TimelineSlice> slices;
};

/// Slices of one row, by start; they do not overlap, except in the last lane of a track with too many at once.
///
/// Over them lies a pyramid: level k holds blocks of 2^(k+1) neighbours, so that what is narrower than a pixel is
/// skipped a block at a time instead of slice by slice.
struct TimelineLane {
  struct Block {
    std::int64_t endNs = 0;    ///< the latest end in the block
    std::uint32_t longest = 0; ///< index of the slice that took longest, the first of equals
  };
  std::vector<TimelineSlice> slices;
  std::vector<std::vector<Block>> levels;

  void buildPyramid();
  /// The first slice that ends after `ns`; slices.size() where none does.
  [[nodiscard]] std::size_t firstEndingAfter(std::int64_t ns) const;
  /// The first slice that begins at `ns` or later.
  [[nodiscard]] std::size_t firstStartingAt(std::int64_t ns) const;
};

/// Where a slice is.
struct SliceRef {
  int track = -1;
  int lane = 0;
  std::uint32_t index = 0;

  [[nodiscard]] bool valid() const { return track >= 0; }
  friend bool operator==(const SliceRef&, const SliceRef&) = default;
};

/// An arrow: from the end of one slice to the start of another.
struct TimelineFlow {
  SliceRef from, to;
  bool transfer = false; ///< data move; else a request goes to work
};

struct TimelineTrack {
  QString name, toolTip;
  int device = -1;
  bool requests = false;
  std::uint64_t dropped = 0;
  std::uint64_t crowded = 0; ///< slices that found no lane of their own and lie in the last one
  std::int64_t firstNs = 0;  ///< start of the first slice
  std::size_t count = 0;
  std::vector<TimelineLane> lanes;
};

/// A whole trace, ready to be drawn. Immutable once built: share it between threads as shared_ptr<const>.
class TimelineModel {
 public:
  /// More at once in one track share the last lane.
  static constexpr int kMostLanes = 64;

  /// Sorts, assigns lanes and builds the pyramids: for any thread, O(n log n). Labels that slices name and that do not
  /// exist are shown as "?". A slice that ends before it starts is taken as empty. Null when `cancel` was set.
  static std::shared_ptr<const TimelineModel> build(std::vector<TimelineTrackInput> tracks, QStringList labels,
                                                    QStringList deviceIds, const std::atomic<bool>* cancel = nullptr);

  [[nodiscard]] const std::vector<TimelineTrack>& tracks() const { return m_tracks; }
  [[nodiscard]] const QStringList& labels() const { return m_labels; }
  [[nodiscard]] const QStringList& deviceIds() const { return m_deviceIds; }
  [[nodiscard]] std::size_t count() const { return m_count; }
  [[nodiscard]] std::uint64_t dropped() const { return m_dropped; }
  [[nodiscard]] std::int64_t endNs() const { return m_endNs; }

  [[nodiscard]] bool contains(const SliceRef& ref) const;
  [[nodiscard]] const TimelineSlice& slice(const SliceRef& ref) const;
  [[nodiscard]] const QString& label(const TimelineSlice& slice) const { return m_labels[slice.label]; }

  /// The slice of the same track that begins after (`step` > 0) or before this one; an invalid one at the ends.
  [[nodiscard]] SliceRef neighbour(const SliceRef& ref, int step) const;
  /// The slice of the track that lies nearest to `ns`, in its first lane that has any.
  [[nodiscard]] SliceRef nearest(int track, std::int64_t ns) const;
  /// What to draw for a selected slice: from a request to what computes it, and along a request's data from device to
  /// device through its transfers. At most `most`.
  [[nodiscard]] std::vector<TimelineFlow> flowsOf(const SliceRef& ref, std::size_t most = 64) const;

 private:
  struct OfRequest {
    std::uint64_t request = 0;
    std::int64_t startNs = 0;
    SliceRef ref;
  };
  void indexRequests();
  [[nodiscard]] SliceRef outerRequest(const TimelineSlice& inner) const;

  std::vector<TimelineTrack> m_tracks;
  QStringList m_labels, m_deviceIds;
  std::vector<OfRequest> m_work, m_requests; ///< by request and start: what computes or moves, and the requests
  std::size_t m_count = 0;
  std::uint64_t m_dropped = 0;
  std::int64_t m_endNs = 0;
};

/// Some slices of a model, by lane, each lane ascending: search results, the slices of a layer.
struct SliceSet {
  std::vector<std::vector<std::vector<std::uint32_t>>> indices; ///< [track][lane]
  std::size_t count = 0;

  [[nodiscard]] bool isEmpty() const { return count == 0; }
  [[nodiscard]] bool contains(const SliceRef& ref) const;
  /// Whether any of [first, end) of the lane is in the set.
  [[nodiscard]] bool any(int track, int lane, std::size_t first, std::size_t end) const;

  /// The slices whose label contains `text`, case-insensitively; nothing for an empty text.
  [[nodiscard]] static SliceSet matching(const TimelineModel& model, const QString& text);
  /// The slices whose label is chosen: one entry per label of the model.
  [[nodiscard]] static SliceSet ofLabels(const TimelineModel& model, const std::vector<bool>& chosen);
  /// The member that begins after (or before) `at`, going round; the first when `at` is invalid.
  [[nodiscard]] SliceRef next(const TimelineModel& model, const SliceRef& at, int step) const;
};

} // namespace tandem::ui
