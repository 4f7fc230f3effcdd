// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cancel.hpp"
#include "engine/devices/cpu/aligned_memory.hpp"
#include "engine/devices/cpu/layout.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <unordered_map>

namespace tandem::cpu {

/// Constant memory that kernels read: the graph's own tensor where its layout serves, a prepared copy otherwise. The
/// copy is made by whoever asks first; WeightStore::complete() asks for all of them. Any thread.
class Weights {
 public:
  /// `write(target)` makes the prepared form in `bytes` bytes.
  using Write = std::function<void(void* target)>;
  explicit Weights(Tensor original);
  Weights(std::size_t bytes, Write write);

  /// Throws std::bad_alloc and dnnl::error where this is the first call.
  void* data() const;
  std::size_t bytes() const { return m_bytes; }
  bool isReady() const { return m_data.load(std::memory_order_acquire) != nullptr; }

 private:
  Tensor m_original; ///< keeps the elements alive where no copy was made
  std::size_t m_bytes = 0;
  mutable Write m_write;
  mutable AlignedMemory m_prepared;
  mutable std::mutex m_mutex; // for the members above
  mutable std::atomic<void*> m_data{nullptr};
};
using WeightsPtr = std::shared_ptr<const Weights>;

/// The weights of one program, each layout once. What other programs of this process prepared from the same elements is
/// taken from them, as long as one of them lives. Used by one thread, at compile time.
class WeightStore {
 public:
  /// `tensor` read as `from`, brought into layout `to`. Throws dnnl::error where oneDNN cannot.
  WeightsPtr prepare(const Tensor& tensor, const dnnl::memory::desc& from, const dnnl::memory::desc& to);
  /// `bytes` bytes in a form that oneDNN does not know, which `write(source, target)` makes of the tensor's elements;
  /// once per tensor, `form` and size, which together say all about it. Throws std::bad_alloc.
  WeightsPtr pack(const Tensor& tensor, std::string form, std::size_t bytes,
                  const std::function<void(const void*, void*)>& write);
  /// What `write(source, target)` makes of the tensor's elements, row-major as `plain`, brought into layout `to`.
  /// `form` says with the two layouts all about it. Throws std::bad_alloc and dnnl::error.
  WeightsPtr rewrite(const Tensor& tensor, std::string form, const dnnl::memory::desc& plain,
                     const dnnl::memory::desc& to, const std::function<void(const float*, float*)>& write);
  /// Zeros in place of a constant that was left out. Throws std::bad_alloc.
  WeightsPtr zeros(std::size_t bytes);
  /// The tensor itself, counted as resident.
  WeightsPtr keep(const Tensor& tensor);

  /// Prepares what was asked for and is still wanted, on all cores that this thread may use. Throws std::bad_alloc and
  /// dnnl::error. Stops early where `cancel` is set; what is left is prepared when it is used.
  void complete(const CancelToken& cancel);

  /// What is held: all that was asked for, after complete() all that is wanted.
  std::int64_t bytes() const;
  /// The same piece by piece.
  std::vector<std::pair<const void*, std::int64_t>> pieces() const;

 private:
  /// What weights are made of and how.
  struct Form {
    std::string text; ///< of pack(), rewrite() and keep()
    dnnl::memory::desc from, to;
    std::size_t bytes = 0;
    friend bool operator==(const Form&, const Form&) = default;
  };
  struct Entry {
    Form form;
    WeightsPtr weights;
    Tensor source; ///< kept alive, since its address may be the key
  };
  struct Shared;
  static Shared& shared();

  WeightsPtr packAs(const Tensor& tensor, Form form, const std::function<void(const void*, void*)>& write);
  WeightsPtr findOrMake(const Tensor& tensor, Form form, const std::function<WeightsPtr()>& make);

  std::unordered_multimap<std::string, Entry> m_entries;
};

} // namespace tandem::cpu
