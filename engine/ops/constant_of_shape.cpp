// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

/// The element to repeat: float zero where the node names none.
template <class Context> Result<Tensor> fillValue(const Context& context) {
  const Attribute* attribute = context.attributes().find("value");
  if (!attribute) return Tensor::scalar<float>(0);
  const Tensor* tensor = std::get_if<Tensor>(attribute);
  if (!tensor || !tensor->defined() || tensor->elements() != 1)
    return context.fail("value must be a tensor of one element");
  return *tensor;
}

template <class Context> Result<Shape> shapeFrom(const Context& context, const std::vector<std::int64_t>& dims) {
  for (std::int64_t dim : dims)
    if (dim < 0) return context.fail("the shape has a negative dimension");
  return Shape(dims);
}

Result<void> inferConstantOfShape(InferContext& context) {
  const DataType type = TANDEM_TRY(fillValue(context)).type();
  std::optional<Shape> shape;
  if (auto dims = TANDEM_TRY(knownInts(context, 0)))
    shape = TANDEM_TRY(shapeFrom(context, *dims));
  else if (auto rank = knownLength(context, 0))
    shape = unknownShape(static_cast<std::size_t>(*rank));
  setOutputMaybe(context, 0, type, shape);
  return {};
}

Result<void> constantOfShape(ReferenceContext& context) {
  const Tensor value = TANDEM_TRY(fillValue(context));
  const std::vector<std::int64_t> dims = TANDEM_TRY(readInts(context, 0));
  const Shape shape = TANDEM_TRY(shapeFrom(context, dims));
  Tensor out = TANDEM_TRY(makeOutput(context, 0, value.type(), shape));
  visitBytes(value.type(), [&]<class T>(TypeTag<T>) {
    std::fill_n(static_cast<T*>(out.mutableData()), out.elements(), *static_cast<const T*>(value.data()));
  });
  return {};
}

constexpr OpDef makeConstantOfShape() {
  OpDef def;
  def.type = "ConstantOfShape";
  def.versions = {9, 20, 21, 23, 24, 25};
  def.shapeInputs = 1u << 0;
  def.infer = inferConstantOfShape;
  def.reference = constantOfShape;
  return def;
}

} // namespace

// ONNX ConstantOfShape: one value, repeated to the shape that the input holds.
extern const OpDef kConstantOfShape = makeConstantOfShape();

} // namespace tandem::ops
