// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/worker_server.hpp"

#include "engine/session/codec.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/line_io.hpp"
#include "engine/session/local_session.hpp"

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>

namespace tandem::session {
namespace {

constexpr std::chrono::milliseconds kHeartbeat{250};

/// Says "alive" on a thread of its own, so that a kernel that never returns does not look like a dead process and a
/// stopped process does.
class Heartbeat {
 public:
  Heartbeat(LineWriter& writer, const LocalSession& session)
      : m_thread([this, &writer, &session] {
          nameCurrentThread("heartbeat");
          std::unique_lock lock(m_mutex);
          while (!m_wake.wait_for(lock, kHeartbeat, [&] { return m_stop; })) {
            Json beat{{"event", "heartbeat"}, {"busy", session.busyWith()}};
            if (const auto stuck = stuckDevice()) beat["stuck"] = *stuck;
            if (!writer.write(beat.dump())) return;
          }
        }) {}
  ~Heartbeat() {
    {
      std::lock_guard lock(m_mutex);
      m_stop = true;
    }
    m_wake.notify_all();
    m_thread.join();
  }

 private:
  std::mutex m_mutex;
  std::condition_variable m_wake;
  bool m_stop = false;
  std::thread m_thread;
};

class Server {
 public:
  explicit Server(LineWriter& writer) : m_writer(writer) {}

  bool handleLine(std::string_view line, LocalSession& session) {
    auto parsed = parseJson(line, "request");
    if (!parsed || !parsed->is_object() || !parsed->contains("method") || !(*parsed)["method"].is_string())
      return m_writer.write(Json{{"event", "protocol-error"}, {"message", "not a request"}}.dump());
    const Json& request = *parsed;
    const std::string method = request["method"];
    const Json params =
        request.contains("params") && request["params"].is_object() ? request["params"] : Json::object();
    if (method == "cancel") {
      cancel(session, idOf(params));
      return true;
    }
    const std::uint64_t id = idOf(request);
    auto reply = [this, id](Result<Json> result) {
      Json message{{"id", id}};
      if (result)
        message["result"] = std::move(*result);
      else
        message["error"] = encodeError(result.error());
      // Names from model files need not be valid UTF-8: replace, never throw.
      m_writer.write(message.dump(-1, ' ', false, Json::error_handler_t::replace));
      std::lock_guard lock(m_mutex);
      m_sessionIds.erase(id);
    };
    auto event = [this, id](const std::string& name, const Json& data) {
      m_writer.write(
          Json{{"id", id}, {"event", name}, {"data", data}}.dump(-1, ' ', false, Json::error_handler_t::replace));
    };
    std::lock_guard lock(m_mutex); // the reply may come before request() returns
    m_sessionIds[id] = session.request(method, params, reply, event);
    return true;
  }

 private:
  void cancel(LocalSession& session, std::uint64_t id) {
    std::lock_guard lock(m_mutex);
    auto it = m_sessionIds.find(id);
    if (it != m_sessionIds.end()) session.cancel(it->second);
  }

  LineWriter& m_writer;
  std::mutex m_mutex;
  std::map<std::uint64_t, std::uint64_t> m_sessionIds; ///< client's request id -> session's
};

} // namespace

int serveWorker(int inputFd, int outputFd) {
  std::signal(SIGPIPE, SIG_IGN);
  LineWriter writer(outputFd);
  Server server(writer);
  LocalSession session;
  const Heartbeat heartbeat(writer, session);
  const bool clean = readLines(inputFd, [&](std::string_view line) { return server.handleLine(line, session); });
  return clean ? 0 : 1;
}

} // namespace tandem::session
