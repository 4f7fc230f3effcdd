// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/detail/functions.hpp"

#include "engine/ops/op_def.hpp"

namespace tandem::detail {
namespace {

using google::protobuf::UnknownField;

// Fields that came after ONNX 1.12, whose generated messages we build with (onnx.proto of IR version 10).
constexpr int kFunctionAttributeProto = 11;
constexpr int kFunctionOverload = 13;
constexpr int kNodeOverload = 8;

/// The contents of a field that the generated messages do not know.
template <class Message> std::vector<std::string> unknownTexts(const Message& message, int number) {
  std::vector<std::string> texts;
  const auto& unknown = Message::GetReflection()->GetUnknownFields(message);
  for (int i = 0; i < unknown.field_count(); ++i)
    if (unknown.field(i).number() == number && unknown.field(i).type() == UnknownField::TYPE_LENGTH_DELIMITED)
      texts.push_back(unknown.field(i).length_delimited());
  return texts;
}

template <class Message> std::string overloadOf(const Message& message, int number) {
  const std::vector<std::string> texts = unknownTexts(message, number);
  return texts.empty() ? std::string() : texts.back();
}

std::string keyOf(const std::string& domain, const std::string& name, const std::string& overload) {
  return canonicalDomain(domain) + '\0' + name + '\0' + overload;
}

} // namespace

std::string canonicalDomain(const std::string& domain) { return domain == "ai.onnx" ? std::string() : domain; }

FunctionTable functionsOf(const onnx::ModelProto& model) {
  FunctionTable table;
  for (const auto& function : model.functions())
    table.emplace(keyOf(function.domain(), function.name(), overloadOf(function, kFunctionOverload)), &function);
  return table;
}

const onnx::FunctionProto* functionFor(const FunctionTable& functions, const onnx::NodeProto& node) {
  if (functions.empty()) return nullptr;
  // Our own kernel is better than the body.
  if (canonicalDomain(node.domain()).empty() && findOp("", node.op_type())) return nullptr;
  auto it = functions.find(keyOf(node.domain(), node.op_type(), overloadOf(node, kNodeOverload)));
  return it == functions.end() ? nullptr : it->second;
}

std::vector<onnx::AttributeProto> attributeDefaultsOf(const onnx::FunctionProto& function) {
  std::vector<onnx::AttributeProto> defaults;
  for (const std::string& text : unknownTexts(function, kFunctionAttributeProto)) {
    onnx::AttributeProto attribute;
    if (attribute.ParseFromString(text)) defaults.push_back(std::move(attribute));
  }
  return defaults;
}

} // namespace tandem::detail
