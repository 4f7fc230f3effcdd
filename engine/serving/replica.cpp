// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/replica.hpp"

#include "engine/base/clock.hpp"
#include "engine/base/cpu_set.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr double kPatience = 10; ///< times what an execution should take

} // namespace

std::string_view toString(ReplicaState state) {
  switch (state) {
  case ReplicaState::Serving: return "serving";
  case ReplicaState::Hung: return "hung";
  case ReplicaState::Lost: return "lost";
  case ReplicaState::Draining: return "draining";
  case ReplicaState::Gone: return "removed";
  }
  return {};
}

Replica::Replica(ReplicaOptions options, std::unique_ptr<ReplicaBackend> backend, RequestTable& table)
    : m_options(std::move(options)),
      m_backend(std::move(backend)),
      m_table(table),
      m_queue(table, table.capacity()),
      m_batcher(m_options.batching),
      m_activeStreams(m_options.streams) {
  const auto requests = static_cast<std::size_t>(std::max(1, m_options.batching.maximum));
  for (int i = 0; i < std::max(1, m_options.streams); ++i) {
    Worker& worker = m_workers.emplace_back();
    worker.index = i;
    worker.track = m_options.name + (i > 0 ? " stream " + std::to_string(i + 1) + " " : " ");
    worker.requests.reserve(requests);
    worker.tickets = std::vector<std::atomic<Ticket>>(requests);
  }
}

Replica::~Replica() {
  m_stop = true;
  retire();
}

Result<void> Replica::prepare(const std::vector<int>& sizes) {
  TANDEM_TRY(m_backend->prepare(sizes));
  for (Worker& worker : m_workers) {
    if (worker.lane) {
      for (int items : sizes) TANDEM_TRY(worker.lane->select(items));
      continue;
    }
    worker.lane = TANDEM_TRY(m_backend->createLane());
    if (m_options.profileEvery > 0) worker.sampler = std::make_unique<TraceRecorder>(std::size_t{1} << 14);
  }
  return {};
}

Result<void> Replica::warmUp(const RequestData& data, int items) {
  Request request;
  request.data = &data;
  request.items = items > 0 ? items : data.items;
  // On a thread of its own per worker, as later: thread-local state of libraries belongs to the thread that warms it.
  for (Worker& worker : m_workers) {
    Result<void> status;
    std::thread thread([&] {
      worker.lane->attachCurrentThread();
      const auto size = worker.lane->select(request.items);
      if (!size) {
        status = size.error();
        return;
      }
      Request* const batch = &request;
      constexpr int kRuns = 2; // the first sets up, the second gives the first estimate
      for (int run = 0; run < kRuns && status.ok(); ++run) {
        auto times = worker.lane->run({&batch, 1}, m_cancel);
        if (!times)
          status = times.error();
        else if (run + 1 == kRuns)
          m_serviceTimes.learn(*size, static_cast<double>(times->totalNs));
      }
    });
    thread.join();
    TANDEM_TRY(status);
  }
  return {};
}

void Replica::setTrace(TraceRecorder* recorder) {
  m_recorder = recorder;
  for (Worker& worker : m_workers)
    worker.requestWriter = recorder ? recorder->addTrack(worker.track + "requests") : nullptr;
  if (!recorder) return;
  m_requestLabel = recorder->intern("request");
  m_queueLabel = recorder->intern("queue");
  m_serveLabel = recorder->intern("execution");
}

void Replica::start() {
  for (Worker& worker : m_workers)
    if (!worker.thread.joinable()) worker.thread = std::thread([this, &worker] { work(worker); });
}

bool Replica::submit(Ticket ticket) {
  const ReplicaState now = state();
  if (now == ReplicaState::Draining || now == ReplicaState::Gone) return false;
  Request& request = m_table.at(ticket);
  request.predictedNs = static_cast<std::int64_t>(shareNs(request.items));
  return m_queue.push(ticket);
}

void Replica::dropQueue() { emptyQueue(Status::Failed); }

void Replica::emptyQueue(Status status, const Failover& keep) {
  while (const Ticket ticket = m_queue.pop()) {
    if (keep && giveAway(ticket, keep)) continue;
    m_table.finish(ticket, [&](const Request& request) {
      const std::int64_t now = nowNs();
      const Completion completion{request.id, request.items, request.scheduledNs, request.readyNs, now, now, -1,
                                  -1,         status,        request.priority};
      m_log.add(completion);
      if (request.sink) request.sink->completed(request, completion);
    });
  }
}

