// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/arena_plan.hpp"
#include "engine/devices/opencl/block_plan.hpp"
#include "engine/devices/opencl/kernels/product_tail.hpp"
#include "engine/devices/opencl/opencl_device.hpp"
#include "engine/devices/opencl/tuning/choices.hpp"

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <variant>

namespace tandem::opencl {

/// A piece of device memory that a step works on.
struct Ref {
  enum class Kind { None, Input, Output, Arena, Weight, Status };
  Kind kind = Kind::None;
  int index = 0; ///< into the segment's inputs or outputs, the arena requests, or the weights
  friend bool operator==(const Ref&, const Ref&) = default;
};

/// Eight ints passed by value as OpenCL's int8: dims or strides, outermost first, unused ones behind.
struct Int8 {
  std::array<std::int32_t, 8> v{};
};
/// A buffer, a scalar, or a vector. Ref::Kind::None passes a null pointer.
using Arg = std::variant<Ref, std::int32_t, float, Int8>;

/// The convolution of CLBlast's Convgemm: extents per image, symmetric pads.
struct BlasWindow {
  std::size_t channels = 0, height = 0, width = 0, kernelH = 1, kernelW = 1, padH = 0, padW = 0;
  std::size_t strideH = 1, strideW = 1, dilationH = 1, dilationW = 1;
};

/// C = alpha * op(A) op(B) by CLBlast, all row-major; the step's arguments are A, B and C. With a window, A holds the m
/// kernels, B images, and C has m channels of n pixels.
struct BlasProduct {
  std::size_t m = 0, n = 0, k = 0;
  bool transposeA = false, transposeB = false;
  std::size_t rowA = 0, rowB = 0; ///< elements from one stored row to the next
  float alpha = 1;
  std::size_t batches = 1;
  std::size_t strideA = 0, strideB = 0; ///< elements from one matrix of the batch to the next; C's lie dense
  std::optional<BlasWindow> window;
};

/// One kernel launch, or one call of CLBlast.
struct Step {
  std::optional<BlasProduct> blas; ///< set: source, kernel, options and extents have no meaning
  std::string source;              ///< kernels/<source>.cl; several as "a+b"
  std::string generated;           ///< OpenCL C behind the source
  std::string kernel;              ///< function in it
  std::string options;             ///< -D...
  std::vector<Arg> args;
  std::array<std::size_t, 3> global{1, 1, 1};
  std::array<std::size_t, 3> local{1, 1, 1};
  NodeId node;      ///< in the segment's graph
  NodeId traceNode; ///< origins.front() of it
  std::string label;
};

/// Extents and strides (in floats) of a blocked value.
struct BlockedView {
  Ref ref;
  Blocking blocking;
  std::int64_t n = 1, c = 1, h = 1, w = 1;
  std::int64_t blocks = 1; ///< ceil(c / block)
  std::int64_t rowStride = 0, blockStride = 0, batchStride = 0;
  std::int64_t origin = 0; ///< of pixel (0, 0) of the first block

  bool sameMemory(const BlockedView& other) const { return ref == other.ref && origin == other.origin; }
};

struct WeightData {
  std::vector<unsigned char> bytes;
  Tensor tensor; ///< used instead of bytes where defined
};

/// A choice, and the node that it was met in.
struct NodeChoice {
  NodeId node;
  Choice choice;
};

/// Turns the nodes of a segment into steps: the kernels' lower functions say what to launch, this class finds or makes
/// the memory, converts between row-major and blocked storage where needed, and plans lifetimes.
class Lowering {
 public:
  /// `policy` decides between kernels that compute the same; it must outlive run(). Of `options` mode and precision
  /// matter here.
  Lowering(const DeviceContext& device, const Segment& segment, const ProgramOptions& options, ChoicePolicy& policy);

  Result<void> run(const CancelToken& cancel);

