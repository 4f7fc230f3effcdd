// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include <cstring>

namespace tandem::ops {
namespace {

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape* x = context.inputShape(0);
  if (!context.attributes().has("axis")) {
    context.setOutput(0, type, {kUnknownDim});
    return {};
  }
  if (!x) return context.setOutputType(0, type), Result<void>{};
  Shape shape = *x;
  shape[TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 0), x->rank()))] = kUnknownDim;
  context.setOutput(0, type, std::move(shape));
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const Tensor &x = context.input(0), &condition = context.input(1);
  if (condition.type() != DataType::Bool || condition.shape().rank() != 1)
    return context.fail("the condition " + condition.desc().toString() + " is not a list of bools");
  std::int64_t outer = 1, length = x.elements(), inner = 1;
  Shape shape{0};
  std::size_t axis = 0;
  if (context.attributes().has("axis")) {
    shape = x.shape();
    axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", 0), shape.rank()));
    outer = dimProduct(shape, 0, axis);
    length = shape[axis];
    inner = dimProduct(shape, axis + 1, shape.rank());
  }
  std::vector<std::int64_t> picked;
  const auto wanted = condition.as<bool>();
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i]) picked.push_back(static_cast<std::int64_t>(i));
  if (!picked.empty() && picked.back() >= length)
    return context.fail("the condition picks element " + std::to_string(picked.back()) + " of " +
                        std::to_string(length));
  shape[axis] = static_cast<std::int64_t>(picked.size());
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  const std::size_t row = static_cast<std::size_t>(inner) * byteSize(x.type());
  const auto* src = static_cast<const std::byte*>(x.data());
  auto* dst = static_cast<std::byte*>(y.mutableData());
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t index : picked) {
      std::memcpy(dst, src + static_cast<std::size_t>(o * length + index) * row, row);
      dst += row;
    }
  return {};
}

} // namespace

// ONNX Compress: the slices (without an axis: the elements) for which the condition holds.
extern const OpDef kCompress = {.type = "Compress",
                                .domain = "",
                                .versions = {9, 11, 28},
                                .minInputs = 2,
                                .maxInputs = 2,
                                .infer = infer,
                                .reference = reference};

} // namespace tandem::ops
