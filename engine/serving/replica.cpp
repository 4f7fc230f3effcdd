// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/replica.hpp"

#include "engine/base/clock.hpp"

#include <algorithm>
#include <cstring>

namespace tandem {
namespace {

/// Copies items [first, first + count) of `source` to item `at` of the slot's input. A tensor without a batch (its
/// bytes do not scale with the items) is copied whole.
void copyItems(const Tensor& source, int sourceItems, int first, int count, Tensor& target, int targetItems, int at) {
  const std::size_t sourceBytes = source.bytes();
  const std::size_t perItem = sourceBytes / static_cast<std::size_t>(sourceItems);
  const bool batched = sourceBytes == perItem * static_cast<std::size_t>(sourceItems) &&
                       target.bytes() == perItem * static_cast<std::size_t>(targetItems);
  auto* to = static_cast<std::byte*>(target.mutableData());
  const auto* from = static_cast<const std::byte*>(source.data());
  if (batched)
    std::memcpy(to + perItem * static_cast<std::size_t>(at), from + perItem * static_cast<std::size_t>(first),
                perItem * static_cast<std::size_t>(count));
  else
    std::memcpy(to, from, std::min(sourceBytes, target.bytes()));
}

void addProfile(const TraceRecorder& recorder, std::uint64_t request, Completion& completion) {
  completion.transferNs = 0;
  completion.computeNs = 0;
  for (const auto& track : recorder.copy().tracks)
    for (const TraceEvent& event : track.events) {
      if (event.request != request) continue;
      if (event.kind == TraceKind::Transfer) completion.transferNs += event.endNs - event.startNs;
      if (event.kind == TraceKind::Kernel) completion.computeNs += event.endNs - event.startNs;
    }
}

} // namespace

Replica::Replica(ReplicaOptions options, VariantFactory factory, BusyMeters& meters)
    : m_options(std::move(options)),
      m_factory(std::move(factory)),
      m_meters(meters) {
  m_options.streams = std::max(1, m_options.streams);
  for (int i = 0; i < m_options.streams; ++i) m_workers.emplace_back();
}

Replica::~Replica() {
  {
    std::lock_guard lock(m_mutex);
    m_stop = true;
  }
  dropQueue();
  m_wake.notify_all();
  for (Worker& worker : m_workers)
    if (worker.thread.joinable()) worker.thread.join();
}

Result<void> Replica::prepare(const std::vector<int>& sizes) {
  for (int items : sizes) {
    m_prepared.insert(items);
    if (m_variants.contains(items)) continue;
    std::shared_ptr<const Executable> executable = TANDEM_TRY(m_factory(items));
    std::lock_guard lock(m_mutex);
    m_variants[items] = std::move(executable);
  }
  for (Worker& worker : m_workers)
    for (const auto& [items, executable] : m_variants)
      if (!worker.slots.contains(items)) worker.slots[items] = TANDEM_TRY(executable->createSlot(&m_meters));
  return {};
}

Result<void> Replica::warmUp(const RequestData& data) {
  // On a thread of its own per worker, as later: thread-local state of libraries belongs to the thread that warms it.
  for (Worker& worker : m_workers) {
    Result<void> status;
    std::thread thread([&] {
      auto slot = slotFor(worker, data.items);
      if (!slot) {
        status = slot.error();
        return;
      }
      (*slot)->attachCurrentThread();
      for (std::size_t i = 0; i < data.inputs.size(); ++i)
        if ((*slot)->input(i).defined())
          copyItems(data.inputs[i], data.items, 0, data.items, (*slot)->input(i), data.items, 0);
      constexpr int kRuns = 2; // the first sets up, the second gives the first estimate
      for (int run = 0; run < kRuns && status.ok(); ++run) {
        auto times = (*slot)->run();
        if (!times)
          status = times.error();
        else if (run + 1 == kRuns)
          learn(data.items, static_cast<double>(times->totalNs));
      }
    });
    thread.join();
    TANDEM_TRY(status);
  }
  return {};
}

void Replica::start() {
  for (Worker& worker : m_workers)
    if (!worker.thread.joinable()) worker.thread = std::thread([this, &worker] { work(worker); });
}

void Replica::submit(Request request) {
  m_queued.fetch_add(1, std::memory_order_relaxed);
  m_queuedItems.fetch_add(request.items, std::memory_order_relaxed);
  {
    std::lock_guard lock(m_mutex);
    m_queue.push_back(std::move(request));
  }
  m_wake.notify_one();
}

void Replica::dropQueue() {
  std::deque<Request> dropped;
  {
    std::lock_guard lock(m_mutex);
    dropped.swap(m_queue);
  }
  for (Request& request : dropped) {
    m_queued.fetch_sub(1, std::memory_order_relaxed);
    m_queuedItems.fetch_sub(request.items, std::memory_order_relaxed);
    fail(request, nowNs());
  }
}

void Replica::fail(Request& request, std::int64_t startNs) {
  Completion completion{request.id, request.items, request.scheduledNs, startNs, nowNs(), -1, -1, true};
  m_log.add(completion);
  if (request.done) request.done(completion);
}

double Replica::serviceNs(int items) const {
  std::lock_guard lock(m_mutex);
  if (m_serviceNs.empty()) return 0;
  auto above = m_serviceNs.lower_bound(items);
  if (above != m_serviceNs.end() && above->first == items) return above->second;
  if (above == m_serviceNs.begin()) return above->second;
  auto below = std::prev(above);
  if (above == m_serviceNs.end()) return below->second * items / below->first;
  const double share = static_cast<double>(items - below->first) / (above->first - below->first);
  return below->second + share * (above->second - below->second);
}

void Replica::learn(int items, double ns) {
  constexpr double kWeight = 0.1; // about the last ten executions count
  std::lock_guard lock(m_mutex);
  auto [it, isNew] = m_serviceNs.try_emplace(items, ns);
  if (!isNew) it->second += kWeight * (ns - it->second);
}

std::map<int, std::shared_ptr<const Executable>> Replica::variants() const {
  std::lock_guard lock(m_mutex);
  return m_variants;
}

std::optional<Error> Replica::lastError() const {
  std::lock_guard lock(m_mutex);
  return m_lastError;
}

std::vector<Request> Replica::takeBatch(std::unique_lock<std::mutex>& lock) {
  m_wake.wait(lock, [&] { return m_stop || !m_queue.empty(); });
  std::vector<Request> batch;
  int items = 0;
  while (!m_queue.empty()) {
    if (!batch.empty() && items + m_queue.front().items > m_options.batch) break;
    items += m_queue.front().items;
    batch.push_back(std::move(m_queue.front()));
    m_queue.pop_front();
  }
  m_queued.fetch_sub(static_cast<int>(batch.size()), std::memory_order_relaxed);
  m_queuedItems.fetch_sub(items, std::memory_order_relaxed);
  m_inFlight.fetch_add(static_cast<int>(batch.size()), std::memory_order_relaxed);
  m_inFlightItems.fetch_add(items, std::memory_order_relaxed);
  return batch;
}

void Replica::work(Worker& worker) {
  nameCurrentThread(m_options.name);
  if (!worker.slots.empty()) worker.slots.begin()->second->attachCurrentThread();
  for (;;) {
    std::vector<Request> batch;
    {
      std::unique_lock lock(m_mutex);
      batch = takeBatch(lock);
      if (batch.empty() && m_stop) return;
    }
    if (!batch.empty()) execute(worker, batch);
  }
}

Result<ExecutionSlot*> Replica::slotFor(Worker& worker, int items) {
  auto found = worker.slots.find(items);
  if (found == worker.slots.end()) {
    // A joined batch may be smaller than any size compiled for it: then it is padded to the next larger one.
    auto larger = worker.slots.lower_bound(items);
    if (larger != worker.slots.end() && larger->first <= m_options.batch) found = larger;
  }
  if (found != worker.slots.end()) {
    std::lock_guard lock(m_mutex);
    m_usedAt[found->first] = ++m_uses;
    return found->second.get();
  }
  const std::shared_ptr<const Executable> executable = TANDEM_TRY(variantFor(items));
  dropStaleSlots(worker);
  auto slot = TANDEM_TRY(executable->createSlot(&m_meters));
  if (worker.slots.empty()) slot->attachCurrentThread(); // as at the start: all were dropped with a device that failed
  return (worker.slots[items] = std::move(slot)).get();
}

/// The variant for this size, compiled if no worker has asked for it yet.
Result<std::shared_ptr<const Executable>> Replica::variantFor(int items) {
  {
    std::lock_guard lock(m_mutex);
    m_usedAt[items] = ++m_uses;
    auto variant = m_variants.find(items);
    if (variant != m_variants.end()) return variant->second;
  }
  std::shared_ptr<const Executable> made = TANDEM_TRY(m_factory(items));
  std::lock_guard lock(m_mutex);
  // Another worker may have compiled the same size meanwhile: then both use that one's weights.
  made = m_variants.try_emplace(items, std::move(made)).first->second;
  dropOldVariants(items);
  return made;
}

/// Called under the lock. Workers let their slots go when they next need another one.
void Replica::dropOldVariants(int keep) {
  while (m_variants.size() > m_prepared.size() + kMaxExtraVariants) {
    auto oldest = m_variants.end();
    for (auto it = m_variants.begin(); it != m_variants.end(); ++it)
      if (it->first != keep && !m_prepared.contains(it->first) &&
          (oldest == m_variants.end() || m_usedAt[it->first] < m_usedAt[oldest->first]))
        oldest = it;
    if (oldest == m_variants.end()) return;
    m_usedAt.erase(oldest->first);
    m_variants.erase(oldest);
  }
}

void Replica::dropStaleSlots(Worker& worker) {
  std::lock_guard lock(m_mutex);
  std::erase_if(worker.slots, [&](const auto& slot) { return !m_variants.contains(slot.first); });
}

void Replica::noteSuccess(const Worker& worker) {
  std::lock_guard lock(m_mutex);
  if (worker.generation == m_generation) m_worked = true;
}

/// A device that failed may work again once everything is compiled anew, which the next request does; if that fails,
/// too, the replica is lost. `ran`: it was a run that failed, not its preparation, which may have asked for too much.
void Replica::handleFailure(Worker& worker, const Error& error, bool ran) {
  bool drop = false;
  {
    std::lock_guard lock(m_mutex);
    m_lastError = error;
    if (error.code != ErrorCode::DeviceFailed) return;
    const bool isNewest = worker.generation == m_generation; // else another stream noticed before
    const bool isRetry = m_generation > 0 && !m_worked;
    if (isNewest && isRetry) m_lost = true;
    drop = ran || isRetry;
    if (isNewest && ran && !isRetry) {
      ++m_generation;
      m_worked = false;
      m_variants.clear();
    }
    worker.generation = m_generation;
  }
  if (drop) worker.slots.clear();
  if (m_lost) dropQueue();
}

void Replica::execute(Worker& worker, std::vector<Request>& batch) {
  const std::int64_t start = nowNs();
  int items = 0;
  for (const Request& request : batch) items += request.items;

  Result<RunTimes> times = makeError(ErrorCode::Internal, "not run");
  Result<ExecutionSlot*> slot = makeError(ErrorCode::DeviceFailed, "the replica is lost", m_options.name);
  if (!m_lost) slot = slotFor(worker, items);
  TraceRecorder* recorder = m_recorder;
  // By executions, not by request ids: round-robin over two replicas would give one of them all the sampled ids.
  const std::uint64_t execution = m_executions.fetch_add(1, std::memory_order_relaxed);
  const bool sampled =
      m_options.profileEvery > 0 && execution % static_cast<std::uint64_t>(m_options.profileEvery) == 0;
  std::optional<TraceRecorder> ownRecorder; // when no trace is wanted; streams must not share one
  if (!recorder && sampled) recorder = &ownRecorder.emplace(std::size_t{1} << 14);
  int slotItems = items;
  if (slot) {
    for (const auto& [size, each] : worker.slots)
      if (each.get() == *slot) slotItems = size;
    int at = 0;
    for (const Request& request : batch) {
      for (std::size_t i = 0; i < request.data->inputs.size(); ++i)
        if ((*slot)->input(i).defined())
          copyItems(request.data->inputs[i], request.data->items, request.firstItem, request.items, (*slot)->input(i),
                    slotItems, at);
      at += request.items;
    }
    (*slot)->setTrace(recorder, m_options.name + " ", batch.front().id);
    times = (*slot)->run();
  } else {
    times = slot.error();
  }
  const std::int64_t end = nowNs();
  if (times) {
    learn(slotItems, static_cast<double>(times->totalNs));
    m_paddedItems.fetch_add(static_cast<std::uint64_t>(slotItems - items), std::memory_order_relaxed);
  }
  Completion completion;
  completion.startNs = start;
  completion.endNs = end;
  completion.failed = !times.ok();
  if (sampled && recorder && times) addProfile(*recorder, batch.front().id, completion);
  if (slot && ownRecorder) (*slot)->setTrace(nullptr, {}, 0);
  if (times)
    noteSuccess(worker);
  else if (!m_lost)
    handleFailure(worker, times.error(), slot.ok());
  m_inFlight.fetch_sub(static_cast<int>(batch.size()), std::memory_order_relaxed);
  m_inFlightItems.fetch_sub(items, std::memory_order_relaxed);
  for (Request& request : batch) {
    completion.request = request.id;
    completion.items = request.items;
    completion.scheduledNs = request.scheduledNs;
    m_log.add(completion);
    if (request.done) request.done(completion);
    completion.transferNs = completion.computeNs = -1; // a joined batch was profiled once
  }
}

} // namespace tandem
