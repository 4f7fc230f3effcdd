// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

/// What one item cost, or the sum over items; nanoseconds of a pipeline thread, one stage after the other.
struct PipelineStages {
  std::int64_t readNs = 0;      ///< getting the bytes: opening and reading a file
  std::int64_t decodeNs = 0;    ///< bytes to elements; also tokens of a text, and making data up
  std::int64_t resizeNs = 0;    ///< pictures only: to the model's width and height
  std::int64_t normalizeNs = 0; ///< pictures only: to the tensor's range, layout and type
  std::int64_t batchNs = 0;     ///< copying into the request

  std::int64_t totalNs() const { return readNs + decodeNs + resizeNs + normalizeNs + batchNs; }
  PipelineStages& operator+=(const PipelineStages& other);
};

/// A device that requests are prepared for, so that the time in which it could have worked and had nothing to do is
/// measured. `busyNs` is how long it has been busy so far, the running stretch included (BusyMeter::busyNs()); it is
/// called from any thread under the pipeline's lock and must be quick.
struct WatchedDevice {
  std::string id;
  std::function<std::int64_t()> busyNs;
};

/// How an input pipeline did since start() or resetStatistics().
struct PipelineStatistics {
  double elapsedS = 0;
  int threads = 1;
  int prefetch = 0;           ///< requests that may be ready and not taken
  int processors = 0;         ///< that the threads may use
  std::uint64_t items = 0;    ///< made
  std::uint64_t requests = 0; ///< made, whether taken or not
  std::uint64_t taken = 0;    ///< requests handed to a taker
  std::uint64_t waits = 0;    ///< takers that came when nothing was ready
  PipelineStages stages;      ///< sums over `items`
  double busyFraction = 0;    ///< share of the threads' time spent on items
  double meanDepth = 0;       ///< ready requests, mean over time
  /// Time in which somebody wanted a request and none was ready.
  std::int64_t starvedNs = 0;
  struct DeviceIdle {
    std::string id;
    std::int64_t idleNs = 0; ///< the part of `starvedNs` in which this device was idle
  };
  std::vector<DeviceIdle> devices; ///< as watched
  std::size_t buffers = 0;         ///< requests' tensors that exist, ready, being made, in use or kept for the next
  std::int64_t bufferBytes = 0;    ///< of all of them

  /// Items that cannot be used, each counted once, since start(): they are left out and not tried again.
  std::size_t failedItems = 0;
  static constexpr std::size_t kFailedNames = 20;
  std::vector<std::string> failedNames; ///< of the first of them
  std::optional<Error> firstError;      ///< of the first; names the item
  std::string problem;                  ///< what the system refused (pinning the threads); empty: nothing

  /// Mean time of one item in all stages; 0 where there was none.
  double msPerItem() const;
  /// Items per second that one thread makes while it works, and all of them together: what the pipeline can do, however
  /// little is taken from it. 0 while unknown.
  double itemsPerThreadS() const;
  double itemsPerS() const { return itemsPerThreadS() * threads; }
};

/// Adds up time while the state of a pipeline changes. Not thread-safe: its owner's lock guards it. Times are those of
/// the owner's clock and never go back.
class PipelineMeter {
 public:
  PipelineMeter(int threads, std::vector<WatchedDevice> devices);

  /// Everything from now on counts; what goes on at the moment counts from `nowNs`.
  void reset(std::int64_t nowNs);
  /// The state from now on: requests that are ready, and whether somebody waits while the next one is not ready.
  void setState(std::int64_t nowNs, int ready, bool starving);
  void threadBegins(std::int64_t nowNs);
  void threadEnds(std::int64_t nowNs);
  /// Fills in elapsed time, busy fraction, depth and starvation as of `nowNs`.
  void fill(std::int64_t nowNs, PipelineStatistics& statistics) const;

 private:
  struct Watched {
    WatchedDevice device;
    std::int64_t busyAtStart = 0; ///< of the stretch of starvation that goes on
    std::int64_t idleNs = 0;
  };
  void advance(std::int64_t nowNs);
  void beginStarving(std::int64_t nowNs);
  void endStarving(std::int64_t nowNs);
  static std::int64_t idleSince(const Watched& watched, std::int64_t fromNs, std::int64_t toNs);

  int m_threads;
  std::vector<Watched> m_devices;
  std::int64_t m_startNs = 0, m_lastNs = 0;
  int m_ready = 0, m_active = 0;
  double m_depthNs = 0, m_busyNs = 0; ///< ready requests and active threads, integrated over time
  std::int64_t m_starvedNs = 0;
  std::optional<std::int64_t> m_starvingSince;
};

} // namespace tandem
