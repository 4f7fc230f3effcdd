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

Result<void> isInf(ReferenceContext& context) {
  const bool negative = context.attributes().getInt("detect_negative", 1) != 0;
  const bool positive = context.attributes().getInt("detect_positive", 1) != 0;
  const Tensor& x = context.input(0);
  Tensor y = TANDEM_TRY(makeOutput(context, 0, DataType::Bool, x.shape()));
  auto dst = y.mutableAs<bool>();
  const bool known = visitFloating(x.type(), [&]<class T>(TypeTag<T>) {
    auto src = x.as<T>();
    for (std::size_t i = 0; i < src.size(); ++i) {
      const auto value = static_cast<ComputeTypeOf<T>>(src[i]);
      dst[i] = std::isinf(value) && (value > 0 ? positive : negative);
    }
  });
  if (!known) return unsupportedType(context, x.type());
  return {};
}

constexpr OpDef makeIsInf() {
  OpDef def = unaryOp("IsInf", {10, 20}, isInf);
  def.infer = inferBool;
  return def;
}

} // namespace

// ONNX IsInf: true where x is infinite with a sign that the attributes ask for.
extern const OpDef kIsInf = makeIsInf();

} // namespace tandem::ops
