// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include <cstring>

namespace tandem::ops {
namespace {

/// The attribute dtype, or the type of the input.
DataType resultType(const Attributes& attributes, DataType inputType) {
  const std::int64_t number = attributes.getInt("dtype", static_cast<std::int64_t>(inputType));
  const auto type = static_cast<DataType>(number >= 0 && number <= 255 ? number : 0);
  return byteSize(type) ? type : DataType::Undefined;
}

Result<void> inferEyeLike(InferContext& context) {
  const DataType type = resultType(context.attributes(), context.inputType(0));
  const Shape* input = context.inputShape(0);
  if (input && input->rank() != 2) return context.fail("the input must be a matrix, not " + input->toString());
  context.setOutput(0, type, input ? *input : unknownShape(2));
  return {};
}

Result<void> eyeLike(ReferenceContext& context) {
  const Shape& shape = context.input(0).shape();
  if (shape.rank() != 2) return context.fail("the input must be a matrix, not " + shape.toString());
  const DataType type = resultType(context.attributes(), context.input(0).type());
  Tensor out = TANDEM_TRY(makeOutput(context, 0, type, shape));
  std::memset(out.mutableData(), 0, out.bytes());
  const std::int64_t diagonal = context.attributes().getInt("k", 0);
  if (diagonal <= -shape[0] || diagonal >= shape[1]) return {};
  visitType(type, [&]<class T>(TypeTag<T>) {
    T* dst = out.mutableAs<T>().data();
    for (std::int64_t row = 0; row < shape[0]; ++row)
      if (row + diagonal >= 0 && row + diagonal < shape[1]) dst[row * shape[1] + row + diagonal] = convert<T>(1.0f);
  });
  return {};
}

constexpr OpDef makeEyeLike() {
  OpDef def;
  def.type = "EyeLike";
  def.versions = {9, 22};
  def.infer = inferEyeLike;
  def.reference = eyeLike;
  return def;
}

} // namespace

// ONNX EyeLike: ones on diagonal k of a matrix as large as the input, zeros elsewhere.
extern const OpDef kEyeLike = makeEyeLike();

} // namespace tandem::ops
