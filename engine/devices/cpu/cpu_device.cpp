// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/cpu_device.hpp"

#include "engine/base/clock.hpp"
#include "engine/devices/cpu/cpu_stream.hpp"
#include "engine/devices/cpu/loops.hpp"
#include "engine/devices/cpu/program_builder.hpp"
#include "engine/devices/widened_segment.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <system_error>
#include <thread>

namespace tandem::cpu {
namespace {

/// This processor's kernels have no 16-bit types. What only moves elements about gains nothing from wider ones.
bool computesInFloat32(const Node& node) {
  constexpr std::array<std::string_view, 10> kMoves{"Concat",  "Dropout", "Flatten", "Gather",    "Identity",
                                                    "Reshape", "Slice",   "Squeeze", "Transpose", "Unsqueeze"};
  const bool onlyMoves = std::find(kMoves.begin(), kMoves.end(), node.type) != kMoves.end();
  return !onlyMoves && !kernelsFor(node.domain, node.type).empty();
}

void widenRow(DataType type, const std::uint16_t* from, float* to, std::int64_t count) {
  (type == DataType::Float16 ? halfRowToFloat : bfloat16RowToFloat)(from, to, count);
}

/// Runs `work` on a fresh thread with the cores and thread count under which oneDNN is to prepare its kernels: it fixes
/// the number of threads when a primitive is made.
template <class T, class Work> Result<T> onComputeThread(const DeviceInfo& info, int threads, Work work) {
  Result<T> result = makeError(ErrorCode::Internal, "the compute thread did not run", info.id);
  auto guarded = [&] {
    prepareComputeThread(info.cores, threads);
    nameCurrentThread(info.id);
    try {
      result = work();
    } catch (const std::bad_alloc&) {
      result = makeError(ErrorCode::DeviceFailed, "not enough memory on the host", info.id,
                         "use a smaller model, batch or number of replicas");
    } catch (const dnnl::error& error) {
      result = makeError(ErrorCode::DeviceFailed, std::string("oneDNN failed: ") + error.what(), info.id);
    }
  };
  try {
    std::thread(guarded).join();
  } catch (const std::system_error&) {
    return makeError(ErrorCode::DeviceFailed, "the system gives no further thread", info.id);
  }
  return result;
}

/// The least work a stream can be given.
struct NoWork {
  Result<void> run(CpuStream&) { return {}; }
};

/// Types without storage cannot be computed on; a graph with subgraphs may hold them inside.
std::optional<Support> typeProblem(const Graph& graph, const std::vector<ValueId>& values) {
  for (ValueId id : values) {
    if (!id.valid()) continue;
    const Value& value = graph.value(id);
    if (value.desc.type == DataType::String)
      return Support::no(MoveReason::UnsupportedType, "'" + value.name + "' holds strings");
  }
  return std::nullopt;
}

} // namespace

Support CpuDevice::supports(const Graph& graph, NodeId id) const {
  const Node& node = graph.node(id);
  const OpDef* def = findOp(node);
  if (!def || !def->reference) {
    const std::string domain = node.domain.empty() ? "" : node.domain + ".";
    return Support::no(MoveReason::UnsupportedOp, domain + node.type + " is not known here");
  }
  if (auto problem = typeProblem(graph, node.inputs)) return *problem;
  if (auto problem = typeProblem(graph, node.outputs)) return *problem;
  return Support::yes();
}

Error CpuDevice::outOfMemory(std::size_t bytes) const {
  return makeError(ErrorCode::DeviceFailed, "not enough memory for a buffer of " + std::to_string(bytes) + " bytes",
                   m_info.id, "use a smaller batch or fewer replicas");
}

Result<std::unique_ptr<Buffer>> CpuDevice::allocate(std::size_t bytes) {
  // The kernel promises more than it has; refuse here what cannot be backed at all.
  if (bytes > static_cast<std::size_t>(m_info.maxAllocationBytes)) return outOfMemory(bytes);
  AlignedMemory memory(bytes);
  if (!memory.data()) return outOfMemory(bytes);
  return std::unique_ptr<Buffer>(std::make_unique<CpuBuffer>(*this, std::move(memory)));
}

Result<std::unique_ptr<Buffer>> CpuDevice::adopt(void* memory, std::size_t bytes) {
  return std::unique_ptr<Buffer>(std::make_unique<CpuBuffer>(*this, memory, bytes));
}

Result<std::unique_ptr<Stream>> CpuDevice::createStream(const StreamOptions& options) {
  return std::unique_ptr<Stream>(std::make_unique<CpuStream>(*this, options.threads));
}

Result<std::shared_ptr<const Program>> CpuDevice::compile(const Segment& segment, const ProgramOptions& options) {
  if (options.precision != Precision::Model) return noFloat16(m_info.id);
  using Answer = std::shared_ptr<const Program>;
  return onComputeThread<Answer>(m_info, options.threads, [&]() -> Result<Answer> {
    const std::optional<WidenedSegment> widened =
        WidenedSegment::of(segment, options.compiled, {&computesInFloat32, &widenRow});
    const Segment& built = widened ? widened->segment() : segment;
    ProgramBuilder builder(built, options, threadCount(m_info.cores, options.threads), *m_timings);
    CompiledSegment compiled = TANDEM_TRY(builder.build());
    if (widened) widened->describe(compiled.kernels);
    return Answer(std::make_shared<CpuProgram>(*this, std::move(compiled)));
  });
}

Result<double> CpuDevice::measureRoundTrip() {
  constexpr std::size_t kTrips = 201;
  CpuStream stream(*this, 0);
  NoWork work;
  std::vector<std::int64_t> times;
  TANDEM_TRY(stream.call(work, &NoWork::run));
  for (std::size_t i = 0; i < kTrips; ++i) {
    const std::int64_t start = nowNs();
    TANDEM_TRY(stream.call(work, &NoWork::run));
    times.push_back(nowNs() - start);
  }
  std::nth_element(times.begin(), times.begin() + kTrips / 2, times.end());
  return static_cast<double>(times[kTrips / 2]) * 1e-3;
}

Result<ProbeResult> CpuDevice::probe(int threads, const CancelToken& cancel) {
  ProbeResult result = TANDEM_TRY(onComputeThread<ProbeResult>(
      m_info, threads, [&] { return probeCores(threadCount(m_info.cores, threads), cancel); }));
  result.roundTripUs = TANDEM_TRY(measureRoundTrip());
  return result;
}

} // namespace tandem::cpu
