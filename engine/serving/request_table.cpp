// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/request_table.hpp"

#include <thread>
#include <utility>

namespace tandem {

std::string_view toString(Status status) {
  switch (status) {
  case Status::Done: return "done";
  case Status::Failed: return "failed";
  case Status::Cancelled: return "cancelled";
  case Status::Rejected: return "rejected";
  }
  return {};
}

RequestTable::RequestTable(std::size_t capacity)
    : m_capacity(capacity),
      m_slots(std::make_unique<Slot[]>(capacity)),
      m_free(2 * capacity) {
  for (std::size_t i = 1; i <= capacity; ++i) m_free.push(i);
}

Ticket RequestTable::add(Request& request) {
  const auto index = m_free.pop();
  if (!index) return 0;
  Slot& slot = m_slots[static_cast<std::size_t>(*index) - 1];
  const std::uint64_t generation = (slot.word.load(std::memory_order_relaxed) >> 8) + 1;
  slot.request = std::move(request);
  m_used.fetch_add(1, std::memory_order_relaxed);
  // 32 bits of generation: a ticket would have to sleep through four billion requests to name another one.
  const Ticket ticket = (generation & 0xffffffffu) << 32 | *index;
  slot.word.store(word(ticket, State::Queued), std::memory_order_release);
  return ticket;
}

bool RequestTable::change(Ticket ticket, State from, State to) {
  std::uint64_t expected = word(ticket, from);
  return slotOf(ticket).word.compare_exchange_strong(expected, word(ticket, to), std::memory_order_acq_rel,
                                                     std::memory_order_acquire);
}

Request* RequestTable::take(Ticket ticket) {
  if (change(ticket, State::Queued, State::Taken)) return &at(ticket);
  awaitWithdrawn(ticket);
  release(ticket);
  return nullptr;
}

bool RequestTable::claim(Ticket ticket) {
  if (change(ticket, State::Taken, State::Ending)) return true;
  awaitWithdrawn(ticket);
  release(ticket);
  return false;
}

void RequestTable::release(Ticket ticket) {
  Slot& slot = slotOf(ticket);
  slot.request.owned.reset();
  slot.word.store(word(ticket, State::Free), std::memory_order_release);
  m_used.fetch_sub(1, std::memory_order_relaxed);
  // There is room for all; a reader that was interrupted may still hold the cell it has read.
  while (!m_free.push(ticket & 0xffffffffu)) std::this_thread::yield();
}

bool RequestTable::beginWithdraw(Ticket ticket) {
  return change(ticket, State::Queued, State::Withdrawing) || beginWithdrawTaken(ticket);
}

bool RequestTable::beginWithdrawTaken(Ticket ticket) { return change(ticket, State::Taken, State::Withdrawing); }

void RequestTable::endWithdraw(Ticket ticket) {
  slotOf(ticket).word.store(word(ticket, State::Withdrawn), std::memory_order_release);
}

/// The one who withdraws it still reads the request: a few instructions and a callback.
void RequestTable::awaitWithdrawn(Ticket ticket) {
  while (slotOf(ticket).word.load(std::memory_order_acquire) != word(ticket, State::Withdrawn))
    std::this_thread::yield();
}

} // namespace tandem