  // --- for kernels
  const Graph& graph() const { return *m_segment.graph; }
  const DeviceContext& device() const { return m_device; }
  bool gpuStyle() const { return m_device.style == KernelStyle::Gpu; }
  const Node& node() const { return *m_node; }
  std::size_t inputCount() const { return m_node->inputs.size(); }
  bool hasInput(std::size_t i) const { return i < m_node->inputs.size() && m_node->inputs[i].valid(); }
  bool hasOutput(std::size_t i) const { return i < m_node->outputs.size() && m_node->outputs[i].valid(); }
  /// With float32 in place of 16-bit floats where the kernel computes on float32 alone (KernelDef::widens).
  const TensorDesc& inputDesc(std::size_t i) const { return m_inputDescs[i]; }
  const TensorDesc& outputDesc(std::size_t i) const { return m_outputDescs[i]; }
  bool inputIsConstant(std::size_t i) const { return hasInput(i) && graph().value(m_node->inputs[i]).isConstant(); }
  const Tensor& inputTensor(std::size_t i) const;

  Ref input(std::size_t i);  ///< row-major; converts or uploads where needed
  Ref output(std::size_t i); ///< row-major
  /// Output i is input j with another shape: no copy.
  void alias(std::size_t output, std::size_t input);

  /// True where input i is kept in blocks of 16 already, so that a kernel for blocks is worth it.
  bool inputIsBlocked(std::size_t i) const;
  /// True where input i is kept in blocks of 16 or can be put into them.
  bool inputCanBlock(std::size_t i) const;
  /// True where blocked kernels apply at all: CPU style, float32 of rank 3 or 4.
  bool canBlock(ValueId value) const { return opencl::canBlock(m_device, graph(), value); }
  BlockedView blockedInput(std::size_t i); ///< converts where needed
  BlockedView blockedOutput(std::size_t i);

  /// Which of `variants` (likeliest first, not empty) computes the current node. `key` says everything that their
  /// times depend on beside the device: operator, shapes, strides, fused parts. Ask once for each part of a node.
  const std::string& choose(std::string key, std::vector<std::string> variants);

  /// What the current node's kernel is to do with its result; output(0) is then where that goes. Null: nothing.
  const ProductTail* tail() const { return m_tail ? &*m_tail : nullptr; }

  // The same by value, for kernels of several nodes.
  Ref plain(ValueId value) { return plainOf(value); }
  Ref newPlainOf(ValueId value);
  bool isBlocked(ValueId value) const;
  std::int64_t blockOf(ValueId value) const; ///< channels per block that it has, or would have
  BlockedView blocked(ValueId value);
  BlockedView newBlocked(ValueId value);

  Ref scratch(std::int64_t bytes);
  Ref weight(std::vector<unsigned char> bytes);
  template <class T> Ref weights(const std::vector<T>& values) {
    const auto* p = reinterpret_cast<const unsigned char*>(values.data());
    return weight(std::vector<unsigned char>(p, p + values.size() * sizeof(T)));
  }

  // Weights that kernels read through the macros of weights.cl.
  /// True where the current node's weights, input i, are stored as halves: the user wants float16, they are constant,
  /// and each of them is within the range of halves.
  bool halfWeights(std::size_t i = 1) const;
  /// Input i as the kernels read it, row-major. Without halves the same as input(i).
  Ref weightInput(std::size_t i = 1);
  /// `values`, made from inputs with halfWeights() == `halves`.
  Ref packedWeights(const std::vector<float>& values, bool halves);
  /// Those of the current node's input 1.
  Ref packedWeights(const std::vector<float>& values) { return packedWeights(values, halfWeights()); }

  /// Adds a step for the current node; dropped where there is nothing to do. `global` is in work-items.
  void launch(Step step);
  /// Where kernels report wrong data (REPORT in common.cl); give them reportId() beside it.
  Ref status() { return m_hasChecks = true, Ref{Ref::Kind::Status, 0}; }
  std::int32_t reportId() const { return static_cast<std::int32_t>(m_nodeId.index()) + 1; }
  /// The name shown for the current node ("opencl conv_tile_14x2"); default: its first kernel.
  void setKernelName(std::string name) { m_kernelName = std::move(name); }
  /// row-major copy of `bytes`.
  void copy(Ref src, Ref dst, std::int64_t bytes);

