// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/conv_plan.hpp"
#include "engine/devices/cpu/cpu_program.hpp"
#include "engine/ops/op_def.hpp"

#include <unordered_map>

namespace tandem::cpu {

/// Turns a segment into steps: picks a kernel per node, keeps values in the layouts that kernels like, puts reorders
/// between those that disagree, and places all memory. Used once, on the thread that holds the device's cores.
class ProgramBuilder {
 public:
  ProgramBuilder(const Segment& segment, const ProgramOptions& options, int threads, TimingCache& timings);
  /// May throw std::bad_alloc.
  Result<CompiledSegment> build();

 private:
  /// A piece of memory: part of the arena, a boundary buffer or a constant.
  struct Storage {
    Location::Kind kind = Location::Kind::Arena;
    std::uint32_t index = 0;
    std::int64_t bytes = 0;
    int first = -1; ///< first and last step that touch it
    int last = -1;
    int lastNode = -1; ///< position of the last node that needs any value on it
    bool open = false; ///< parts of a Concat are still to come: nobody may overwrite it
  };
  struct Home {
    int storage = -1;
    std::int64_t offset = 0;
    Layout layout;
  };
  struct ValueState {
    std::vector<Home> homes; ///< the first is where it was made; others are copies in further layouts
    int lastUse = -1;        ///< position of the last node of the segment that reads it
    int output = -1;         ///< position among the segment's outputs
    bool made = false;       ///< a node of the segment has produced it by now
  };
  /// A part of a Concat's result that its producer may write directly.
  struct ConcatSlot {
    NodeId concat;
    std::int64_t offset = 0; ///< along the joined axis
  };
  struct PendingStep {
    std::shared_ptr<const Kernel> kernel;
    std::vector<Home> inputs;
    std::vector<Home> outputs;
    int scratch = -1; ///< storage
  };

  void readUses();
  void findConcatSlots();
  bool slotsPossible(NodeId concat) const;
  Result<void> addNode(NodeId id, int position);
  Result<KernelPlan> choosePlan(const NodeView& view) const;
  std::vector<Home> placeInputs(const Node& node, const KernelPlan& plan);
  void placeOutputs(const NodeView& view, const KernelPlan& plan, std::vector<Home>& inputs, int position);
  Home placeOutput(const NodeView& view, std::size_t index, const KernelPlan& plan, const std::vector<Home>& inputs,
                   int position);
  bool mayOverwrite(const KernelPlan& plan, int input, const std::vector<Home>& inputs, std::int64_t bytes,
                    int position) const;
  std::optional<Home> placeInConcat(ValueId value, const Layout& layout, int depth = 0);
  Home concatHome(ValueId result, const Layout& layout, int depth);
  bool finishConcat(NodeId id);
  void makePlain(ValueId value);
  void writeOutput(ValueId value);
  void writeThroughOutputs();
  CompiledSegment finish();

  ValueState& stateOf(ValueId value);
  Home homeIn(ValueId value, const Layout& layout);
  int newStorage(Location::Kind kind, std::uint32_t index, std::int64_t bytes, int lastNode);
  int newConstant(WeightsPtr weights);
  void touch(const Home& home);
  void addStep(std::shared_ptr<const Kernel> kernel, std::vector<Home> inputs, std::vector<Home> outputs,
               std::int64_t scratchBytes);
  void addTransform(const TensorDesc& desc, const Home& from, const Home& to);
  const TensorDesc& descOf(ValueId value) const { return m_graph.value(value).desc; }

  const Segment& m_segment;
  const Graph& m_graph;
  const ProgramOptions& m_options;
  int m_threads;
  TimingCache& m_timings;
  ConvChoices m_convChoices;
  WeightStore m_weights;
  CompiledSegment m_result;
  std::vector<Storage> m_storages;
  std::vector<PendingStep> m_steps;
  std::unordered_map<ValueId, ValueState> m_values;
  std::unordered_map<ValueId, ConcatSlot> m_slots;
  std::unordered_map<NodeId, Home> m_concatHomes; ///< of results whose parts are written in place
};

} // namespace tandem::cpu
