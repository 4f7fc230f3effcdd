// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/metrics/process_memory.hpp"

#include <cstdio>
#include <ctime>
#include <unistd.h>

namespace tandem {
namespace {

std::int64_t clockNs(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

} // namespace

std::int64_t processRssBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (!file) return 0;
  long long total = 0;
  long long resident = 0;
  const int fields = std::fscanf(file, "%lld %lld", &total, &resident);
  std::fclose(file);
  return fields == 2 ? resident * sysconf(_SC_PAGESIZE) : 0;
}

std::int64_t processCpuNs() { return clockNs(CLOCK_PROCESS_CPUTIME_ID); }
std::int64_t threadCpuNs() { return clockNs(CLOCK_THREAD_CPUTIME_ID); }

} // namespace tandem
