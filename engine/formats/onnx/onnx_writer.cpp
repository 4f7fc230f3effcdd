// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/onnx_writer.hpp"

#include "engine/formats/onnx/detail/messages.hpp"
#include "engine/formats/tensors/detail/tensor_proto.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <unordered_map>
#include <unordered_set>

namespace tandem {
namespace {

constexpr int kDefaultOpset = 17;

using NameSet = std::unordered_set<std::string>;

/// The IR version that the ONNX release with this opset introduced (onnx/helper.py, OP_SET_ID_VERSION_MAP).
int irVersionFor(int opset) {
  if (opset <= 14) return 7;
  if (opset <= 18) return 8;
  if (opset <= 20) return 9;
  return 10;
}

/// Writes one Graph; subgraphs get a writer each, which knows the names of the values around them.
class GraphWriter {
 public:
  GraphWriter(const Graph& graph, const GraphWriter* outer, std::map<std::string, int>& domains)
      : m_graph(graph),
        m_outer(outer),
        m_domains(domains) {}

  /// `captured`: values that come from the outer graph, under the names they have there.
  Result<void> write(onnx::GraphProto& proto, const std::map<ValueId, std::string>& captured) {
    proto.set_name(m_graph.name.empty() ? "graph" : m_graph.name);
    assignNames(captured);
    for (ValueId input : m_graph.inputs())
      if (!captured.contains(input)) describe(input, *proto.add_input());
    writeConstants(proto);
    for (NodeId id : topologicalOrder(m_graph)) TANDEM_TRY(writeNode(m_graph.node(id), *proto.add_node()));
    for (ValueId output : m_graph.outputs()) describe(output, *proto.add_output());
    describeInner(proto);
    return {};
  }

 private:
  /// Names are unique per Graph; ONNX wants them unique among a graph and all around it.
  bool taken(const std::string& name) const {
    for (const GraphWriter* at = this; at; at = at->m_outer)
      if (at->m_taken.contains(name)) return true;
    return false;
  }

  void assignNames(const std::map<ValueId, std::string>& captured) {
    m_names.resize(m_graph.values().size());
    for (const auto& [id, name] : captured) m_names[id.index()] = name;
    for (std::uint32_t i = 0; i < m_names.size(); ++i) {
      if (captured.contains(ValueId(i))) continue;
      const std::string& wanted = m_graph.values()[i].name;
      std::string name = wanted;
      for (int k = 2; taken(name); ++k) name = wanted + "_" + std::to_string(k);
      m_taken.insert(name);
      m_names[i] = std::move(name);
    }
  }

  void describe(ValueId id, onnx::ValueInfoProto& info) const {
    const Value& value = m_graph.value(id);
    info.set_name(m_names[id.index()]);
    if (value.desc.type == DataType::Undefined) return;
    auto* tensor = info.mutable_type()->mutable_tensor_type();
    tensor->set_elem_type(static_cast<int>(value.desc.type));
    if (!value.rankKnown) return;
    auto* shape = tensor->mutable_shape();
    for (std::size_t axis = 0; axis < value.desc.shape.rank(); ++axis) {
      auto* dim = shape->add_dim();
      if (value.desc.shape[axis] != kUnknownDim)
        dim->set_dim_value(value.desc.shape[axis]);
      else if (axis < value.dimNames.size() && !value.dimNames[axis].empty())
        dim->set_dim_param(value.dimNames[axis]);
    }
  }

  bool isOutput(ValueId id) const {
    return std::find(m_graph.outputs().begin(), m_graph.outputs().end(), id) != m_graph.outputs().end();
  }

  void writeConstants(onnx::GraphProto& proto) const {
    for (std::uint32_t i = 0; i < m_names.size(); ++i) {
      const Value& value = m_graph.values()[i];
      if (value.isConstant() && (!value.consumers.empty() || isOutput(ValueId(i))))
        detail::tensorToProto(value.constant, m_names[i], *proto.add_initializer());
    }
  }

  void describeInner(onnx::GraphProto& proto) const {
    for (std::uint32_t i = 0; i < m_names.size(); ++i) {
      const Value& value = m_graph.values()[i];
      if (value.producer.valid() && value.rankKnown && value.desc.type != DataType::Undefined && !isOutput(ValueId(i)))
        describe(ValueId(i), *proto.add_value_info());
    }
  }

