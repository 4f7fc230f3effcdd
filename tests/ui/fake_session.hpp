// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/session.hpp"
#include "engine/session/worker_session.hpp"
#include "ui/core/engine_bridge.hpp"

#include <nlohmann/json.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tandem::ui::test {

using session::Json;

/// What a fake worker was asked and how it answers; outlives the sessions, so tests see every worker's requests.
struct FakeEngine {
  struct Request {
    std::string method;
    Json params;
  };
  using Handler = std::function<Result<Json>(const Json& params)>;

  FakeEngine();
  [[nodiscard]] SessionFactory factory();
  [[nodiscard]] int count(const std::string& method) const;
  [[nodiscard]] Json last(const std::string& method) const;
  /// Ends the current worker: open requests answer WorkerLost, then its end is told.
  void kill(const std::string& message);
  void sendSnapshot(const Json& snapshot);
  /// Answers the run that is under way.
  void finishRun(const Result<Json>& report);
  [[nodiscard]] bool isRunning() const { return static_cast<bool>(m_runReply); }

  std::map<std::string, Handler> handlers;
  std::vector<Request> requests;
  int starts = 0, cancels = 0;
  bool failToStart = false;

 private:
  friend class FakeSession;
  session::ReplyFunction m_runReply;
  session::EventFunction m_runEvent;
  std::function<void(const session::WorkerEnd&)> m_ended;
};

/// Three layers: Conv "stem/conv" -> Relu "stem/relu" -> Foo "head/foo"; the accelerator cannot do Foo.
[[nodiscard]] Json smallDocument(const std::string& source, int handle);
[[nodiscard]] Json twoDevices();
[[nodiscard]] Json snapshotJson(double elapsedS);
[[nodiscard]] Json reportJson(bool stopped);

} // namespace tandem::ui::test