  /// `count` elements in another type, as ops::convert does it.
  void convert(Ref from, DataType fromType, Ref to, DataType toType, std::int64_t count);

  // --- result
  std::vector<Step>& steps() { return m_steps; }
  bool hasChecks() const { return m_hasChecks; }
  const std::deque<NodeChoice>& choices() const { return m_choices; }
  const std::vector<ArenaRequest>& arena() const { return m_arena; }
  /// Per request of the arena: those of one class >= 0 may only share memory with each other, which starts as zeros.
  const std::vector<int>& arenaClasses() const { return m_arenaClasses; }
  std::vector<WeightData>& weightData() { return m_weights; }
  std::vector<KernelInfo>& kernels() { return m_kernels; }

 private:
  struct Stored {
    Ref plain;
    std::optional<BlockedView> blocked;
  };
  Stored& stored(ValueId value);
  Ref plainOf(ValueId value);
  Ref newPlain(ValueId value);
  BlockedView blockedView(ValueId value);
  Ref blockedMemory(ValueId whole, const BlockedView& view);
  void launchLayout(const char* kernel, const BlockedView& view, std::vector<Arg> args);
  void zeroHalo(const BlockedView& view);
  void finishBlockedOutputs();
  Result<void> lowerNode(NodeId id);
  void lowerGroup(const std::vector<NodeId>& nodes);
  bool canHaveTail(NodeId id) const;
  Result<void> lowerWithTail(const std::vector<NodeId>& nodes);
  std::string kernelName(std::size_t firstStep) const;
  std::string namesOf(const std::vector<NodeId>& nodes) const;
  void enterNode(NodeId id, bool widens);
  bool isWidened(ValueId value) const;
  void narrowOutputs();
  void storeOutputs();

  const DeviceContext& m_device;
  const Segment& m_segment;
  bool m_compiled;
  Precision m_precision;
  ChoicePolicy& m_policy;
  const Node* m_node = nullptr;
  NodeId m_nodeId;
  std::string m_kernelName, m_label;
  std::optional<ProductTail> m_tail;
  bool m_widens = false; ///< the current node computes its 16-bit floats in float32
  bool m_hasChecks = false;
  std::vector<TensorDesc> m_inputDescs, m_outputDescs; ///< of the current node
  std::map<ValueId, Ref> m_wide;                       ///< float32 copies that the current node works on
  mutable std::map<ValueId, Tensor> m_wideConstants;   ///< of 16-bit constants, for the whole segment
  mutable std::map<ValueId, bool> m_fitsHalf;          ///< of constants that somebody asked about
  std::map<ValueId, Ref> m_halves;                     ///< row-major constants that were stored as halves
  std::vector<BlockedView> m_newBlocked;               ///< blocked outputs of the current node whose halo needs zeros
  BlockPlan m_blocks;
  std::unordered_map<ValueId, Ref> m_wholes; ///< memory of values that others are parts of
  std::unordered_map<ValueId, Stored> m_values;
  std::unordered_map<ValueId, int> m_outputIndex;
  std::vector<Step> m_steps;
  std::vector<ArenaRequest> m_arena;
  std::vector<int> m_arenaClasses;
  std::map<std::array<std::int64_t, 7>, int> m_haloClasses; ///< by extents: n, blocks, h, w, channels per block, halo
  std::vector<WeightData> m_weights;
  std::vector<KernelInfo> m_kernels;
  std::deque<NodeChoice> m_choices;
};

inline std::int32_t toInt(std::int64_t value) {
  TANDEM_ASSERT(value >= INT32_MIN && value <= INT32_MAX);
  return static_cast<std::int32_t>(value);
}
inline std::int64_t ceilDivide(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
inline std::size_t roundUp(std::int64_t value, std::int64_t multiple) {
  return static_cast<std::size_t>(ceilDivide(value, multiple) * multiple);
}

} // namespace tandem::opencl
