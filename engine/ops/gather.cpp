// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/indexing.hpp"

#include <cstring>

namespace tandem::ops {
namespace {

/// The data's shape with `axis` replaced by the dims of the indices.
Shape gatheredShape(const Shape& data, const Shape& indices, std::size_t axis) {
  std::vector<std::int64_t> dims(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(axis));
  dims.insert(dims.end(), indices.begin(), indices.end());
  dims.insert(dims.end(), data.begin() + static_cast<std::ptrdiff_t>(axis) + 1, data.end());
  return Shape(std::move(dims));
}

Result<void> inferGather(InferContext& context) {
  context.setOutputType(0, context.inputType(0));
  const Shape *data = context.inputShape(0), *indices = context.inputShape(1);
  if (!data) return {};
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 0), data->rank()));
  if (indices) context.setOutput(0, context.inputType(0), gatheredShape(*data, *indices, axis));
  return {};
}

Result<void> gather(ReferenceContext& context) {
  const Tensor& data = context.input(0);
  const Shape& shape = data.shape();
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 0), shape.rank()));
  const std::vector<std::int64_t> indices = TANDEM_TRY(readIndices(context, 1, shape[axis]));
  Tensor out = TANDEM_TRY(makeOutput(context, 0, data.type(), gatheredShape(shape, context.input(1).shape(), axis)));
  if (out.elements() == 0) return {};
  const std::int64_t outer = dimProduct(shape, 0, axis);
  const std::size_t blockBytes =
      static_cast<std::size_t>(dimProduct(shape, axis + 1, shape.rank())) * byteSize(data.type());
  auto* to = static_cast<std::byte*>(out.mutableData());
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t index : indices) {
      const auto block = static_cast<std::size_t>(o * shape[axis] + index);
      std::memcpy(to, static_cast<const std::byte*>(data.data()) + block * blockBytes, blockBytes);
      to += blockBytes;
    }
  return {};
}

constexpr OpDef makeGather() {
  OpDef def;
  def.type = "Gather";
  def.versions = {1, 11, 13};
  def.minInputs = def.maxInputs = 2;
  def.infer = inferGather;
  def.reference = gather;
  return def;
}

} // namespace

// ONNX Gather: slices of the data along one axis, picked by index. Negative indices, official since version 11, are
// accepted in all.
extern const OpDef kGather = makeGather();

} // namespace tandem::ops
