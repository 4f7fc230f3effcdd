// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tandem {

/// How requests arrive (DESIGN.md section 7; names and rules follow MLPerf LoadGen where it has them).
struct Scenario {
  enum class Kind {
    SingleStream, ///< the next request when the last one is done
    MultiStream,  ///< `count` requests at once, the next ones when all are done; latency is that of the slowest
    Closed,       ///< `count` clients, each with one request in flight
    Poisson,      ///< open loop at `ratePerS`; latency counts from the scheduled arrival
    Offline,      ///< `count` requests at once, then nothing
    Ramp,         ///< finds the highest Poisson rate whose p99 latency stays below `boundMs`
    Replay,       ///< open loop at the times in `file`
  } kind = Kind::Closed;
  int count = 1;
  double ratePerS = 0;
  double boundMs = 0;
  std::string file = {};
  std::vector<double> arrivalsS = {}; ///< Replay: ascending, from the first; see readArrivals()

  /// Reads "single-stream", "multi-stream:8", "closed:4", "poisson:120", "offline:1000", "ramp:50", "replay:times.txt".
  static Result<Scenario> parse(std::string_view text);
  std::string toString() const;

  bool isFinite() const { return kind == Kind::Offline || kind == Kind::Replay; }
  bool isOpenLoop() const { return kind == Kind::Poisson || kind == Kind::Replay; }
};

/// Arrival times in seconds: one per line, or the first column of a CSV file (a heading is skipped), `#` begins a
/// comment. They are sorted and counted from the first. Fails with InputRejected, naming file and line.
Result<std::vector<double>> readArrivals(const std::string& file);

} // namespace tandem
