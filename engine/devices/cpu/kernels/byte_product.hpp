// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/cpu/byte_loops.hpp"
#include "engine/devices/cpu/kernel.hpp"

namespace tandem::cpu {

/// Without VNNI instructions products of unsigned and signed bytes saturate in pairs, and sums would be wrong.
bool sumsOfBytesAreExact();
bool isByte(DataType type); ///< int8, uint8
/// A constant scale and zero point of one element each; nullopt where they are not that.
std::optional<ByteScale> constantScale(const NodeView& view, std::size_t scale, std::size_t zeroPoint);

/// Which inputs of the node make the product.
struct ByteOperands {
  std::size_t left = 0, leftZero = 0, right = 1, rightZero = 0;
};

/// left [rows x depth] times right [depth x columns], a constant, as sums of 32 bits (modulo 2^32) of the differences
/// from the zero points: oneDNN multiplies the bytes as they are, which is exact, and the rest is added afterwards.
/// Immutable; shared by the instances of a program.
struct ByteProduct {
  std::int64_t rows = 0, columns = 0, depth = 0;
  bool leftIsSigned = false;
  std::size_t left = 0;
  std::size_t leftZero = 0;
  bool hasLeftZero = false;
  std::shared_ptr<const Kernel> kernel; ///< from input `left` to output 0, without zero points
  std::string name;
  std::int64_t scratchBytes = 0;
  std::vector<std::int32_t> columnSums; ///< of the weights as signed bytes
  std::vector<std::int32_t> rightZeros; ///< one per column, for signed bytes; empty where all are 0
  int threads = 1;

  /// `leftType` is the type of the bytes on the left, which need not be those of the input itself. Nullopt where the
  /// shapes, types or zero points are others than this can do. Marks in `plan` which inputs a run reads.
  static std::optional<ByteProduct> of(const NodeView& view, const ByteOperands& operands, DataType leftType,
                                       KernelPlan& plan);

  /// What is added to a row of raw sums where the left operand has this zero point: one number per column.
  void offsetsFor(std::int32_t zeroPoint, std::int32_t* offsets) const;
  /// Turns row `row` of raw sums into sums of differences.
  void finishRow(const void* leftBytes, std::int64_t row, const std::int32_t* offsets, std::int32_t* sums) const;
};

} // namespace tandem::cpu
