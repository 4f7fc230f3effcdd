// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/detail/functions.hpp"
#include "engine/formats/onnx/detail/messages.hpp"
#include "engine/formats/onnx/detail/naming.hpp"
#include "engine/formats/onnx/onnx_writer.hpp"

#include <limits>
#include <set>

namespace tandem {
namespace {

// onnx.proto of IR version 10: NodeProto.metadata_props; the messages we build with are older.
constexpr int kMetadataProps = 9;
constexpr int kMetadataIrVersion = 10;
constexpr std::string_view kKey = "layer_ann";

using NodeList = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
using google::protobuf::UnknownField;

bool isAnnotation(const UnknownField& field) {
  onnx::StringStringEntryProto entry;
  return field.number() == kMetadataProps && field.type() == UnknownField::TYPE_LENGTH_DELIMITED &&
         entry.ParseFromString(field.length_delimited()) && entry.key() == kKey;
}

void annotate(onnx::NodeProto& node, const std::string& value) {
  auto* unknown = onnx::NodeProto::GetReflection()->MutableUnknownFields(&node);
  for (int i = unknown->field_count() - 1; i >= 0; --i)
    if (isAnnotation(unknown->field(i))) unknown->DeleteSubrange(i, 1);
  onnx::StringStringEntryProto entry;
  entry.set_key(std::string(kKey));
  entry.set_value(value);
  unknown->AddLengthDelimited(kMetadataProps, entry.SerializeAsString());
}

class Annotator {
 public:
  Annotator(const onnx::ModelProto& model, const NodeAnnotation& annotation)
      : m_functions(detail::functionsOf(model)),
        m_annotation(annotation) {}

  Result<void> graph(onnx::GraphProto& graph) {
    const std::vector<std::string> names = detail::nodeNames(graph.node());
    for (int i = 0; i < graph.node_size(); ++i) {
      onnx::NodeProto& node = *graph.mutable_node(i);
      const std::string& name = names[static_cast<std::size_t>(i)];
      node.set_name(name);
      std::optional<std::string> value = m_annotation(name);
      if (!value) value = ofBody(node, name);
      if (value) annotate(node, *value);
      if (value) TANDEM_TRY(inside(node, *value, 1));
    }
    return {};
  }

 private:
  /// What the nodes of a called function's body agree on.
  std::optional<std::string> ofBody(const onnx::NodeProto& call, const std::string& callName) {
    std::set<std::string> values;
    if (!collect(call, callName, 1, values) || values.size() != 1) return std::nullopt;
    return *values.begin();
  }

  /// False where the functions are nested too deeply or grow too large; the reader refuses such files anyway.
  bool collect(const onnx::NodeProto& call, const std::string& callName, int depth, std::set<std::string>& values) {
    const onnx::FunctionProto* function = detail::functionFor(m_functions, call);
    if (!function) return true;
    if (depth > detail::kMaxDepth) return false;
    const std::vector<std::string> names = detail::nodeNames(function->node());
    for (int i = 0; i < function->node_size(); ++i) {
      if (--m_budget < 0) return false;
      const std::string name = callName + "/" + names[static_cast<std::size_t>(i)];
      if (auto value = m_annotation(name)) values.insert(*value);
      if (!collect(function->node(i), name, depth + 1, values)) return false;
    }
    return true;
  }

  Result<void> inside(onnx::NodeProto& node, const std::string& value, int depth) {
    for (auto& attribute : *node.mutable_attribute()) {
      if (!attribute.has_g()) continue;
      if (depth > detail::kMaxDepth)
        return makeError(ErrorCode::ModelRejected, "subgraphs are nested more than 32 deep", node.name());
      onnx::GraphProto& graph = *attribute.mutable_g();
      const std::vector<std::string> names = detail::nodeNames(graph.node());
      for (int i = 0; i < graph.node_size(); ++i) {
        graph.mutable_node(i)->set_name(names[static_cast<std::size_t>(i)]);
        annotate(*graph.mutable_node(i), value);
        TANDEM_TRY(inside(*graph.mutable_node(i), value, depth + 1));
      }
    }
    return {};
  }

  detail::FunctionTable m_functions;
  const NodeAnnotation& m_annotation;
  int m_budget = 200'000;
};

/// Later IR versions read a weight that is also an input as a default that callers may replace, and do not fold it.
void dropWeightsFromInputs(onnx::GraphProto& graph) {
  std::set<std::string_view> weights;
  for (const auto& tensor : graph.initializer()) weights.insert(tensor.name());
  google::protobuf::RepeatedPtrField<onnx::ValueInfoProto> inputs;
  for (auto& input : *graph.mutable_input())
    if (!weights.contains(input.name())) *inputs.Add() = std::move(input);
  graph.mutable_input()->Swap(&inputs);
}

Result<std::string> annotated(std::span<const std::byte> file, const NodeAnnotation& annotation) {
  auto model = TANDEM_TRY(detail::parseModel(file, "model"));
  TANDEM_TRY(Annotator(*model, annotation).graph(*model->mutable_graph()));
  if (model->ir_version() < 4) dropWeightsFromInputs(*model->mutable_graph());
  if (model->ir_version() < kMetadataIrVersion) model->set_ir_version(kMetadataIrVersion);
  if (model->opset_import_size() == 0) model->add_opset_import()->set_version(1);
  std::string bytes;
  if (model->ByteSizeLong() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
      !model->SerializeToString(&bytes))
    return makeError(ErrorCode::OutputFailed, "the annotated model would be larger than 2 GB", "model",
                     "store the weights as external data");
  return bytes;
}

} // namespace

Result<std::string> annotateOnnx(std::span<const std::byte> file, const NodeAnnotation& annotation) {
  try {
    return annotated(file, annotation);
  } catch (const std::exception& error) {
    return makeError(ErrorCode::OutputFailed, std::string("cannot annotate the model: ") + error.what(), "model",
                     "close other programs");
  }
}

} // namespace tandem
