// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/device_clock.hpp"
#include "engine/devices/opencl/opencl_device.hpp"

namespace tandem::opencl {

class OpenClInstance;

/// One in-order queue where device and host share memory. Where they do not, a second one for transfers, so that these
/// go on beside kernels; events between the two keep the order that the stream promises, buffer by buffer. A profiling
/// pair of queues is opened at the first traced run and kept.
class OpenClStream final : public Stream {
 public:
  /// `cores`: where the attached thread works; empty: where the system puts it.
  static Result<std::unique_ptr<OpenClStream>> create(OpenClDevice& device,
                                                      std::shared_ptr<const DeviceContext> context, CpuSet cores = {});
  ~OpenClStream() override;
  Device& device() const override { return m_device; }
  void attachCurrentThread() override;
  Result<void> write(Buffer& dst, const void* src, std::size_t bytes) override;
  Result<void> read(const Buffer& src, void* dst, std::size_t bytes) override;
  Result<void> finish() override;
  void setTrace(TraceRecorder* recorder, TraceWriter* writer, std::uint64_t request) override;

  // --- For OpenClInstance.
  const DeviceContext& context() const { return *m_context; }
  cl_command_queue queue() const { return m_active->compute.get(); }
  TraceRecorder* recorder() const { return m_recorder; }
  /// To be called before the first of the kernels that the next finish() waits for.
  void beginFlight();
  /// Makes `buffers` ready for kernels on queue(): takes them from the host, and waits for transfers.
  Result<void> acquire(std::span<OpenClBuffer* const> buffers);
  /// True where release() needs the event of the last kernel.
  bool wantsFence() const { return m_context->memory == MemoryKind::Discrete; }
  /// The kernels on `buffers` are enqueued; `last` is the event of the last one.
  void release(std::span<OpenClBuffer* const> buffers, cl_event last);
  /// Asks the instance for its verdict at the next finish(); it lives until then.
  void expect(OpenClInstance& instance) { m_expected.push_back(&instance); }
  struct Command {
    TraceKind kind = TraceKind::Kernel;
    std::uint32_t label = 0;
    NodeId node = {};
    std::int64_t bytes = 0;
    std::int64_t clock = 0; ///< timeBefore() of it
  };
  /// Keeps the event of a command just enqueued until finish(), which turns it into a trace event.
  void note(EventHandle event, const Command& command);
  /// nowNs() where the command that follows is to serve for reading the device's clock, else 0.
  std::int64_t timeBefore() const;

 private:
  OpenClStream(OpenClDevice& device, std::shared_ptr<const DeviceContext> context, CpuSet cores)
      : m_device(device),
        m_context(std::move(context)),
        m_cores(std::move(cores)) {}
  struct Queues {
    QueueHandle compute;
    QueueHandle transfer; ///< discrete memory only
  };
  enum Direction { kToDevice, kToHost };

  Result<void> openQueues(bool profiling);
  Result<void> transfer(const OpenClBuffer& buffer, const void* src, void* dst, std::size_t bytes);
  Result<void> handOver(const OpenClBuffer& buffer, Direction direction);
  bool isOpen(const Fence& fence) const;
  void set(Fence& fence, cl_event event);
  cl_int finishQueues();
  void readClock();
  void collectEvents();
  Error failed(std::string_view what, cl_int code) const;

  struct Pending {
    EventHandle event;
    TraceEvent trace;
  };
  struct Reading {
    std::size_t index = 0; ///< of the event among the pending ones
    std::int64_t before = 0, after = 0;
  };
  OpenClDevice& m_device;
  std::shared_ptr<const DeviceContext> m_context;
  CpuSet m_cores;     ///< for the attached thread
  Queues m_queues[2]; ///< without and with profiling
  Queues* m_active = &m_queues[0];
  bool m_inFlight = false;     ///< kernels were enqueued that nobody has waited for
  bool m_transferring = false; ///< the transfer queue has work that nobody has waited for
  std::uint64_t m_epoch = 0;   ///< how often the stream finished
  std::vector<cl_event> m_waitList;
  TraceRecorder* m_recorder = nullptr;
  TraceWriter* m_writer = nullptr;
  TraceWriter* m_transferWriter = nullptr; ///< a row of its own where transfers have a queue of their own
  std::uint64_t m_labelsOf = 0;            ///< the recorder that knows the labels
  std::uint32_t m_labels[2] = {};          ///< by direction
  std::uint64_t m_request = 0;
  std::vector<Pending> m_pending;
  std::vector<OpenClInstance*> m_expected;
  std::optional<Reading> m_reading;
  DeviceClock m_clock;
};

} // namespace tandem::opencl
