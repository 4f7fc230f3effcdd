// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/conv_timing.hpp"

#include "engine/base/clock.hpp"
#include "engine/devices/cpu/dnnl_kernel.hpp"

#include <algorithm>
#include <limits>
#include <new>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tandem::cpu {
namespace {

constexpr int kFirstRuns = 2, kFurtherRuns = 2, kReorderRuns = 4;
constexpr double kStillClose = 1.25; // more than what runs of one primitive differ by

template <class F> double microsecondsOf(F f) {
  const std::int64_t start = nowNs();
  f();
  return static_cast<double>(nowNs() - start) * 1e-3;
}

} // namespace

/// Filled with numbers that arithmetic is quick with, in every layout.
dnnl::memory ConvTimer::memoryFor(Role role, const dnnl::memory::desc& desc) {
  AlignedMemory& memory = m_memory[role];
  if (memory.bytes() < desc.get_size()) {
    memory = {}; // before the larger piece is there
    memory = AlignedMemory(desc.get_size());
    if (!memory.data()) throw std::bad_alloc();
    std::fill_n(static_cast<float*>(memory.data()), memory.bytes() / sizeof(float), 0.01f);
  }
  return dnnl::memory(desc, engine(), memory.data());
}

void ConvTimer::evict(Role role) const {
#if defined(__SSE2__)
  const auto* data = static_cast<const std::byte*>(m_memory[role].data());
  for (std::size_t i = 0; i < m_memory[role].bytes(); i += 64) _mm_clflush(data + i);
#else
  static_cast<void>(role);
#endif
}

std::vector<double> ConvTimer::race(const ConvProblem& problem, std::span<const ConvCode> contenders) {
  const auto argumentsOf = [&](const dnnl::convolution_forward::primitive_desc& desc) {
    Arguments arguments{{DNNL_ARG_SRC, memoryFor(kSource, desc.src_desc())},
                        {DNNL_ARG_WEIGHTS, memoryFor(kWeights, desc.weights_desc())},
                        {DNNL_ARG_DST, memoryFor(kTarget, desc.dst_desc())},
                        {DNNL_ARG_SCRATCHPAD, memoryFor(kScratch, desc.scratchpad_desc())}};
    if (problem.bias) arguments[DNNL_ARG_BIAS] = memoryFor(kBias, desc.bias_desc());
    return arguments;
  };
  for (const ConvCode& each : contenders) argumentsOf(each.desc); // larger pieces take the place of smaller ones
  const dnnl::stream stream(engine());
  std::vector<dnnl::convolution_forward> primitives;
  std::vector<Arguments> arguments;
  for (const ConvCode& each : contenders) {
    primitives.emplace_back(each.desc);
    arguments.push_back(argumentsOf(each.desc));
  }
  auto* const result = static_cast<float*>(m_memory[kTarget].data());
  const std::int64_t count = problem.output.shape.elements();
  const auto run = [&](std::size_t i) {
    primitives[i].execute(stream, arguments[i]);
    if (contenders[i].after) runInPieces(contenders[i].after, result, result, count, m_threads);
  };
  std::vector<double> best(contenders.size(), std::numeric_limits<double>::max());
  if (best.empty()) return best;
  for (int round = 0; round < kFirstRuns + kFurtherRuns; ++round) {
    const double limit = *std::min_element(best.begin(), best.end()) * kStillClose;
    if (round >= kFirstRuns && std::count_if(best.begin(), best.end(), [&](double time) { return time <= limit; }) < 2)
      break;
    for (std::size_t i = 0; i < primitives.size(); ++i) {
      if (round >= kFirstRuns && best[i] > limit) continue;
      if (m_coldWeights) evict(kWeights);
      best[i] = std::min(best[i], microsecondsOf([&] { run(i); }));
    }
  }
  return best;
}

double ConvTimer::reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  const dnnl::memory source = memoryFor(kSource, from), target = memoryFor(kTarget, to);
  const dnnl::reorder primitive({engine(), from, engine(), to});
  const dnnl::stream stream(engine());
  double best = std::numeric_limits<double>::max();
  for (int run = 0; run < kReorderRuns; ++run) {
    evict(kTarget); // in a program that is memory which other layers used meanwhile
    best = std::min(best, microsecondsOf([&] {
                      primitive.execute(stream, {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, target}});
                    }));
  }
  return best;
}

} // namespace tandem::cpu
