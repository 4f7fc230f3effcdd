// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/backend.hpp"
#include "engine/serving/batching.hpp"
#include "engine/serving/request_queue.hpp"
#include "engine/serving/sample_log.hpp"
#include "engine/serving/service_times.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace tandem {

struct ReplicaOptions {
  std::string name = {};
  int streams = 1; ///< executions in flight, each on a thread of its own
  BatchPolicy batching = {};
  /// Every n-th execution is profiled through device events to tell transfer from compute; 0: none.
  int profileEvery = 32;
  /// An execution that has not come back after this many milliseconds, and ten times what it should take, is given up:
  /// its requests go to others and the replica gets no more until it comes back.
  double patienceMs = 2000;
  /// Told what a profiled execution recorded, and the items that it ran as, padding included. Called on the thread
  /// that ran it, between two executions; may be empty.
  std::function<void(int items, const std::vector<TraceEvent>& events)> onProfiled = {};
};

/// Why a replica gets no requests.
enum class ReplicaState {
  Serving,
  Hung,     ///< an execution does not come back; serves again when it does
  Lost,     ///< its device failed, and failed again after everything had been compiled anew
  Draining, ///< finishes what it has, and is gone
  Gone,     ///< its memory is given back
};
std::string_view toString(ReplicaState state);

/// One copy of the model, placed, with its streams and its queue. submit(), cancel and the counters are thread-safe.
class Replica {
 public:
  /// Takes over a request of the table that waits; false where nobody else can.
  using Failover = std::function<bool(Ticket)>;

  Replica(ReplicaOptions options, std::unique_ptr<ReplicaBackend> backend, RequestTable& table);
  ~Replica(); ///< finishes what runs, fails what is queued, joins the threads

  /// Compiles for these sizes and allocates all slots.
  Result<void> prepare(const std::vector<int>& sizes);
  /// Runs the first `items` items of `data` (0: all) on every stream, before start(), so that lazy set-up of drivers
  /// and caches is not part of a measurement.
  Result<void> warmUp(const RequestData& data, int items = 0);
  void setTrace(TraceRecorder* recorder); ///< before start(); nullptr: none is wanted
  void setFailover(Failover failover) { m_failover = std::move(failover); }
  /// Work stops between two kernels once `cancel` is set; before start().
  void setCancel(const CancelToken& cancel) { m_cancel = cancel; }
  void start();

  /// Queues a request of the table. False when the replica takes none any more, or its queue is full.
  bool submit(Ticket ticket);
  /// Ends everything queued as failed; what runs goes on to its end.
  void dropQueue();
  /// Ends what is queued as `status`, except what `keep` takes.
  void emptyQueue(Status status, const Failover& keep = {});
  /// Takes no more requests, does what is queued, and gives threads and memory back. Blocks.
  void drain();
  /// Only the first `streams` streams work from now on; those beyond rest.
  void setActiveStreams(int streams);

  const std::string& name() const { return m_options.name; }
  const ReplicaOptions& options() const { return m_options; }
  ReplicaBackend& backend() { return *m_backend; }
  const ReplicaBackend& backend() const { return *m_backend; }
  std::map<int, std::shared_ptr<const Executable>> variants() const { return m_backend->variants(); }
  int batchLimit() const { return m_batcher.limit(); } ///< items joined at most now; 0: none are
  int queued() const { return m_queue.requests(); }
  int queuedItems() const { return m_queue.items(); }
  int inFlight() const { return m_inFlight.load(std::memory_order_relaxed); }
  int inFlightItems() const { return m_inFlightItems.load(std::memory_order_relaxed); }
  const ServiceTimes& serviceTimes() const { return m_serviceTimes; }
  double serviceNs(int items) const { return m_serviceTimes.ns(items); }
  /// What a request with `items` items adds to the work of this replica, joined batches considered; 0 if unknown.
  double shareNs(int items) const;
  /// How long from `now` until a request with `items` items that came in now would be done: what runs, what waits
  /// before it, and its own execution. What runs for longer than expected is expected to run as long again.
  double finishNs(int items, Priority priority, std::int64_t now) const;
  /// How long ago something was last begun here, at `now`.
  std::int64_t idleNs(std::int64_t now) const;

