// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/clock.hpp"
#include "engine/devices/cpu/cpu_device.hpp"
#include "engine/devices/cpu/cpu_stream.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <new>

namespace tandem::cpu {
namespace {

// Large enough to be outside every cache of today's desktop processors for a good part, small enough to be quick.
constexpr std::size_t kCopyBytes = std::size_t{96} << 20;
// 3 and 12 MiB in all: compute-bound for any cache; the small one is quick enough for a gap between other work.
constexpr dnnl_dim_t kMatrices[] = {512, 1024};
constexpr int kRepeats = 5;
constexpr std::int64_t kLeastNs = 200'000'000;

/// Seconds of the fastest of some runs: the least disturbed one. Many short ones find a gap between what else runs.
double bestSeconds(const std::function<void()>& work) {
  work();
  std::int64_t best = INT64_MAX;
  const std::int64_t begin = nowNs();
  for (int i = 0; i < kRepeats || nowNs() - begin < kLeastNs; ++i) {
    const std::int64_t start = nowNs();
    work();
    best = std::min(best, nowNs() - start);
  }
  return static_cast<double>(std::max<std::int64_t>(best, 1)) * 1e-9;
}

std::vector<std::byte*> touched(std::initializer_list<AlignedMemory*> memories) {
  std::vector<std::byte*> addresses;
  for (AlignedMemory* memory : memories) {
    if (!memory->data()) throw std::bad_alloc();
    std::memset(memory->data(), 0, memory->bytes());
    addresses.push_back(static_cast<std::byte*>(memory->data()));
  }
  return addresses;
}

double measureGflops(dnnl_dim_t size) {
  const dnnl::memory::desc plain({size, size}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::ab);
  const dnnl::memory::desc any({size, size}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::any);
  const dnnl::matmul::primitive_desc desc({plain, any, plain}, engine());
  dnnl::memory a(plain, engine()), b(desc.weights_desc(), engine()), c(plain, engine());
  for (dnnl::memory* memory : {&a, &b, &c}) {
    auto* data = static_cast<float*>(memory->get_data_handle());
    std::fill_n(data, memory->get_desc().get_size() / sizeof(float), 0.5f);
  }
  const dnnl::matmul multiply(desc);
  dnnl::stream stream(engine());
  const double seconds = bestSeconds([&] {
    multiply.execute(stream, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, b}, {DNNL_ARG_DST, c}});
    stream.wait();
  });
  return 2.0 * static_cast<double>(size * size * size) / seconds * 1e-9;
}

/// Bytes copied per second by all threads together, in GB/s.
double measureCopy(int threads) {
  AlignedMemory from(kCopyBytes), to(kCopyBytes);
  const std::vector<std::byte*> data = touched({&from, &to});
  const std::size_t part = kCopyBytes / static_cast<std::size_t>(threads);
  const double seconds = bestSeconds([&] {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int i = 0; i < threads; ++i)
      std::memcpy(data[1] + static_cast<std::size_t>(i) * part, data[0] + static_cast<std::size_t>(i) * part, part);
  });
  return static_cast<double>(part * static_cast<std::size_t>(threads)) / seconds * 1e-9;
}

/// Microseconds per primitive on data that is too small to matter.
double measureLaunch() {
  const dnnl::memory::desc tiny({16}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::a);
  const dnnl::eltwise_forward::primitive_desc desc(
      {dnnl::prop_kind::forward_inference, dnnl::algorithm::eltwise_relu, tiny, 0, 0}, engine());
  const dnnl::eltwise_forward relu(desc);
  dnnl::memory memory(tiny, engine());
  std::memset(memory.get_data_handle(), 0, tiny.get_size());
  dnnl::stream stream(engine());
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, memory.get()}, {DNNL_ARG_DST, memory.get()}};
  constexpr int kLaunches = 1000;
  const double seconds = bestSeconds([&] {
    for (int i = 0; i < kLaunches; ++i) dnnl_primitive_execute(relu.get(), stream.get(), 2, arguments);
  });
  return seconds / kLaunches * 1e6;
}

} // namespace

Result<ProbeResult> probeCores(int threads, const CancelToken& cancel) {
  ProbeResult result;
  for (dnnl_dim_t size : kMatrices) result.gflops = std::max(result.gflops, measureGflops(size));
  TANDEM_TRY(cancel.check());
  const double copied = measureCopy(threads);
  result.memoryGbPerS = 2 * copied; // every byte is read and written
  result.toDeviceGbPerS = result.toHostGbPerS = copied;
  TANDEM_TRY(cancel.check());
  result.launchUs = measureLaunch();
  return result;
}

} // namespace tandem::cpu
