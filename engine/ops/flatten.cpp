// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/view.hpp"

#include "engine/base/checked.hpp"

namespace tandem::ops {
namespace {

/// Product of the dims, kUnknownDim while one of them is unknown.
template <class Context> Result<std::int64_t> productOf(const Context& context, std::span<const std::int64_t> dims) {
  for (std::int64_t dim : dims)
    if (dim == kUnknownDim) return kUnknownDim;
  auto product = checkedProduct(dims);
  if (!product) return context.fail("the input is too large");
  return *product;
}

template <class Context> Result<Shape> flattened(const Context& context, const Shape& input) {
  const auto rank = static_cast<std::int64_t>(input.rank());
  std::int64_t axis = context.attributes().getInt("axis", 1);
  if (axis < 0 && context.version() >= 11) axis += rank;
  if (axis < 0 || axis > rank) return context.fail("axis " + std::to_string(axis) + " is outside " + input.toString());
  const std::span<const std::int64_t> dims = input.dims();
  const auto split = static_cast<std::size_t>(axis);
  return Shape{TANDEM_TRY(productOf(context, dims.first(split))), TANDEM_TRY(productOf(context, dims.subspan(split)))};
}

Result<void> inferFlatten(InferContext& context) {
  const Shape* input = context.inputShape(0);
  context.setOutput(0, context.inputType(0), input ? TANDEM_TRY(flattened(context, *input)) : unknownShape(2));
  return {};
}

} // namespace

// ONNX Flatten: a matrix of the dims before axis by those from it on.
extern const OpDef kFlatten =
    viewOp("Flatten", {1, 9, 11, 13, 21, 23, 24, 25}, inferFlatten, [](ReferenceContext& context) -> Result<void> {
      return copyAs(context, TANDEM_TRY(flattened(context, context.input(0).shape())));
    });

} // namespace tandem::ops
