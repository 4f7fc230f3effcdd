// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/detail/attribute_proto.hpp"

namespace tandem::detail {

onnx::AttributeProto::AttributeType kindOf(const onnx::AttributeProto& proto) {
  using Proto = onnx::AttributeProto;
  if (proto.has_type() && proto.type() != Proto::UNDEFINED) return proto.type();
  if (proto.has_g()) return Proto::GRAPH;
  if (proto.has_t()) return Proto::TENSOR;
  if (proto.has_s()) return Proto::STRING;
  if (proto.has_f()) return Proto::FLOAT;
  if (proto.has_i()) return Proto::INT;
  if (proto.floats_size() > 0) return Proto::FLOATS;
  if (proto.strings_size() > 0) return Proto::STRINGS;
  if (proto.tensors_size() > 0) return Proto::TENSORS;
  if (proto.graphs_size() > 0) return Proto::GRAPHS;
  return Proto::INTS; // an empty list looks the same for every kind
}

Result<std::optional<Attribute>> attributeFromProto(const onnx::AttributeProto& proto,
                                                    const TensorProtoOptions& options) {
  using Proto = onnx::AttributeProto;
  switch (kindOf(proto)) {
  case Proto::INT: return std::optional<Attribute>(std::int64_t{proto.i()});
  case Proto::FLOAT: return std::optional<Attribute>(proto.f());
  case Proto::STRING: return std::optional<Attribute>(proto.s());
  case Proto::INTS:
    return std::optional<Attribute>(std::vector<std::int64_t>(proto.ints().begin(), proto.ints().end()));
  case Proto::FLOATS: return std::optional<Attribute>(std::vector<float>(proto.floats().begin(), proto.floats().end()));
  case Proto::STRINGS:
    return std::optional<Attribute>(std::vector<std::string>(proto.strings().begin(), proto.strings().end()));
  case Proto::TENSOR: return std::optional<Attribute>(TANDEM_TRY(tensorFromProto(proto.t(), options)));
  case Proto::SPARSE_TENSOR:
    return std::optional<Attribute>(TANDEM_TRY(tensorFromSparseProto(proto.sparse_tensor(), options)));
  default: return std::optional<Attribute>();
  }
}

} // namespace tandem::detail