  ReplicaState state() const { return m_state.load(std::memory_order_acquire); }
  bool isServing() const { return state() == ReplicaState::Serving; }
  bool isLost() const { return state() == ReplicaState::Lost; }
  /// Latest error of a failed execution; empty if none failed.
  std::optional<Error> lastError() const;
  /// Looks for executions that do not come back, at `now`: gives their requests away, and says so. Called now and then
  /// by one thread.
  enum class Check { Fine, Hung, Recovered };
  Check checkHung(std::int64_t now, const Failover& failover);

  /// Everything this replica completed; parts of a split request count here one by one.
  SampleLog& log() { return m_log; }
  const SampleLog& log() const { return m_log; }
  /// Items of padding that joined batches carried.
  std::uint64_t paddedItems() const { return m_paddedItems.load(std::memory_order_relaxed); }
  std::uint64_t executions() const { return m_executions.load(std::memory_order_relaxed); }
  /// Sum over the executions that succeeded.
  std::int64_t executedNs() const { return m_executedNs.load(std::memory_order_relaxed); }

 private:
  struct Worker {
    std::thread thread;
    std::unique_ptr<Lane> lane;
    int index = 0;
    int generation = 0; ///< in which its slots were made
    std::string track;  ///< of its events: "GPU:0 ", "GPU:0 stream 2 "
    std::vector<Request*> requests;
    Ticket carried = 0; ///< taken from the queue, but did not fit
    std::unique_ptr<TraceRecorder> sampler;
    TraceWriter* requestWriter = nullptr; ///< where a trace is wanted
    // Read by others while it runs:
    std::atomic<std::int64_t> startedNs{0}; ///< 0: idle
    std::atomic<double> expectedNs{0};
    std::atomic<bool> runs{false}; ///< on the device; false while it compiles
    std::vector<std::atomic<Ticket>> tickets;
    std::atomic<std::size_t> count{0}; ///< of tickets
    std::atomic<bool> hung{false};
  };
  void work(Worker& worker);
  bool collect(Worker& worker, int& items);
  void add(Worker& worker, Ticket ticket, int& items);
  void execute(Worker& worker, int items);
  void finish(Worker& worker, Completion completion, bool failedWithDevice);
  void trace(Worker& worker, const Request& request, const Completion& completion);
  void noteSuccess(const Worker& worker);
  void handleFailure(Worker& worker, const Error& error, bool ran);
  void forgetIfStale(Worker& worker);
  bool giveAway(Ticket ticket, const Failover& failover);
  void setLost();
  void retire();

  const ReplicaOptions m_options;
  const std::unique_ptr<ReplicaBackend> m_backend;
  RequestTable& m_table;
  RequestQueue m_queue;
  Batcher m_batcher;
  ServiceTimes m_serviceTimes;
  SampleLog m_log;
  TraceRecorder* m_recorder = nullptr;
  std::uint32_t m_requestLabel = 0, m_queueLabel = 0, m_serveLabel = 0;
  Failover m_failover;
  CancelToken m_cancel;
  std::deque<Worker> m_workers;

  std::atomic<ReplicaState> m_state{ReplicaState::Serving};
  std::atomic<bool> m_stop{false};
  std::atomic<int> m_activeStreams;
  std::atomic<int> m_inFlight{0}, m_inFlightItems{0};
  std::atomic<std::uint64_t> m_paddedItems{0}, m_executions{0};
  std::atomic<std::int64_t> m_begunNs{0}, m_executedNs{0};
  std::atomic<int> m_generation{0};  ///< grows when a device failed and all is compiled anew
  std::atomic<bool> m_worked{false}; ///< something ran in this generation
  mutable std::mutex m_mutex;        // errors, rest
  std::condition_variable m_rest;
  std::optional<Error> m_lastError;
};

} // namespace tandem
