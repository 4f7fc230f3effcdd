// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/layout.hpp"

#include <functional>
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
  /// `bytes` bytes in a form that oneDNN does not know, which `write(source, target)` makes of the tensor's elements;
  /// once per tensor, `form` and size. Throws std::bad_alloc.
  WeightsPtr pack(const Tensor& tensor, std::string form, std::size_t bytes,
                  const std::function<void(const void*, void*)>& write);
  /// Zeros in place of a constant that was left out. Throws std::bad_alloc.
  WeightsPtr zeros(std::size_t bytes);
  /// The tensor itself, counted as resident.
  WeightsPtr keep(const Tensor& tensor);
  std::int64_t bytes() const { return m_bytes; }

 private:
  struct Entry {
    Tensor source; // kept alive: its address is the key
    dnnl::memory::desc from, to;
    WeightsPtr weights;
  };
  struct Packed {
    Tensor source; // as above
    std::string form;
    WeightsPtr weights;
  };
  std::vector<Entry> m_entries;
  std::vector<Packed> m_packed;
  std::set<const void*> m_kept;
  std::int64_t m_bytes = 0;
};

} // namespace tandem::cpu
