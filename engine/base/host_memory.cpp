// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/host_memory.hpp"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace tandem {
namespace {

constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();
/// Below this an answer is not worth its time.
constexpr std::int64_t kAlwaysThere = std::int64_t{256} << 20;

/// The first number that `format` finds in a line of `path`; kUnknown where none does.
std::int64_t numberIn(const char* path, const char* format) {
  std::FILE* file = std::fopen(path, "r");
  if (!file) return kUnknown;
  char line[256];
  long long value = 0;
  bool found = false;
  while (!found && std::fgets(line, sizeof line, file)) found = std::sscanf(line, format, &value) == 1;
  std::fclose(file);
  return found ? value : kUnknown;
}

/// What version 2 of control groups leaves, where the process sees its own group at the root as in a container.
std::int64_t groupMemory() {
  const std::int64_t limit = numberIn("/sys/fs/cgroup/memory.max", "%lld");
  const std::int64_t used = numberIn("/sys/fs/cgroup/memory.current", "%lld");
  if (limit == kUnknown || used == kUnknown) return kUnknown;
  // Cached files count as used and are given up first.
  const std::int64_t cached = numberIn("/sys/fs/cgroup/memory.stat", "file %lld");
  return std::max<std::int64_t>(limit - used, 0) + (cached == kUnknown ? 0 : cached);
}

} // namespace

std::int64_t availableHostMemory() {
  const std::int64_t kilobytes = numberIn("/proc/meminfo", "MemAvailable: %lld kB");
  const std::int64_t machine = kilobytes == kUnknown ? kUnknown : kilobytes * 1024;
  return std::min(machine, groupMemory());
}

bool fitsHostMemory(std::int64_t bytes) { return bytes <= kAlwaysThere || bytes <= availableHostMemory(); }

} // namespace tandem
