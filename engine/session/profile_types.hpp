// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/session/session.hpp"
#include "engine/session/types.hpp"

namespace tandem::session {

/// One executed layer of a profile: a node, or the nodes that one kernel computes together. What cannot be said is
/// empty, never 0.
struct LayerTime {
  int node = -1;          ///< index into Document::nodes: the first of `nodes`
  std::vector<int> nodes; ///< all that it computes
  std::string requested;  ///< device that was asked for, or "placement"
  std::string device, kernel;
  bool reference = false;                     ///< plain loops
  double meanMs = 0, minMs = 0, medianMs = 0; ///< 0 where nothing is executed: a view of its input
  std::optional<double> flops;                ///< of the direct algorithm
  std::optional<std::int64_t> leastBytes;     ///< inputs, weights and outputs, each once
  std::optional<double> gflopPerS, gbPerS;
  std::optional<double> flopPerByte;
  /// Against the device's measured peaks (Williams, Waterman and Patterson, "Roofline", CACM 2009).
  std::string roof;                   ///< "compute", "memory" or "overhead"; empty where not known
  std::optional<double> roofMs;       ///< least time that the peaks allow
  std::optional<double> roofFraction; ///< roofMs / medianMs; may be over 1
  std::optional<double> computeFraction, memoryFraction;
};

/// One placement's runs as a whole.
struct ProfileTotal {
  std::string device; ///< device that was asked for, or "placement"
  double meanMs = 0, medianMs = 0, transferMs = 0, compileMs = 0;
  std::string summary;                ///< of the placement
  std::string precision = "model";    ///< or "float16"
  double flops = 0;                   ///< of the layers whose cost is known
  int unknownLayers = 0;              ///< executed layers whose cost is not
  double gflopPerS = 0;               ///< flops / medianMs
  std::optional<double> peakFraction; ///< the FLOPs' least time on their devices / medianMs
  std::optional<double> roofFraction; ///< mean of the layers' roofFraction, weighted by their time
};

/// What a device can do, measured with the threads the layers ran with.
struct DevicePeaks {
  std::string device;
  int threads = 0; ///< 0: the device has no such choice
  std::optional<double> gflops, memoryGbPerS;
  std::string problem; ///< why there are none
};

struct Profile {
  std::string model;
  int batch = 1;
  std::vector<LayerTime> times; ///< in the order of execution, placement by placement
  std::vector<ProfileTotal> totals;
  std::vector<DevicePeaks> peaks; ///< of every device in `times`
};

Json encodeProfile(const Profile& profile);
/// `nodeCount`: of the document; a profile of nodes that it lacks is refused.
Result<Profile> decodeProfile(const Json& json, std::size_t nodeCount);

} // namespace tandem::session
