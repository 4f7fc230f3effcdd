// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/cosine_window.hpp"

#include "engine/ops/kernel_util.hpp"

#include <cmath>
#include <numbers>

namespace tandem::ops {
namespace {

Error unknownType(const Node& node) {
  return makeError(ErrorCode::Unsupported, "output_datatype is not a number type", node.type + " '" + node.name + "'",
                   "the engine stores integers of 8 to 64 bits and floats of 16 to 64 bits");
}

} // namespace

DataType outputDatatype(const Node& node) {
  const std::int64_t number = node.attributes.getInt("output_datatype", 1);
  const auto type = static_cast<DataType>(number >= 0 && number <= 255 ? number : 0);
  return isFloating(type) || isInteger(type) ? type : DataType::Undefined;
}

Result<void> inferCosineWindow(InferContext& context) {
  const DataType type = outputDatatype(context.node());
  if (type == DataType::Undefined) return unknownType(context.node());
  const auto size = TANDEM_TRY(knownInts(context, 0));
  context.setOutput(0, type, {size && size->size() == 1 && (*size)[0] >= 0 ? (*size)[0] : kUnknownDim});
  return {};
}

Result<void> cosineWindow(ReferenceContext& context, double a0, double a1, double a2) {
  const DataType type = outputDatatype(context.node());
  if (type == DataType::Undefined) return unknownType(context.node());
  const std::vector<std::int64_t> size = TANDEM_TRY(readInts(context, 0));
  if (size.size() != 1 || size[0] < 0) return context.fail("the size must be one number that is not negative");
  const bool periodic = context.attributes().getInt("periodic", 1) != 0;
  Tensor y = TANDEM_TRY(makeOutput(context, 0, type, {size[0]}));
  const double period = static_cast<double>(periodic ? size[0] : size[0] - 1);
  visitOneOf(NumericTypes{}, type, [&]<class T>(TypeTag<T>) {
    auto dst = y.mutableAs<T>();
    for (std::size_t n = 0; n < dst.size(); ++n) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(n) / period;
      dst[n] = convert<T>(period == 0 ? 1.0 : a0 + a1 * std::cos(angle) + a2 * std::cos(2 * angle));
    }
  });
  return {};
}

} // namespace tandem::ops
