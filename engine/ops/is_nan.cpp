// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cmath>

namespace tandem::ops {

namespace {

Result<void> inferBool(InferContext& context) {
  TANDEM_TRY(inferSameAsInput(context));
  context.setOutputType(0, DataType::Bool);
  return {};
}

Result<void> isNaN(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  Tensor y = TANDEM_TRY(makeOutput(context, 0, DataType::Bool, x.shape()));
  auto dst = y.mutableAs<bool>();
  const bool known = visitFloating(x.type(), [&]<class T>(TypeTag<T>) {
    auto src = x.as<T>();
    for (std::size_t i = 0; i < src.size(); ++i) dst[i] = std::isnan(static_cast<ComputeTypeOf<T>>(src[i]));
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

constexpr OpDef makeIsNaN() {
  OpDef def = unaryOp("IsNaN", {9, 13, 20}, isNaN);
  def.infer = inferBool;
  return def;
}

} // namespace

// ONNX IsNaN: true where x is not a number.
extern const OpDef kIsNaN = makeIsNaN();

} // namespace tandem::ops
