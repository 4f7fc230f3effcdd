// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/runtime/execution_slot.hpp"
#include "engine/serving/sample_log.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace tandem {

struct ReplicaOptions {
  std::string name;
  int streams = 1; ///< requests in flight, each on a thread of its own
  int batch = 0;   ///< queued requests are joined up to this many items; 0: one request per execution
  /// Every n-th execution is profiled through device events to tell transfer from compute; 0: none.
  int profileEvery = 32;
};

/// Compiles the model for a number of items. Called at set-up, and once per size that routing asks for later.
using VariantFactory = std::function<Result<std::shared_ptr<const Executable>>(int items)>;

/// One copy of the model, placed, with its streams and its queue. submit() and the counters are thread-safe.
class Replica {
 public:
  /// Sizes compiled beyond those of prepare(): the least recently used one is dropped with its weights.
  static constexpr std::size_t kMaxExtraVariants = 16;

  Replica(ReplicaOptions options, VariantFactory factory, BusyMeters& meters);
  ~Replica(); ///< finishes what runs, fails what is queued, joins the threads

  /// Compiles for these sizes and allocates all slots.
  Result<void> prepare(const std::vector<int>& sizes);
  /// Runs `data` once on every slot, so that lazy set-up of drivers and caches is not part of a measurement.
  Result<void> warmUp(const RequestData& data);
  void start();
  void submit(Request request);
  /// Fails everything queued; what runs goes on to its end.
  void dropQueue();
  void setTrace(TraceRecorder* recorder) { m_recorder = recorder; } ///< before start()

  const std::string& name() const { return m_options.name; }
  const ReplicaOptions& options() const { return m_options; }
  int queued() const { return m_queued.load(std::memory_order_relaxed); }
  int inFlight() const { return m_inFlight.load(std::memory_order_relaxed); }
  int inFlightItems() const { return m_inFlightItems.load(std::memory_order_relaxed); }
  int queuedItems() const { return m_queuedItems.load(std::memory_order_relaxed); }
  /// Estimated time of one execution with `items` items: a running mean per size, interpolated between sizes; 0 while
  /// nothing was measured.
  double serviceNs(int items) const;
  /// The compiled variants, by number of items.
  std::map<int, std::shared_ptr<const Executable>> variants() const;
  /// Latest error of a failed execution; empty if none failed.
  std::optional<Error> lastError() const;
  /// True once its device failed, and failed again after everything had been compiled anew: nothing runs here any more.
  bool isLost() const { return m_lost.load(std::memory_order_relaxed); }
  /// Everything this replica completed; parts of a split request count here one by one.
  SampleLog& log() { return m_log; }
  /// Items of padding that joined batches carried.
  std::uint64_t paddedItems() const { return m_paddedItems.load(std::memory_order_relaxed); }

 private:
  struct Worker {
    std::thread thread;
    std::map<int, std::unique_ptr<ExecutionSlot>> slots; ///< by items
    int generation = 0;                                  ///< in which they were made
  };
  void work(Worker& worker);
  std::vector<Request> takeBatch(std::unique_lock<std::mutex>& lock);
  void execute(Worker& worker, std::vector<Request>& batch);
  Result<ExecutionSlot*> slotFor(Worker& worker, int items);
  Result<std::shared_ptr<const Executable>> variantFor(int items);
  void dropOldVariants(int keep);
  void dropStaleSlots(Worker& worker);
  void noteSuccess(const Worker& worker);
  void handleFailure(Worker& worker, const Error& error, bool ran);
  void learn(int items, double ns);
  void fail(Request& request, std::int64_t startNs);

  ReplicaOptions m_options;
  VariantFactory m_factory;
  BusyMeters& m_meters;
  TraceRecorder* m_recorder = nullptr;

  mutable std::mutex m_mutex; // queue, variants, estimates
  std::condition_variable m_wake;
  std::deque<Request> m_queue;
  bool m_stop = false;
  std::map<int, std::shared_ptr<const Executable>> m_variants;
  std::set<int> m_prepared;              ///< sizes that are never dropped
  std::map<int, std::uint64_t> m_usedAt; ///< when a size was last asked for, in uses
  std::uint64_t m_uses = 0;
  std::map<int, double> m_serviceNs;
  std::optional<Error> m_lastError;
  int m_generation = 0;  ///< grows when a device failed and all is compiled anew
  bool m_worked = false; ///< something ran in this generation
  std::atomic<bool> m_lost{false};
  std::atomic<int> m_queued{0}, m_queuedItems{0}, m_inFlight{0}, m_inFlightItems{0};
  std::atomic<std::uint64_t> m_paddedItems{0}, m_executions{0};
  SampleLog m_log;
  std::deque<Worker> m_workers;
};

} // namespace tandem
