// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/tensors/mapping_guard.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <sys/mman.h>
#include <unistd.h>

namespace tandem::detail {
namespace {

struct Guard {
  std::atomic<std::uintptr_t> begin{0}; ///< 0: free
  std::atomic<std::uintptr_t> end{0};
  std::atomic<bool> lost{false};
};

// A table of fixed size, because the handler may neither allocate nor lock. A mapping is released only when nobody
// reads it any more, so an entry that the handler finds does not change under it.
std::array<Guard, 4096> guards;
std::mutex guardsMutex;
struct sigaction previousAction {};
std::uintptr_t pageSize = 4096;

static_assert(std::atomic<std::uintptr_t>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

Guard* guardOf(std::uintptr_t address) {
  for (Guard& guard : guards)
    if (address >= guard.begin.load() && address < guard.end.load()) return &guard;
  return nullptr;
}

/// Puts zeros from the page that failed to the end of the mapping and lets the thread go on. mmap() is a plain system
/// call, safe here though POSIX does not list it.
void onBusError(int signal, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (Guard* guard = guardOf(address)) {
    const std::uintptr_t page = address & ~(pageSize - 1);
    void* zeros = ::mmap(reinterpret_cast<void*>(page), guard->end.load() - page, PROT_READ,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (zeros != MAP_FAILED) {
      guard->lost.store(true);
      return;
    }
  }
  // Not ours: what was there before decides; by default the fault repeats and ends the process.
  if ((previousAction.sa_flags & SA_SIGINFO) != 0 && previousAction.sa_sigaction)
    previousAction.sa_sigaction(signal, info, context);
  else
    ::sigaction(signal, &previousAction, nullptr);
}

void installHandler() {
  pageSize = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  struct sigaction action {};
  action.sa_sigaction = onBusError;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGBUS, &action, &previousAction);
}

} // namespace

int guardMapping(void* data, std::size_t size) {
  static std::once_flag once;
  std::call_once(once, installHandler);
  const std::lock_guard lock(guardsMutex);
  for (std::size_t i = 0; i < guards.size(); ++i) {
    Guard& guard = guards[i];
    if (guard.begin.load() != 0) continue;
    guard.lost.store(false);
    guard.end.store(reinterpret_cast<std::uintptr_t>(data) + size);
    guard.begin.store(reinterpret_cast<std::uintptr_t>(data));
    return static_cast<int>(i);
  }
  return -1;
}

void releaseGuard(int guard) {
  const std::lock_guard lock(guardsMutex);
  Guard& entry = guards[static_cast<std::size_t>(guard)];
  entry.end.store(0);
  entry.begin.store(0);
}

bool lostBytes(int guard) { return guards[static_cast<std::size_t>(guard)].lost.load(); }

} // namespace tandem::detail
