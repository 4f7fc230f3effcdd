// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/tensor/tensor.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace tandem::opencl {

/// One formula of a chain: a macro of expressions.cl on earlier registers, or a conversion.
struct ChainStep {
  static constexpr std::string_view kCast = "Cast";
  std::string_view expression;
  std::vector<std::size_t> operands;
  DataType result = DataType::Float32;
  bool hasParameters = false; ///< p and q are arguments of the kernel
};

/// What a chain computes for each element. Registers: the tensors, then the scalars, then the steps.
struct ChainFormula {
  std::vector<DataType> tensors;
  std::vector<DataType> scalars; ///< passed by value: floating point or int32
  std::vector<ChainStep> steps;
  std::vector<std::size_t> results; ///< registers that are stored

  DataType typeOf(std::size_t reg) const;
  /// All of it has a form for sixteen elements at a time.
  bool hasVectorForm() const;
};

/// The loops around it. Tensors come first, then results.
struct ChainLoops {
  bool gpuStyle = false;
  std::size_t dims = 1;
  std::vector<std::int64_t> innerStrides; ///< of the last dim
  bool vector = false; ///< the formula has a vector form, inner strides are 0 or 1, those of results 1
};

/// OpenCL C of the kernel "chain", to follow numbers.cl, expressions.cl and chain.cl. Arguments: for each tensor and
/// result its pointer, int8 strides of the outer dims, stride of the inner dim, offset; the scalars; p and q of every
/// step that has parameters; int8 outer dims. Then, CPU style: int8 with the extents of the last dim but one and the
/// last, and the elements of each that a work-item does; GPU style (one work-item per element): the number of elements,
/// and the extent of the last dim. In CPU style `outer` leaves out two dims, in GPU style one.
std::string chainText(const ChainFormula& formula, const ChainLoops& loops);

} // namespace tandem::opencl
