// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/cast.hpp"

#include <algorithm>
#include <cctype>
#include <cstring>

namespace tandem::ops {
namespace {

/// Type numbers that only name a DataType where the engine stores them; Undefined otherwise.
DataType storedType(std::int64_t number) {
  const auto type = static_cast<DataType>(number >= 0 && number <= 255 ? number : 0);
  return byteSize(type) ? type : DataType::Undefined;
}

/// Version 1 spells the type as in TensorProto ("FLOAT", "INT64"), later ones give its number.
DataType targetType(const Node& node) {
  if (node.version >= 6) return storedType(node.attributes.getInt("to", 0));
  std::string name(node.attributes.getString("to", ""));
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name == "float") return DataType::Float32;
  if (name == "double") return DataType::Float64;
  const DataType type = dataTypeFrom(name).value_or(DataType::Undefined);
  return byteSize(type) ? type : DataType::Undefined;
}

Error unknownTarget(const Node& node) {
  return makeError(ErrorCode::Unsupported, "cannot cast to this element type", "Cast '" + node.name + "'",
                   "the engine stores bool, integers of 8 to 64 bits and floats of 16 to 64 bits");
}

Result<void> inferCast(InferContext& context) {
  const DataType type = targetType(context.node());
  if (type == DataType::Undefined) return unknownTarget(context.node());
  const Shape* shape = context.inputShape(0);
  setOutputMaybe(context, 0, type, shape ? std::optional(*shape) : std::nullopt);
  return {};
}

Result<void> cast(ReferenceContext& context) {
  const DataType type = targetType(context.node());
  if (type == DataType::Undefined) return unknownTarget(context.node());
  return castTo(context, type);
}

constexpr OpDef makeCast() {
  OpDef def;
  def.type = "Cast";
  def.versions = {1, 6, 9, 13, 19, 21, 23, 24, 25};
  def.traits = OpTrait::Elementwise;
  def.infer = inferCast;
  def.reference = cast;
  return def;
}

template <class From> void castFrom(const Tensor& x, Tensor& y) {
  auto src = x.as<From>();
  visitType(y.type(), [&]<class To>(TypeTag<To>) {
    auto dst = y.mutableAs<To>();
    for (std::size_t i = 0; i < src.size(); ++i) dst[i] = convert<To>(src[i]);
  });
}

} // namespace

Result<void> castTo(ReferenceContext& context, DataType to) {
  const Tensor& x = context.input(0);
  Tensor y = TANDEM_TRY(makeOutput(context, 0, to, x.shape()));
  if (x.type() == to) {
    std::memcpy(y.mutableData(), x.data(), x.bytes());
    return {};
  }
  if (!visitType(x.type(), [&]<class From>(TypeTag<From>) { castFrom<From>(x, y); }))
    return unsupportedType(context, x.type());
  return {};
}

// ONNX Cast: the same numbers in another element type. What the specification leaves open is settled by convert().
extern const OpDef kCast = makeCast();

} // namespace tandem::ops
