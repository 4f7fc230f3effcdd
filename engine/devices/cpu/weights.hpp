// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/layout.hpp"

#include <set>

namespace tandem::cpu {

/// Bytes aligned for vector loads and pages, not initialised.
class AlignedMemory {
 public:
  AlignedMemory() = default;
  /// Null data where the system has not that much.
  explicit AlignedMemory(std::size_t bytes);
  void* data() const { return m_data.get(); }
  std::size_t bytes() const { return m_bytes; }

 private:
  struct Free {
    void operator()(void* data) const;
  };
  std::unique_ptr<void, Free> m_data;
  std::size_t m_bytes = 0;
};

/// Constant memory that kernels read: the graph's own tensor where its layout serves, a prepared copy otherwise.
struct Weights {
  Tensor original; ///< keeps the elements alive where no copy was made
  AlignedMemory prepared;
  void* data() const { return prepared.data() ? prepared.data() : const_cast<void*>(original.data()); }
};
using WeightsPtr = std::shared_ptr<const Weights>;

/// Prepares the weights of one program, each layout once. Used by one thread, at compile time.
class WeightStore {
 public:
  /// `tensor` read as `from`, brought into layout `to`. Throws std::bad_alloc and dnnl::error.
  WeightsPtr prepare(const Tensor& tensor, const dnnl::memory::desc& from, const dnnl::memory::desc& to);
  /// The tensor itself, counted as resident.
  WeightsPtr keep(const Tensor& tensor);
  std::int64_t bytes() const { return m_bytes; }

 private:
  struct Entry {
    Tensor source; // kept alive: its address is the key
    dnnl::memory::desc from, to;
    WeightsPtr weights;
  };
  std::vector<Entry> m_entries;
  std::set<const void*> m_kept;
  std::int64_t m_bytes = 0;
};

} // namespace tandem::cpu
