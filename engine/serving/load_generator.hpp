// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/router.hpp"
#include "engine/serving/scenario.hpp"

#include <random>

namespace tandem {

/// Issues requests as a scenario says and logs how they went. Closed loops issue the next request from the completion
/// of the last one, so they need no thread; the open loop has one. Thread-safe.
class LoadGenerator {
 public:
  /// `sizes` are mixed evenly: every block of sizes.size() requests holds each once, in an order drawn from `seed`.
  /// Router and data must outlive the generator.
  LoadGenerator(Scenario scenario, Router& router, std::vector<const RequestData*> sizes, std::uint64_t seed);
  ~LoadGenerator(); ///< stops and waits for what is under way: the replicas must be running, or fail it

  void start();
  /// Issues no more requests. Those under way go on.
  void stop();
  /// Waits until nothing is under way, at most `timeoutMs`. False on timeout.
  bool waitIdle(std::int64_t timeoutMs);
  /// True once a finite scenario (offline) has completed everything.
  bool finished() const { return m_scenario.kind == Scenario::Kind::Offline && m_open.load() == 0 && m_started; }
  std::uint64_t underWay() const { return m_open.load(); }
  SampleLog& log() { return m_log; }

 private:
  void issue(std::int64_t scheduledNs);
  void issueRound();
  const RequestData* nextData();
  void completed(const Completion& completion);
  void closeOne();
  void runOpenLoop();

  Scenario m_scenario;
  Router& m_router;
  std::vector<const RequestData*> m_sizes;
  SampleLog m_log;
  std::atomic<bool> m_stop{false};
  std::atomic<bool> m_started{false};
  std::atomic<std::uint64_t> m_open{0}, m_nextId{1};
  std::mutex m_mutex; // random order, round, idle
  std::condition_variable m_idle;
  std::mt19937_64 m_random;
  std::vector<const RequestData*> m_block;
  std::thread m_thread;
};

} // namespace tandem
