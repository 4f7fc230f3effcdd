// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/client.hpp"

#include "app/cli/output.hpp"
#include "app/cli/specs.hpp"
#include "engine/session/local_session.hpp"
#include "engine/session/worker_session.hpp"

#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <nlohmann/json.hpp>

namespace tandem::cli {
namespace {

std::atomic<int> g_interrupts{0};

void onInterrupt(int) {
  if (g_interrupts.fetch_add(1) > 0) std::_Exit(exitCode(ErrorCode::Cancelled));
}

} // namespace

bool Client::interrupted() { return g_interrupts.load() > 0; }

Result<std::unique_ptr<Client>> Client::open(const CommonOptions& options) {
  std::signal(SIGINT, onInterrupt);
  std::unique_ptr<Client> client(new Client(options));
  client->m_dims = TANDEM_TRY(parseDims(options.dims));
  if (options.isolated)
    client->m_session = TANDEM_TRY(session::WorkerSession::start({}));
  else
    client->m_session = std::make_unique<session::LocalSession>();
  if (!options.cores.empty() || !options.hostCores.empty() || !options.hide.empty() || !options.memoryLimits.empty()) {
    Json params{{"cores", options.cores}, {"host_cores", options.hostCores}, {"hide", options.hide}, {"list", false}};
    params["memory_limits"] = TANDEM_TRY(parseMemoryLimits(options.memoryLimits));
    TANDEM_TRY(client->call(session::method::kConfigure, params));
  }
  return client;
}

Result<Json> Client::call(const std::string& method, const Json& given, session::EventFunction event) {
  Json params = given;
  if (!m_dims.empty() && params.contains("model")) params["dims"] = m_dims;
  if (m_options.tuneSeconds > 0) params["tune_seconds"] = m_options.tuneSeconds;
  std::promise<Result<Json>> promise;
  std::future<Result<Json>> future = promise.get_future();
  Progress progress(!m_options.quiet && !m_options.json);
  auto onEvent = [&](const std::string& name, const Json& data) {
    if (name == "progress") progress.show(data);
    if (event) event(name, data);
  };
  const std::uint64_t id = m_session->request(
      method, params, [&](Result<Json> reply) { promise.set_value(std::move(reply)); }, onEvent);
  bool cancelled = false;
  // A signal handler cannot wake a future: look at the flag often enough to feel immediate.
  while (future.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready)
    if (const auto stuck = session::stuckDevice()) {
      // Its thread can neither be stopped nor joined: with --isolated the worker is what ends, here all does.
      const Error error = makeError(ErrorCode::DeviceFailed, *stuck, method,
                                    "use another device, or give it longer with TANDEM_DEVICE_TIMEOUT_S");
      const int code = fail(error, m_options.json);
      std::fflush(stdout);
      std::_Exit(code);
    } else if (interrupted() && !cancelled) {
      cancelled = true;
      m_session->cancel(id);
    }
  Result<Json> reply = future.get();
  if (reply && !m_options.json) makePrintable(*reply);
  return reply;
}

} // namespace tandem::cli
