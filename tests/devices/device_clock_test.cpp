// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/device_clock.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace tandem::opencl {
namespace {

constexpr std::int64_t kStart = 5'000'000'000'000;
constexpr std::int64_t kMs = 1'000'000;

/// A device whose clock shows something else than the host's.
struct MadeUpClock {
  std::int64_t offset = 0;
  double rate = 1; ///< its nanoseconds per nanosecond of the host
  std::int64_t at(std::int64_t host) const {
    return std::llround(static_cast<double>(host - kStart) * rate) + kStart + offset;
  }
  ClockReading reading(std::int64_t host, std::int64_t before = 500, std::int64_t after = 500) const {
    return {at(host), host - before, host + after};
  }
};

std::int64_t errorAt(DeviceClock& clock, const MadeUpClock& device, std::int64_t host) {
  return std::abs(clock.toHost(device.at(host)) - host);
}

TEST(DeviceClock, LeavesStampsAloneUntilItWasRead) {
  DeviceClock clock;
  EXPECT_TRUE(clock.wantsReading(0));
  EXPECT_EQ(clock.toHost(1234), 1234);
}

TEST(DeviceClock, LeavesAClockThatIsTheHostsAsItIs) {
  const MadeUpClock same;
  DeviceClock clock;
  // The stamps lie anywhere between the host's, so their middles are all wrong by something.
  clock.add(same.reading(kStart, 10, 90'000));
  EXPECT_EQ(clock.toHost(kStart + 77), kStart + 77);
  clock.add(same.reading(kStart + 200 * kMs, 4'000, 20));
  EXPECT_EQ(clock.toHost(kStart + 300 * kMs), kStart + 300 * kMs);
}

TEST(DeviceClock, TakesAnOffsetAway) {
  for (std::int64_t offset :
       {std::int64_t{-4'000'000'000'000}, std::int64_t{9'000}, std::int64_t{77'000'000'000'000}}) {
    const MadeUpClock device{offset, 1};
    DeviceClock clock;
    clock.add(device.reading(kStart));
    EXPECT_LE(errorAt(clock, device, kStart + 5 * kMs), 500) << offset;
  }
}

TEST(DeviceClock, WantsAReadingPerInterval) {
  const MadeUpClock device{-1000, 1};
  DeviceClock clock;
  clock.add(device.reading(kStart));
  EXPECT_FALSE(clock.wantsReading(kStart + DeviceClock::kIntervalNs - 1));
  EXPECT_TRUE(clock.wantsReading(kStart + DeviceClock::kIntervalNs));
}

TEST(DeviceClock, FollowsDriftForHours) {
  const MadeUpClock device{123'456'789'000, 1 + 80e-6}; // 80 parts per million: 8 us per interval
  DeviceClock clock;
  for (std::int64_t host = kStart; host < kStart + 3'600'000 * kMs; host += 1000 * kMs) {
    clock.add(device.reading(host));
    if (host == kStart) continue;
    // The stamps of the next interval, which no reading has framed yet.
    for (std::int64_t ahead : {std::int64_t{0}, 50 * kMs, 900 * kMs})
      ASSERT_LE(errorAt(clock, device, host + ahead), 1'500) << (host - kStart) / kMs << " + " << ahead / kMs;
  }
  EXPECT_NEAR(clock.drift(), 1 - 80e-6, 1e-6);
}

TEST(DeviceClock, NeverGoesBackWhateverTheJitter) {
  std::mt19937 random(7);
  std::exponential_distribution<double> delay(1.0 / 20'000); // as a thread that is sent away now and then
  for (double rate : {1 - 300e-6, 1.0, 1 + 300e-6}) {
    const MadeUpClock device{-55'000'000, rate};
    DeviceClock clock;
    std::int64_t last = 0;
    std::int64_t worst = 0;
    for (std::int64_t host = kStart; host < kStart + 60'000 * kMs; host += 10 * kMs) {
      if (clock.wantsReading(host))
        clock.add(device.reading(host, 300 + std::llround(delay(random)), 300 + std::llround(delay(random))));
      for (std::int64_t step = 0; step < 10 * kMs; step += kMs / 2) {
        const std::int64_t now = clock.toHost(device.at(host + step));
        ASSERT_GE(now, last);
        last = now;
        if (host > kStart + 5'000 * kMs) worst = std::max(worst, std::abs(now - host - step));
      }
    }
    EXPECT_LE(worst, 150'000) << rate;
  }
}

TEST(DeviceClock, AnUncertainReadingDoesNotSpoilAGoodOne) {
  const MadeUpClock device{-1'000'000, 1};
  DeviceClock clock;
  clock.add(device.reading(kStart, 100, 100));
  clock.add(device.reading(kStart + 100 * kMs, 0, 8 * kMs)); // its middle is wrong by 4 ms
  EXPECT_LE(errorAt(clock, device, kStart + 101 * kMs), 100);
  EXPECT_TRUE(clock.wantsReading(kStart + 101 * kMs)) << "the poor one did not count";
}

TEST(DeviceClock, ACorrectionBackwardsIsSpreadOut) {
  const MadeUpClock device{-1'000'000, 1};
  DeviceClock clock;
  clock.add({device.at(kStart), kStart + 10'000, kStart + 30'000}); // thinks it is 20 us later than it is
  const std::int64_t first = clock.toHost(device.at(kStart + 100 * kMs));
  clock.add(device.reading(kStart + 101 * kMs, 100, 100));
  std::int64_t last = first;
  for (std::int64_t step = 0; step <= 10 * kMs; step += 1000) {
    const std::int64_t now = clock.toHost(device.at(kStart + 100 * kMs + step));
    ASSERT_GE(now, last);
    if (step > 0) { // durations keep nine tenths and more
      ASSERT_GE(now - last, 900) << "time stood still at " << step;
    }
    last = now;
  }
  EXPECT_LE(std::abs(last - (kStart + 110 * kMs)), 200);
}

TEST(DeviceClock, IgnoresReadingsThatContradictTheOrderOfTime) {
  const MadeUpClock device{-1'000'000, 1};
  DeviceClock clock;
  clock.add(device.reading(kStart + 200 * kMs));
  clock.add(device.reading(kStart));                                                  // older than what is known
  clock.add({device.at(kStart), kStart + 400 * kMs, kStart + 400 * kMs + 100});       // the device's clock was reset
  clock.add({device.at(kStart + 500 * kMs), kStart + 501 * kMs, kStart + 500 * kMs}); // after before before
  EXPECT_LE(errorAt(clock, device, kStart + 600 * kMs), 500);
}

} // namespace
} // namespace tandem::opencl
