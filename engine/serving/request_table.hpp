// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/serving/request.hpp"
#include "engine/serving/ring.hpp"

namespace tandem {

/// Names a request that was accepted, for cancelling it. 0 names none. A ticket whose request has ended names nothing.
using Ticket = std::uint64_t;

/// Every request of a deployment that has not ended: a fixed number of places, so that memory is bounded and nothing is
/// allocated per request. Each request ends once: whoever takes it out of its state (a worker, a canceller, the
/// supervisor of hung devices) ends it, and everybody else finds that it is theirs no longer. Thread-safe, lock-free.
class RequestTable {
 public:
  explicit RequestTable(std::size_t capacity);

  std::size_t capacity() const { return m_capacity; }
  std::size_t used() const { return m_used.load(std::memory_order_relaxed); }

  /// Puts a request in; 0 when the table is full, and then `request` is as it was.
  Ticket add(Request& request);

  /// A worker takes a queued request for execution. nullptr where it was cancelled meanwhile; its place is free then.
  /// The request stays where it is until finish().
  Request* take(Ticket ticket);
  /// Makes a taken request one that waits, for another queue; `change` may change it first. False where somebody else
  /// ended it meanwhile; its place is free then.
  template <class Change> bool putBack(Ticket ticket, Change&& change) {
    if (!claim(ticket)) return false;
    change(at(ticket));
    slotOf(ticket).word.store(word(ticket, State::Queued), std::memory_order_release);
    return true;
  }
  /// The request as the holder of a taken ticket sees it.
  Request& at(Ticket ticket) { return slotOf(ticket).request; }
  /// A worker is done with a taken request. True: it is the one to end it, and the place is free when `end` returns.
  /// False: somebody else ended it meanwhile.
  template <class End> bool finish(Ticket ticket, End&& end) {
    if (!claim(ticket)) return false;
    end(static_cast<const Request&>(at(ticket)));
    release(ticket);
    return true;
  }

  /// Takes a request out, wherever it is: `end` is called with it, once, where it had not ended. Its place stays
  /// occupied until the queue or the worker that still names it lets go. False where it had ended.
  template <class End> bool withdraw(Ticket ticket, End&& end) {
    if (ticket == 0 || !beginWithdraw(ticket)) return false;
    end(at(ticket));
    endWithdraw(ticket);
    return true;
  }
  /// As withdraw(), for a request that a worker has taken, and no other.
  template <class End> bool withdrawTaken(Ticket ticket, End&& end) {
    if (ticket == 0 || !beginWithdrawTaken(ticket)) return false;
    end(at(ticket));
    endWithdraw(ticket);
    return true;
  }

 private:
  enum class State : std::uint64_t { Free, Queued, Taken, Withdrawing, Withdrawn, Ending };
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> word{0}; ///< generation << 8 | state
    Request request;
  };

  Slot& slotOf(Ticket ticket) { return m_slots[static_cast<std::size_t>(ticket & 0xffffffffu) - 1]; }
  static std::uint64_t word(Ticket ticket, State state) {
    return (ticket >> 32) << 8 | static_cast<std::uint64_t>(state);
  }
  bool change(Ticket ticket, State from, State to);
  bool claim(Ticket ticket);
  void release(Ticket ticket);
  bool beginWithdraw(Ticket ticket);
  bool beginWithdrawTaken(Ticket ticket);
  void endWithdraw(Ticket ticket);
  void awaitWithdrawn(Ticket ticket);

  const std::size_t m_capacity;
  const std::unique_ptr<Slot[]> m_slots;
  Ring m_free;
  std::atomic<std::size_t> m_used{0};
};

} // namespace tandem
