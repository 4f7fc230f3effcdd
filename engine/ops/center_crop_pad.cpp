// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include <algorithm>
#include <cstring>

namespace tandem::ops {
namespace {

/// The axes that entries of `shape` refer to: attribute axes, else all in order.
template <class Context> Result<std::vector<std::size_t>> axesOf(const Context& context, std::size_t rank) {
  std::vector<std::int64_t> axes = context.attributes().getInts("axes");
  if (!context.attributes().has("axes"))
    for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  return checkedAxes(context, axes, rank);
}

template <class Context>
Result<Shape> resultShape(const Context& context, const Shape& x, const std::vector<std::int64_t>& target) {
  const std::vector<std::size_t> axes = TANDEM_TRY(axesOf(context, x.rank()));
  if (axes.size() != target.size())
    return context.fail("a shape of " + std::to_string(target.size()) + " entries does not go with " +
                        std::to_string(axes.size()) + " axes");
  Shape shape = x;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (target[i] < 0) return context.fail("the shape holds " + std::to_string(target[i]));
    shape[axes[i]] = target[i];
  }
  return shape;
}

Result<void> infer(InferContext& context) {
  const DataType type = context.inputType(0);
  const Shape* x = context.inputShape(0);
  if (!x) return context.setOutputType(0, type), Result<void>{};
  if (const auto target = TANDEM_TRY(knownInts(context, 1))) {
    context.setOutput(0, type, TANDEM_TRY(resultShape(context, *x, *target)));
    return {};
  }
  Shape shape = *x;
  for (std::size_t axis : TANDEM_TRY(axesOf(context, x->rank()))) shape[axis] = kUnknownDim;
  context.setOutput(0, type, std::move(shape));
  return {};
}

/// The part that input and result share along one axis.
struct Overlap {
  std::int64_t from = 0, to = 0, count = 0; ///< first element in the input, in the result, and how many
};

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const std::vector<std::int64_t> target = TANDEM_TRY(readInts(context, 1));
  const Shape shape = TANDEM_TRY(resultShape(context, x.shape(), target));
  Tensor y = TANDEM_TRY(makeOutput(context, 0, x.type(), shape));
  std::memset(y.mutableData(), 0, y.bytes());
  if (x.elements() == 0 || y.elements() == 0) return {};
  std::vector<Overlap> overlaps;
  std::int64_t rows = 1;
  for (std::size_t i = 0; i < shape.rank(); ++i) {
    const std::int64_t difference = x.shape()[i] - shape[i]; // what is odd goes to the end, cropped or padded
    overlaps.push_back({std::max<std::int64_t>(0, difference) / 2, std::max<std::int64_t>(0, -difference) / 2,
                        std::min(x.shape()[i], shape[i])});
    if (i + 1 < shape.rank()) rows *= overlaps.back().count;
  }
  const std::vector<std::int64_t> srcStrides = x.shape().strides(), dstStrides = shape.strides();
  const std::size_t bytes = byteSize(x.type());
  const auto* src = static_cast<const std::byte*>(x.data());
  auto* dst = static_cast<std::byte*>(y.mutableData());
  const std::size_t rowBytes = bytes * static_cast<std::size_t>(overlaps.empty() ? 1 : overlaps.back().count);
  for (std::int64_t row = 0; row < rows; ++row) {
    std::int64_t from = 0, to = 0, rest = row;
    for (std::size_t i = shape.rank(); i-- > 0;) {
      const bool isLast = i + 1 == shape.rank();
      const std::int64_t index = isLast ? 0 : rest % overlaps[i].count;
      if (!isLast) rest /= overlaps[i].count;
      from += (overlaps[i].from + index) * srcStrides[i];
      to += (overlaps[i].to + index) * dstStrides[i];
    }
    std::memcpy(dst + static_cast<std::size_t>(to) * bytes, src + static_cast<std::size_t>(from) * bytes, rowBytes);
  }
  return {};
}

} // namespace

// ONNX CenterCropPad: crops or pads with zeros, so that the middle stays in the middle.
extern const OpDef kCenterCropPad = {.type = "CenterCropPad",
                                     .domain = "",
                                     .versions = {18},
                                     .minInputs = 2,
                                     .maxInputs = 2,
                                     .shapeInputs = 1u << 1,
                                     .infer = infer,
                                     .reference = reference};

} // namespace tandem::ops
