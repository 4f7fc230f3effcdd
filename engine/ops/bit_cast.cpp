// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include <cstring>

namespace tandem::ops {
namespace {

/// Undefined where the engine does not store the type.
DataType targetType(const Node& node) {
  const std::int64_t number = node.attributes.getInt("to", 0);
  const auto type = static_cast<DataType>(number >= 0 && number <= 255 ? number : 0);
  return byteSize(type) ? type : DataType::Undefined;
}

template <class Context> Result<DataType> checkedTarget(const Context& context, DataType from) {
  const DataType to = targetType(context.node());
  if (to == DataType::Undefined)
    return makeError(ErrorCode::Unsupported, "cannot read bits as this element type",
                     "BitCast '" + context.node().name + "'",
                     "the engine stores bool, integers of 8 to 64 bits and floats of 16 to 64 bits");
  if (from != DataType::Undefined && byteSize(from) != byteSize(to))
    return context.fail(std::string(toString(from)) + " and " + std::string(toString(to)) + " differ in size");
  return to;
}

Result<void> infer(InferContext& context) {
  const DataType to = TANDEM_TRY(checkedTarget(context, context.inputType(0)));
  const Shape* x = context.inputShape(0);
  setOutputMaybe(context, 0, to, x ? std::optional(*x) : std::nullopt);
  return {};
}

Result<void> reference(ReferenceContext& context) {
  const Tensor& x = context.input(0);
  const DataType to = TANDEM_TRY(checkedTarget(context, x.type()));
  Tensor y = TANDEM_TRY(makeOutput(context, 0, to, x.shape()));
  if (to != DataType::Bool) {
    std::memcpy(y.mutableData(), x.data(), x.bytes());
    return {};
  }
  // A bool with another bit pattern than 0 or 1 has no meaning in C++.
  const auto* src = static_cast<const std::uint8_t*>(x.data());
  auto dst = y.mutableAs<bool>();
  for (std::size_t i = 0; i < dst.size(); ++i) dst[i] = src[i] != 0;
  return {};
}

} // namespace

// ONNX BitCast: the same bits read as another element type of the same size.
extern const OpDef kBitCast = {
    .type = "BitCast", .domain = "", .versions = {26}, .infer = infer, .reference = reference};

} // namespace tandem::ops
