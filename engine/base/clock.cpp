// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/clock.hpp"

#include <ctime>

namespace tandem {

std::int64_t nowNs() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC_RAW, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

} // namespace tandem