/// Hands a taken request to somebody else. True: it is no longer ours, whether it was handed on or had ended.
bool Replica::giveAway(Ticket ticket, const Failover& failover) {
  if (!m_table.putBack(ticket, [](Request& request) { ++request.attempts; })) return true;
  if (failover(ticket)) return true;
  return m_table.take(ticket) == nullptr;
}

void Replica::drain() {
  ReplicaState now = state();
  while (now != ReplicaState::Gone && now != ReplicaState::Draining &&
         !m_state.compare_exchange_weak(now, ReplicaState::Draining)) {}
  retire();
}

/// Closes the queue, waits for the threads, and gives everything back.
void Replica::retire() {
  m_queue.close();
  if (m_stop) emptyQueue(Status::Failed);
  setActiveStreams(m_options.streams);
  for (Worker& worker : m_workers) {
    if (worker.thread.joinable()) worker.thread.join();
    worker.lane.reset();
    worker.sampler.reset();
  }
  emptyQueue(Status::Failed); // of a replica that never started
  m_backend->forget();
  m_state = ReplicaState::Gone;
}

void Replica::setActiveStreams(int streams) {
  {
    std::lock_guard lock(m_mutex);
    m_activeStreams = std::clamp(streams, 1, static_cast<int>(m_workers.size()));
  }
  m_rest.notify_all();
}

double Replica::shareNs(int items) const {
  const int joined = m_batcher.limit();
  if (joined <= items) return m_serviceTimes.ns(items);
  return m_serviceTimes.ns(joined) * items / joined;
}

double Replica::finishNs(int items, Priority priority, std::int64_t now) const {
  const int streams = m_activeStreams.load(kRelaxed);
  double soonest = INFINITY;
  for (const Worker& worker : m_workers) {
    if (worker.index >= streams) break;
    const std::int64_t started = worker.startedNs.load(kRelaxed);
    if (started == 0) {
      soonest = 0;
      break;
    }
    const double elapsed = static_cast<double>(std::max<std::int64_t>(now - started, 0));
    const double expected = worker.expectedNs.load(kRelaxed);
    soonest = std::min(soonest, elapsed < expected ? expected - elapsed : elapsed);
  }
  const auto waiting = static_cast<double>(std::max<std::int64_t>(m_queue.predictedNs(priority), 0));
  return soonest + waiting / streams + m_serviceTimes.ns(items);
}

std::int64_t Replica::idleNs(std::int64_t now) const { return now - m_begunNs.load(kRelaxed); }

std::optional<Error> Replica::lastError() const {
  std::lock_guard lock(m_mutex);
  return m_lastError;
}

Replica::Check Replica::checkHung(std::int64_t now, const Failover& failover) {
  bool anyHung = false;
  for (Worker& worker : m_workers) {
    const std::int64_t started = worker.startedNs.load();
    const bool runs = started != 0 && worker.runs.load();
    const double patience = m_options.patienceMs * 1e6 + kPatience * worker.expectedNs.load(kRelaxed);
    if (!runs || static_cast<double>(now - started) < patience) {
      worker.hung = false;
      continue;
    }
    anyHung = true;
    if (worker.hung.exchange(true)) continue;
    {
      // Before anybody is told: whoever is asks why.
      std::lock_guard lock(m_mutex);
      m_lastError = makeError(ErrorCode::DeviceFailed, "an execution has not come back", m_options.name,
                              "it gets no requests until it does");
    }
    const std::size_t count = worker.count.load();
    for (std::size_t i = 0; i < count; ++i)
      m_table.withdrawTaken(worker.tickets[i].load(), [&](const Request& request) {
        Request copy = request;
        ++copy.attempts;
        const Ticket again = copy.attempts == 1 ? m_table.add(copy) : 0;
        if (again != 0 && failover(again)) return;
        const Completion completion{request.id, request.items,  request.scheduledNs, request.readyNs, started, now, -1,
                                    -1,         Status::Failed, request.priority};
        m_log.add(completion);
        if (again != 0 && m_table.take(again)) m_table.finish(again, [](const Request&) {});
        if (request.sink) request.sink->completed(request, completion);
      });
  }
  ReplicaState before = anyHung ? ReplicaState::Serving : ReplicaState::Hung;
  if (!m_state.compare_exchange_strong(before, anyHung ? ReplicaState::Hung : ReplicaState::Serving))
    return Check::Fine;
  if (!anyHung) return Check::Recovered;
  emptyQueue(Status::Failed, failover);
  return Check::Hung;
}

