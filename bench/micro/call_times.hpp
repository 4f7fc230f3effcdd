// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace tandem::bench {

/// One model input: dense row-major elements read from a file.
struct CallInput {
  std::string name;
  std::string type; ///< as numpy names it: "float32", "int64"
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
};

/// What both call benches are asked: the same command line, so that the same job goes to either.
struct CallOptions {
  std::string model;
  std::string library; ///< of the peer
  std::string saveTo;  ///< folder for the outputs; empty: they are not written
  int threads = 1;
  double seconds = 1; ///< 0: one call only
  bool eager = false;
  std::vector<CallInput> inputs;
  std::vector<std::string> outputs; ///< names
};

/// Reads MODEL [--threads N] [--seconds S] [--library FILE] [--save FOLDER] [--eager] and, per input, --input
/// NAME TYPE DIMS FILE (DIMS like 1x3x224x224, "" for a scalar), per output, --output NAME. Prints what is wrong and
/// returns nullopt.
std::optional<CallOptions> parseCallOptions(int argc, char** argv);

/// Times of single calls in process.
struct CallTimes {
  std::int64_t firstNs = 0; ///< monotonic clock when the first result was there
  std::size_t calls = 0;
  double p50Us = 0, p99Us = 0, meanUs = 0, minUs = 0;
};

/// Calls once, then, after a tenth of `seconds` to warm up, for `seconds`. False from `call` ends everything.
std::optional<CallTimes> timeCalls(const std::function<bool()>& call, double seconds);

/// Writes `bytes` as `folder`/`index`.raw. False where that fails.
bool saveOutput(const std::string& folder, std::size_t index, const void* data, std::size_t bytes);

/// The times, the greatest resident memory so far (VmHWM), and `more` (", "-led members) as one line of JSON.
void printCallTimes(const CallTimes& times, const std::string& more);

} // namespace tandem::bench
