// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/load_generator.hpp"

#include "engine/base/clock.hpp"
#include "engine/base/cpu_set.hpp"
#include "engine/serving/input_pipeline.hpp"

#include <algorithm>
#include <chrono>
#include <sys/prctl.h>

namespace tandem {
namespace {

constexpr std::size_t kOrderBlocks = 997; // a prime, so that orders and classes do not repeat together

} // namespace

/// Requests that are issued together and count as one.
class LoadGenerator::Round final : public CompletionSink {
 public:
  explicit Round(LoadGenerator& generator) : m_generator(generator) {}
  void begin(int count, std::uint64_t id, std::int64_t now) {
    m_whole = {id, 0, now, now, INT64_MAX, 0, -1, -1, Status::Done, Priority::Latency};
    m_left = count;
  }
  void completed(const Request& request, const Completion& completion) override {
    {
      std::lock_guard lock(m_mutex);
      m_whole.items += completion.items;
      m_whole.startNs = std::min(m_whole.startNs, completion.startNs);
      m_whole.endNs = std::max(m_whole.endNs, completion.endNs);
      if (m_whole.done()) m_whole.status = completion.status;
      m_whole.transferNs = std::max(m_whole.transferNs, completion.transferNs);
      m_whole.computeNs = std::max(m_whole.computeNs, completion.computeNs);
      if (--m_left > 0) return;
    }
    const Completion whole = m_whole; // the next round begins from here
    m_generator.completed(request, whole);
  }