void Replica::work(Worker& worker) {
  nameCurrentThread(m_options.name);
  if (worker.lane) worker.lane->attachCurrentThread();
  for (;;) {
    if (worker.index >= m_activeStreams.load(kRelaxed) && !worker.carried) {
      if (!m_queue.empty()) m_queue.wake(); // this one may have been woken in place of another
      std::unique_lock lock(m_mutex);
      m_rest.wait(lock, [&] { return worker.index < m_activeStreams.load(kRelaxed); });
    }
    int items = 0;
    if (!collect(worker, items)) return;
    if (!worker.requests.empty()) execute(worker, items);
  }
}

void Replica::add(Worker& worker, Ticket ticket, int& items) {
  Request& request = m_table.at(ticket);
  worker.tickets[worker.requests.size()].store(ticket, kRelaxed);
  worker.requests.push_back(&request);
  worker.count.store(worker.requests.size(), std::memory_order_release);
  items += request.items;
  m_inFlight.fetch_add(1, kRelaxed);
  m_inFlightItems.fetch_add(request.items, kRelaxed);
}

/// Takes the next requests to execute together; waits for them. False: there will be none any more.
bool Replica::collect(Worker& worker, int& items) {
  worker.requests.clear();
  worker.count.store(0, kRelaxed);
  Ticket first = std::exchange(worker.carried, 0);
  if (!first) first = m_queue.pop();
  if (!first) {
    if (m_queue.isClosed()) {
      first = m_queue.pop(); // what came in before it was closed
      if (!first) return false;
    } else {
      m_queue.wait(INT64_MAX);
      return true;
    }
  }
  add(worker, first, items);
  const Request& oldest = *worker.requests.front();
  const int limit = m_batcher.limit();
  if (items >= limit) return true;
  const Priority priority = oldest.priority;
  const std::int64_t until =
      std::max(oldest.scheduledNs, oldest.readyNs) + static_cast<std::int64_t>(m_batcher.policy().maxDelayMs * 1e6);
  for (;;) {
    const int aim = m_batcher.aim(items + m_queue.items(priority));
    while (items < aim && worker.requests.size() < worker.tickets.size()) {
      const Ticket next = m_queue.popOf(priority);
      if (!next) break;
      if (items + m_table.at(next).items > limit) {
        worker.carried = next;
        return true;
      }
      add(worker, next, items);
    }
    if (m_batcher.isEnough(items) || nowNs() >= until || m_queue.isClosed()) return true;
    m_queue.waitFor(priority, until);
  }
}

void Replica::noteSuccess(const Worker& worker) {
  if (worker.generation == m_generation.load(kRelaxed) && !m_worked.load(kRelaxed)) m_worked.store(true, kRelaxed);
}

/// Another stream may have found the device failed, and everything is compiled anew.
void Replica::forgetIfStale(Worker& worker) {
  const int generation = m_generation.load(std::memory_order_acquire);
  if (worker.generation == generation) return;
  worker.generation = generation;
  worker.lane->forget();
}

/// A device that failed may work again once everything is compiled anew, which the next request does; if that fails,
/// too, the replica is lost. `ran`: it was a run that failed, not its preparation, which may have asked for too much.
void Replica::handleFailure(Worker& worker, const Error& error, bool ran) {
  bool drop = false, lost = false;
  {
    std::lock_guard lock(m_mutex);
    m_lastError = error;
    if (error.code != ErrorCode::DeviceFailed) return;
    const bool isNewest = worker.generation == m_generation; // else another stream noticed before
    const bool isRetry = m_generation > 0 && !m_worked;
    drop = ran || isRetry;
    if (isNewest && isRetry) {
      lost = true;
      setLost();
    } else if (isNewest && ran) {
      ++m_generation;
      m_worked = false;
      m_backend->forget();
    }
    worker.generation = m_generation;
  }
  if (drop) worker.lane->forget();
  if (lost) emptyQueue(Status::Failed, m_failover);
}

void Replica::setLost() {
  ReplicaState now = state();
  while ((now == ReplicaState::Serving || now == ReplicaState::Hung) &&
         !m_state.compare_exchange_weak(now, ReplicaState::Lost)) {}
}

