// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/tuning/preset.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <unistd.h>

namespace tandem::opencl {
namespace {

std::int64_t coreCacheBytes() {
  constexpr std::int64_t kUsual = 262144;
#ifdef _SC_LEVEL2_CACHE_SIZE
  if (const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE); bytes > 0) return bytes;
#endif
  return kUsual;
}

} // namespace

KernelPreset cpuPreset() {
  KernelPreset preset;
  preset.name = "cpu";
  preset.cacheBytes = coreCacheBytes();
#if defined(__x86_64__) || defined(__i386__)
  preset.name = "x86";
  if (__builtin_cpu_supports("avx512f")) {
    preset.name = "avx512";
    preset.vectorRegisters = 32;
    preset.lanes = 16;
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    preset.name = "avx2";
    preset.lanes = 8;
  }
#elif defined(__aarch64__)
  preset.vectorRegisters = 32;
#endif
  return preset;
}

KernelPreset gpuPreset(std::string_view vendor) {
  std::string lower(vendor);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto has = [&](const char* word) { return lower.find(word) != std::string::npos; };
  KernelPreset preset;
  if (has("nvidia")) {
    preset.name = "nvidia";
    preset.tileRows = preset.tileColumns = 128;
    preset.resultsPerItem = 8;
  } else if (has("advanced micro") || has("amd")) {
    preset.name = "amd";
    preset.tileRows = 128;
    preset.resultsPerItem = 8;
  } else if (has("intel")) {
    preset.name = "intel";
    preset.resultsPerItem = 8; // many registers, small groups
  } else if (has("arm") || has("mali")) {
    preset.name = "arm";
    preset.tileRows = preset.tileColumns = 32; // local memory is ordinary memory
    preset.depth = 8;
  }
  return preset;
}

} // namespace tandem::opencl
