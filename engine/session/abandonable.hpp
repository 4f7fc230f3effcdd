// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cancel.hpp"

#include <chrono>
#include <future>
#include <thread>

namespace tandem::session {

/// What `work` gives, computed on a thread of its own, so that the caller gets away where `work` cannot: a system call
/// on a network folder that does not answer waits for ever, and nothing in this process can end it. Once `cancel` is
/// set, `work` has a moment to notice by itself; then it is left behind and Cancelled is returned, naming `where`.
/// `work` must own all it uses. What it throws is thrown here.
template <class T, class Work> Result<T> abandonable(Work work, const CancelToken& cancel, const std::string& where) {
  constexpr std::chrono::milliseconds kLook(10), kGrace(100);
  std::packaged_task<Result<T>()> task(std::move(work));
  std::future<Result<T>> future = task.get_future();
  std::thread(std::move(task)).detach();
  while (future.wait_for(kLook) != std::future_status::ready)
    if (cancel.cancelled() && future.wait_for(kGrace) != std::future_status::ready)
      return makeError(ErrorCode::Cancelled, "cancelled while the file did not answer", where,
                       "check the disk or network it is on");
  return future.get();
}

} // namespace tandem::session
