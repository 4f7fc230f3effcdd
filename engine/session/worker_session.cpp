// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/worker_session.hpp"

#include "engine/base/clock.hpp"
#include "engine/base/cpu_set.hpp"
#include "engine/session/codec.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/line_io.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace tandem::session {
namespace {

constexpr std::chrono::milliseconds kFarewell{1000}; // time to end by itself before it is killed

std::filesystem::path defaultProgram() {
  std::error_code ignored;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return self.parent_path() / "tandem-worker";
}

struct Pipe {
  int readEnd = -1, writeEnd = -1;
  bool open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    readEnd = ends[0];
    writeEnd = ends[1];
    return true;
  }
};

Result<pid_t> spawn(const std::filesystem::path& program, Pipe& toWorker, Pipe& fromWorker) {
  auto failed = [&](const std::string& what) {
    return makeError(ErrorCode::WorkerLost, "the engine worker cannot be started: " + what, program.string(),
                     "reinstall Tandem or build it anew");
  };
  if (!toWorker.open() || !fromWorker.open()) return failed(std::strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, toWorker.readEnd, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, fromWorker.writeEnd, STDOUT_FILENO);
  std::string name = program.string();
  char* arguments[] = {name.data(), nullptr};
  pid_t pid = -1;
  const int status = posix_spawn(&pid, name.c_str(), &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(toWorker.readEnd);
  close(fromWorker.writeEnd);
  if (status != 0) {
    close(toWorker.writeEnd);
    close(fromWorker.readEnd);
    return failed(std::strerror(status));
  }
  return pid;
}

} // namespace

/// Shared by the session, its reader thread and its watchdog thread.
struct WorkerSession::State {
  struct Open {
    std::string method;
    ReplyFunction reply;
    EventFunction event;
  };

  WorkerOptions options;
  pid_t pid = -1;
  int toFd = -1, fromFd = -1;
  std::unique_ptr<LineWriter> writer;
  std::thread reader, watchdog;

  std::mutex mutex;
  std::condition_variable wake;
  std::map<std::uint64_t, Open> open;
  std::uint64_t nextId = 1;
  bool ended = false;   ///< no request is accepted any more
  bool closing = false; ///< the owner goes away: its end is no news
  std::string busy;     ///< from the last heartbeat
  std::string devices;  ///< from the last snapshot of a run
  std::string stuck;    ///< from the last heartbeat: a device that does not come back
  WorkerEnd::Cause cause = WorkerEnd::Cause::Exited;
  std::atomic<std::int64_t> lastSignNs{0};

  void read() {
    nameCurrentThread("worker reader");
    readLines(fromFd, [this](std::string_view line) { return handleLine(line); });
    finish();
  }

  bool handleLine(std::string_view line) {
    lastSignNs = nowNs();
    auto message = parseJson(line, "engine worker");
    if (!message || !message->is_object()) return garbage();
    const auto kind = message->find("event");
    const std::string event = kind != message->end() && kind->is_string() ? kind->get<std::string>() : std::string();
    if (event == "heartbeat") return !endsStuckWorker(*message);
    if (event == "protocol-error") return garbage();
    const std::uint64_t id = idOf(*message);
    Open target;
    {
      std::lock_guard lock(mutex);
      auto it = open.find(id);
      if (it == open.end()) return true; // answered already, or none of ours
      if (!event.empty()) {
        target.event = it->second.event;
        if (event == "snapshot") rememberDevices((*message)["data"]);
      } else {
        target = std::move(it->second);
        open.erase(it);
      }
    }
    if (!event.empty()) {
      if (target.event) target.event(event, (*message)["data"]);
    } else if (message->contains("error")) {
      forgetDevices();
      target.reply(decodeError((*message)["error"]));
    } else {
      forgetDevices();
      target.reply(std::move((*message)["result"]));
    }
    return true;
  }

  /// A run that has ended used its devices for the last time.
  void forgetDevices() {
    std::lock_guard lock(mutex);
    if (open.empty()) devices.clear();
  }

  void rememberDevices(const Json& snapshot) {
    devices.clear();
    if (!snapshot.is_object() || !snapshot.contains("replicas") || !snapshot["replicas"].is_array()) return;
    for (const Json& replica : snapshot["replicas"]) {
      if (!replica.is_object()) continue;
      const std::string text = replica.value("devices", std::string());
      if (!text.empty() && devices.find(text) == std::string::npos) devices += (devices.empty() ? "" : ", ") + text;
    }
  }

  /// A heartbeat may say that a device does not come back: only the end of the worker ends that.
  bool endsStuckWorker(const Json& beat) {
    const auto text = beat.find("stuck");
    if (text == beat.end() || !text->is_string()) return false;
    {
      std::lock_guard lock(mutex);
      cause = WorkerEnd::Cause::Hung;
      stuck = text->get<std::string>();
    }
    kill(pid, SIGKILL);
    return true;
  }

  bool garbage() {
    {
      std::lock_guard lock(mutex);
      cause = WorkerEnd::Cause::Garbage;
    }
    kill(pid, SIGKILL);
    return false;
  }

