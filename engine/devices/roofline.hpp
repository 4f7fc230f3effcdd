// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/device.hpp"
#include "engine/ops/op_def.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace tandem {

/// The least time one kernel can take on a device with these peaks: the longer of computing and moving its bytes
/// (Williams, Waterman and Patterson, "Roofline", CACM 2009), plus the launch. Peaks of 0 do not limit.
double rooflineMs(const OpCost& cost, const ProbeResult& peaks);

/// Time to copy `bytes` between host and device: half a round trip, plus bytes over bandwidth.
double copyToDeviceMs(std::int64_t bytes, const ProbeResult& peaks);
double copyToHostMs(std::int64_t bytes, const ProbeResult& peaks);

/// What `nodes` cost when one kernel computes them all: their FLOPs, and the least bytes that must move, which are
/// every value from outside once, constants included, and every value that is needed outside once. Of operators that
/// pick a part of their first input (Gather, Slice, ...) that part counts. nullopt where the cost is not known: an
/// operator without a definition, loops and branches, values whose size only the run tells.
std::optional<OpCost> fusedCost(const Graph& graph, std::span<const NodeId> nodes);

/// What keeps a kernel from being faster.
enum class Roof {
  Compute, ///< the device's arithmetic
  Memory,  ///< its memory
  Overhead ///< neither: there is less work than it takes to start a kernel
};
std::string_view toString(Roof roof); ///< "compute", "memory", "overhead"

/// A measured kernel under the roofs of its device. What cannot be said is empty, never 0 or infinite.
struct RooflinePoint {
  std::optional<double> gflopPerS;   ///< reached; empty without FLOPs
  std::optional<double> gbPerS;      ///< reached, of the least bytes
  std::optional<double> flopPerByte; ///< arithmetic intensity
  /// The rest needs both peaks.
  std::optional<double> computeFraction; ///< of the device's GFLOP/s
  std::optional<double> memoryFraction;  ///< of the device's GB/s
  std::optional<double> roofMs;          ///< the least time at both peaks, launch apart
  std::optional<double> roofFraction;    ///< roofMs / time; over 1 where fewer operations than those of the direct
                                         ///< algorithm are done (Winograd), in bytes, or on data still in a cache
  std::optional<Roof> roof;
};

/// `ms` is the time of one run, above 0; `peaks` may be null.
RooflinePoint locate(const OpCost& cost, double ms, const ProbeResult* peaks);

} // namespace tandem
