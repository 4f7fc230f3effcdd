// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/devices/opencl/kernels/kernel_def.hpp"
#include "engine/devices/opencl/lowering.hpp"
#include "engine/ops/activation.hpp"

namespace tandem::opencl {

/// A tensor seen through strides (elements) over the dims of a loop nest.
struct StridedRef {
  Ref ref;
  DataType type = DataType::Float32;
  std::vector<std::int64_t> strides;
  std::int64_t offset = 0;
};

/// A loop nest over tensors.
struct Nest {
  std::vector<std::int64_t> dims;
  std::vector<StridedRef> tensors;
};
/// Merges neighbouring dims wherever all tensors allow it, and drops those of one. One dim at least stays.
void collapse(Nest& nest);

/// out[...] = expression(operands...) over `dims`; `expression` names an expr_ macro of expressions.cl, which may use
/// p and q. One to three operands.
void emitElementwise(Lowering& lowering, std::string_view expression, const std::vector<std::int64_t>& dims,
                     const StridedRef& out, const std::vector<StridedRef>& operands, float p = 0, float q = 0);

/// dst[...] = src[...] over `dims`.
void emitMove(Lowering& lowering, const std::vector<std::int64_t>& dims, const StridedRef& src, const StridedRef& dst);

/// Row-major operand broadcast to `shape`.
StridedRef broadcastTo(Ref ref, const TensorDesc& desc, const Shape& shape);
StridedRef rowMajor(Ref ref, const TensorDesc& desc);
/// The pixels of a blocked value as [n][blocks][h][w][16].
StridedRef blockedRef(const BlockedView& view);
std::vector<std::int64_t> blockedDims(const BlockedView& view);

/// OpenCL C name of a storage type: "float", "long", "uchar".
std::string_view clType(DataType type);
/// "uchar", "ushort", "uint", "ulong" by element size.
std::string_view clBits(DataType type);

/// OpenCL C name of a type with arithmetic, as numbers.cl knows it: "half" and "bfloat" for 16-bit floats.
std::string_view clNumber(DataType type);
/// Options of convert.cl.
std::string convertOptions(DataType from, DataType to);

/// -DACT=... for a fused activation.
std::string activationOption(const ops::Activation& activation);

/// " -DWEIGHT_HALF" where weights are stored as halves; for sources that include weights.cl.
std::string weightOption(bool halves);

/// Aligned int8 argument: `values` in the last slots (`back`) or the first ones; the rest is `fill`.
Int8 int8Front(const std::vector<std::int64_t>& values, std::int32_t fill);
Int8 int8Back(const std::vector<std::int64_t>& values, std::int32_t fill);

/// Elements that one work-item of a CPU does: enough to hide the cost of a work-group.
constexpr std::int64_t kCpuChunk = 2048;

/// Of `planes` times `rows` rows of `elements` elements each: the rows that one work-item of a CPU does. At least about
/// kCpuChunk elements, but no fewer work-items than keep every core busy.
std::int64_t rowsPerItem(std::int64_t rows, std::int64_t planes, std::int64_t elements);

/// A launch with one work-item per element in groups of 64.
Step perElement(std::string source, std::string kernel, std::string options, std::int64_t count);

} // namespace tandem::opencl
