// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/runtime/executable.hpp"

namespace tandem {

/// A value's memory on one device during a run. Index into SlotPlan::buffers.
struct PlannedBuffer {
  ValueId value;
  Device* device = nullptr;
  std::size_t bytes = 0;
  std::size_t memory = 0;     ///< index of the buffer that owns the bytes: itself, or one whose memory it shares
  Device* copiedBy = nullptr; ///< host memory that this device copies from or to; nullptr: none does
};

/// One step of a run, in order. Indices refer to the plan's vectors.
struct SlotStep {
  enum class Kind {
    Run,     ///< program of segment `index` on its device's stream
    Dynamic, ///< nodes of segment `index`, one by one on the host
    Copy,    ///< buffer `from` to buffer `to`, one of them the host's; where they share memory it changes hands
    Finish,  ///< wait for device `index` of `devices`
  } kind = Kind::Run;
  std::size_t index = 0;
  std::size_t from = 0, to = 0;
};

/// Everything about a run that does not change from request to request: which buffers, which copies, in which order,
/// and where the host has to wait. One tensor goes to one destination once. Devices with DeviceInfo::hostMemory share
/// one piece of memory per value, so that nothing is copied between them.
struct SlotPlan {
  std::vector<Device*> devices;
  std::vector<PlannedBuffer> buffers;
  std::vector<SlotStep> steps;
  std::vector<std::size_t> inputBuffers;  ///< per graph input: its host buffer; SIZE_MAX where nobody reads it
  std::vector<std::size_t> outputBuffers; ///< per graph output: its host buffer; SIZE_MAX where it is no planned value
  /// Per segment: buffers of its inputs and outputs, in the order of Segment; SIZE_MAX for dynamic values.
  std::vector<std::vector<std::size_t>> segmentInputs, segmentOutputs;
};

SlotPlan planSlot(const Executable& executable);

} // namespace tandem
