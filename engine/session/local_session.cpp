// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/local_session.hpp"

#include "engine/base/cpu_set.hpp"
#include "engine/devices/device_watch.hpp"

#include <nlohmann/json.hpp>

namespace tandem::session {

std::optional<std::string> stuckDevice() {
  const auto stuck = findStuckDevice();
  if (!stuck) return std::nullopt;
  return stuck->device + " has not come back for " + std::to_string(static_cast<int>(stuck->seconds)) +
         " s from the work it was given";
}

LocalSession::LocalSession() {
  m_quick.thread = std::thread([this] { work(m_quick, "session quick"); });
  m_long.thread = std::thread([this] { work(m_long, "session long"); });
  m_open.thread = std::thread([this] { work(m_open, "session open"); });
}

LocalSession::~LocalSession() {
  {
    std::lock_guard lock(m_mutex);
    m_stop = true;
    for (const auto& [id, token] : m_cancels) token.cancel();
  }
  m_wake.notify_all();
  m_quick.thread.join();
  m_long.thread.join();
  m_open.thread.join();
}

std::uint64_t LocalSession::request(const std::string& method, const Json& params, ReplyFunction reply,
                                    EventFunction event) {
  std::lock_guard lock(m_mutex);
  Pending pending{m_nextId++, method, std::make_shared<const Json>(params), std::move(reply), std::move(event), {}};
  const std::uint64_t id = pending.id;
  m_cancels[id] = pending.cancel;
  Lane& lane = laneOf(method, params);
  lane.queue.push_back(std::move(pending));
  m_wake.notify_all();
  return id;
}

LocalSession::Lane& LocalSession::laneOf(const std::string& method, const Json& params) {
  if (isLong(method)) return m_long;
  // Other sizes for a model that is open keep their place among the quick requests about it.
  const bool opensFile = method == method::kOpen && params.is_object() && !params.contains("handle");
  return opensFile ? m_open : m_quick;
}

void LocalSession::cancel(std::uint64_t requestId) {
  std::lock_guard lock(m_mutex);
  auto it = m_cancels.find(requestId);
  if (it != m_cancels.end()) it->second.cancel();
}

std::string LocalSession::busyWith() const {
  std::lock_guard lock(m_mutex);
  return m_long.current;
}

void LocalSession::work(Lane& lane, std::string_view threadName) {
  nameCurrentThread(threadName);
  const CpuSet processors = CpuSet::available();
  for (;;) {
    Pending pending;
    {
      std::unique_lock lock(m_mutex);
      lane.current.clear();
      m_wake.wait(lock, [&] { return m_stop || !lane.queue.empty(); });
      if (lane.queue.empty()) return;
      pending = std::move(lane.queue.front());
      lane.queue.pop_front();
      lane.current = pending.method;
    }
    // The request before may have bound the thread to one core set: this one, and the threads it starts, are not bound.
    pinCurrentThread(processors);
    Result<Json> reply = makeError(ErrorCode::Cancelled, "cancelled");
    // A run that was stopped while it waited in the queue has nothing to report.
    if (!pending.cancel.cancelled())
      reply = handle(pending.method, Job{m_state, *pending.params, pending.cancel, pending.event});
    {
      std::lock_guard lock(m_mutex);
      m_cancels.erase(pending.id);
    }
    if (pending.reply) pending.reply(std::move(reply));
  }
}

} // namespace tandem::session
