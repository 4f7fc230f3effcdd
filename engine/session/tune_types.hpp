// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/session.hpp"

#include <utility>
#include <vector>

namespace tandem::session {

/// A choice between kernels on one device: the same work in one or several layers.
struct TunedKernel {
  std::string device;
  std::string key;                  ///< what is computed: operator, shapes, fused parts
  std::vector<int> nodes;           ///< indices into Document::nodes: every node that these layers compute
  int layers = 1;                   ///< how many of them there are
  std::string before, after;        ///< names of kernels
  bool measured = false;            ///< false: known from earlier, or the time was over
  double beforeUs = 0, afterUs = 0; ///< of one layer; 0 where not measured
  std::vector<std::pair<std::string, double>> timings; ///< every measured variant, likeliest first; microseconds
};

/// All choices of the layers that ran together on one device.
struct TunedSegment {
  std::string device;
  double beforeMs = 0, afterMs = 0; ///< device time of these layers, medians, measured in turn; 0: nothing to measure
  double seconds = 0;               ///< what measuring took
  bool complete = true;             ///< false: the time was over before every variant was tried
  std::vector<std::string> problems;
};

struct Tuning {
  std::string model;
  int batch = 1;
  std::string summary; ///< of the placement
  std::vector<TunedKernel> kernels;
  std::vector<TunedSegment> segments; ///< none: no device of this placement has a choice
};

Json encodeTuning(const Tuning& tuning);
/// `nodeCount`: of the document; a tuning of nodes that it lacks is refused.
Result<Tuning> decodeTuning(const Json& json, std::size_t nodeCount);

} // namespace tandem::session
