// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/indexing.hpp"

namespace tandem::ops {
namespace {

Error outside(const ReferenceContext& context, std::int64_t index, std::int64_t dim) {
  return context.fail("index " + std::to_string(index) + " is outside a dimension of " + std::to_string(dim));
}

Result<void> requireIndexType(const ReferenceContext& context, const Tensor& tensor) {
  if (tensor.type() == DataType::Int32 || tensor.type() == DataType::Int64) return {};
  return context.fail("indices must be int32 or int64, not " + tensor.desc().toString());
}

} // namespace

Result<std::vector<std::int64_t>> readIndices(const ReferenceContext& context, std::size_t index, std::int64_t dim) {
  TANDEM_TRY(requireIndexType(context, context.input(index)));
  std::vector<std::int64_t> indices = context.input(index).toInts();
  for (std::int64_t& value : indices) {
    if (value < -dim || value >= dim) return outside(context, value, dim);
    if (value < 0) value += dim;
  }
  return indices;
}

Result<Reduction> reductionOf(const ReferenceContext& context) {
  const std::string_view name = context.attributes().getString("reduction", "none");
  if (name == "none") return Reduction::None;
  if (name == "add") return Reduction::Add;
  if (name == "mul") return Reduction::Mul;
  if (name == "max") return Reduction::Max;
  if (name == "min") return Reduction::Min;
  return context.fail("reduction '" + std::string(name) + "' is not known");
}

Result<std::vector<std::int64_t>> tupleOffsets(const ReferenceContext& context, const Tensor& indices,
                                               std::span<const std::int64_t> dims,
                                               std::span<const std::int64_t> strides) {
  TANDEM_TRY(requireIndexType(context, indices));
  const std::size_t tuple = dims.size();
  const std::size_t count = static_cast<std::size_t>(indices.elements()) / tuple;
  std::vector<std::int64_t> offsets(count, 0);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t k = 0; k < tuple; ++k) {
      std::int64_t index = indices.asInt(static_cast<std::int64_t>(i * tuple + k));
      if (index < -dims[k] || index >= dims[k]) return outside(context, index, dims[k]);
      if (index < 0) index += dims[k];
      offsets[i] += index * strides[k];
    }
  return offsets;
}

} // namespace tandem::ops
