// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// For engine/formats/onnx only: this header shows protobuf messages.
#include <map>
#include <onnx/onnx_pb.h>
#include <string>
#include <vector>

namespace tandem::detail {

/// The local functions of a model, by domain, name and overload.
using FunctionTable = std::map<std::string, const onnx::FunctionProto*>;

/// "" and "ai.onnx" are one domain.
std::string canonicalDomain(const std::string& domain);
FunctionTable functionsOf(const onnx::ModelProto& model);
/// The function that `node` calls; null for operators, also for a standard operator that we know and whose body the
/// file carries as well.
const onnx::FunctionProto* functionFor(const FunctionTable& functions, const onnx::NodeProto& node);
/// Defaults of a function's attributes (FunctionProto.attribute_proto).
std::vector<onnx::AttributeProto> attributeDefaultsOf(const onnx::FunctionProto& function);

} // namespace tandem::detail
