// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace tandem {

/// How requests arrive (DESIGN.md section 7; names and rules follow MLPerf LoadGen where it has them).
struct Scenario {
  enum class Kind {
    SingleStream, ///< the next request when the last one is done
    MultiStream,  ///< `count` requests at once, the next ones when all are done; latency is that of the slowest
    Closed,       ///< `count` clients, each with one request in flight
    Poisson,      ///< open loop at `ratePerS`; latency counts from the scheduled arrival
    Offline,      ///< `count` requests at once, then nothing
  } kind = Kind::Closed;
  int count = 1;
  double ratePerS = 0;

  /// Reads "single-stream", "multi-stream:8", "closed:4", "poisson:120", "offline:1000".
  static Result<Scenario> parse(std::string_view text);
  std::string toString() const;
};

} // namespace tandem
