// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cpu_set.hpp"
#include "engine/metrics/trace.hpp"
#include "engine/serving/pipeline_statistics.hpp"
#include "engine/serving/request_pool.hpp"

#include <condition_variable>
#include <deque>
#include <random>
#include <span>
#include <thread>
#include <unordered_set>

namespace tandem {

/// Where items come from. Called from several threads at once, each with its own index; thread-safe.
class ItemSource {
 public:
  virtual ~ItemSource();
  /// Different items, at least one; they repeat modulo this number.
  virtual std::size_t count() const = 0;
  /// Tensors of one item, in graph input order, leading dimension 1 where the model has a batch. Adds to `stages` what
  /// reading, decoding, resizing and normalising took, which happen in this order. An error names the item, which is
  /// then left out for good.
  virtual Result<std::vector<Tensor>> read(std::size_t index, PipelineStages& stages) = 0;
  /// The item as people know it, for errors: a file name. By default "item 3 of 20".
  virtual std::string label(std::size_t index) const;
  /// The inputs of a request of `items` items, all static; asked once per size, when one item is known. A dimension
  /// that is a multiple of the item's is the one along which items are joined. By default that is the first one of
  /// every tensor that has one, and the first item that is read decides for all.
  virtual Result<std::vector<TensorDesc>> shapesOf(int items, std::span<const Tensor> item) const;
};

struct PipelineOptions {
  int threads = 1;
  /// Requests that may be ready, or on their way to it, and not taken; every waiting taker allows one more. Threads
  /// beyond that number of items have nothing to do. Memory is bounded by it and by what takers hold.
  int prefetch = 4;
  CpuSet cores; ///< that the threads stay on; empty: anywhere
  TraceRecorder* trace = nullptr;
  std::uint64_t seed = 1;
  bool shuffle = false; ///< a new order of all items in every pass over them; drawn from `seed`
  std::vector<WatchedDevice> devices;
  std::function<std::int64_t()> clock; ///< nowNs() where empty
};

/// Makes requests from items on threads of its own, ahead of need. One track per thread in the trace, one event per
/// item and stage, with the number of the request from 1 on in the order of delivery. All functions are thread-safe;
/// `source` must outlive the pipeline, requests may outlive both.
class InputPipeline {
 public:
  /// The next request, or why there cannot be one (no item can be used; no memory; stopped). Whoever keeps one of its
  /// tensors keeps the request: its memory is used again once the last pointer to it is gone.
  using Taker = std::function<void(Result<std::shared_ptr<const RequestData>>)>;

  /// `sizes` (items per request, each at least 1) are mixed evenly as LoadGenerator does: every block of sizes.size()
  /// requests holds each once, in an order drawn from the seed.
  InputPipeline(ItemSource& source, std::vector<int> sizes, PipelineOptions options);
  ~InputPipeline(); ///< stops

  /// Begins to prefetch; once.
  void start();
  /// Ends within the time that the threads need for the items they are at. Takers that wait are called with Cancelled,
  /// and so is every later one. Not from a taker. Safe to call twice.
  void stop();

  /// Gives the next ready request to `taker`: at once on the calling thread where one is ready, else as soon as one is,
  /// on a thread of the pipeline. Never blocks. Takers are called one after another, in the order in which they came,
  /// with requests in the order of their index: one that comes while another runs, or from within it, is called after
  /// it, by the thread that runs it or by one of the pipeline. A taker must be quick.
  void take(Taker taker);

  PipelineStatistics statistics() const;
  /// At the start of the measured part. What is ready stays ready.
  void resetStatistics();

 private:
  /// A request between its first item and its taker.
  struct Making {
    std::uint64_t number = 0;
    int items = 1;
    int claimed = 0, done = 0;
    std::shared_ptr<RequestData> data; ///< from the first item on
    std::optional<Error> error;
    bool isReady() const { return done == items; }
  };
  struct Claim {
    Making* request = nullptr;
    int slot = 0; ///< of the item in its request
    std::size_t index = 0;
  };
  struct Tracks;

  std::int64_t now() const { return m_options.clock ? m_options.clock() : nowNs(); }
  static std::int64_t nowNs();

  // Under the lock:
  bool canClaim() const;
  bool canDeliver() const;
  bool hasWork() const { return canClaim() || (canDeliver() && !m_delivering); }
  Claim claimItem();
  std::size_t nextIndex();
  int nextSize();
  std::optional<std::size_t> usableFrom(std::size_t index) const;
  void noteBad(std::size_t index, Error error);
  Result<Making*> withData(const Claim& claim, std::span<const Tensor> item);
  void finish(const Claim& claim, const Result<PipelineStages>& made);
  void updateMeter();
  void deliver(std::unique_lock<std::mutex>& lock, std::uint64_t last);

  void work(int thread);
  Result<PipelineStages> makeItem(const Claim& claim, Tracks* tracks);
  Result<void> place(const Claim& claim, std::span<const Tensor> item, PipelineStages& stages, bool& isItemsFault);

  ItemSource& m_source;
  const std::size_t m_count;
  const std::vector<int> m_sizes;
  const PipelineOptions m_options;
  std::shared_ptr<RequestPool> m_pool;
  std::vector<std::thread> m_threads;
  std::mutex m_stopMutex; // held while threads are joined

  mutable std::mutex m_mutex; // all below
  std::condition_variable m_wake;
  bool m_started = false, m_stop = false, m_delivering = false;
  std::deque<Making> m_begun; ///< not taken, in order
  int m_ready = 0;
  std::uint64_t m_nextRequest = 1, m_nextTaker = 1;
  std::deque<std::pair<std::uint64_t, Taker>> m_takers;
  std::mt19937_64 m_sizeRandom, m_orderRandom;
  std::vector<int> m_block;
  std::size_t m_nextItem = 0;
  std::vector<std::size_t> m_order; ///< of this pass, where shuffled
  std::map<int, std::vector<TensorDesc>> m_shapes;
  std::unordered_set<std::size_t> m_bad;
  PipelineMeter m_meter;
  PipelineStatistics m_counts; ///< what is counted, not timed
};

} // namespace tandem
