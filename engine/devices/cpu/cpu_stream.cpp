// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/cpu_stream.hpp"

#include "engine/base/clock.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <omp.h>
#include <system_error>

namespace tandem::cpu {

int threadCount(const CpuSet& cores, int threads) { return threads > 0 ? threads : std::max(cores.count(), 1); }

void prepareComputeThread(const CpuSet& cores, int threads) {
  pinCurrentThread(cores);
  omp_set_num_threads(threadCount(cores, threads));
}

CpuStream::~CpuStream() {
  if (!m_worker.joinable()) return;
  {
    std::lock_guard lock(m_mutex);
    m_stop = true;
  }
  m_changed.notify_all();
  m_worker.join();
}

void CpuStream::attachCurrentThread() {
  prepareComputeThread(m_device.info().cores, m_threads);
  m_attached = std::this_thread::get_id();
}

void CpuStream::setTrace(TraceRecorder* recorder, TraceWriter* writer, std::uint64_t request) {
  static std::atomic<std::uint64_t> generations{0};
  if (recorder != m_recorder) m_generation = generations.fetch_add(1, std::memory_order_relaxed) + 1;
  m_recorder = recorder;
  m_writer = recorder ? writer : nullptr;
  m_request = request;
}

Result<void> CpuStream::write(Buffer& dst, const void* src, std::size_t bytes) {
  TANDEM_ASSERT(bytes <= dst.bytes());
  const std::int64_t start = m_writer ? nowNs() : 0;
  std::memcpy(dst.hostData(), src, bytes);
  if (m_writer)
    m_writer->record({start, nowNs(), static_cast<std::int64_t>(bytes), m_request,
                      m_recorder->intern("Write to " + m_device.id()), NodeId{}, TraceKind::Transfer});
  return {};
}

Result<void> CpuStream::read(const Buffer& src, void* dst, std::size_t bytes) {
  TANDEM_ASSERT(bytes <= src.bytes());
  const std::int64_t start = m_writer ? nowNs() : 0;
  std::memcpy(dst, src.hostData(), bytes);
  if (m_writer)
    m_writer->record({start, nowNs(), static_cast<std::int64_t>(bytes), m_request,
                      m_recorder->intern("Read from " + m_device.id()), NodeId{}, TraceKind::Transfer});
  return {};
}

Result<void> CpuStream::callOnOwnThread(Function function, void* data) {
  try {
    if (!m_worker.joinable()) m_worker = std::thread([this] { work(); });
  } catch (const std::system_error&) {
    return makeError(ErrorCode::DeviceFailed, "the system gives no further thread", m_device.id());
  }
  std::unique_lock lock(m_mutex);
  m_function = function;
  m_data = data;
  m_changed.notify_all();
  m_changed.wait(lock, [&] { return m_function == nullptr; });
  return std::move(m_result);
}

void CpuStream::work() {
  prepareComputeThread(m_device.info().cores, m_threads);
  nameCurrentThread(m_device.id());
  std::unique_lock lock(m_mutex);
  for (;;) {
    m_changed.wait(lock, [&] { return m_stop || m_function; });
    if (m_stop) return;
    // The caller waits until m_function is null again, so nobody else touches the job meanwhile.
    const Function function = m_function;
    void* const data = m_data;
    lock.unlock();
    Result<void> result = function(data, *this);
    lock.lock();
    m_result = std::move(result);
    m_function = nullptr;
    m_changed.notify_all();
  }
}

} // namespace tandem::cpu
