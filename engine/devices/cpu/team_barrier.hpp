// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <atomic>
#include <cstdint>

namespace tandem::cpu {

/// Where the threads of a team meet many times within microseconds. A thread whose partner lost its core soon sleeps:
/// OpenMP's barrier spins for milliseconds, and on a busy machine the partners then hardly ever run together.
class TeamBarrier {
 public:
  void wait(int threads) {
    const std::uint32_t turn = m_turn.load(std::memory_order_acquire);
    if (m_arrived.fetch_add(1, std::memory_order_acq_rel) == threads - 1) {
      m_arrived.store(0, std::memory_order_relaxed);
      m_turn.store(turn + 1, std::memory_order_release);
      m_turn.notify_all();
      return;
    }
    for (int i = 0; i < kSpins; ++i) {
      if (m_turn.load(std::memory_order_acquire) != turn) return;
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    m_turn.wait(turn, std::memory_order_acquire);
  }

 private:
  static constexpr int kSpins = 2000; // some tens of microseconds
  std::atomic<int> m_arrived{0};
  alignas(64) std::atomic<std::uint32_t> m_turn{0};
};

} // namespace tandem::cpu
