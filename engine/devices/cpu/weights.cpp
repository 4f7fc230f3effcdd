// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/cpu/weights.hpp"

#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/mman.h>

namespace tandem::cpu {
namespace {
constexpr std::size_t kAlignment = 64; // one cache line, one AVX-512 register
constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::shared_ptr<Weights> newWeights(std::size_t bytes) {
  auto weights = std::make_shared<Weights>();
  weights->prepared = AlignedMemory(bytes);
  if (!weights->prepared.data()) throw std::bad_alloc();
  return weights;
}
} // namespace

void AlignedMemory::Free::operator()(void* data) const { std::free(data); }

AlignedMemory::AlignedMemory(std::size_t bytes) : m_bytes(bytes) {
  void* data = nullptr;
  const bool huge = bytes >= kHugePage;
  if (posix_memalign(&data, huge ? kHugePage : kAlignment, std::max<std::size_t>(bytes, 1)) != 0) return;
  m_data.reset(data);
  // Kernels walk over megabytes: with small pages the processor spends its time on looking up addresses. Whole pages
  // only, so that no memory is taken that was not asked for; a system that has none says no, which is fine.
  if (huge) static_cast<void>(madvise(data, bytes / kHugePage * kHugePage, MADV_HUGEPAGE));
}

WeightsPtr WeightStore::keep(const Tensor& tensor) {
  if (m_kept.insert(tensor.data()).second) m_bytes += static_cast<std::int64_t>(tensor.bytes());
  auto weights = std::make_shared<Weights>();
  weights->original = tensor;
  return weights;
}

WeightsPtr WeightStore::prepare(const Tensor& tensor, const dnnl::memory::desc& from, const dnnl::memory::desc& to) {
  if (from == to) {
    return keep(tensor);
  }
  for (const Entry& entry : m_entries)
    if (entry.source.data() == tensor.data() && entry.from == from && entry.to == to) return entry.weights;
  auto weights = newWeights(to.get_size());
  dnnl::memory src(from, engine(), const_cast<void*>(tensor.data()));
  dnnl::memory dst(to, engine(), weights->prepared.data());
  dnnl::stream stream(engine());
  dnnl::reorder(src, dst).execute(stream, src, dst);
  stream.wait();
  m_bytes += static_cast<std::int64_t>(to.get_size());
  m_entries.push_back({tensor, from, to, weights});
  return weights;
}

WeightsPtr WeightStore::pack(const Tensor& tensor, std::string form, std::size_t bytes,
                             const std::function<void(const void*, void*)>& write) {
  for (const Packed& packed : m_packed)
    if (packed.source.data() == tensor.data() && packed.form == form && packed.weights->prepared.bytes() == bytes)
      return packed.weights;
  auto weights = newWeights(bytes);
  write(tensor.data(), weights->prepared.data());
  m_bytes += static_cast<std::int64_t>(bytes);
  m_packed.push_back({tensor, std::move(form), weights});
  return weights;
}

WeightsPtr WeightStore::zeros(std::size_t bytes) {
  auto weights = newWeights(bytes);
  std::memset(weights->prepared.data(), 0, bytes);
  m_bytes += static_cast<std::int64_t>(bytes);
  return weights;
}

} // namespace tandem::cpu
