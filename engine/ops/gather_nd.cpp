// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/indexing.hpp"

#include <cstring>

namespace tandem::ops {
namespace {

/// batch dims, then the other dims of the indices but the last, then the dims of the data that no index picks.
template <class Context>
Result<Shape> gatheredShape(const Context& context, const Shape& data, const Shape& indices, std::size_t batchDims) {
  if (data.rank() == 0 || indices.rank() == 0) return context.fail("data and indices must have dimensions");
  const std::int64_t tuple = indices[indices.rank() - 1];
  if (batchDims >= data.rank() || batchDims >= indices.rank() || tuple < 1 ||
      static_cast<std::size_t>(tuple) > data.rank() - batchDims)
    return context.fail("indices " + indices.toString() + " do not fit data " + data.toString() + " with " +
                        std::to_string(batchDims) + " batch dimensions");
  for (std::size_t i = 0; i < batchDims; ++i)
    if (data[i] != indices[i] && data[i] != kUnknownDim && indices[i] != kUnknownDim)
      return context.fail("the batch dimensions of " + data.toString() + " and " + indices.toString() + " differ");
  std::vector<std::int64_t> dims(indices.begin(), indices.end() - 1);
  dims.insert(dims.end(), data.begin() + static_cast<std::ptrdiff_t>(batchDims) + tuple, data.end());
  return Shape(std::move(dims));
}

template <class Context> Result<std::size_t> batchDimsOf(const Context& context) {
  const std::int64_t batchDims = context.attributes().getInt("batch_dims", 0);
  if (batchDims < 0) return context.fail("batch_dims is negative");
  return static_cast<std::size_t>(batchDims);
}

Result<void> inferGatherND(InferContext& context) {
  context.setOutputType(0, context.inputType(0));
  const Shape *data = context.inputShape(0), *indices = context.inputShape(1);
  if (!data || !indices || (indices->rank() > 0 && (*indices)[indices->rank() - 1] == kUnknownDim)) return {};
  const std::size_t batchDims = TANDEM_TRY(batchDimsOf(context));
  context.setOutput(0, context.inputType(0), TANDEM_TRY(gatheredShape(context, *data, *indices, batchDims)));
  return {};
}

Result<void> gatherND(ReferenceContext& context) {
  const Tensor &data = context.input(0), &indices = context.input(1);
  const std::size_t batchDims = TANDEM_TRY(batchDimsOf(context));
  const Shape& shape = data.shape();
  const Shape result = TANDEM_TRY(gatheredShape(context, shape, indices.shape(), batchDims));
  const auto tuple = static_cast<std::size_t>(indices.shape()[indices.shape().rank() - 1]);
  const std::vector<std::int64_t> strides = shape.strides();
  const auto offsets = TANDEM_TRY(tupleOffsets(context, indices, std::span(shape.dims()).subspan(batchDims, tuple),
                                               std::span(strides).subspan(batchDims, tuple)));
  Tensor out = TANDEM_TRY(makeOutput(context, 0, data.type(), result));
  if (out.elements() == 0) return {};
  const std::size_t elementBytes = byteSize(data.type());
  const auto batches = static_cast<std::size_t>(dimProduct(shape, 0, batchDims));
  const std::size_t perBatch = offsets.size() / batches;
  const auto batchStride = static_cast<std::size_t>(dimProduct(shape, batchDims, shape.rank()));
  const std::size_t blockBytes = out.bytes() / offsets.size();
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    const std::size_t from = i / perBatch * batchStride + static_cast<std::size_t>(offsets[i]);
    std::memcpy(static_cast<std::byte*>(out.mutableData()) + i * blockBytes,
                static_cast<const std::byte*>(data.data()) + from * elementBytes, blockBytes);
  }
  return {};
}

constexpr OpDef makeGatherND() {
  OpDef def;
  def.type = "GatherND";
  def.versions = {11, 12, 13};
  def.minInputs = def.maxInputs = 2;
  def.infer = inferGatherND;
  def.reference = gatherND;
  return def;
}

} // namespace

// ONNX GatherND: for every index tuple (last axis of the indices), the element or slice of the data it names.
extern const OpDef kGatherND = makeGatherND();

} // namespace tandem::ops
