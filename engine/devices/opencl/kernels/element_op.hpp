// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/kernels/kernel_def.hpp"

#include <optional>
#include <vector>

namespace tandem::opencl {

/// Types that one operator may compute on; 16-bit floats count as float32.
enum class ElementTypes { Float, FloatAndInt, Int, Bool };

/// An operator whose result at one place depends on its operands at that place alone.
struct ElementOperator {
  std::string_view op;
  std::string_view expression; ///< for float32: an expr_ macro of expressions.cl
  ElementTypes types = ElementTypes::Float;
  /// Finite for all finite operands, so that the unused channels of a last block stay harmless.
  bool finite = false;
};

std::span<const ElementOperator> unaryOperators();
std::span<const ElementOperator> binaryOperators(); ///< some of them take any number of operands
std::span<const ElementOperator> comparisons();

/// One use of a macro of expressions.cl.
struct ElementOp {
  static constexpr int kPrevious = -1;
  std::string_view expression;
  std::vector<int> operands; ///< inputs of the node; kPrevious: the result of the use before
  float p = 0, q = 0;
  bool finite = false;
};

/// How an elementwise node is computed: the uses of macros one after the other, the last giving its result. Nullopt for
/// other nodes. For nodes that check() accepted.
std::optional<std::vector<ElementOp>> elementOps(const NodeView& view);

/// Input i as it broadcasts to the output. PRelu below version 7 lays a list of slopes along the channels, and other
/// old operators have an axis to start from; the bounds of Clip are scalars.
TensorDesc elementOperand(const NodeView& view, std::size_t i);

} // namespace tandem::opencl