  Result<void> writeNode(const Node& node, onnx::NodeProto& proto) {
    if (node.domain == "tandem")
      return makeError(ErrorCode::Unsupported, "operator " + node.type + " exists only in this program", node.name,
                       "export the graph as it was opened");
    proto.set_name(node.name);
    proto.set_op_type(node.type);
    if (!node.domain.empty()) {
      proto.set_domain(node.domain);
      m_domains[node.domain] = std::max(m_domains[node.domain], std::max(node.version, 1));
    }
    const Attribute* listed = node.attributes.find("captures");
    const auto* captures = listed ? std::get_if<std::vector<std::string>>(listed) : nullptr;
    const std::size_t extra = captures ? std::min(captures->size(), node.inputs.size()) : 0;
    const std::size_t written = node.inputs.size() - extra;
    for (std::size_t i = 0; i < written; ++i)
      proto.add_input(node.inputs[i].valid() ? m_names[node.inputs[i].index()] : std::string());
    for (ValueId output : node.outputs) proto.add_output(output.valid() ? m_names[output.index()] : std::string());
    for (const auto& [name, attribute] : node.attributes) {
      if (captures && name == "captures") continue;
      if (auto subgraph = std::get_if<std::shared_ptr<const Graph>>(&attribute)) {
        std::map<ValueId, std::string> names;
        for (std::size_t i = 0; i < extra; ++i) {
          const auto inner = findInput(**subgraph, (*captures)[i]);
          if (inner && node.inputs[written + i].valid()) names[*inner] = m_names[node.inputs[written + i].index()];
        }
        auto* target = proto.add_attribute();
        target->set_name(name);
        target->set_type(onnx::AttributeProto::GRAPH);
        TANDEM_TRY(GraphWriter(**subgraph, this, m_domains).write(*target->mutable_g(), names));
      } else {
        writeAttribute(name, attribute, *proto.add_attribute());
      }
    }
    return {};
  }

  static std::optional<ValueId> findInput(const Graph& graph, const std::string& name) {
    for (ValueId input : graph.inputs())
      if (graph.value(input).name == name) return input;
    return std::nullopt;
  }

  static void writeAttribute(const std::string& name, const Attribute& attribute, onnx::AttributeProto& proto) {
    using Proto = onnx::AttributeProto;
    proto.set_name(name);
    struct Visitor {
      Proto& out;
      void operator()(std::int64_t value) const { out.set_type(Proto::INT), out.set_i(value); }
      void operator()(float value) const { out.set_type(Proto::FLOAT), out.set_f(value); }
      void operator()(const std::string& value) const { out.set_type(Proto::STRING), out.set_s(value); }
      void operator()(const Tensor& value) const {
        out.set_type(Proto::TENSOR);
        detail::tensorToProto(value, {}, *out.mutable_t());
      }
      void operator()(const std::shared_ptr<const Graph>&) const {} // written by writeNode
      void operator()(const std::vector<std::int64_t>& values) const {
        out.set_type(Proto::INTS);
        for (std::int64_t value : values) out.add_ints(value);
      }
      void operator()(const std::vector<float>& values) const {
        out.set_type(Proto::FLOATS);
        for (float value : values) out.add_floats(value);
      }
      void operator()(const std::vector<std::string>& values) const {
        out.set_type(Proto::STRINGS);
        for (const std::string& value : values) out.add_strings(value);
      }
    };
    std::visit(Visitor{proto}, attribute);
  }

  const Graph& m_graph;
  const GraphWriter* m_outer;
  std::map<std::string, int>& m_domains;
  std::vector<std::string> m_names; ///< by value
  NameSet m_taken;
};

} // namespace

Result<std::string> writeOnnx(const Graph& graph) {
  try {
    onnx::ModelProto model;
    const int opset = graph.opset > 0 ? graph.opset : kDefaultOpset;
    model.set_ir_version(irVersionFor(opset));
    model.set_producer_name("tandem");
    model.set_producer_version(TANDEM_VERSION);
    std::map<std::string, int> domains{{"", opset}};
    TANDEM_TRY(GraphWriter(graph, nullptr, domains).write(*model.mutable_graph(), {}));
    for (const auto& [domain, version] : domains) {
      auto* import = model.add_opset_import();
      import->set_domain(domain);
      import->set_version(version);
    }
    std::string bytes;
    if (model.ByteSizeLong() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
        !model.SerializeToString(&bytes))
      return makeError(ErrorCode::OutputFailed, "the model is larger than 2 GB, which no ONNX file can be", graph.name,
                       "use a smaller model");
    return bytes;
  } catch (const std::exception& error) {
    return makeError(ErrorCode::OutputFailed, std::string("cannot write the model: ") + error.what(), graph.name,
                     "close other programs");
  }
}

} // namespace tandem
