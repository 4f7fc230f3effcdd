// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/router.hpp"
#include "engine/serving/scenario.hpp"

#include <random>

namespace tandem {

class InputPipeline;

/// What a load is made of.
struct LoadSettings {
  /// Mixed evenly: every block of sizes.size() requests holds each once, in an order drawn from `seed`.
  std::vector<const RequestData*> sizes;
  /// Where set, requests come from here as they get ready, in place of `sizes`.
  InputPipeline* pipeline = nullptr;
  double bulkShare = 0; ///< of the requests that are of the bulk class, drawn from `seed`
  std::uint64_t seed = 1;
};

/// Issues requests as a scenario says and logs how they went. Closed loops issue the next request from the completion
/// of the last one, so they need no thread, take no lock and allocate nothing; open loops have a thread. Thread-safe.
class LoadGenerator final : private CompletionSink {
 public:
  /// Router and data must outlive the generator. Ramp is several loads: no scenario for this class.
  LoadGenerator(Scenario scenario, Router& router, LoadSettings settings);
  ~LoadGenerator() override; ///< stops and waits for what is under way: the replicas must be running, or fail it

  void start();
  /// Issues no more requests. Those under way go on.
  void stop();
  /// Waits until nothing is under way, at most `timeoutMs`. False on timeout.
  bool waitIdle(std::int64_t timeoutMs);
  /// Clients whose request was refused wait for this call to issue their next one, instead of asking at once again.
  void resume();
  /// True once a finite scenario has completed everything.
  bool finished() const;
  std::uint64_t underWay() const { return m_open.load(); }
  /// Why the pipeline gives no more requests; nothing is issued any more then.
  std::optional<Error> failure() const;
  SampleLog& log() { return m_log; }

 private:
  void completed(const Request& request, const Completion& completion) override;
  void issue(std::int64_t scheduledNs);
  void send(std::int64_t scheduledNs, std::int64_t readyNs, const RequestData* data,
            std::shared_ptr<const RequestData> owned, CompletionSink* sink);
  void sendNext(std::int64_t scheduledNs, CompletionSink* sink);
  void drop(std::int64_t scheduledNs, CompletionSink* sink, Status status);
  void issueRound();
  void goOn(bool refused);
  const RequestData* nextData();
  Priority nextPriority();
  void closeOne();
  void runOpenLoop();
  class Round;

  Scenario m_scenario;
  Router& m_router;
  LoadSettings m_settings;
  SampleLog m_log;
  std::vector<std::uint8_t> m_order; ///< of sizes, many blocks; used round and round
  std::vector<std::uint8_t> m_bulk;  ///< classes, the same way
  std::atomic<bool> m_stop{false};
  std::atomic<bool> m_allIssued{false};
  std::atomic<std::uint64_t> m_open{0}, m_closing{0}, m_nextId{1}, m_turn{0}, m_classTurn{0};
  std::int64_t m_startNs = 0;
  std::atomic<int> m_left{0};   ///< offline: not issued yet
  std::atomic<int> m_parked{0}; ///< clients whose request was refused
  mutable std::mutex m_mutex;   // idle, open loop, failure
  std::optional<Error> m_failure;
  std::condition_variable m_idle;
  std::unique_ptr<Round> m_round;
  std::thread m_thread;
};

} // namespace tandem
