// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace tandem::cpu {

/// Pins the calling thread to the cores and gives kernels on it `threads` threads (0: one per core).
void prepareComputeThread(const CpuSet& cores, int threads);
/// The number of threads per kernel that `threads` (0: all) means on these cores.
int threadCount(const CpuSet& cores, int threads);

/// Runs on the calling thread where that is attached, otherwise on a pinned thread of its own, started when first
/// needed. Either way a call returns when its work is done.
class CpuStream final : public Stream {
 public:
  CpuStream(Device& device, int threads) : m_device(device), m_threads(threads) {}
  ~CpuStream() override;
  Device& device() const override { return m_device; }
  void attachCurrentThread() override;
  Result<void> write(Buffer& dst, const void* src, std::size_t bytes) override;
  Result<void> read(const Buffer& src, void* dst, std::size_t bytes) override;
  Result<void> finish() override { return {}; }
  void setTrace(TraceRecorder* recorder, TraceWriter* writer, std::uint64_t request) override;
  void setCancel(const CancelToken& cancel) override { m_cancel = cancel; }

  const CancelToken& cancel() const { return m_cancel; }
  TraceRecorder* traceRecorder() const { return m_recorder; }
  TraceWriter* traceWriter() const { return m_writer; }
  std::uint64_t traceRequest() const { return m_request; }
  /// Changes whenever this stream is given another recorder; never the same for two streams.
  std::uint64_t traceGeneration() const { return m_generation; }

  /// (object.*method)(*this), on the thread that works for this stream.
  template <class T> Result<void> call(T& object, Result<void> (T::*method)(CpuStream&)) {
    if (std::this_thread::get_id() == m_attached) return (object.*method)(*this);
    struct Job {
      T& object;
      Result<void> (T::*method)(CpuStream&);
    } job{object, method};
    return callOnOwnThread(
        [](void* data, CpuStream& stream) {
          auto& self = *static_cast<Job*>(data);
          return (self.object.*self.method)(stream);
        },
        &job);
  }

 private:
  using Function = Result<void> (*)(void* data, CpuStream& stream);
  Result<void> callOnOwnThread(Function function, void* data);
  void work();

  Device& m_device;
  int m_threads;
  std::thread::id m_attached;
  TraceRecorder* m_recorder = nullptr;
  TraceWriter* m_writer = nullptr;
  std::uint64_t m_request = 0;
  std::uint64_t m_generation = 0;
  CancelToken m_cancel;

  std::thread m_worker;
  std::mutex m_mutex; // guards what follows
  std::condition_variable m_changed;
  Function m_function = nullptr;
  void* m_data = nullptr;
  bool m_stop = false;
  Result<void> m_result;
};

} // namespace tandem::cpu
