// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/detail/graph_importer.hpp"

#include "engine/formats/onnx/detail/attribute_proto.hpp"
#include "engine/formats/onnx/detail/messages.hpp"
#include "engine/formats/onnx/detail/naming.hpp"
#include "engine/ops/op_def.hpp"
#include "engine/ops/shape_inference.hpp"

#include <algorithm>

namespace tandem::detail {
namespace {

constexpr std::size_t kMaxNameLength = 4096;
constexpr int kMaxAttributes = 1024;
constexpr int kMaxScopeDepth = 32;
constexpr std::size_t kMaxWarnings = 100;

/// A name for a message: its beginning where it is absurdly long.
std::string shown(const std::string& name) {
  constexpr std::size_t kMaxShown = 200;
  return name.size() <= kMaxShown ? name : name.substr(0, 40) + "...";
}

/// The first levels of a path that is deeper than any real hierarchy; empty where it is not.
std::string cappedScope(const std::string& name) {
  std::size_t at = 0;
  for (int level = 0; level <= kMaxScopeDepth; ++level) {
    at = name.find('/', at + 1);
    if (at == std::string::npos) return {};
  }
  const std::size_t start = name.find_first_not_of('/');
  return start == std::string::npos || start >= at ? std::string() : name.substr(start, at - start);
}

} // namespace

TensorProtoOptions ImportContext::tensorOptions() {
  TensorProtoOptions options;
  options.owner = model;
  options.where = where;
  options.file = file;
  if (split) options.weightsOf = [this](std::string_view rawData) { return split->weightsOf(rawData); };
  options.external = [this](const onnx::TensorProto& proto, const TensorDesc& desc) {
    return external.read(proto, desc);
  };
  return options;
}

void ImportContext::warn(std::string text) {
  if (warnings.size() < kMaxWarnings) warnings.push_back(std::move(text));
}

Error ImportContext::reject(std::string what, std::string hint) const {
  if (hint.empty()) hint = "the file is damaged or was written by a faulty exporter; export the model again";
  return makeError(ErrorCode::ModelRejected, std::move(what), where, std::move(hint));
}

std::map<std::string, int> opsetsOf(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports) {
  std::map<std::string, int> opsets;
  for (const auto& import : imports) {
    const std::int64_t version = std::clamp<std::int64_t>(import.version(), 0, 1'000'000);
    int& entry = opsets[canonicalDomain(import.domain())];
    entry = std::max(entry, static_cast<int>(version));
  }
  return opsets;
}

Result<Graph> GraphImporter::import(const onnx::GraphProto& proto) {
  Frame frame;
  frame.importer = this;
  frame.opsets = m_outer ? m_outer->opsets : &m_context.opsets;
  frame.bindings = m_outer ? m_outer->bindings : nullptr;
  frame.functionDepth = m_outer ? m_outer->functionDepth : 0;
  frame.caller = m_outer;
  m_graph.name = proto.name();
  if (auto it = frame.opsets->find(""); it != frame.opsets->end()) m_graph.opset = it->second;

  TANDEM_TRY(addInitializers(proto, frame));
  TANDEM_TRY(addInputs(proto, frame));
  TANDEM_TRY(defineOutputs(proto.node(), frame));
  for (const auto& info : proto.value_info()) declare(info, frame);
  for (const auto& info : proto.output()) declare(info, frame);
  // Last, since the caller feeds what the input says, also where the same tensor is declared once more.
  for (const auto& info : proto.input()) declare(info, frame);
  TANDEM_TRY(addNodes(proto.node(), frame));
  for (const auto& output : proto.output()) {
    if (output.name().empty()) {
      m_context.warn("an output of graph '" + proto.name() + "' has no name and is left out");
      continue;
    }
    const ValueId id = TANDEM_TRY(resolve(output.name(), frame, "graph '" + proto.name() + "' gives out"));
    if (id.valid()) m_graph.addOutput(id);
  }
  return std::move(m_graph);
}

Result<void> GraphImporter::addInitializers(const onnx::GraphProto& proto, Frame& frame) {
  const TensorProtoOptions options = m_context.tensorOptions();
  auto add = [&](const std::string& name, Result<Tensor> tensor) -> Result<void> {
    const ValueId id = TANDEM_TRY(define(name, frame));
    if (tensor)
      m_graph.makeConstant(id, std::move(tensor).value());
    else
      noteInsteadOf(id, tensor.error());
    return {};
  };
  for (const auto& each : proto.initializer()) {
    TANDEM_TRY(m_context.cancel.check());
    auto tensor = tensorFromProto(each, options);
    // External data is not read before it is used.
    if (tensor && each.data_location() != onnx::TensorProto::EXTERNAL)
      m_context.finite.add(*tensor, shown(each.name()));
    TANDEM_TRY(add(each.name(), std::move(tensor)));
  }
  for (const auto& each : proto.sparse_initializer())
    TANDEM_TRY(add(each.values().name(), tensorFromSparseProto(each, options)));
  return {};
}

Result<void> GraphImporter::addInputs(const onnx::GraphProto& proto, Frame& frame) {
  std::unordered_set<std::string_view> seen;
  for (const auto& info : proto.input()) {
    if (!seen.insert(info.name()).second) {
      m_context.note("two inputs are called '" + shown(info.name()) + "'");
      continue;
    }
    // IR versions before 4 list the weights among the inputs; later ones may, to let callers replace them.
    if (frame.values.contains(info.name())) continue;
    if (info.name().empty()) {
      m_context.note("an input has no name");
      continue;
    }
    checkName(info.name(), "input");
    TANDEM_TRY(chargeTensor());
    const ValueId id = m_graph.addInput(uniqueValueName(info.name()), {});
    m_graph.value(id).rankKnown = false;
    frame.values.emplace(info.name(), id);
  }
  return {};
}

/// All outputs first, so that nodes may come in any order and subgraphs see everything around them.
Result<void> GraphImporter::defineOutputs(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes,
                                          Frame& frame) {
  for (const auto& node : nodes)
    for (const std::string& output : node.output())
      if (!output.empty()) TANDEM_TRY(define(output, frame));
  return {};
}

void GraphImporter::declare(const onnx::ValueInfoProto& info, Frame& frame) {
  auto it = frame.values.find(info.name());
  if (it == frame.values.end() || !it->second.valid() || !info.has_type()) return;
  Value& value = m_graph.value(it->second);
  if (value.isConstant()) return;
  if (info.type().value_case() == onnx::TypeProto::VALUE_NOT_SET) return; // exporters leave what they do not know
  if (!info.type().has_tensor_type()) {
    m_context.warn("'" + info.name() + "' is not a tensor (a sequence, map or optional), which is not supported");
    return;
  }
  const auto& tensor = info.type().tensor_type();
  if (auto type = storableType(tensor.elem_type()))
    value.desc.type = *type;
  else if (tensor.elem_type() == onnx::TensorProto::STRING)
    value.desc.type = DataType::String;
  else
    m_context.warn("'" + info.name() + "' has elements of type " + elementTypeName(tensor.elem_type()) +
                   ", which is not supported");
  if (!tensor.has_shape()) return;
  std::vector<std::int64_t> dims;
  value.dimNames.clear();
  bool named = false;
  for (const auto& dim : tensor.shape().dim()) {
    dims.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : kUnknownDim);
    value.dimNames.push_back(dim.dim_param());
    named = named || !dim.dim_param().empty();
  }
  if (!named) value.dimNames.clear();
  value.desc.shape = Shape(std::move(dims));
  value.rankKnown = true;
}

