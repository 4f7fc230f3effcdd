// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/runtime/execution_slot.hpp"

namespace tandem {

/// One node of a graph compiled alone, eager: what a device computes for it, apart from all other layers. One thread.
class SingleNode {
 public:
  /// `inputs`: one tensor per input of the node, in its order, constants included; undefined where left out. Constants
  /// of the graph stay constants. A device that cannot run the node with what is known now is replaced by `host`.
  /// `threads` as in CompileOptions; `precision` holds where the device has it.
  static Result<std::unique_ptr<SingleNode>> compile(const Graph& graph, NodeId node, std::span<const Tensor> inputs,
                                                     Device& device, Device& host, const CancelToken& cancel,
                                                     int threads = 0, Precision precision = Precision::Model);
  /// Runs on the calling thread from now on, bound to the device's cores.
  void attachCurrentThread() { m_slot->attachCurrentThread(); }
  /// True where run() takes these: same types and shapes, and same elements where they steer shapes.
  bool fits(std::span<const Tensor> inputs) const;
  /// One tensor per output of the node, undefined where nobody wants it; the tensors are the caller's.
  Result<std::vector<Tensor>> run(std::span<const Tensor> inputs, const CancelToken& cancel);

  Device& device() const { return *m_device; }
  /// "opencl conv_tile_8x2"; "folded" where the result was known without running.
  const std::string& kernel() const { return m_kernel; }
  bool isReference() const { return m_isReference; } ///< no fast kernel

 private:
  struct Feed {
    std::size_t nodeInput = 0;
    bool bound = false; ///< elements are part of what was compiled
    Tensor sample;      ///< the elements (bound) or only a desc to compare with
  };
  Device* m_device = nullptr;
  std::string m_kernel;
  bool m_isReference = false;
  std::vector<Feed> m_feeds; ///< per input of the executable
  std::size_t m_outputCount = 0;
  std::vector<std::size_t> m_outputs; ///< node output per output of the executable
  std::unique_ptr<ExecutionSlot> m_slot;
};

/// Results of a node of which all inputs are constants of `graph`, by the host's kernels: as SingleNode::run() gives
/// them. Fails with Unsupported where there is only its reference kernel. The calling thread keeps its cores.
Result<std::vector<Tensor>> computeConstant(const Graph& graph, NodeId node, std::span<const Tensor> inputs,
                                            Device& host, const CancelToken& cancel);

} // namespace tandem
