// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/unary.hpp"

#include <cstring>

namespace tandem::ops {

namespace {

Result<void> identity(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), x.shape()));
  std::memcpy(y.mutableData(), x.data(), x.bytes());
  return {};
}

constexpr OpDef makeIdentity() {
  OpDef def = unaryOp("Identity", {1, 13, 14, 16, 19, 21, 23, 24, 25}, identity);
  def.traits = OpTrait::Elementwise | OpTrait::View;
  def.flops = nullptr;
  return def;
}

} // namespace

// ONNX Identity: the input as it is.
extern const OpDef kIdentity = makeIdentity();

} // namespace tandem::ops
