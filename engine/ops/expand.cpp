// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/binary.hpp"
#include "engine/ops/strided.hpp"

namespace tandem::ops {
namespace {

template <class Context>
Result<Shape> expanded(const Context& context, const Shape& input, const std::vector<std::int64_t>& target) {
  for (std::int64_t dim : target)
    if (dim < 0) return context.fail("the target shape has a negative dimension");
  auto shape = broadcast(input, Shape(target));
  if (!shape) return context.fail("cannot expand " + input.toString() + " to " + Shape(target).toString());
  return *shape;
}

Result<void> inferExpand(InferContext& context) {
  context.setOutputType(0, context.inputType(0));
  const Shape* input = context.inputShape(0);
  if (!input) return {};
  if (auto target = TANDEM_TRY(knownInts(context, 1)))
    context.setOutput(0, context.inputType(0), TANDEM_TRY(expanded(context, *input, *target)));
  else if (auto rank = knownLength(context, 1))
    context.setOutput(0, context.inputType(0), unknownShape(std::max(input->rank(), static_cast<std::size_t>(*rank))));
  return {};
}

Result<void> expand(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const std::vector<std::int64_t> target = TANDEM_TRY(readInts(context, 1));
  const Shape shape = TANDEM_TRY(expanded(context, x.shape(), target));
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  StridedView view{shape.dims(), std::vector<std::int64_t>(shape.rank(), 0), 0};
  const std::vector<std::int64_t> strides = x.shape().strides();
  const std::size_t lead = shape.rank() - x.shape().rank();
  for (std::size_t axis = 0; axis < x.shape().rank(); ++axis)
    if (x.shape()[axis] != 1) view.strides[lead + axis] = strides[axis];
  copyStrided(x.data(), std::move(view), y.mutableData(), byteSize(x.type()));
  return {};
}

constexpr OpDef makeExpand() {
  OpDef def;
  def.type = "Expand";
  def.versions = {8, 13};
  def.minInputs = def.maxInputs = 2;
  def.shapeInputs = 1u << 1;
  def.infer = inferExpand;
  def.reference = expand;
  return def;
}

} // namespace

// ONNX Expand: the input broadcast against a shape (both ways, as everywhere).
extern const OpDef kExpand = makeExpand();

} // namespace tandem::ops
