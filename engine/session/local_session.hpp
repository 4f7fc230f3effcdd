// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/service.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <optional>
#include <thread>

namespace tandem::session {

/// "OPENCL-CPU:1 has not come back for 61 s", where a device of this process takes far longer than it may. Nothing in
/// this process can end its work: only ending the process does.
std::optional<std::string> stuckDevice();

/// The engine in this process. Long requests (run, predict, verify, probe) run one after another on one thread, quick
/// ones on another, so that a placement can be edited while a run goes on, and models are opened on a third, as a disk
/// or network folder may take its time. Thread-safe.
class LocalSession final : public Session {
 public:
  LocalSession();
  ~LocalSession() override; ///< cancels everything, answers all requests, joins
  std::uint64_t request(const std::string& method, const Json& params, ReplyFunction reply,
                        EventFunction event) override;
  void cancel(std::uint64_t requestId) override;
  /// What the long thread works on now: "run", "" when idle.
  std::string busyWith() const;

 private:
  struct Pending {
    std::uint64_t id = 0;
    std::string method;
    std::shared_ptr<const Json> params;
    ReplyFunction reply;
    EventFunction event;
    CancelToken cancel;
  };
  struct Lane {
    std::deque<Pending> queue;
    std::string current;
    std::thread thread;
  };
  Lane& laneOf(const std::string& method, const Json& params);
  void work(Lane& lane, std::string_view threadName);

  EngineState m_state;
  mutable std::mutex m_mutex;
  std::condition_variable m_wake;
  bool m_stop = false;
  std::uint64_t m_nextId = 1;
  std::map<std::uint64_t, CancelToken> m_cancels;
  Lane m_quick, m_long, m_open;
};

} // namespace tandem::session
