// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <array>
#include <functional>
#include <string_view>

namespace tandem {

/// What shape inference shows an operator of one node, and takes from it. Valid during the call only.
class InferContext {
 public:
  virtual ~InferContext() = default;
  virtual const Node& node() const = 0;
  int version() const { return node().version; }
  const Attributes& attributes() const { return node().attributes; }

  std::size_t inputCount() const { return node().inputs.size(); }
  /// True where the input is present (not left out as optional).
  bool hasInput(std::size_t index) const { return index < inputCount() && node().inputs[index].valid(); }
  virtual DataType inputType(std::size_t index) const = 0; ///< Undefined while unknown
  /// Nullptr while not even the rank is known. Dims may be kUnknownDim.
  virtual const Shape* inputShape(std::size_t index) const = 0;
  /// The elements, where they are known before the run (weights, folded shape arithmetic, bound inputs), else nullptr.
  virtual const Tensor* inputValue(std::size_t index) const = 0;

  /// Number of outputs of the node; those nobody wants are skipped silently by the setters.
  std::size_t outputCount() const { return node().outputs.size(); }
  virtual void setOutput(std::size_t index, DataType type, Shape shape) = 0;
  virtual void setOutputType(std::size_t index, DataType type) = 0; ///< type known, shape not (data-dependent)
  /// Elements known although the inputs' are not (Shape, Size).
  virtual void setOutputValue(std::size_t index, Tensor value) = 0;

  /// An error that names this node: `return context.fail("kernel 3x3 does not fit the padded input 2x2");`
  Error fail(std::string message) const;
};

/// What a reference kernel sees of one node during a run. Valid during the call only; one thread.
class ReferenceContext {
 public:
  virtual ~ReferenceContext() = default;
  virtual const Node& node() const = 0;
  int version() const { return node().version; }
  const Attributes& attributes() const { return node().attributes; }

  std::size_t inputCount() const { return node().inputs.size(); }
  bool hasInput(std::size_t index) const { return index < inputCount() && node().inputs[index].valid(); }
  virtual const Tensor& input(std::size_t index) const = 0; ///< present inputs only
  std::size_t outputCount() const { return node().outputs.size(); }
  bool wantsOutput(std::size_t index) const { return index < outputCount() && node().outputs[index].valid(); }
  /// The tensor to write output `index` into: planned memory where the shape was known before the run, fresh memory
  /// otherwise. Contents are undefined. Call once per wanted output; never aliases an input.
  virtual Tensor output(std::size_t index, DataType type, const Shape& shape) = 0;
  /// True once somebody asked the run to stop. Kernels that may run without bound (Loop) ask between iterations.
  virtual bool cancelled() const { return false; }

  Error fail(std::string message) const; ///< InputRejected, naming the node
};

/// Work of one node for one run. Multiply-add counts as two operations, as everywhere in this program.
struct OpCost {
  double flops = 0;
  std::int64_t parameterBytes = 0;  ///< constants read
  std::int64_t activationBytes = 0; ///< non-constant inputs read plus outputs written
};

/// Facts about an operator that passes, placement and devices ask for.
enum class OpTrait : std::uint32_t {
  None = 0,
  Elementwise = 1u << 0, ///< output element i depends on input elements i only (after broadcasting)
  View = 1u << 1,        ///< same elements in the same order: Reshape, Squeeze, Unsqueeze, Flatten, Identity
  Random = 1u << 2,      ///< not a function of its inputs; never folded
  Control = 1u << 3,     ///< has subgraphs
};
constexpr OpTrait operator|(OpTrait a, OpTrait b) {
  return static_cast<OpTrait>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}

/// Which inputs carry integers that steer the shape of the result (Reshape's shape, Slice's starts, Tile's repeats).
/// Bit i = input i. Such inputs stay on the host by rule.
using InputMask = std::uint32_t;

/// One operator: everything the engine knows of it, defined in ops/<name>.cpp and listed in ops.cmake.
struct OpDef {
  std::string_view type;
  std::string_view domain;
  /// Since-versions whose behaviour differs and which the functions below handle, ascending, zero-terminated.
  std::array<std::uint8_t, 12> versions{};
  std::uint8_t minInputs = 1;
  std::uint8_t maxInputs = 1; ///< 255: any number
  std::uint8_t minOutputs = 1;
  std::uint8_t maxOutputs = 1; ///< 255: any number
  OpTrait traits = OpTrait::None;
  InputMask shapeInputs = 0;
  /// Sets type and shape of every output from what is known; leaves out what cannot be known yet. Fails where the
  /// node is invalid (wrong rank, axis, attribute).
  Result<void> (*infer)(InferContext&) = nullptr;
  /// FLOPs of one run; descs are static. Null: zero FLOPs (data movement). Bytes are counted by costOf().
  double (*flops)(const Graph&, const Node&) = nullptr;
  /// Computes the node on host tensors in plain loops: the truth that every device is tested against.
  Result<void> (*reference)(ReferenceContext&) = nullptr;

  bool has(OpTrait trait) const {
    return (static_cast<std::uint32_t>(traits) & static_cast<std::uint32_t>(trait)) != 0;
  }
};

/// The definition, or nullptr for an operator we do not know. "" and "ai.onnx" are the same domain.
const OpDef* findOp(std::string_view domain, std::string_view type);
inline const OpDef* findOp(const Node& node) { return findOp(node.domain, node.type); }
std::span<const OpDef* const> allOps(); ///< sorted by domain, then type
/// The largest entry of `def.versions` that is not above `opset`; 0 where the file's opset is older than all of them.
int versionFor(const OpDef& def, int opset);

/// Cost of a node whose values all have static descs.
OpCost costOf(const Graph& graph, const Node& node);

} // namespace tandem