Result<void> GraphImporter::addNodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes, Frame& frame) {
  std::vector<std::string> names = nodeNames(nodes);
  for (int i = 0; i < nodes.size(); ++i) {
    TANDEM_TRY(m_context.cancel.check());
    TANDEM_TRY(charge(nodes[i], frame));
    checkName(names[static_cast<std::size_t>(i)], "node");
    std::string name = uniqueNodeName(frame.prefix + names[static_cast<std::size_t>(i)]);
    if (const onnx::FunctionProto* function = functionFor(m_context.functions, nodes[i]))
      TANDEM_TRY(inlineFunction(*function, nodes[i], name, frame));
    else
      TANDEM_TRY(addNode(nodes[i], std::move(name), frame));
  }
  return {};
}

/// What keeps a small file from growing into a huge graph: every node counts, and so does what inlining copies.
Result<void> GraphImporter::charge(const onnx::NodeProto& proto, const Frame& frame) {
  if (--m_context.nodesLeft < 0)
    return m_context.reject("the model has more than 200,000 nodes", "this is the limit of this program");
  if (frame.functionDepth == 0) return {};
  std::size_t copied = (frame.prefix.size() + 64) * static_cast<std::size_t>(proto.output_size() + 1);
  for (const auto& attribute : proto.attribute())
    copied += attribute.has_t() && attribute.t().has_raw_data() ? 256 : attribute.ByteSizeLong();
  m_context.copiedBytesLeft -= static_cast<std::int64_t>(copied);
  if (m_context.copiedBytesLeft < 0)
    return m_context.reject("the model's functions grow to more than 64 MiB when they are expanded",
                            "export the model without local functions");
  return {};
}

