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
  std::int64_t count = 0; // told before anything is allocated: the result may be 64 times as large as the input
  const bool known = visitType(x.type(), [&]<class T>(TypeTag<T>) {
    for (const T value : x.as<T>()) count += convert<bool>(value) ? 1 : 0;
  });
  if (!known) return unsupportedType(context, x.type());
  const std::size_t rank = x.shape().rank();
  Tensor out = TANDEM_TRY(makeOutput(context, 0, DataType::Int64, Shape{static_cast<std::int64_t>(rank), count}));
  const std::vector<std::int64_t> strides = x.shape().strides();
  std::int64_t* const first = out.mutableAs<std::int64_t>().data();
  visitType(x.type(), [&]<class T>(TypeTag<T>) {
    const auto src = x.as<T>();
    std::int64_t column = 0;
    for (std::size_t i = 0; i < src.size(); ++i) {
      if (!convert<bool>(src[i])) continue;
      for (std::size_t axis = 0; axis < rank; ++axis)
        first[static_cast<std::int64_t>(axis) * count + column] =
            static_cast<std::int64_t>(i) / strides[axis] % x.shape()[axis];
      ++column;
    }
  });
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
