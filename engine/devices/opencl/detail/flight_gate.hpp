// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace tandem::opencl {

/// Keeps what must not happen while kernels run apart from running them, for a whole process. PoCL 3.1 needs it: asking
/// a program for its binary puts another entry for each of its kernels into a table, where a command of that kernel
/// which ends meanwhile finds the wrong one and aborts the process (pocl_release_dlhandle_cache in
/// lib/CL/devices/common.c compares the local size alone). Thread-safe; enter and leave may come from two threads.
class FlightGate {
 public:
  static FlightGate& ofProcess();

  void enter(); ///< waits while somebody is alone
  void leave();

  /// Calls `work` while nobody is inside. False: somebody stayed inside beyond `patience`, and it was not called.
  template <class Work> bool alone(std::chrono::milliseconds patience, Work work) {
    std::unique_lock lock(m_mutex);
    ++m_waiting; // nobody enters any more, or this might wait for ever
    const bool isEmpty = m_changed.wait_for(lock, patience, [&] { return m_inside == 0; });
    if (isEmpty) work();
    --m_waiting;
    m_changed.notify_all();
    return isEmpty;
  }

 private:
  std::mutex m_mutex;
  std::condition_variable m_changed;
  int m_inside = 0;
  int m_waiting = 0;
};

} // namespace tandem::opencl