Result<void> GraphImporter::chargeTensor() {
  if (--m_context.tensorsLeft >= 0) return {};
  return m_context.reject("the model has more than 1,000,000 tensors", "this is the limit of this program");
}

Result<void> GraphImporter::addNode(const onnx::NodeProto& proto, std::string name, Frame& frame) {
  Node node;
  node.name = std::move(name);
  node.scope = cappedScope(node.name);
  node.type = proto.op_type();
  node.domain = canonicalDomain(proto.domain());
  if (node.type.empty()) m_context.note("node '" + node.name + "' has no operator");
  checkName(node.type, "operator");
  node.version = operatorVersion(node, frame);
  const std::string user = "node '" + node.name + "' takes";
  for (const std::string& input : proto.input())
    node.inputs.push_back(input.empty() ? ValueId() : TANDEM_TRY(resolve(input, frame, user)));
  std::vector<Capture> captures;
  TANDEM_TRY(addAttributes(proto, node, frame, captures));
  if (!captures.empty()) {
    std::vector<std::string> names;
    for (Capture& capture : captures) {
      node.inputs.push_back(capture.outer);
      names.push_back(std::move(capture.name));
    }
    node.attributes.set("captures", std::move(names));
  }
  for (const std::string& output : proto.output()) {
    ValueId id = output.empty() ? ValueId() : frame.values.at(output);
    // A function's output stands for two names at once, so the check in define() has not seen this.
    if (id.valid() && m_repeated.contains(id.index())) {
      id = ValueId();
    } else if (id.valid() && m_graph.value(id).producer.valid()) {
      m_context.note("two nodes produce the tensor '" + output + "'");
      id = ValueId();
    }
    node.outputs.push_back(id);
  }
  if (makeConstant(node)) return {};
  m_graph.addNode(std::move(node));
  return {};
}

/// A Constant node is a weight written in another way, not a layer: Paddle's exporter writes every weight like that.
bool GraphImporter::makeConstant(const Node& node) {
  if (node.type != "Constant" || !node.domain.empty() || node.outputs.size() != 1 || !node.outputs[0].valid())
    return false;
  const Attribute* value = node.attributes.find("value");
  if (const auto* tensor = value ? std::get_if<Tensor>(value) : nullptr) {
    m_graph.makeConstant(node.outputs[0], *tensor);
    return true;
  }
  auto computed = evaluate(node, {}); // numbers and lists of numbers
  if (!computed || !computed->front().defined()) return false;
  m_graph.makeConstant(node.outputs[0], std::move(computed->front()));
  return true;
}

int GraphImporter::operatorVersion(const Node& node, const Frame& frame) {
  auto it = frame.opsets->find(node.domain);
  const int imported = it == frame.opsets->end() ? 1 : it->second;
  const OpDef* def = findOp(node.domain, node.type);
  const int version = def ? versionFor(*def, imported) : imported;
  if (!def || version == 0) {
    const std::string domain = node.domain.empty() ? std::string() : node.domain + "::";
    ++m_context.unsupported[domain + node.type + "-" + std::to_string(imported)];
  }
  return version;
}

Result<void> GraphImporter::addAttributes(const onnx::NodeProto& proto, Node& node, Frame& frame,
                                          std::vector<Capture>& captures) {
  if (proto.attribute_size() > kMaxAttributes)
    return m_context.reject("node '" + node.name + "' has " + std::to_string(proto.attribute_size()) + " attributes");
  const TensorProtoOptions options = m_context.tensorOptions();
  for (const auto& written : proto.attribute()) {
    Binding binding{&written, &frame};
    if (!written.ref_attr_name().empty()) {
      if (!frame.bindings) {
        m_context.note("node '" + node.name + "' refers to the attribute '" + written.ref_attr_name() +
                       "' of a function, but is in none");
        continue;
      }
      auto it = frame.bindings->find(written.ref_attr_name());
      if (it == frame.bindings->end()) continue; // the caller left it out: the operator's default applies
      binding = it->second;
    }
    if (kindOf(*binding.proto) == onnx::AttributeProto::GRAPH) {
      if (binding.frame->importer != this)
        return m_context.reject("node '" + node.name + "' takes a subgraph through nested functions",
                                "export the model without local functions");
      TANDEM_TRY(addSubgraph(*binding.proto, written.name(), node, *binding.frame, captures));
      continue;
    }
    auto attribute = attributeFromProto(*binding.proto, options);
    if (!attribute)
      m_context.problems.add(attribute.error());
    else if (*attribute)
      node.attributes.set(written.name(), std::move(**attribute));
    else
      m_context.warn("attribute '" + written.name() + "' of node '" + node.name +
                     "' is of a kind that is not supported and is left out");
  }
  return {};
}

