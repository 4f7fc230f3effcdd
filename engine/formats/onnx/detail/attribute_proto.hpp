// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// For engine/formats/onnx only: this header shows protobuf messages.
#include "engine/formats/tensors/detail/tensor_proto.hpp"
#include "engine/graph/attributes.hpp"

#include <optional>

namespace tandem::detail {

/// The kind of an attribute; files of IR version 1 leave the field `type` out, so it is told from what is set.
onnx::AttributeProto::AttributeType kindOf(const onnx::AttributeProto& proto);

/// Numbers, texts, their lists, and tensors. Nullopt for kinds without a place in our attributes (lists of tensors or
/// graphs, types). Not for subgraphs: those need the graph around them.
Result<std::optional<Attribute>> attributeFromProto(const onnx::AttributeProto& proto,
                                                    const TensorProtoOptions& options);

} // namespace tandem::detail
