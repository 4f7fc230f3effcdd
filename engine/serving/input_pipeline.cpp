// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/input_pipeline.hpp"

#include "engine/base/clock.hpp"
#include "engine/serving/join_items.hpp"

#include <algorithm>
#include <new>
#include <numeric>

namespace tandem {

ItemSource::~ItemSource() = default;

std::string ItemSource::label(std::size_t index) const {
  return "item " + std::to_string(index + 1) + " of " + std::to_string(count());
}

Result<std::vector<TensorDesc>> ItemSource::shapesOf(int items, std::span<const Tensor> item) const {
  return joinedShapes(items, item);
}

/// One thread's row of the timeline.
struct InputPipeline::Tracks {
  TraceWriter* writer = nullptr;
  std::array<std::uint32_t, 5> labels{};

  /// Sources tell how long their stages took, not when they began: they follow each other from `startNs` on.
  void record(std::int64_t startNs, const PipelineStages& stages, std::uint64_t request) const {
    const std::array times{stages.readNs, stages.decodeNs, stages.resizeNs, stages.normalizeNs, stages.batchNs};
    for (std::size_t i = 0; i < times.size(); ++i) {
      if (times[i] <= 0) continue;
      TraceEvent event;
      event.startNs = startNs;
      event.endNs = startNs += times[i];
      event.request = request;
      event.label = labels[i];
      event.kind = TraceKind::Preprocess;
      writer->record(event);
    }
  }
};

std::int64_t InputPipeline::nowNs() { return tandem::nowNs(); }

InputPipeline::InputPipeline(ItemSource& source, std::vector<int> sizes, PipelineOptions options)
    : m_source(source),
      m_count(source.count()),
      m_sizes(std::move(sizes)),
      m_options(std::move(options)),
      m_pool(std::make_shared<RequestPool>()),
      m_sizeRandom(m_options.seed),
      m_orderRandom(m_options.seed + 1), // its own stream: sizes and order stay independent
      m_meter(m_options.threads, m_options.devices) {
  TANDEM_ASSERT(m_count > 0 && !m_sizes.empty() && m_options.threads > 0 && m_options.prefetch > 0);
  TANDEM_ASSERT(std::all_of(m_sizes.begin(), m_sizes.end(), [](int size) { return size > 0; }));
  m_counts.prefetch = m_options.prefetch;
  m_counts.processors = (m_options.cores.empty() ? CpuSet::available() : m_options.cores).count();
}

InputPipeline::~InputPipeline() {
  stop();
  m_pool->close();
}

void InputPipeline::start() {
  std::lock_guard stopLock(m_stopMutex);
  {
    std::lock_guard lock(m_mutex);
    TANDEM_ASSERT(!m_started);
    m_started = true;
    if (m_stop) return;
    m_meter.reset(now());
  }
  for (int i = 0; i < m_options.threads; ++i) m_threads.emplace_back([this, i] { work(i); });
}

void InputPipeline::stop() {
  std::lock_guard stopLock(m_stopMutex);
  {
    std::lock_guard lock(m_mutex);
    m_stop = true;
  }
  m_wake.notify_all();
  for (std::thread& thread : m_threads) {
    TANDEM_ASSERT(thread.get_id() != std::this_thread::get_id());
    thread.join();
  }
  m_threads.clear();
  std::deque<std::pair<std::uint64_t, Taker>> left;
  {
    std::lock_guard lock(m_mutex);
    left.swap(m_takers);
    m_begun.clear();
    m_ready = 0;
    updateMeter();
  }
  for (auto& [number, taker] : left) taker(makeError(ErrorCode::Cancelled, "the input pipeline was stopped"));
}

void InputPipeline::take(Taker taker) {
  std::unique_lock lock(m_mutex);
  if (m_stop) {
    lock.unlock();
    taker(makeError(ErrorCode::Cancelled, "the input pipeline was stopped"));
    return;
  }
  const std::uint64_t number = m_nextTaker++;
  m_takers.emplace_back(number, std::move(taker));
  if (!canDeliver()) ++m_counts.waits;
  updateMeter();
  // The caller has work of its own: what comes after its taker is for the pipeline's threads.
  deliver(lock, number);
  if (hasWork()) m_wake.notify_one();
}

bool InputPipeline::canClaim() const {
  if (m_stop) return false;
  if (!m_begun.empty() && m_begun.back().claimed < m_begun.back().items) return true;
  return m_begun.size() < static_cast<std::size_t>(m_options.prefetch) + m_takers.size();
}

bool InputPipeline::canDeliver() const {
  return !m_stop && !m_takers.empty() && !m_begun.empty() && m_begun.front().isReady();
}

void InputPipeline::updateMeter() {
  const bool nextIsReady = !m_begun.empty() && m_begun.front().isReady();
  m_meter.setState(now(), m_ready, !m_takers.empty() && !nextIsReady);
}

/// Calls takers while there are requests for them, at most up to taker `last`. One thread at a time does that, which
/// keeps the order, and a taker that takes again does not end up in a recursion.
void InputPipeline::deliver(std::unique_lock<std::mutex>& lock, std::uint64_t last) {
  if (m_delivering) return;
  m_delivering = true;
  while (canDeliver() && m_takers.front().first <= last) {
    Making request = std::move(m_begun.front());
    m_begun.pop_front();
    --m_ready;
    Taker taker = std::move(m_takers.front().second);
    m_takers.pop_front();
    ++m_counts.taken;
    updateMeter();
    if (canClaim()) m_wake.notify_one();
    lock.unlock();
    if (request.error)
      taker(*std::move(request.error));
    else
      taker(std::shared_ptr<const RequestData>(std::move(request.data)));
    taker = nullptr; // what it holds goes before others wait for the lock
    lock.lock();
  }
  m_delivering = false;
}

int InputPipeline::nextSize() {
  if (m_block.empty()) {
    m_block = m_sizes;
    std::shuffle(m_block.begin(), m_block.end(), m_sizeRandom);
  }
  const int size = m_block.back();
  m_block.pop_back();
  return size;
}

std::size_t InputPipeline::nextIndex() {
  const std::size_t at = m_nextItem;
  m_nextItem = (m_nextItem + 1) % m_count;
  if (!m_options.shuffle) return at;
  if (at == 0) {
    m_order.resize(m_count);
    std::iota(m_order.begin(), m_order.end(), std::size_t{0});
    std::shuffle(m_order.begin(), m_order.end(), m_orderRandom);
  }
  return m_order[at];
}

InputPipeline::Claim InputPipeline::claimItem() {
  if (m_begun.empty() || m_begun.back().claimed == m_begun.back().items) {
    Making& request = m_begun.emplace_back();
    request.number = m_nextRequest++;
    request.items = nextSize();
  }
  Making& request = m_begun.back(); // a deque: it stays where it is while others come and go at the ends
  return {&request, request.claimed++, nextIndex()};
}

/// `index`, or the first item after it that was not found to be bad. Which one stands in for a bad one does not depend
/// on which thread found out first, so that runs can be repeated.
std::optional<std::size_t> InputPipeline::usableFrom(std::size_t index) const {
  if (m_bad.size() == m_count) return std::nullopt;
  while (m_bad.contains(index)) index = (index + 1) % m_count;
  return index;
}

void InputPipeline::noteBad(std::size_t index, Error error) {
  if (!m_bad.insert(index).second) return;
  if (++m_counts.failedItems <= PipelineStatistics::kFailedNames) m_counts.failedNames.push_back(m_source.label(index));
  if (error.where.empty()) error.where = m_source.label(index);
  if (!m_counts.firstError) m_counts.firstError = std::move(error);
}

/// The claimed request, with memory to copy items to.
Result<InputPipeline::Making*> InputPipeline::withData(const Claim& claim, std::span<const Tensor> item) {
  Making& request = *claim.request;
  if (request.data) return &request;
  auto shapes = m_shapes.find(request.items);
  if (shapes == m_shapes.end())
    shapes = m_shapes.emplace(request.items, TANDEM_TRY(m_source.shapesOf(request.items, item))).first;
  request.data = TANDEM_TRY(m_pool->acquire(request.items, shapes->second));
  return &request;
}

Result<void> InputPipeline::place(const Claim& claim, std::span<const Tensor> item, PipelineStages& stages,
                                  bool& isItemsFault) {
  const std::int64_t start = now();
  isItemsFault = false;
  RequestData* data = nullptr;
  {
    std::lock_guard lock(m_mutex);
    data = TANDEM_TRY(withData(claim, item))->data.get();
  }
  isItemsFault = true;
  TANDEM_TRY(joinItem(item, claim.slot, *data));
  stages.batchNs += now() - start;
  return {};
}

Result<PipelineStages> InputPipeline::makeItem(const Claim& claim, Tracks* tracks) {
  std::size_t index = claim.index;
  for (;;) {
    {
      std::lock_guard lock(m_mutex);
      if (m_stop) return makeError(ErrorCode::Cancelled, "the input pipeline was stopped");
      const auto usable = usableFrom(index);
      if (!usable) return *m_counts.firstError;
      index = *usable;
    }
    const std::int64_t start = now();
    PipelineStages stages;
    bool isItemsFault = true;
    Result<void> made;
    try {
      const Result<std::vector<Tensor>> item = m_source.read(index, stages);
      made = item ? place(claim, *item, stages, isItemsFault) : item.error();
    } catch (const std::bad_alloc&) {
      made = makeError(ErrorCode::DeviceFailed, "not enough memory for this input", {},
                       "use fewer threads, smaller batches or a smaller prefetch");
    }
    if (tracks) tracks->record(start, stages, claim.request->number);
    if (made) return stages;
    if (!isItemsFault) return made.error();
    std::lock_guard lock(m_mutex);
    noteBad(index, std::move(made).error());
  }
}

void InputPipeline::finish(const Claim& claim, const Result<PipelineStages>& made) {
  Making& request = *claim.request;
  if (made) {
    ++m_counts.items;
    m_counts.stages += *made;
  } else if (!request.error) {
    request.error = made.error();
    request.done += request.items - request.claimed; // nobody needs the rest
    request.claimed = request.items;
  }
  if (++request.done < request.items) return;
  ++m_ready;
  if (!request.error) ++m_counts.requests;
  updateMeter();
}

void InputPipeline::work(int thread) {
  nameCurrentThread("preprocess " + std::to_string(thread));
  const bool pinned = m_options.cores.empty() || pinCurrentThread(m_options.cores);
  Tracks tracks;
  if (m_options.trace) {
    tracks.writer = m_options.trace->addTrack("preprocess " + std::to_string(thread));
    constexpr std::array kNames{"read", "decode", "resize", "normalize", "batch"};
    for (std::size_t i = 0; i < kNames.size(); ++i) tracks.labels[i] = m_options.trace->intern(kNames[i]);
  }
  std::unique_lock lock(m_mutex);
  if (!pinned)
    m_counts.problem =
        "the system refused to keep the preprocessing threads on the cores " + m_options.cores.toString();
  for (;;) {
    m_wake.wait(lock, [&] { return m_stop || hasWork(); });
    if (m_stop) return;
    if (canDeliver() && !m_delivering) {
      deliver(lock, UINT64_MAX);
      continue;
    }
    const Claim claim = claimItem();
    m_meter.threadBegins(now());
    if (hasWork()) m_wake.notify_one();
    lock.unlock();
    const Result<PipelineStages> made = makeItem(claim, tracks.writer ? &tracks : nullptr);
    lock.lock();
    m_meter.threadEnds(now());
    finish(claim, made);
  }
}

PipelineStatistics InputPipeline::statistics() const {
  std::lock_guard lock(m_mutex);
  PipelineStatistics statistics = m_counts;
  m_meter.fill(now(), statistics);
  statistics.buffers = m_pool->buffers();
  statistics.bufferBytes = m_pool->bytes();
  return statistics;
}

void InputPipeline::resetStatistics() {
  std::lock_guard lock(m_mutex);
  PipelineStatistics kept;
  kept.prefetch = m_counts.prefetch;
  kept.processors = m_counts.processors;
  kept.failedItems = m_counts.failedItems;
  kept.failedNames = std::move(m_counts.failedNames);
  kept.firstError = std::move(m_counts.firstError);
  kept.problem = std::move(m_counts.problem);
  m_counts = std::move(kept);
  m_meter.reset(now());
}

} // namespace tandem
