// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/kernel.hpp"
#include "engine/devices/device.hpp"

namespace tandem::cpu {

/// Where the bytes of one operand are, once a program is complete.
struct Location {
  enum class Kind : std::uint8_t { None, Arena, Input, Output, Constant };
  Kind kind = Kind::None;
  std::uint32_t index = 0; ///< of the boundary buffer or constant
  std::int64_t offset = 0; ///< bytes
};

struct ProgramStep {
  std::shared_ptr<const Kernel> kernel;
  std::vector<Location> inputs;
  std::vector<Location> outputs;
  Location scratch;
};

/// The steps of one node: its kernel and the reorders around it. One trace event each.
struct StepGroup {
  std::string label;
  NodeId origin; ///< node of the opened graph; invalid for copies that belong to no node
  std::size_t firstStep = 0;
  std::size_t endStep = 0;
};

/// What compilation makes of a segment. Plain data, immutable afterwards.
struct CompiledSegment {
  std::vector<ProgramStep> steps;
  std::vector<StepGroup> groups;
  std::vector<WeightsPtr> constants;
  std::vector<std::int64_t> inputBytes;
  std::vector<std::int64_t> outputBytes;
  std::vector<KernelInfo> kernels;
  ProgramMemory memory;
};

class CpuProgram final : public Program, public std::enable_shared_from_this<CpuProgram> {
 public:
  CpuProgram(Device& device, CompiledSegment segment) : m_device(device), m_segment(std::move(segment)) {}
  ProgramMemory memory() const override { return m_segment.memory; }
  const std::vector<KernelInfo>& kernels() const override { return m_segment.kernels; }
  Result<std::unique_ptr<Instance>> instantiate(std::span<Buffer* const> inputs,
                                                std::span<Buffer* const> outputs) const override;
  Device& device() const { return m_device; }
  const CompiledSegment& segment() const { return m_segment; }

 private:
  Device& m_device;
  CompiledSegment m_segment;
};

} // namespace tandem::cpu
