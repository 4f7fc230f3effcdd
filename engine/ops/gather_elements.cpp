// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/indexing.hpp"

namespace tandem::ops {
namespace {

Result<void> inferGatherElements(InferContext& context) {
  const Shape *data = context.inputShape(0), *indices = context.inputShape(1);
  if (data) {
    TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 0), data->rank()));
    if (indices && indices->rank() != data->rank())
      return context.fail("data " + data->toString() + " and indices " + indices->toString() + " differ in rank");
  }
  setOutputMaybe(context, 0, context.inputType(0), indices ? std::optional(*indices) : std::nullopt);
  return {};
}

Result<void> gatherElements(ReferenceContext& context) {
  const Tensor &data = context.input(0), &indexTensor = context.input(1);
  const Shape &from = data.shape(), &shape = indexTensor.shape();
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 0), from.rank()));
  bool fits = from.rank() == shape.rank();
  for (std::size_t i = 0; fits && i < shape.rank(); ++i) fits = i == axis || shape[i] <= from[i];
  if (!fits) return context.fail("indices " + shape.toString() + " do not fit data " + from.toString());
  const std::vector<std::int64_t> indices = TANDEM_TRY(readIndices(context, 1, from[axis]));
  Tensor out = TANDEM_TRY(makeOutput(context, 0, data.type(), shape));
  visitBytes(data.type(), [&]<class T>(TypeTag<T>) {
    const T* src = static_cast<const T*>(data.data());
    T* dst = static_cast<T*>(out.mutableData());
    forEachAlong(shape, from.strides(), axis, indices,
                 [&](std::size_t i, std::int64_t offset) { dst[i] = src[offset]; });
  });
  return {};
}

constexpr OpDef makeGatherElements() {
  OpDef def;
  def.type = "GatherElements";
  def.versions = {11, 13};
  def.minInputs = def.maxInputs = 2;
  def.infer = inferGatherElements;
  def.reference = gatherElements;
  return def;
}

} // namespace

// ONNX GatherElements: for every index, the element at its own position but for one axis, where the index says.
extern const OpDef kGatherElements = makeGatherElements();

} // namespace tandem::ops
