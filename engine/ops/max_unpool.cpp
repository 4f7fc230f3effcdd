// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"
#include "engine/ops/window.hpp"

#include <cstring>

namespace tandem::ops {
namespace {

/// What the pooling that is undone read, from kernel_shape, strides and pads: the shape that indices count in.
Result<Shape> pooledShape(const Node& node, const Shape& x) {
  if (x.rank() < 3) return nodeError(node, "the input " + x.toString() + " has no spatial axes");
  const WindowAttributes window = TANDEM_TRY(windowAttributes(node, x.rank() - 2, {}));
  Shape shape = x;
  for (std::size_t i = 0; i + 2 < x.rank(); ++i) {
    if (x[i + 2] == kUnknownDim) continue;
    if (x[i + 2] > kMaxWindowExtent) return nodeError(node, "the input " + x.toString() + " is too large");
    shape[i + 2] = (x[i + 2] - 1) * window.strides[i] + window.kernel[i] - window.padsBegin[i] - window.padsEnd[i];
    if (shape[i + 2] < 0) return nodeError(node, "the pads leave nothing of axis " + std::to_string(i + 2));
  }
  TANDEM_TRY(checkAddressable(node, shape));
  return shape;
}

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape* x = context.inputShape(0);
  if (!x) return context.setOutputType(0, type), Result<void>{};
  Shape shape = TANDEM_TRY(pooledShape(context.node(), *x));
  if (context.hasInput(2)) {
    const auto given = TANDEM_TRY(knownInts(context, 2));
    if (given && given->size() != x->rank()) return context.fail("output_shape does not have the rank of the input");
    shape = given ? Shape(*given) : unknownShape(x->rank());
    for (std::int64_t dim : shape)
      if (given && dim < 0) return context.fail("output_shape holds " + std::to_string(dim));
  }
  context.setOutput(0, type, std::move(shape));
  return {};
}

/// Position in `to` of the element that `index` names in `from`; -1 where `to` does not reach that far.
std::int64_t moved(std::int64_t index, const Shape& from, const Shape& to) {
  const std::vector<std::int64_t> strides = to.strides();
  std::int64_t position = 0;
  for (std::size_t i = from.rank(); i-- > 0; index /= from[i]) {
    const std::int64_t at = index % from[i];
    if (at >= to[i]) return -1;
    position += at * strides[i];
  }
  return position;
}

Result<void> reference(ReferenceContext& context) {
  const Tensor &x = context.input(0), &indices = context.input(1);
  const Shape pooled = TANDEM_TRY(pooledShape(context.node(), x.shape()));
  if (indices.type() != DataType::Int64 || indices.shape() != x.shape())
    return context.fail("indices " + indices.desc().toString() + " do not go with " + x.desc().toString());
  Shape shape = pooled;
  if (context.hasInput(2)) shape = Shape(TANDEM_TRY(readInts(context, 2)));
  bool fits = shape.rank() == x.shape().rank();
  for (std::int64_t dim : shape) fits = fits && dim >= 0;
  if (!fits) return context.fail("output_shape " + shape.toString() + " does not go with " + x.shape().toString());
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  std::memset(y.mutableData(), 0, y.bytes());
  const std::int64_t count = pooled.elements();
  const std::size_t bytes = byteSize(x.type());
  const auto where = indices.as<std::int64_t>();
  for (std::size_t i = 0; i < where.size(); ++i) {
    const std::int64_t to = where[i] < 0 || where[i] >= count ? -1 : moved(where[i], pooled, shape);
    if (to < 0)
      return context.fail("index " + std::to_string(where[i]) + " is outside of " + pooled.toString() + " or " +
                          shape.toString());
    std::memcpy(static_cast<std::byte*>(y.mutableData()) + static_cast<std::size_t>(to) * bytes,
                static_cast<const std::byte*>(x.data()) + i * bytes, bytes);
  }
  return {};
}

} // namespace

// ONNX MaxUnpool: puts maxima back where MaxPool found them, zeros elsewhere. Indices count in the shape that the
// attributes give; output_shape may be larger, as the specification's test data has it.
extern const OpDef kMaxUnpool = {.type = "MaxUnpool",
                                 .domain = "",
                                 .versions = {9, 11, 22},
                                 .minInputs = 2,
                                 .maxInputs = 3,
                                 .shapeInputs = 1u << 2,
                                 .infer = infer,
                                 .reference = reference};

} // namespace tandem::ops
