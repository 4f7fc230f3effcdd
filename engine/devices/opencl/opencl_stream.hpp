// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/opencl_device.hpp"

namespace tandem::opencl {

class OpenClInstance;

class OpenClStream final : public Stream {
 public:
  static Result<std::unique_ptr<OpenClStream>> create(OpenClDevice& device,
                                                      std::shared_ptr<const DeviceContext> context);
  ~OpenClStream() override;
  Device& device() const override { return m_device; }
  void attachCurrentThread() override;
  Result<void> write(Buffer& dst, const void* src, std::size_t bytes) override;
  Result<void> read(const Buffer& src, void* dst, std::size_t bytes) override;
  Result<void> finish() override;
  void setTrace(TraceRecorder* recorder, TraceWriter* writer, std::uint64_t request) override;

  // For OpenClInstance.
  const DeviceContext& context() const { return *m_context; }
  cl_command_queue queue() const { return m_queue.get(); }
  TraceRecorder* recorder() const { return m_recorder; }
  /// Asks the instance for its verdict at the next finish(); it lives until then.
  void expect(const OpenClInstance& instance) { m_expected.push_back(&instance); }
  /// Keeps the event of a kernel until finish(), which turns it into a trace event.
  void note(EventHandle event, TraceKind kind, std::uint32_t label, NodeId node, std::int64_t bytes);

 private:
  OpenClStream(OpenClDevice& device, std::shared_ptr<const DeviceContext> context)
      : m_device(device),
        m_context(std::move(context)) {}
  Result<void> openQueue(bool profiling);
  void measureClockOffset();
  void collectEvents();
  Error failed(std::string_view what, cl_int code) const;

  struct Pending {
    EventHandle event;
    TraceEvent trace;
  };
  OpenClDevice& m_device;
  std::shared_ptr<const DeviceContext> m_context;
  QueueHandle m_queue;
  bool m_profiling = false;
  TraceRecorder* m_recorder = nullptr;
  TraceWriter* m_writer = nullptr;
  std::uint64_t m_request = 0;
  std::uint32_t m_writeLabel = 0;
  std::uint32_t m_readLabel = 0;
  std::vector<Pending> m_pending;
  std::vector<const OpenClInstance*> m_expected;
  std::int64_t m_clockOffset = 0; ///< nowNs() minus the device's clock
};

} // namespace tandem::opencl
