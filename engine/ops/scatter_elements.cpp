// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/scatter_elements.hpp"

#include "engine/ops/unary.hpp"

#include <cstring>

namespace tandem::ops {
namespace {

constexpr OpDef makeScatterElements() {
  OpDef def;
  def.type = "ScatterElements";
  def.versions = {11, 13, 16, 18};
  def.minInputs = def.maxInputs = 3;
  def.infer = inferSameAsInput;
  def.reference = scatterElements;
  return def;
}

} // namespace

Result<void> scatterElements(ReferenceContext& context) {
  const Tensor &data = context.input(0), &indexTensor = context.input(1), &updates = context.input(2);
  TANDEM_TRY(requireSameType(context, 0, 2));
  const Shape &target = data.shape(), &shape = indexTensor.shape();
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 0), target.rank()));
  bool fits = target.rank() == shape.rank() && shape == updates.shape();
  for (std::size_t i = 0; fits && i < shape.rank(); ++i) fits = i == axis || shape[i] <= target[i];
  if (!fits)
    return context.fail("indices " + shape.toString() + " and updates " + updates.shape().toString() +
                        " do not fit data " + target.toString());
  const std::vector<std::int64_t> indices = TANDEM_TRY(readIndices(context, 1, target[axis]));
  const Reduction reduction = TANDEM_TRY(reductionOf(context));
  Tensor out = TANDEM_TRY(makeOutput(context, 0, data.type(), target));
  std::memcpy(out.mutableData(), data.data(), data.bytes());
  visitType(data.type(), [&]<class T>(TypeTag<T>) {
    const T* src = updates.as<T>().data();
    T* dst = out.mutableAs<T>().data();
    forEachAlong(shape, target.strides(), axis, indices,
                 [&](std::size_t i, std::int64_t offset) { applyReduction(reduction, dst[offset], src[i]); });
  });
  return {};
}

// ONNX ScatterElements: single elements replaced, or since version 16 joined, at computed places.
extern const OpDef kScatterElements = makeScatterElements();

} // namespace tandem::ops
