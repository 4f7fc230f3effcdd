// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/base/cancel.hpp"
#include "engine/base/ids.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tandem {

struct TuneOptions {
  double budgetSeconds = 60; ///< no further round begins after it; what was measured until then counts
  bool again = false;        ///< measures what is known from earlier, too
  CancelToken cancel;
  std::function<void(int done, int total, const std::string& what)> progress; ///< rounds; may be empty
};

/// A choice between kernels that compute the same, and what was found. Times are microseconds of one node's launches,
/// the fastest of several runs within the whole segment.
struct TunedChoice {
  std::string key;                                     ///< what is computed: operator, shapes, fused parts
  std::vector<NodeId> nodes;                           ///< in the segment's graph: every node that this choice is for
  std::string before, after;                           ///< variants: taken until now, and from now on
  std::vector<std::pair<std::string, double>> timings; ///< of every variant that was measured, likeliest first
  double beforeUs = 0, afterUs = 0;
  bool measured = false; ///< false: known from earlier, or the time was over
};

/// What tuning one segment on one device gave.
struct TuneReport {
  std::vector<TunedChoice> choices; ///< none: the device has nothing to choose here
  double beforeMs = 0, afterMs = 0; ///< device time of the whole segment; medians, both measured in turn
  double seconds = 0;
  bool complete = true;              ///< false: the budget was over before every variant was tried
  std::vector<std::string> problems; ///< variants that the driver refused; a database that could not be written
};

} // namespace tandem
