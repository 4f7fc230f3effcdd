// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

namespace tandem::ops {
namespace {

Result<void> inferNonZero(InferContext& context) {
  context.setOutputType(0, DataType::Int64);
  if (const Shape* input = context.inputShape(0))
    context.setOutput(0, DataType::Int64, Shape{static_cast<std::int64_t>(input->rank()), kUnknownDim});
  return {};
}

Result<void> nonZero(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  std::vector<std::int64_t> found;
  const bool known = visitType(x.type(), [&]<class T>(TypeTag<T>) {
    auto src = x.as<T>();
    for (std::size_t i = 0; i < src.size(); ++i)
      if (convert<bool>(src[i])) found.push_back(static_cast<std::int64_t>(i));
  });
  if (!known) return unsupportedType(context, x.type());
  const auto rank = static_cast<std::int64_t>(x.shape().rank()), count = static_cast<std::int64_t>(found.size());
  Tensor out = TANDEM_TRY(makeOutput(context, 0, DataType::Int64, Shape{rank, count}));
  const std::vector<std::int64_t> strides = x.shape().strides();
  std::int64_t* dst = out.mutableAs<std::int64_t>().data();
  for (std::size_t axis = 0; axis < x.shape().rank(); ++axis)
    for (std::int64_t index : found) *dst++ = index / strides[axis] % x.shape()[axis];
  return {};
}

constexpr OpDef makeNonZero() {
  OpDef def;
  def.type = "NonZero";
  def.versions = {9, 13};
  def.infer = inferNonZero;
  def.reference = nonZero;
  return def;
}

} // namespace

// ONNX NonZero: the positions of all elements that are not zero, one column each, in row-major order.
extern const OpDef kNonZero = makeNonZero();

} // namespace tandem::ops
