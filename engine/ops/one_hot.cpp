// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

/// The indices' shape with a dim of `depth` put in at `axis`.
template <class Context> Result<Shape> oneHotShape(const Context& context, const Shape& indices, std::int64_t depth) {
  const std::size_t axis =
      TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", -1), indices.rank() + 1));
  std::vector<std::int64_t> dims = indices.dims();
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(axis), depth);
  return Shape(std::move(dims));
}

template <class Context> Result<std::int64_t> depthOf(const Context& context, const Tensor& tensor) {
  if (tensor.elements() != 1 || (!isInteger(tensor.type()) && !isFloating(tensor.type())))
    return context.fail("depth must be one number, not " + tensor.desc().toString());
  const auto depth = convert<std::int64_t>(tensor.asDouble(0));
  if (depth < 0) return context.fail("depth is negative");
  return depth;
}

Result<void> inferOneHot(InferContext& context) {
  context.setOutputType(0, context.inputType(2));
  const Shape* indices = context.inputShape(0);
  if (!indices) return {};
  std::int64_t depth = kUnknownDim;
  if (const Tensor* value = context.inputValue(1)) depth = TANDEM_TRY(depthOf(context, *value));
  context.setOutput(0, context.inputType(2), TANDEM_TRY(oneHotShape(context, *indices, depth)));
  return {};
}

Result<void> oneHot(ReferenceContext& context) {
  const Tensor &indices = context.input(0), &values = context.input(2);
  const std::int64_t depth = TANDEM_TRY(depthOf(context, context.input(1)));
  if (values.shape() != Shape{2}) return context.fail("values must be [off, on], not " + values.desc().toString());
  if (!isInteger(indices.type()) && !isFloating(indices.type())) return unsupportedType(context, indices.type());
  const Shape shape = TANDEM_TRY(oneHotShape(context, indices.shape(), depth));
  const std::size_t axis = TANDEM_TRY(checkedAxis(context, context.attributes().getInt("axis", -1), shape.rank()));
  const std::int64_t inner = dimProduct(shape, axis + 1, shape.rank());
  Tensor out = TANDEM_TRY(makeOutput(context, 0, values.type(), shape));
  visitBytes(values.type(), [&]<class T>(TypeTag<T>) {
    const T off = static_cast<const T*>(values.data())[0], on = static_cast<const T*>(values.data())[1];
    T* dst = static_cast<T*>(out.mutableData());
    std::fill_n(dst, out.elements(), off);
    for (std::int64_t i = 0; i < indices.elements(); ++i) {
      std::int64_t index = convert<std::int64_t>(indices.asDouble(i));
      // Version 9 knows no negative indices; an index out of range gives a line of off values in every version.
      if (index < 0 && context.version() >= 11 && index >= -depth) index += depth;
      if (index < 0 || index >= depth) continue;
      dst[(i / inner * depth + index) * inner + i % inner] = on;
    }
  });
  return {};
}

constexpr OpDef makeOneHot() {
  OpDef def;
  def.type = "OneHot";
  def.versions = {9, 11};
  def.minInputs = def.maxInputs = 3;
  def.shapeInputs = 1u << 1;
  def.infer = inferOneHot;
  def.reference = oneHot;
  return def;
}

} // namespace

// ONNX OneHot: every index becomes a line with the on value at that place and the off value elsewhere.
extern const OpDef kOneHot = makeOneHot();

} // namespace tandem::ops
