// SPDX-License-Identifier: GPL-3.0-or-later
#include "bench/micro/call_times.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <numeric>
#include <sstream>

namespace tandem::bench {
namespace {

std::int64_t monotonicNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::optional<CallInput> readInput(char** words) {
  CallInput input{words[0], words[1], {}, {}};
  std::istringstream dims{std::string(words[2])};
  for (std::string part; std::getline(dims, part, 'x');) input.shape.push_back(std::atoll(part.c_str()));
  std::ifstream file(words[3], std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "%s: cannot be read\n", words[3]);
    return std::nullopt;
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  input.bytes.assign(first, first + text.size());
  return input;
}

/// Peak resident memory of this process in KiB, from /proc.
long long peakKib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::atoll(line.c_str() + 6);
  return 0;
}

} // namespace

std::optional<CallOptions> parseCallOptions(int argc, char** argv) {
  CallOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const int left = argc - 1 - i;
    if (word == "--eager") {
      options.eager = true;
    } else if (word == "--input" && left >= 4) {
      auto input = readInput(argv + i + 1);
      if (!input) return std::nullopt;
      options.inputs.push_back(std::move(*input));
      i += 4;
    } else if (word.starts_with("--") && left >= 1) {
      const char* value = argv[++i];
      if (word == "--threads") options.threads = std::atoi(value);
      if (word == "--seconds") options.seconds = std::atof(value);
      if (word == "--library") options.library = value;
      if (word == "--save") options.saveTo = value;
      if (word == "--output") options.outputs.emplace_back(value);
    } else {
      options.model = word;
    }
  }
  if (!options.model.empty()) return options;
  std::fprintf(stderr, "usage: MODEL [--threads N] [--seconds S] [--library FILE] [--save FOLDER] [--eager] "
                       "[--input NAME TYPE DIMS FILE]... [--output NAME]...\n");
  return std::nullopt;
}

std::optional<CallTimes> timeCalls(const std::function<bool()>& call, double seconds) {
  CallTimes result;
  if (!call()) return std::nullopt;
  result.firstNs = monotonicNs();
  std::vector<double> times;
  times.reserve(1 << 22);
  for (const double share : {0.1, 1.0}) {
    times.clear();
    const std::int64_t end = monotonicNs() + static_cast<std::int64_t>(seconds * share * 1e9);
    for (std::int64_t start = monotonicNs(); start < end && times.size() < times.capacity();) {
      if (!call()) return std::nullopt;
      const std::int64_t now = monotonicNs();
      times.push_back(static_cast<double>(now - start) * 1e-3);
      start = now;
    }
  }
  if (times.empty()) return result;
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    return times[static_cast<std::size_t>(static_cast<double>(times.size()) * share)];
  };
  result.calls = times.size();
  result.minUs = times.front();
  result.p50Us = at(0.5);
  result.p99Us = at(0.99);
  result.meanUs = std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(times.size());
  return result;
}

bool saveOutput(const std::string& folder, std::size_t index, const void* data, std::size_t bytes) {
  std::ofstream file(folder + "/" + std::to_string(index) + ".raw", std::ios::binary);
  file.write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes));
  return file.good();
}

void printCallTimes(const CallTimes& times, const std::string& more) {
  std::printf("{\"first_ns\": %lld, \"calls\": %zu, \"min_us\": %.3f, \"p50_us\": %.3f, \"p99_us\": %.3f, "
              "\"mean_us\": %.3f, \"peak_rss_bytes\": %lld%s}\n",
              static_cast<long long>(times.firstNs), times.calls, times.minUs, times.p50Us, times.p99Us, times.meanUs,
              peakKib() * 1024, more.c_str());
}

} // namespace tandem::bench
