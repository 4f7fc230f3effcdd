// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/runtime/execution_slot.hpp"
#include "engine/serving/request.hpp"

#include <map>
#include <span>

namespace tandem {

/// What one stream of a replica computes with. Used by one thread at a time.
class Lane {
 public:
  virtual ~Lane() = default;
  /// The calling thread is the one that runs from now on.
  virtual void attachCurrentThread() = 0;
  /// Makes ready for `items` items, which may compile; returns the size that they run as, padding included.
  virtual Result<int> select(int items) = 0;
  /// Where the next runs are recorded, on tracks named `trackPrefix` + device; nullptr: nowhere.
  virtual void setTrace(TraceRecorder* recorder, const std::string& trackPrefix, std::uint64_t request) = 0;
  /// Runs the requests, together the items of the last select(), and writes the results of those that want them.
  virtual Result<RunTimes> run(std::span<Request* const> batch, const CancelToken& cancel) = 0;
  /// Gives up everything that is ready, after its device failed.
  virtual void forget() = 0;
};

/// What a replica computes with: the model, placed and compiled; a stand-in in tests and benchmarks. Thread-safe.
class ReplicaBackend {
 public:
  virtual ~ReplicaBackend() = default;
  /// Compiles for these sizes and keeps them; called before and while lanes run.
  virtual Result<void> prepare(const std::vector<int>& sizes) = 0;
  /// Compiles for a size that may be dropped again when others are needed.
  virtual Result<void> compile(int items) = 0;
  virtual Result<std::unique_ptr<Lane>> createLane() = 0;
  /// Forgets everything compiled, after a device failed: it is compiled anew when next needed.
  virtual void forget() = 0;
  /// The compiled variants, by number of items.
  virtual std::map<int, std::shared_ptr<const Executable>> variants() const = 0;
};

} // namespace tandem
