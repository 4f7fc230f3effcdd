// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/indexing.hpp"
#include "engine/ops/unary.hpp"

#include <cstring>

namespace tandem::ops {
namespace {

/// Shape that the updates must have: one slice of the data per index tuple.
Result<Shape> updateShape(const ReferenceContext& context, const Shape& data, const Shape& indices) {
  const std::int64_t tuple = indices.rank() > 0 ? indices[indices.rank() - 1] : 0;
  if (tuple < 1 || static_cast<std::size_t>(tuple) > data.rank())
    return context.fail("indices " + indices.toString() + " do not fit data " + data.toString());
  std::vector<std::int64_t> dims(indices.begin(), indices.end() - 1);
  dims.insert(dims.end(), data.begin() + tuple, data.end());
  return Shape(std::move(dims));
}

Result<void> scatterND(ReferenceContext& context) {
  const Tensor &data = context.input(0), &indices = context.input(1), &updates = context.input(2);
  TANDEM_TRY(requireSameType(context, 0, 2));
  const Shape wanted = TANDEM_TRY(updateShape(context, data.shape(), indices.shape()));
  if (updates.shape() != wanted)
    return context.fail("updates " + updates.shape().toString() + " should be " + wanted.toString());
  const auto tuple = static_cast<std::size_t>(indices.shape()[indices.shape().rank() - 1]);
  const std::vector<std::int64_t> strides = data.shape().strides();
  const auto offsets = TANDEM_TRY(
      tupleOffsets(context, indices, std::span(data.shape().dims()).first(tuple), std::span(strides).first(tuple)));
  const Reduction reduction = TANDEM_TRY(reductionOf(context));
  Tensor out = TANDEM_TRY(makeOutput(context, 0, data.type(), data.shape()));
  std::memcpy(out.mutableData(), data.data(), data.bytes());
  if (offsets.empty()) return {};
  const std::size_t block = static_cast<std::size_t>(updates.elements()) / offsets.size();
  visitType(data.type(), [&]<class T>(TypeTag<T>) {
    const T* src = updates.as<T>().data();
    for (std::size_t i = 0; i < offsets.size(); ++i, src += block) {
      T* dst = out.mutableAs<T>().data() + offsets[i];
      for (std::size_t k = 0; k < block; ++k) applyReduction(reduction, dst[k], src[k]);
    }
  });
  return {};
}

constexpr OpDef makeScatterND() {
  OpDef def;
  def.type = "ScatterND";
  def.versions = {11, 13, 16, 18};
  def.minInputs = def.maxInputs = 3;
  def.infer = inferSameAsInput;
  def.reference = scatterND;
  return def;
}

} // namespace

// ONNX ScatterND: the data with slices replaced, or since version 16 joined, at the places that index tuples name.
extern const OpDef kScatterND = makeScatterND();

} // namespace tandem::ops