  /// The pipe is closed: collect the process, answer what is open, tell the owner.
  void finish() {
    int status = 0;
    bool collected = false;
    for (auto until = std::chrono::steady_clock::now() + kFarewell; std::chrono::steady_clock::now() < until;) {
      if (waitpid(pid, &status, WNOHANG) == pid) {
        collected = true;
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    if (!collected) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
    }
    std::map<std::uint64_t, Open> unanswered;
    WorkerEnd end;
    bool quiet = false;
    {
      std::lock_guard lock(mutex);
      ended = true;
      quiet = closing;
      unanswered.swap(open);
      end.cause = cause;
      if (cause == WorkerEnd::Cause::Exited && WIFSIGNALED(status)) end.cause = WorkerEnd::Cause::Killed;
      end.message = stuck.empty() ? describe(end.cause, status) : stuck + ", and the engine worker was ended";
      if (!unanswered.empty()) end.message += " during '" + unanswered.begin()->second.method + "'";
      end.device = stuck.empty() ? devices : stuck.substr(0, stuck.find(' '));
      if (!devices.empty() && !unanswered.empty() && stuck.empty()) end.message += " on " + devices;
    }
    wake.notify_all();
    const Error error = makeError(ErrorCode::WorkerLost, end.message, "engine worker",
                                  "nothing else is lost; run again with a new worker");
    for (auto& [id, request] : unanswered)
      if (request.reply) request.reply(error);
    if (!quiet && options.ended) options.ended(end);
  }

  static std::string describe(WorkerEnd::Cause cause, int status) {
    switch (cause) {
    case WorkerEnd::Cause::Hung: return "the engine worker stopped answering and was ended";
    case WorkerEnd::Cause::Garbage: return "the engine worker sent something unreadable and was ended";
    case WorkerEnd::Cause::FailedToStart: return "the engine worker could not be started";
    case WorkerEnd::Cause::Killed:
      return "the engine worker was killed (signal " + std::to_string(WTERMSIG(status)) + ", " +
             strsignal(WTERMSIG(status)) + ")";
    case WorkerEnd::Cause::Exited: break;
    }
    return "the engine worker ended (exit code " + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -1) + ")";
  }

  void watch() {
    nameCurrentThread("worker watchdog");
    std::unique_lock lock(mutex);
    while (!ended) {
      wake.wait_for(lock, std::chrono::milliseconds(250));
      if (ended || closing) continue;
      if (nowNs() - lastSignNs.load() > options.hangTimeoutMs * 1'000'000) {
        cause = WorkerEnd::Cause::Hung;
        kill(pid, SIGKILL);
        lastSignNs = nowNs();
      }
    }
  }
};

WorkerSession::WorkerSession(std::shared_ptr<State> state) : m_state(std::move(state)) {}

Result<std::unique_ptr<WorkerSession>> WorkerSession::start(WorkerOptions options) {
  std::signal(SIGPIPE, SIG_IGN); // a worker that died must not take its client along
  auto state = std::make_shared<State>();
  state->options = std::move(options);
  if (state->options.program.empty()) state->options.program = defaultProgram();
  Pipe toWorker, fromWorker;
  state->pid = TANDEM_TRY(spawn(state->options.program, toWorker, fromWorker));
  state->toFd = toWorker.writeEnd;
  state->fromFd = fromWorker.readEnd;
  state->writer = std::make_unique<LineWriter>(state->toFd);
  state->lastSignNs = nowNs();
  std::unique_ptr<WorkerSession> session(new WorkerSession(state));
  State* shared = state.get();
  state->reader = std::thread([shared] { shared->read(); });
  state->watchdog = std::thread([shared] { shared->watch(); });
  return session;
}

WorkerSession::~WorkerSession() {
  {
    std::lock_guard lock(m_state->mutex);
    m_state->closing = true;
  }
  close(m_state->toFd); // end of input: the worker finishes its requests as cancelled and ends
  {
    std::unique_lock lock(m_state->mutex);
    if (!m_state->wake.wait_for(lock, kFarewell, [&] { return m_state->ended; })) kill(m_state->pid, SIGKILL);
  }
  m_state->reader.join();
  m_state->watchdog.join();
  close(m_state->fromFd);
}

std::uint64_t WorkerSession::request(const std::string& method, const Json& params, ReplyFunction reply,
                                     EventFunction event) {
  std::uint64_t id = 0;
  {
    std::lock_guard lock(m_state->mutex);
    if (!m_state->ended) {
      id = m_state->nextId++;
      m_state->open[id] = {method, reply, std::move(event)};
    }
  }
  if (id == 0) {
    reply(makeError(ErrorCode::WorkerLost, "the engine worker is not running", "engine worker", "start it again"));
    return 0;
  }
  // A failed write needs no handling: the worker is gone, and the reader answers everything that is open.
  m_state->writer->write(
      Json{{"id", id}, {"method", method}, {"params", params}}.dump(-1, ' ', false, Json::error_handler_t::replace));
  return id;
}

void WorkerSession::cancel(std::uint64_t requestId) {
  m_state->writer->write(Json{{"method", "cancel"}, {"params", {{"id", requestId}}}}.dump());
}

int WorkerSession::pid() const { return m_state->pid; }

} // namespace tandem::session