 private:
  LoadGenerator& m_generator;
  std::mutex m_mutex;
  int m_left = 0;
  Completion m_whole;
};

LoadGenerator::LoadGenerator(Scenario scenario, Router& router, LoadSettings settings)
    : m_scenario(std::move(scenario)),
      m_router(router),
      m_settings(std::move(settings)),
      m_round(std::make_unique<Round>(*this)) {
  TANDEM_ASSERT(!m_settings.sizes.empty() || m_settings.pipeline);
  TANDEM_ASSERT(m_scenario.kind != Scenario::Kind::Ramp && m_settings.sizes.size() < 256);
  std::mt19937_64 random(m_settings.seed);
  std::vector<std::uint8_t> block;
  for (std::size_t i = 0; i < m_settings.sizes.size(); ++i) block.push_back(static_cast<std::uint8_t>(i));
  for (std::size_t i = 0; i < kOrderBlocks && !block.empty(); ++i) {
    std::shuffle(block.begin(), block.end(), random);
    m_order.insert(m_order.end(), block.begin(), block.end());
  }
  std::bernoulli_distribution isBulk(std::clamp(m_settings.bulkShare, 0.0, 1.0));
  for (std::size_t i = 0; i < kOrderBlocks + 12; ++i) m_bulk.push_back(isBulk(random) ? 1 : 0); // 1009 is prime, too
}

LoadGenerator::~LoadGenerator() {
  stop();
  if (m_thread.joinable()) m_thread.join();
  while (!waitIdle(1000)) {} // completions refer to this object
  // Whoever counted the last one down may still be on its way out.
  while (m_closing.load(std::memory_order_acquire) > 0) std::this_thread::yield();
}

void LoadGenerator::start() {
  using Kind = Scenario::Kind;
  const std::int64_t now = nowNs();
  m_startNs = now;
  switch (m_scenario.kind) {
  case Kind::SingleStream: issue(now); break;
  case Kind::Closed:
  case Kind::Offline: {
    // Counted as one more until all are issued, so that "nothing under way" cannot be seen in between.
    m_open.fetch_add(1);
    int first = m_scenario.count;
    if (m_scenario.kind == Kind::Offline) {
      // No more than the deployment's queues hold; the others follow as these are done.
      constexpr std::size_t kPlaces = 8; // of a request that is split
      first = std::min<int>(first, std::max(1, static_cast<int>(m_router.capacity() / kPlaces)));
      m_left = m_scenario.count - first;
    }
    for (int i = 0; i < first && !m_stop; ++i) issue(now);
    closeOne();
    break;
  }
  case Kind::MultiStream: issueRound(); break;
  case Kind::Poisson:
  case Kind::Replay: m_thread = std::thread([this] { runOpenLoop(); }); return;
  case Kind::Ramp: break;
  }
  m_allIssued = true;
}

void LoadGenerator::stop() {
  {
    std::lock_guard lock(m_mutex);
    m_stop = true;
  }
  m_idle.notify_all();
}

bool LoadGenerator::waitIdle(std::int64_t timeoutMs) {
  std::unique_lock lock(m_mutex);
  return m_idle.wait_for(lock, std::chrono::milliseconds(timeoutMs), [&] { return m_open.load() == 0; });
}

bool LoadGenerator::finished() const {
  return m_scenario.isFinite() && m_allIssued && m_open.load() == 0 && m_left.load() <= 0;
}

void LoadGenerator::resume() {
  for (int parked = m_parked.exchange(0); parked > 0; --parked)
    if (!m_stop) goOn(false);
}

const RequestData* LoadGenerator::nextData() {
  return m_settings.sizes[m_order[m_turn.fetch_add(1, std::memory_order_relaxed) % m_order.size()]];
}

Priority LoadGenerator::nextPriority() {
  if (m_settings.bulkShare <= 0) return Priority::Latency;
  return m_bulk[m_classTurn.fetch_add(1, std::memory_order_relaxed) % m_bulk.size()] ? Priority::Bulk
                                                                                     : Priority::Latency;
}

void LoadGenerator::send(std::int64_t scheduledNs, std::int64_t readyNs, const RequestData* data,
                         std::shared_ptr<const RequestData> owned, CompletionSink* sink) {
  Request request;
  request.id = m_nextId.fetch_add(1, std::memory_order_relaxed);
  request.data = data;
  request.owned = std::move(owned);
  request.items = data->items;
  request.scheduledNs = scheduledNs;
  request.readyNs = readyNs;
  request.priority = nextPriority();
  request.sink = sink;
  m_router.submit(std::move(request));
}

/// One request, at once or as soon as the pipeline has its inputs. It is counted as under way.
void LoadGenerator::sendNext(std::int64_t scheduledNs, CompletionSink* sink) {
  if (!m_settings.pipeline) return send(scheduledNs, scheduledNs, nextData(), nullptr, sink);
  m_settings.pipeline->take([this, scheduledNs, sink](Result<std::shared_ptr<const RequestData>> data) {
    if (!data) {
      if (data.error().code != ErrorCode::Cancelled) {
        std::lock_guard lock(m_mutex);
        if (!m_failure) m_failure = data.error();
        m_stop = true;
      }
      return drop(scheduledNs, sink, m_stop ? Status::Cancelled : Status::Failed);
    }
    if (m_stop) return drop(scheduledNs, sink, Status::Cancelled);
    const RequestData* inputs = data->get();
    send(scheduledNs, nowNs(), inputs, *std::move(data), sink);
  });
}

/// A request that never came to be ends like any other.
void LoadGenerator::drop(std::int64_t scheduledNs, CompletionSink* sink, Status status) {
  Request request;
  request.id = m_nextId.fetch_add(1, std::memory_order_relaxed);
  const std::int64_t now = nowNs();
  sink->completed(request, {request.id, 0, scheduledNs, now, now, now, -1, -1, status, Priority::Latency});
}

std::optional<Error> LoadGenerator::failure() const {
  std::lock_guard lock(m_mutex);
  return m_failure;
}

void LoadGenerator::issue(std::int64_t scheduledNs) {
  m_open.fetch_add(1);
  sendNext(scheduledNs, this);
}

void LoadGenerator::issueRound() {
  const std::int64_t now = nowNs();
  m_open.fetch_add(1);
  m_round->begin(m_scenario.count, m_nextId.load(), now);
  for (int i = 0; i < m_scenario.count; ++i) sendNext(now, m_round.get());
}

void LoadGenerator::completed(const Request&, const Completion& completion) {
  m_log.add(completion);
  if (!m_stop.load(std::memory_order_relaxed)) goOn(completion.status == Status::Rejected);
  closeOne();
}

/// A client has its answer, and asks again where the scenario says so.
void LoadGenerator::goOn(bool refused) {
  using Kind = Scenario::Kind;
  const bool asksAgain =
      m_scenario.kind == Kind::SingleStream || m_scenario.kind == Kind::Closed || m_scenario.kind == Kind::MultiStream;
  if (asksAgain && refused) {
    m_parked.fetch_add(1); // asking again at once would be refused again, without end
    return;
  }
  if (m_scenario.kind == Kind::SingleStream || m_scenario.kind == Kind::Closed)
    issue(nowNs());
  else if (m_scenario.kind == Kind::MultiStream)
    issueRound();
  else if (m_scenario.kind == Kind::Offline && m_left.fetch_sub(1) > 0)
    issue(m_startNs);
}

void LoadGenerator::closeOne() {
  // Whoever sees the last one done may destroy this object once m_closing is zero.
  m_closing.fetch_add(1, std::memory_order_relaxed);
  if (m_open.fetch_sub(1) == 1) {
    { std::lock_guard lock(m_mutex); }
    m_idle.notify_all();
  }
  m_closing.fetch_sub(1, std::memory_order_release);
}

void LoadGenerator::runOpenLoop() {
  nameCurrentThread("arrivals");
  prctl(PR_SET_TIMERSLACK, 1UL); // default slack of 50 us would bunch arrivals at high rates
  const bool isReplay = m_scenario.kind == Scenario::Kind::Replay;
  std::exponential_distribution<double> gapS(isReplay ? 1.0 : m_scenario.ratePerS);
  std::mt19937_64 random(m_settings.seed + 1); // its own stream: sizes and gaps stay independent
  const std::int64_t start = nowNs();
  double atS = 0;
  for (std::size_t i = 0; !m_stop; ++i) {
    if (isReplay && i == m_scenario.arrivalsS.size()) break;
    atS = isReplay ? m_scenario.arrivalsS[i] : atS + gapS(random);
    const std::int64_t due = start + static_cast<std::int64_t>(atS * 1e9);
    {
      std::unique_lock lock(m_mutex);
      const std::int64_t wait = due - nowNs();
      if (wait > 0 && m_idle.wait_for(lock, std::chrono::nanoseconds(wait), [&] { return m_stop.load(); })) return;
    }
    issue(due);
  }
  m_allIssued = true;
  { std::lock_guard lock(m_mutex); }
  m_idle.notify_all();
}

} // namespace tandem
