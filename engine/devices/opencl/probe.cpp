// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/clock.hpp"
#include "engine/devices/opencl/opencl_device.hpp"

#include <algorithm>

namespace tandem::opencl {
namespace {

constexpr int kRounds = 5;

/// Runs the probe's kernels on a queue of its own.
class Probe {
 public:
  explicit Probe(const DeviceContext& context) : m_context(context) {}

  Result<ProbeResult> run(const CancelToken& cancel) {
    m_queue = TANDEM_TRY(m_context.createQueue(false));
    m_cpu = m_context.style == KernelStyle::Cpu;
    m_program = TANDEM_TRY(m_context.library->get({"probe", m_cpu ? "-DCPU" : "", "empty"}));
    ProbeResult result;
    result.gflops = TANDEM_TRY(gflops());
    TANDEM_TRY(cancel.check());
    result.memoryGbPerS = TANDEM_TRY(memoryBandwidth());
    TANDEM_TRY(cancel.check());
    TANDEM_TRY(transfers(result));
    TANDEM_TRY(cancel.check());
    TANDEM_TRY(launches(result));
    m_context.library->persist();
    return result;
  }

 private:
  Result<void> check(cl_int code, const char* what) const {
    if (code != CL_SUCCESS) return m_context.failed(what, code);
    return {};
  }
  Result<MemHandle> buffer(std::size_t bytes) const {
    cl_int code = CL_SUCCESS;
    MemHandle mem(clCreateBuffer(m_context.context.get(), CL_MEM_READ_WRITE, bytes, nullptr, &code));
    TANDEM_TRY(check(code, "allocating a buffer for the probe"));
    const float one = 1;
    TANDEM_TRY(check(clEnqueueFillBuffer(m_queue.get(), mem.get(), &one, sizeof one, 0, bytes, 0, nullptr, nullptr),
                     "filling a buffer"));
    return mem;
  }
  Result<KernelHandle> kernel(const char* name) const {
    cl_int code = CL_SUCCESS;
    KernelHandle result(clCreateKernel(m_program, name, &code));
    TANDEM_TRY(check(code, "creating a probe kernel"));
    return result;
  }
  Result<void> enqueue(const KernelHandle& kernel, std::size_t global, std::size_t local) const {
    return check(clEnqueueNDRangeKernel(m_queue.get(), kernel.get(), 1, nullptr, &global, &local, 0, nullptr, nullptr),
                 "starting a probe kernel");
  }
  Result<void> finish() const {
    const cl_int code = clFinish(m_queue.get());
    if (code != CL_SUCCESS) return m_context.waitFailed("finishing the probe", code);
    return {};
  }

  /// Best of kRounds, in nanoseconds; the first, cold round does not count.
  template <class Body> Result<double> best(Body body) const {
    double result = 0;
    for (int round = 0; round <= kRounds; ++round) {
      TANDEM_TRY(finish());
      const std::int64_t start = nowNs();
      TANDEM_TRY(body());
      TANDEM_TRY(finish());
      const double ns = static_cast<double>(std::max<std::int64_t>(nowNs() - start, 1));
      if (round > 0) result = result == 0 ? ns : std::min(result, ns);
    }
    return result;
  }

  Result<double> gflops() const {
    // probe.cl: 16 independent chains of 16-wide (CPU) or scalar (GPU) multiply-adds per work-item.
    const std::size_t local = m_cpu ? 1 : 64;
    const std::size_t items = static_cast<std::size_t>(std::max(m_context.info.computeUnits, 1)) * (m_cpu ? 8 : 2048);
    const double perItem = m_cpu ? 16.0 * 16 * 2 : 16.0 * 2;
    const MemHandle out = TANDEM_TRY(buffer(items * 64));
    const KernelHandle fma = TANDEM_TRY(kernel("fma_chains"));
    const cl_mem mem = out.get();
    cl_int rounds = 1024;
    TANDEM_TRY(check(clSetKernelArg(fma.get(), 0, sizeof mem, &mem), "setting an argument"));
    double ns = 0;
    for (;; rounds *= 4) { // long enough that the launch does not count
      TANDEM_TRY(check(clSetKernelArg(fma.get(), 1, sizeof rounds, &rounds), "setting an argument"));
      ns = TANDEM_TRY(best([&] { return enqueue(fma, items, local); }));
      constexpr double kLongEnoughNs = 5e6;
      if (ns > kLongEnoughNs || rounds >= (1 << 22)) break;
    }
    return perItem * rounds * static_cast<double>(items) / ns;
  }

