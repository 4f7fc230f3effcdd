// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/runtime/execution_slot.hpp"

#include <functional>
#include <list>

namespace tandem {

/// The compiled variants of one model and placement: one per set of input shapes, and of elements where inputs steer
/// shapes. A model of open sizes (text of any length, pictures of any width, a cache that grows by a token) is compiled
/// once per size it meets; the least recently used variant is dropped beyond the limit, with its weights. One thread.
class VariantCache {
 public:
  using Compile = std::function<Result<std::shared_ptr<const Executable>>(std::span<const Tensor> inputs)>;
  static constexpr std::size_t kDefaultLimit = 8;

  /// `opened` must outlive the cache. `limit` is at least 1.
  VariantCache(const Graph& opened, Compile compile, std::size_t limit = kDefaultLimit);

  /// The slot for these inputs (graph input order), compiled if need be. It stays valid until the next call.
  Result<ExecutionSlot*> slotFor(std::span<const Tensor> inputs);

  std::size_t held() const { return m_variants.size(); }
  std::size_t compiled() const { return m_compiled; } ///< how often something had to be compiled
  std::size_t dropped() const { return m_compiled - m_variants.size(); }

 private:
  struct Variant {
    std::string key;
    std::unique_ptr<ExecutionSlot> slot;
  };

  const Graph& m_opened;
  Compile m_compile;
  std::size_t m_limit;
  std::size_t m_compiled = 0;
  std::list<Variant> m_variants; ///< most recently used first
};

} // namespace tandem
