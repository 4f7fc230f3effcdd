// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/kernel_util.hpp"

#include <cstring>

namespace tandem::ops {
namespace {

template <class T> Tensor list(const std::vector<T>& values) {
  return Tensor::of<T>(Shape{static_cast<std::int64_t>(values.size())}, values);
}

Result<Tensor> constantValue(const Node& node) {
  auto reject = [&](std::string message) {
    return makeError(ErrorCode::Unsupported, std::move(message), "Constant '" + node.name + "'",
                     "store the constant as a dense numeric tensor");
  };
  for (const auto& [name, attribute] : node.attributes) {
    if (name == "value") {
      const Tensor* tensor = std::get_if<Tensor>(&attribute);
      if (tensor && tensor->defined()) return *tensor;
    }
    if (name == "value_float") return Tensor::scalar<float>(node.attributes.getFloat(name, 0));
    if (name == "value_floats") return list(node.attributes.getFloats(name));
    if (name == "value_int") return Tensor::scalar<std::int64_t>(node.attributes.getInt(name, 0));
    if (name == "value_ints") return list(node.attributes.getInts(name));
    if (name == "value_string" || name == "value_strings") return reject("constants of strings are not supported");
    if (name == "sparse_value") return reject("sparse constants are not supported");
  }
  return makeError(ErrorCode::ModelRejected, "the constant has no value", "Constant '" + node.name + "'",
                   "the model is not valid");
}

Result<void> inferConstant(InferContext& context) {
  context.setOutputValue(0, TANDEM_TRY(constantValue(context.node())));
  return {};
}

Result<void> constant(ReferenceContext& context) {
  const Tensor value = TANDEM_TRY(constantValue(context.node()));
  Tensor out = TANDEM_TRY(makeOutput(context, 0, value.type(), value.shape()));
  std::memcpy(out.mutableData(), value.data(), value.bytes());
  return {};
}

constexpr OpDef makeConstant() {
  OpDef def;
  def.type = "Constant";
  def.versions = {1, 9, 11, 12, 13, 19, 21, 23, 24, 25};
  def.minInputs = def.maxInputs = 0;
  def.infer = inferConstant;
  def.reference = constant;
  return def;
}

} // namespace

// ONNX Constant: the tensor in the attribute; numbers and lists of numbers since version 12.
extern const OpDef kConstant = makeConstant();

} // namespace tandem::ops
