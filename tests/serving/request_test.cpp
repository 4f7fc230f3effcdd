// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/serving/request_queue.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <thread>

namespace tandem {
namespace {

Request some(std::uint64_t id, Priority priority = Priority::Latency, int items = 1) {
  Request request;
  request.id = id;
  request.priority = priority;
  request.items = items;
  request.predictedNs = 100 * items;
  return request;
}

Ticket addTo(RequestTable& table, RequestQueue& queue, std::uint64_t id, Priority priority = Priority::Latency) {
  Request request = some(id, priority);
  const Ticket ticket = table.add(request);
  EXPECT_TRUE(queue.push(ticket));
  return ticket;
}

TEST(Ring, GivesBackInOrderAndRefusesWhenFull) {
  Ring ring(4);
  for (std::uint64_t lap = 0; lap < 3; ++lap) {
    for (std::uint64_t i = 0; i < 4; ++i) EXPECT_TRUE(ring.push(lap * 4 + i));
    EXPECT_FALSE(ring.push(99));
    for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(ring.pop(), lap * 4 + i);
    EXPECT_FALSE(ring.pop());
    EXPECT_TRUE(ring.empty());
  }
}

TEST(Ring, LosesAndDoublesNothingBetweenManyThreads) {
  constexpr std::uint64_t kEach = 50'000;
  constexpr int kWriters = 3, kReaders = 3;
  Ring ring(64);
  std::vector<std::atomic<int>> seen(kWriters * kEach);
  std::atomic<std::uint64_t> read{0};
  std::vector<std::thread> threads;
  for (int w = 0; w < kWriters; ++w)
    threads.emplace_back([&, w] {
      for (std::uint64_t i = 0; i < kEach; ++i)
        while (!ring.push(static_cast<std::uint64_t>(w) * kEach + i)) std::this_thread::yield();
    });
  for (int r = 0; r < kReaders; ++r)
    threads.emplace_back([&] {
      while (read.load() < kWriters * kEach)
        if (const auto number = ring.pop()) {
          seen[*number].fetch_add(1);
          read.fetch_add(1);
        } else {
          std::this_thread::yield();
        }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](const auto& count) { return count.load() == 1; }));
}

TEST(RequestTable, HoldsItsCapacityAndNoMore) {
  RequestTable table(3);
  std::vector<Ticket> tickets;
  for (std::uint64_t id = 1; id <= 3; ++id) {
    Request request = some(id);
    tickets.push_back(table.add(request));
    EXPECT_NE(tickets.back(), 0u);
  }
  Request fourth = some(4);
  EXPECT_EQ(table.add(fourth), 0u);
  EXPECT_EQ(fourth.id, 4u);
  EXPECT_EQ(table.used(), 3u);
  ASSERT_TRUE(table.take(tickets[0]));
  EXPECT_TRUE(table.finish(tickets[0], [](const Request& request) { EXPECT_EQ(request.id, 1u); }));
  EXPECT_NE(table.add(fourth), 0u);
}

TEST(RequestTable, ATicketOfAnEndedRequestCancelsNobodyElse) {
  RequestTable table(1);
  Request first = some(1), second = some(2);
  const Ticket old = table.add(first);
  ASSERT_TRUE(table.take(old));
  table.finish(old, [](const Request&) {});
  const Ticket next = table.add(second);
  EXPECT_NE(next, old);
  EXPECT_FALSE(table.withdraw(old, [](const Request&) { FAIL(); }));
  EXPECT_TRUE(table.take(next));
}

TEST(RequestTable, WhoeverIsFirstEndsARequestAndTheOthersDoNot) {
  RequestTable table(2);
  Request queued = some(1), running = some(2);
  const Ticket a = table.add(queued), b = table.add(running);
  ASSERT_TRUE(table.take(b));
  int ended = 0;
  const auto end = [&](const Request&) { ++ended; };
  EXPECT_TRUE(table.withdraw(a, end));
  EXPECT_TRUE(table.withdraw(b, end));
  EXPECT_FALSE(table.withdraw(b, end));
  EXPECT_EQ(table.take(a), nullptr);  // the queue lets it go
  EXPECT_FALSE(table.finish(b, end)); // so does the worker
  EXPECT_EQ(ended, 2);
  EXPECT_EQ(table.used(), 0u);
}

TEST(RequestQueue, CountsWhatWaits) {
  RequestTable table(8);
  RequestQueue queue(table, 8);
  addTo(table, queue, 1);
  addTo(table, queue, 2, Priority::Bulk);
  EXPECT_EQ(queue.requests(), 2);
  EXPECT_EQ(queue.items(), 2);
  EXPECT_EQ(queue.items(Priority::Bulk), 1);
  EXPECT_EQ(queue.predictedNs(Priority::Latency), 100); // bulk waits behind
  EXPECT_EQ(queue.predictedNs(Priority::Bulk), 200);
  while (const Ticket ticket = queue.pop()) table.finish(ticket, [](const Request&) {});
  EXPECT_EQ(queue.requests(), 0);
  EXPECT_EQ(queue.predictedNs(Priority::Bulk), 0);
}

TEST(RequestQueue, LatencySensitiveRequestsGoFirstAndBulkIsNotStarved) {
  RequestTable table(256);
  RequestQueue queue(table, 256);
  std::uint64_t id = 0;
  for (int i = 0; i < 10; ++i) addTo(table, queue, ++id, Priority::Bulk);
  for (int i = 0; i < 200; ++i) addTo(table, queue, ++id);
  int sinceBulk = 0, bulk = 0, longest = 0;
  EXPECT_EQ(table.at(queue.pop()).priority, Priority::Latency);
  ++sinceBulk;
  while (bulk < 10) {
    const Ticket ticket = queue.pop();
    ASSERT_NE(ticket, 0u);
    if (table.at(ticket).priority == Priority::Bulk) {
      longest = std::max(longest, std::exchange(sinceBulk, 0));
      ++bulk;
    } else {
      ++sinceBulk;
    }
  }
  EXPECT_EQ(longest, RequestQueue::kLatencyPerBulk);
}

TEST(RequestQueue, CancelledRequestsAreSteppedOver) {
  RequestTable table(8);
  RequestQueue queue(table, 8);
  const Ticket first = addTo(table, queue, 1);
  const Ticket second = addTo(table, queue, 2);
  table.withdraw(first, [](const Request&) {});
  EXPECT_EQ(queue.pop(), second);
  EXPECT_EQ(queue.pop(), 0u);
  EXPECT_EQ(queue.items(), 0);
  EXPECT_EQ(table.used(), 1u);
}

TEST(RequestQueue, AClosedQueueTakesNothingAndWakesItsReaders) {
  RequestTable table(8);
  RequestQueue queue(table, 8);
  std::thread reader([&] {
    while (!queue.isClosed()) queue.wait(INT64_MAX);
  });
  queue.close();
  reader.join();
  Request request = some(1);
  const Ticket ticket = table.add(request);
  EXPECT_FALSE(queue.push(ticket));
}

TEST(RequestQueue, WakesASleeperForEveryRequest) {
  constexpr std::uint64_t kRequests = 20'000;
  RequestTable table(4);
  RequestQueue queue(table, 4);
  std::atomic<std::uint64_t> done{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i)
    readers.emplace_back([&] {
      for (;;) {
        if (const Ticket ticket = queue.pop()) {
          table.finish(ticket, [](const Request&) {});
          done.fetch_add(1);
        } else if (queue.isClosed()) {
          return;
        } else {
          queue.wait(INT64_MAX);
        }
      }
    });
  for (std::uint64_t id = 1; id <= kRequests; ++id) {
    Request request = some(id);
    Ticket ticket = 0;
    while (!(ticket = table.add(request))) std::this_thread::yield();
    while (!queue.push(ticket)) std::this_thread::yield();
    if (id % 64 == 0) // let the readers fall asleep now and then
      while (done.load() < id) std::this_thread::yield();
  }
  while (done.load() < kRequests) std::this_thread::yield();
  queue.close();
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(done.load(), kRequests);
}

} // namespace
} // namespace tandem
