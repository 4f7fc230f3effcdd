// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/simulated/simulated_device.hpp"

#include "engine/base/clock.hpp"
#include "engine/devices/simulated/simulated_stream.hpp"
#include "engine/ops/op_def.hpp"

#include <algorithm>
#include <chrono>
#include <new>
#include <thread>

namespace tandem {
namespace {

// How often a hanging kernel looks whether it may end; a token has nothing to wait on.
constexpr std::chrono::milliseconds kHangPoll{1};

std::string presetNames() {
  std::string names;
  for (const SimulatedPreset& preset : simulatedPresets())
    names += (names.empty() ? "SIM:" : ", SIM:") + std::string(preset.id);
  return names;
}

} // namespace

void SimulatedFailures::failAfter(int kernels) {
  std::lock_guard lock(m_mutex);
  m_failIn = std::max(kernels, 0);
}

void SimulatedFailures::hangAfter(int kernels, CancelToken release) {
  std::lock_guard lock(m_mutex);
  m_hangIn = std::max(kernels, 0);
  m_release = std::move(release);
}

void SimulatedFailures::slowDown(double factor) {
  std::lock_guard lock(m_mutex);
  m_slowness = std::max(factor, 0.0);
}

void SimulatedFailures::limitMemory(std::int64_t bytes) {
  std::lock_guard lock(m_mutex);
  m_memoryLimit = bytes;
}

void SimulatedFailures::loseDevice() {
  std::lock_guard lock(m_mutex);
  m_lost = true;
}

void SimulatedFailures::clear() {
  std::lock_guard lock(m_mutex);
  m_failIn = m_hangIn = -1;
  m_memoryLimit.reset();
  m_lost = false;
  m_slowness = 1;
}

Result<std::unique_ptr<SimulatedDevice>> SimulatedDevice::create(std::string_view presetId) {
  const SimulatedPreset* preset = findSimulatedPreset(presetId);
  if (!preset)
    return makeError(ErrorCode::Usage, "there is no preset of this name", std::string(presetId),
                     "choose one of " + presetNames());
  return std::make_unique<SimulatedDevice>(*preset);
}

SimulatedDevice::SimulatedDevice(const SimulatedPreset& preset) : m_speed(preset.achievable()), m_epochNs(nowNs()) {
  m_info.id = "SIM:" + std::string(preset.id);
  m_info.kind = DeviceKind::Simulated;
  m_info.name = std::string(preset.name) + " (simulated)";
  m_info.vendor = preset.vendor;
  m_info.driver = "simulated";
  m_info.note = "modelled, not measured: " + std::string(preset.source);
  m_info.computeUnits = preset.computeUnits;
  m_info.memoryBytes = preset.memoryBytes;
  m_info.maxAllocationBytes = preset.memoryBytes / 4; // what OpenCL guarantees at least
  m_info.unifiedMemory = m_info.hostMemory = preset.unifiedMemory;
  m_info.probe = m_speed;
}

Support SimulatedDevice::supports(const Graph& graph, NodeId id) const {
  const Node& node = graph.node(id);
  const OpDef* def = findOp(node);
  if (!def || !def->reference) return Support::no(MoveReason::UnsupportedOp, node.type + " is not known");
  if (def->has(OpTrait::Control)) return Support::no(MoveReason::UnsupportedOp, node.type + " runs on the host");
  auto isString = [&](ValueId value) { return value.valid() && graph.value(value).desc.type == DataType::String; };
  if (std::any_of(node.inputs.begin(), node.inputs.end(), isString) ||
      std::any_of(node.outputs.begin(), node.outputs.end(), isString))
    return Support::no(MoveReason::UnsupportedType, node.type + " on texts");
  return Support::yes();
}

Result<std::unique_ptr<Buffer>> SimulatedDevice::allocate(std::size_t bytes) {
  const auto size = static_cast<std::int64_t>(bytes);
  TANDEM_TRY(reserve(size));
  try {
    return std::unique_ptr<Buffer>(std::make_unique<SimulatedBuffer>(*this, size));
  } catch (const std::bad_alloc&) {
    release(size);
    return makeError(ErrorCode::DeviceFailed, "not enough memory on the host", m_info.id, "use a smaller batch");
  }
}

Result<std::unique_ptr<Buffer>> SimulatedDevice::adopt(void* memory, std::size_t bytes) {
  if (!m_info.hostMemory) return Device::adopt(memory, bytes);
  TANDEM_TRY(admit(false, {}));
  return std::unique_ptr<Buffer>(std::make_unique<SimulatedBuffer>(*this, memory, static_cast<std::int64_t>(bytes)));
}

Result<std::unique_ptr<Stream>> SimulatedDevice::createStream(const StreamOptions& options) {
  TANDEM_TRY(admit(false, {}));
  return std::unique_ptr<Stream>(std::make_unique<SimulatedStream>(*this, options.hostCores));
}

Result<std::shared_ptr<const Program>> SimulatedDevice::compile(const Segment& segment, const ProgramOptions& options) {
  if (options.precision != Precision::Model) return noFloat16(m_info.id);
  TANDEM_TRY(admit(false, options.cancel));
  return makeSimulatedProgram(*this, segment, options);
}

Result<ProbeResult> SimulatedDevice::probe(const CancelToken& cancel) {
  TANDEM_TRY(cancel.check());
  TANDEM_TRY(admit(false, cancel));
  return m_speed;
}

std::int64_t SimulatedDevice::allocatedBytes() const {
  std::lock_guard lock(m_mutex);
  return m_allocated;
}

std::int64_t SimulatedDevice::virtualNs() const {
  std::lock_guard lock(m_mutex);
  return *std::max_element(m_freeNs.begin(), m_freeNs.end());
}

SimulatedDevice::Span SimulatedDevice::occupy(Engine engine, std::int64_t readyNs, double milliseconds) {
  std::lock_guard lock(m_mutex);
  std::int64_t& freeNs = m_freeNs[static_cast<std::size_t>(engine)];
  const std::int64_t start = std::max(readyNs, freeNs);
  freeNs = start + static_cast<std::int64_t>(milliseconds * 1e6 + 0.5);
  return {start, freeNs};
}

Result<void> SimulatedDevice::reserve(std::int64_t bytes) {
  TANDEM_TRY(admit(false, {}));
  std::int64_t limit = m_info.memoryBytes;
  {
    std::lock_guard lock(m_failures.m_mutex);
    limit = std::min(limit, m_failures.m_memoryLimit.value_or(limit));
  }
  std::lock_guard lock(m_mutex);
  if (bytes > limit - m_allocated)
    return makeError(ErrorCode::DeviceFailed,
                     "out of device memory: " + std::to_string(bytes) + " bytes more than the " +
                         std::to_string(m_allocated) + " of " + std::to_string(limit) + " in use",
                     m_info.id, "put fewer layers on this device, or use a smaller batch");
  m_allocated += bytes;
  return {};
}

void SimulatedDevice::release(std::int64_t bytes) {
  std::lock_guard lock(m_mutex);
  m_allocated -= bytes;
}

double SimulatedDevice::slowness() const {
  std::lock_guard lock(m_failures.m_mutex);
  return m_failures.m_slowness;
}

Error SimulatedDevice::lost() const {
  return makeError(ErrorCode::DeviceFailed, "the device is lost", m_info.id, "start the worker again");
}

Result<void> SimulatedDevice::admit(bool kernel, const CancelToken& cancel) {
  CancelToken release;
  {
    std::lock_guard lock(m_failures.m_mutex);
    if (m_failures.m_lost) return lost();
    if (!kernel) return {};
    const bool fails = m_failures.m_failIn >= 0 && m_failures.m_failIn-- == 0;
    const bool hangs = m_failures.m_hangIn >= 0 && m_failures.m_hangIn-- == 0;
    if (fails) return makeError(ErrorCode::DeviceFailed, "a kernel failed (injected)", m_info.id, "run again");
    if (!hangs) return {};
    release = m_failures.m_release;
  }
  while (!release.cancelled() && !cancel.cancelled()) std::this_thread::sleep_for(kHangPoll);
  return makeError(ErrorCode::Cancelled, "a hanging kernel was given up", m_info.id);
}

} // namespace tandem
