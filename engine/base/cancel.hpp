// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <atomic>
#include <memory>

namespace tandem {

/// A request to stop, shared between whoever asks and whoever works. Copies refer to the same request; any thread.
class CancelToken {
 public:
  CancelToken() : m_flag(std::make_shared<std::atomic<bool>>(false)) {}
  void cancel() const { m_flag->store(true, std::memory_order_relaxed); }
  bool cancelled() const { return m_flag->load(std::memory_order_relaxed); }
  /// Ok, or ErrorCode::Cancelled; for loop heads.
  Result<void> check() const;

 private:
  std::shared_ptr<std::atomic<bool>> m_flag;
};

} // namespace tandem