  Result<double> memoryBandwidth() const {
    std::size_t bytes = std::size_t{256} << 20;
    if (m_context.info.maxAllocationBytes > 0)
      bytes = std::min(bytes, static_cast<std::size_t>(m_context.info.maxAllocationBytes) / 4);
    if (m_cpu) bytes = std::min(bytes, std::size_t{128} << 20);
    bytes = bytes / 65536 * 65536;
    const MemHandle src = TANDEM_TRY(buffer(bytes));
    const MemHandle dst = TANDEM_TRY(buffer(bytes));
    const KernelHandle copy = TANDEM_TRY(kernel("copy"));
    const cl_mem mems[2] = {src.get(), dst.get()};
    for (cl_uint i = 0; i < 2; ++i)
      TANDEM_TRY(check(clSetKernelArg(copy.get(), i, sizeof mems[i], &mems[i]), "setting an argument"));
    const std::size_t items = bytes / (m_cpu ? 65536 : 16);
    const double ns = TANDEM_TRY(best([&] { return enqueue(copy, items, m_cpu ? 1 : 256); }));
    return 2.0 * static_cast<double>(bytes) / ns;
  }

  Result<void> transfers(ProbeResult& result) const {
    constexpr std::size_t kBytes = std::size_t{32} << 20;
    const MemHandle mem = TANDEM_TRY(buffer(kBytes));
    std::vector<unsigned char> host(kBytes, 1);
    const double to = TANDEM_TRY(best([&] {
      return check(
          clEnqueueWriteBuffer(m_queue.get(), mem.get(), CL_FALSE, 0, kBytes, host.data(), 0, nullptr, nullptr),
          "copying to the device");
    }));
    const double from = TANDEM_TRY(best([&] {
      return check(clEnqueueReadBuffer(m_queue.get(), mem.get(), CL_FALSE, 0, kBytes, host.data(), 0, nullptr, nullptr),
                   "copying from the device");
    }));
    result.toDeviceGbPerS = static_cast<double>(kBytes) / to;
    result.toHostGbPerS = static_cast<double>(kBytes) / from;
    return {};
  }

  Result<void> launches(ProbeResult& result) const {
    const KernelHandle empty = TANDEM_TRY(kernel("empty"));
    constexpr int kQueued = 500;
    const auto enqueueMany = [&]() -> Result<void> {
      for (int i = 0; i < kQueued; ++i) TANDEM_TRY(enqueue(empty, 1, 1));
      return {};
    };
    const double ns = TANDEM_TRY(best(enqueueMany));
    result.launchUs = ns / kQueued * 1e-3;
    constexpr std::size_t kTrips = 101;
    std::vector<double> trips;
    for (std::size_t i = 0; i < kTrips; ++i) {
      const std::int64_t start = nowNs();
      TANDEM_TRY(enqueue(empty, 1, 1));
      TANDEM_TRY(finish());
      trips.push_back(static_cast<double>(nowNs() - start) * 1e-3);
    }
    std::nth_element(trips.begin(), trips.begin() + kTrips / 2, trips.end());
    result.roundTripUs = trips[kTrips / 2];
    return {};
  }

  const DeviceContext& m_context;
  QueueHandle m_queue;
  cl_program m_program = nullptr;
  bool m_cpu = false;
};

} // namespace

Result<ProbeResult> probeDevice(const DeviceContext& context, const CancelToken& cancel) {
  return Probe(context).run(cancel);
}

} // namespace tandem::opencl
