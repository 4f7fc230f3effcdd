// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <QString>
#include <QStringList>

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

class QIODevice;

namespace tandem::ui {

/// What an event is, by its category in the file ("kernel", "transfer", ...).
enum class TraceKind : std::uint8_t { Kernel, Transfer, Request, Queue, Preprocess, Compile, Other };

/// Times in nanoseconds from the first event of the file.
struct TraceEvent {
  std::int64_t startNs = 0, endNs = 0;
  std::int64_t bytes = 0;
  std::uint64_t request = 0;
  std::uint32_t label = 0; ///< index into TraceFile::labels
  std::int32_t node = -1;
  TraceKind kind = TraceKind::Other;
};

struct TraceTrack {
  QString name;
  std::uint64_t dropped = 0; ///< older events that the recorder had no room for
  std::vector<TraceEvent> events;
};

/// A trace as read from a file.
struct TraceFile {
  std::vector<TraceTrack> tracks;
  QStringList labels;
  std::uint64_t unusable = 0; ///< spans without a usable time, or of which one end is missing
  [[nodiscard]] std::size_t count() const;
};

struct TraceLimits {
  std::int64_t bytes = std::int64_t{2} << 30;
  std::size_t events = 5'000'000; ///< some 400 MB when drawn
  std::size_t tracks = 10'000;
};

/// Reads Chrome trace JSON ("Trace Event Format", Google): an object with "traceEvents" or the bare array; complete
/// ("X"), begun and ended ("B", "E") and async ("b", "e") spans, names of threads and processes. What else is in it is
/// passed over. For any thread; the file is untrusted: what is damaged, cut off, or more than `limits` is refused, with
/// where and what to do. `progress` gets the bytes read, every few thousand events. Cancelled when `cancel` is set.
Result<TraceFile> readTrace(QIODevice& device, const std::string& name, const TraceLimits& limits = {},
                            const std::atomic<bool>* cancel = nullptr,
                            const std::function<void(std::int64_t)>& progress = {});
Result<TraceFile> readTraceFile(const QString& path, const TraceLimits& limits = {},
                                const std::atomic<bool>* cancel = nullptr,
                                const std::function<void(std::int64_t)>& progress = {});

/// Whether the file begins like a trace: tells it from other JSON files.
bool looksLikeTrace(const QString& path);

/// The device id that a track of this program is of: "copy OPENCL-CPU:0 transfers" -> "OPENCL-CPU:0"; empty for none.
QString deviceOfTrack(const QString& track);
/// As people read it: "CPU:0 CPU:0" -> "CPU:0", "copy CPU:0 transfers" -> "copy on CPU:0 transfers".
QString trackTitle(const QString& track);

} // namespace tandem::ui
