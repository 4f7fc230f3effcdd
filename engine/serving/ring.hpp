// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace tandem {

/// A bounded first-in first-out queue of numbers for any number of writers and readers, without locks and without
/// allocation after its creation. Algorithm: D. Vyukov, "Bounded MPMC queue" (2010): every cell carries the turn that
/// it waits for, so that a writer and a reader meet only on the cell they share.
class Ring {
 public:
  /// Holds at least `capacity` numbers.
  explicit Ring(std::size_t capacity)
      : m_mask(std::bit_ceil(capacity < 2 ? std::size_t{2} : capacity) - 1),
        m_cells(std::make_unique<Cell[]>(m_mask + 1)) {
    for (std::size_t i = 0; i <= m_mask; ++i) m_cells[i].turn.store(i, std::memory_order_relaxed);
  }

  /// False when full.
  bool push(std::uint64_t number) {
    std::size_t at = m_head.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = m_cells[at & m_mask];
      const auto lead = static_cast<std::ptrdiff_t>(cell.turn.load(std::memory_order_acquire) - at);
      if (lead < 0) return false;
      if (lead > 0) {
        at = m_head.load(std::memory_order_relaxed);
      } else if (m_head.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
        cell.number = number;
        cell.turn.store(at + 1, std::memory_order_release);
        return true;
      }
    }
  }

  /// Nothing when empty.
  std::optional<std::uint64_t> pop() {
    std::size_t at = m_tail.load(std::memory_order_relaxed);
    for (;;) {
      Cell& cell = m_cells[at & m_mask];
      const auto lead = static_cast<std::ptrdiff_t>(cell.turn.load(std::memory_order_acquire) - (at + 1));
      if (lead < 0) return std::nullopt;
      if (lead > 0) {
        at = m_tail.load(std::memory_order_relaxed);
      } else if (m_tail.compare_exchange_weak(at, at + 1, std::memory_order_relaxed)) {
        const std::uint64_t number = cell.number;
        cell.turn.store(at + m_mask + 1, std::memory_order_release);
        return number;
      }
    }
  }

  /// True when nothing was there a moment ago.
  bool empty() const { return m_tail.load(std::memory_order_acquire) >= m_head.load(std::memory_order_acquire); }

 private:
  struct Cell {
    std::atomic<std::size_t> turn;
    std::uint64_t number = 0;
  };
  // Writers and readers on cache lines of their own.
  alignas(64) std::atomic<std::size_t> m_head{0};
  alignas(64) std::atomic<std::size_t> m_tail{0};
  alignas(64) const std::size_t m_mask;
  const std::unique_ptr<Cell[]> m_cells;
};

} // namespace tandem
