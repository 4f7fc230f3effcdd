// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/load_generator.hpp"

#include "engine/base/clock.hpp"

#include <algorithm>
#include <chrono>
#include <sys/prctl.h>

namespace tandem {

LoadGenerator::LoadGenerator(Scenario scenario, Router& router, std::vector<const RequestData*> sizes,
                             std::uint64_t seed)
    : m_scenario(scenario),
      m_router(router),
      m_sizes(std::move(sizes)),
      m_random(seed) {
  TANDEM_ASSERT(!m_sizes.empty());
}

LoadGenerator::~LoadGenerator() {
  stop();
  if (m_thread.joinable()) m_thread.join();
  while (!waitIdle(1000)) {} // completions refer to this object
}

void LoadGenerator::start() {
  using Kind = Scenario::Kind;
  const std::int64_t now = nowNs();
  switch (m_scenario.kind) {
  case Kind::SingleStream: issue(now); break;
  case Kind::Closed:
  case Kind::Offline: {
    // Count all before the first completes, so that "nothing under way" cannot be seen in between.
    m_open.fetch_add(1);
    for (int i = 0; i < m_scenario.count && !m_stop; ++i) issue(now);
    closeOne();
    break;
  }
  case Kind::MultiStream: issueRound(); break;
  case Kind::Poisson: m_thread = std::thread([this] { runOpenLoop(); }); break;
  }
  m_started = true;
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

const RequestData* LoadGenerator::nextData() {
  std::lock_guard lock(m_mutex);
  if (m_block.empty()) {
    m_block = m_sizes;
    std::shuffle(m_block.begin(), m_block.end(), m_random);
  }
  const RequestData* data = m_block.back();
  m_block.pop_back();
  return data;
}

void LoadGenerator::issue(std::int64_t scheduledNs) {
  Request request;
  request.id = m_nextId.fetch_add(1);
  request.data = nextData();
  request.items = request.data->items;
  request.scheduledNs = scheduledNs;
  request.done = [this](const Completion& completion) { completed(completion); };
  m_open.fetch_add(1);
  m_router.submit(std::move(request));
}

void LoadGenerator::issueRound() {
  struct Round {
    std::mutex mutex;
    int left = 0;
    Completion whole;
  };
  auto round = std::make_shared<Round>();
  round->left = m_scenario.count;
  const std::int64_t now = nowNs();
  round->whole = {m_nextId.load(), 0, now, INT64_MAX, 0, -1, -1, false};
  m_open.fetch_add(1);
  for (int i = 0; i < m_scenario.count; ++i) {
    Request request;
    request.id = m_nextId.fetch_add(1);
    request.data = nextData();
    request.items = request.data->items;
    request.scheduledNs = now;
    request.done = [this, round](const Completion& completion) {
      {
        std::lock_guard lock(round->mutex);
        Completion& whole = round->whole;
        whole.items += completion.items;
        whole.startNs = std::min(whole.startNs, completion.startNs);
        whole.endNs = std::max(whole.endNs, completion.endNs);
        whole.failed = whole.failed || completion.failed;
        whole.transferNs = std::max(whole.transferNs, completion.transferNs);
        whole.computeNs = std::max(whole.computeNs, completion.computeNs);
        if (--round->left > 0) return;
      }
      completed(round->whole);
    };
    m_router.submit(std::move(request));
  }
}

void LoadGenerator::completed(const Completion& completion) {
  m_log.add(completion);
  using Kind = Scenario::Kind;
  if (!m_stop) {
    if (m_scenario.kind == Kind::SingleStream || m_scenario.kind == Kind::Closed)
      issue(nowNs());
    else if (m_scenario.kind == Kind::MultiStream)
      issueRound();
  }
  closeOne();
}

void LoadGenerator::closeOne() {
  // Counted under the lock: whoever sees the zero may destroy this object as soon as the lock is free.
  std::lock_guard lock(m_mutex);
  if (m_open.fetch_sub(1) == 1) m_idle.notify_all();
}

void LoadGenerator::runOpenLoop() {
  nameCurrentThread("arrivals");
  prctl(PR_SET_TIMERSLACK, 1UL); // default slack of 50 us would bunch arrivals at high rates
  std::exponential_distribution<double> gapS(m_scenario.ratePerS);
  std::mt19937_64 random(m_random()); // its own stream: sizes and gaps stay independent
  const std::int64_t start = nowNs();
  double atS = 0;
  while (!m_stop) {
    atS += gapS(random);
    const std::int64_t due = start + static_cast<std::int64_t>(atS * 1e9);
    {
      std::unique_lock lock(m_mutex);
      const std::int64_t wait = due - nowNs();
      if (wait > 0 && m_idle.wait_for(lock, std::chrono::nanoseconds(wait), [&] { return m_stop.load(); })) return;
    }
    issue(due);
  }
}

} // namespace tandem
