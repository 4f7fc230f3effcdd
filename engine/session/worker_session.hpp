// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/session.hpp"

#include <filesystem>

namespace tandem::session {

/// Why a worker is gone.
struct WorkerEnd {
  enum class Cause { Exited, Killed, Hung, Garbage, FailedToStart } cause = Cause::Exited;
  std::string message; ///< for people: "the engine worker was killed (signal 9) during 'run' on CPU:0"
  std::string device;  ///< devices the last run used, "CPU:0, GPU:0"; empty where none ran
};

struct WorkerOptions {
  std::filesystem::path program; ///< tandem-worker; empty: beside this executable
  /// No sign of life for this long (beyond the budget that a running request announced) counts as hung.
  std::int64_t hangTimeoutMs = 2000;
  std::function<void(const WorkerEnd&)> ended; ///< called once, on the session's thread, after all replies
};

/// The engine in a child process. When the worker ends, every open request is answered with ErrorCode::WorkerLost and
/// `ended` is called; start a new WorkerSession to go on. Thread-safe. The destructor ends the worker (politely, then
/// by kill) and joins its threads.
class WorkerSession final : public Session {
 public:
  static Result<std::unique_ptr<WorkerSession>> start(WorkerOptions options);
  ~WorkerSession() override;
  std::uint64_t request(const std::string& method, const Json& params, ReplyFunction reply,
                        EventFunction event) override;
  void cancel(std::uint64_t requestId) override;
  int pid() const;

 private:
  struct State;
  explicit WorkerSession(std::shared_ptr<State> state);
  std::shared_ptr<State> m_state;
};

} // namespace tandem::session