Result<void> GraphImporter::addSubgraph(const onnx::AttributeProto& proto, const std::string& name, Node& node,
                                        Frame& frame, std::vector<Capture>& captures) {
  if (m_depth + 1 > kMaxDepth)
    return m_context.reject("subgraphs are nested more than 32 deep (in node '" + node.name + "')",
                            "this is the limit of this program");
  GraphImporter importer(m_context, frame, m_depth + 1);
  Graph graph = TANDEM_TRY(importer.import(proto.g()));
  for (Capture& capture : importer.m_captures) {
    const bool known = std::any_of(captures.begin(), captures.end(), [&](const Capture& other) {
      return other.outer == capture.outer && other.name == capture.name;
    });
    if (!known) captures.push_back(std::move(capture));
  }
  node.attributes.set(name, std::make_shared<const Graph>(std::move(graph)));
  return {};
}

Result<ValueId> GraphImporter::resolve(const std::string& name, Frame& frame, const std::string& user) {
  if (auto it = frame.values.find(name); it != frame.values.end()) return it->second;
  // Function bodies see nothing of the graph they are called from.
  const bool inFunctionBody = !frame.prefix.empty();
  if (!m_outer || inFunctionBody) {
    m_context.note("nothing produces the tensor '" + shown(name) + "', which " + user);
    frame.values.emplace(name, ValueId());
    return ValueId();
  }
  const ValueId outer = TANDEM_TRY(m_outer->importer->resolve(name, *m_outer, user));
  if (!outer.valid()) {
    frame.values.emplace(name, outer);
    return outer;
  }
  TANDEM_TRY(chargeTensor());
  const Value& source = m_outer->importer->m_graph.value(outer);
  Value copy;
  copy.name = uniqueValueName(source.name);
  copy.desc = source.desc;
  copy.rankKnown = source.rankKnown;
  copy.dimNames = source.dimNames;
  copy.constant = source.constant;
  ValueId id;
  if (copy.isConstant()) {
    id = m_graph.addValue(std::move(copy));
  } else {
    m_captures.push_back({outer, copy.name});
    id = m_graph.addInput(copy.name, copy.desc);
    m_graph.value(id) = std::move(copy);
  }
  frame.values.emplace(name, id);
  return id;
}

Result<ValueId> GraphImporter::define(const std::string& name, Frame& frame) {
  checkName(name, "tensor");
  TANDEM_TRY(chargeTensor());
  if (name.empty()) m_context.note("a weight has no name");
  if (auto it = frame.values.find(name); it != frame.values.end()) {
    if (m_repeated.insert(it->second.index()).second)
      noteInsteadOf(it->second, m_context.reject("two tensors are called '" + shown(name) + "'"));
    return it->second;
  }
  Value value;
  value.name = uniqueValueName(frame.prefix + name);
  const ValueId id = m_graph.addValue(std::move(value));
  frame.values.emplace(name, id);
  return id;
}

void GraphImporter::noteInsteadOf(ValueId id, const Error& problem) {
  m_context.problems.add(problem);
  m_graph.makeConstant(id, Tensor::zeros({DataType::Float32, Shape{0}}));
}

void GraphImporter::checkName(const std::string& name, const char* kind) {
  if (name.size() > kMaxNameLength)
    m_context.note(std::string("the name of a ") + kind + " has " + std::to_string(name.size()) +
                   " bytes; at most 4096 are accepted (" + shown(name) + ")");
}

std::string GraphImporter::uniqueValueName(std::string name) {
  if (m_valueNames.insert(name).second) return name;
  for (int i = 2;; ++i) {
    std::string candidate = name + "_" + std::to_string(i);
    if (m_valueNames.insert(candidate).second) return candidate;
  }
}

std::string GraphImporter::uniqueNodeName(std::string name) {
  if (m_nodeNames.insert(name).second) return name;
  for (int i = 2;; ++i) {
    std::string candidate = name + "_" + std::to_string(i);
    if (m_nodeNames.insert(candidate).second) return candidate;
  }
}

} // namespace tandem::detail
