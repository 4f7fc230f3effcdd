// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include "engine/base/checked.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

// No layer that runs on one machine needs more; what asks for more is a broken or hostile shape input.
constexpr std::int64_t kMaxOutputBytes = std::int64_t{16} << 30;

template <class Context>
Result<std::vector<std::int64_t>> intsOf(const Context& context, const Tensor& tensor, std::size_t index) {
  if (!isInteger(tensor.type()) || tensor.shape().rank() > 1)
    return context.fail("input " + std::to_string(index) + " must be a list of integers, not " +
                        tensor.desc().toString());
  return tensor.toInts();
}

} // namespace

Result<Tensor> makeOutput(ReferenceContext& context, std::size_t index, DataType type, const Shape& shape) {
  if (shape.rank() > kMaxRank)
    return context.fail("the result would have rank " + std::to_string(shape.rank()) + ", more than " +
                        std::to_string(kMaxRank));
  if (byteSize(type) == 0) return unsupportedType(context, type);
  // An empty tensor with other dims that large would still overflow the strides that kernels compute from it.
  std::vector<std::int64_t> dims = shape.dims();
  std::replace(dims.begin(), dims.end(), std::int64_t{0}, std::int64_t{1});
  const auto bytes = TensorDesc{type, Shape(std::move(dims))}.checkedBytes();
  if (!bytes || *bytes > kMaxOutputBytes)
    return context.fail("the result " + shape.toString() + " would take " +
                        (bytes ? std::to_string(*bytes) : std::string("over 2^63")) + " bytes, more than 16 GiB");
  return context.output(index, type, shape);
}

Error unsupportedType(const ReferenceContext& context, DataType type) {
  return makeError(ErrorCode::Unsupported, "cannot compute on elements of type " + std::string(toString(type)),
                   context.node().type + " '" + context.node().name + "'", "convert the model to another element type");
}

Result<void> requireSameType(const ReferenceContext& context, std::size_t a, std::size_t b) {
  if (context.input(a).type() == context.input(b).type()) return {};
  return context.fail("inputs " + std::to_string(a) + " and " + std::to_string(b) + " have different types, " +
                      context.input(a).desc().toString() + " and " + context.input(b).desc().toString());
}

Result<std::vector<std::int64_t>> readInts(const ReferenceContext& context, std::size_t index) {
  if (!context.hasInput(index)) return context.fail("input " + std::to_string(index) + " is missing");
  return intsOf(context, context.input(index), index);
}

Result<std::optional<std::vector<std::int64_t>>> knownInts(const InferContext& context, std::size_t index) {
  const Tensor* value = context.inputValue(index);
  if (!value) return std::optional<std::vector<std::int64_t>>();
  return std::optional(TANDEM_TRY(intsOf(context, *value, index)));
}

std::optional<std::int64_t> knownLength(const InferContext& context, std::size_t index) {
  const Shape* shape = context.inputShape(index);
  if (!shape || shape->rank() > 1 || !shape->isStatic()) return std::nullopt;
  const std::int64_t length = shape->rank() == 0 ? 1 : (*shape)[0];
  // Lists of axes or dims are never longer than a rank; anything else is left to the kernel to refuse.
  if (length > static_cast<std::int64_t>(kMaxRank)) return std::nullopt;
  return length;
}

Shape unknownShape(std::size_t rank) { return Shape(std::vector<std::int64_t>(rank, kUnknownDim)); }

void setOutputMaybe(InferContext& context, std::size_t index, DataType type, const std::optional<Shape>& shape) {
  if (shape)
    context.setOutput(index, type, *shape);
  else
    context.setOutputType(index, type);
}

std::int64_t dimProduct(const Shape& shape, std::size_t first, std::size_t last) {
  std::int64_t product = 1;
  for (std::size_t axis = first; axis < last; ++axis) product *= shape[axis];
  return product;
}

} // namespace tandem::ops
