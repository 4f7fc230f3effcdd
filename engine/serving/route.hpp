// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/error.hpp"

#include <string>
#include <string_view>

namespace tandem {

/// Which replica takes a request (DESIGN.md section 7).
struct Route {
  enum class Kind {
    RoundRobin,
    LeastLoaded,     ///< fewest items queued and running
    Size,            ///< at most `size` items: the first replica; more: the second
    PredictedFinish, ///< the replica that would finish it first, by live service time estimates
    Split,           ///< one request divided over all replicas in proportion to their speed
    Slo,             ///< as predicted-finish, but what would not be done within `sloMs` is refused
    Pinned,          ///< always replica `name`
  } kind = Kind::PredictedFinish;
  int size = 1; ///< 0: found by measuring ("size:auto")
  double sloMs = 0;
  std::string name = {};

  /// Reads "round-robin", "least-loaded", "size:8", "size:auto", "predicted-finish", "split", "slo:50", "pinned:small".
  static Result<Route> parse(std::string_view text);
  std::string toString() const;
};

} // namespace tandem
