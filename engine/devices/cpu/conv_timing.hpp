// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/aligned_memory.hpp"
#include "engine/devices/cpu/kernels/conv_form.hpp"

#include <array>
#include <functional>
#include <span>
#include <unordered_map>
#include <vector>

namespace tandem::cpu {

/// Times primitives on the calling thread and its team. Memory is kept between measurements, as large as the largest
/// one wanted it. Throws std::bad_alloc. One thread.
class ConvTimer {
 public:
  /// `coldWeights`: weights come from memory, not from caches.
  ConvTimer(bool coldWeights, int threads) : m_coldWeights(coldWeights), m_threads(threads) {}
  /// Microseconds of codes that all compute `problem`: of each its fastest run, as the least disturbed one. They
  /// run in turns, and what is clearly slower than the best soon drops out.
  std::vector<double> race(const ConvProblem& problem, std::span<const ConvCode> contenders);
  /// Microseconds of bringing a value that was written just before into another layout.
  double reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to);

 private:
  enum Role : std::size_t { kSource, kWeights, kBias, kTarget, kScratch, kRoles };
  using Arguments = std::unordered_map<int, dnnl::memory>;

  dnnl::memory memoryFor(Role role, const dnnl::memory::desc& desc);
  void evict(Role role) const;

  bool m_coldWeights;
  int m_threads;
  std::array<AlignedMemory, kRoles> m_memory;
};

} // namespace tandem::cpu