void Replica::execute(Worker& worker, int items) {
  const std::int64_t start = nowNs();
  m_begunNs.store(start, kRelaxed);
  worker.expectedNs.store(m_serviceTimes.ns(items), kRelaxed);
  worker.startedNs.store(start);

  // By executions, not by request ids: round-robin over two replicas would give one of them all the sampled ids.
  const std::uint64_t execution = m_executions.fetch_add(1, kRelaxed);
  const bool sampled =
      m_options.profileEvery > 0 && execution % static_cast<std::uint64_t>(m_options.profileEvery) == 0;
  TraceRecorder* recorder = m_recorder ? m_recorder : sampled ? worker.sampler.get() : nullptr;
  const std::uint64_t id = worker.requests.front()->id;

  Result<int> size = 0;
  Result<RunTimes> times = RunTimes();
  if (isLost()) {
    size = makeError(ErrorCode::DeviceFailed, "the replica is lost", m_options.name);
    times = size.error();
  } else {
    forgetIfStale(worker);
    size = worker.lane->select(items);
    if (size) {
      worker.runs = true;
      if (recorder) worker.lane->setTrace(recorder, worker.track, id);
      times = worker.lane->run(worker.requests, m_cancel);
      worker.runs = false;
    } else {
      times = size.error();
    }
  }
  const std::int64_t end = nowNs();

  Completion completion;
  completion.startNs = start;
  completion.endNs = end;
  if (times) {
    m_serviceTimes.learn(*size, static_cast<double>(times->totalNs));
    m_executedNs.fetch_add(times->totalNs, kRelaxed);
    m_batcher.executed(*size, static_cast<double>(times->totalNs));
    m_paddedItems.fetch_add(static_cast<std::uint64_t>(*size - items), kRelaxed);
    if (sampled && recorder) {
      completion.transferNs = recorder->sumNs(TraceKind::Transfer, id);
      completion.computeNs = recorder->sumNs(TraceKind::Kernel, id);
    }
    noteSuccess(worker);
  } else {
    completion.status = times.error().code == ErrorCode::Cancelled ? Status::Cancelled : Status::Failed;
  }
  if (sampled && recorder && times && m_options.onProfiled) m_options.onProfiled(*size, recorder->eventsOf(id));
  if (recorder && recorder == worker.sampler.get()) {
    if (size) worker.lane->setTrace(nullptr, {}, 0);
    recorder->clear();
  }
  const bool failedWithDevice = !times && times.error().code == ErrorCode::DeviceFailed;
  if (!times && !isLost()) handleFailure(worker, times.error(), size.ok());
  worker.startedNs.store(0);
  m_inFlight.fetch_sub(static_cast<int>(worker.requests.size()), kRelaxed);
  m_inFlightItems.fetch_sub(items, kRelaxed);
  finish(worker, completion, failedWithDevice);
}

void Replica::trace(Worker& worker, const Request& request, const Completion& completion) {
  const auto record = [&](std::int64_t from, std::int64_t to, std::uint32_t label, TraceKind kind) {
    worker.requestWriter->record({from, to, 0, request.id, label, NodeId(), kind});
  };
  record(completion.scheduledNs, completion.endNs, m_requestLabel, TraceKind::Request);
  record(completion.scheduledNs, completion.startNs, m_queueLabel, TraceKind::Queue);
  record(completion.startNs, completion.endNs, m_serveLabel, TraceKind::Request);
}

void Replica::finish(Worker& worker, Completion completion, bool failedWithDevice) {
  const std::size_t count = worker.requests.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Ticket ticket = worker.tickets[i].load(kRelaxed);
    if (failedWithDevice && m_failover && worker.requests[i]->attempts == 0 && giveAway(ticket, m_failover)) continue;
    m_table.finish(ticket, [&](const Request& request) {
      completion.request = request.id;
      completion.items = request.items;
      completion.scheduledNs = request.scheduledNs;
      completion.readyNs = request.readyNs;
      completion.priority = request.priority;
      m_log.add(completion);
      if (worker.requestWriter) trace(worker, request, completion);
      if (request.sink) request.sink->completed(request, completion);
    });
    completion.transferNs = completion.computeNs = -1; // a joined batch was profiled once
  }
}

} // namespace tandem
