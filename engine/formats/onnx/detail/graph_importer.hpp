// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
// For engine/formats/onnx only: this header shows protobuf messages.
#include "engine/base/cancel.hpp"
#include "engine/base/problems.hpp"
#include "engine/formats/onnx/detail/external_data.hpp"
#include "engine/formats/onnx/detail/finite_check.hpp"
#include "engine/formats/onnx/detail/functions.hpp"
#include "engine/formats/onnx/detail/weight_split.hpp"
#include "engine/formats/tensors/detail/tensor_proto.hpp"
#include "engine/graph/graph.hpp"

#include <unordered_map>
#include <unordered_set>

namespace tandem::detail {

/// What all graphs of one file share while it is read.
struct ImportContext {
  std::shared_ptr<onnx::ModelProto> model;
  std::string where;
  CancelToken cancel;
  ExternalData external;
  std::shared_ptr<const MappedFile> file; ///< null where the model was read from memory
  std::optional<WeightSplit> split;       ///< what of the file is not in the message
  std::map<std::string, int> opsets;
  FunctionTable functions;
  std::map<std::string, int> unsupported; ///< "Crop-7" -> number of nodes
  std::vector<std::string> warnings;
  FiniteCheck finite;
  ProblemList problems;                    ///< defects that leave the rest readable, so that all are reported
  std::int64_t nodesLeft = 200'000;        ///< over all subgraphs and inlined functions
  std::int64_t tensorsLeft = 1'000'000;    ///< over all subgraphs and inlined functions
  std::int64_t copiedBytesLeft = 64 << 20; ///< names and attributes that inlining multiplies

  TensorProtoOptions tensorOptions();
  void warn(std::string text);
  /// An Error that ends the reading: a limit, or a defect after which nothing else makes sense.
  Error reject(std::string what, std::string hint = {}) const;
  /// Notes a defect and goes on.
  void note(std::string what, std::string hint = {}) { problems.add(reject(std::move(what), std::move(hint))); }
};

std::map<std::string, int> opsetsOf(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports);

/// Builds one Graph from one GraphProto; subgraphs get an importer each, functions are inlined into the same Graph.
class GraphImporter {
 public:
  explicit GraphImporter(ImportContext& context) : m_context(context) {}
  Result<Graph> import(const onnx::GraphProto& proto);

 private:
  struct Frame;
  /// An attribute that a function's caller sets, and where the caller is.
  struct Binding {
    const onnx::AttributeProto* proto = nullptr;
    Frame* frame = nullptr;
  };
  using Bindings = std::unordered_map<std::string, Binding>;
  /// The names visible at one place: in a graph, or in the body of a function that is being inlined.
  struct Frame {
    GraphImporter* importer = nullptr;
    const std::map<std::string, int>* opsets = nullptr;
    std::string prefix;                              ///< of inlined functions, "call/"
    std::unordered_map<std::string, ValueId> values; ///< an invalid id is an optional function input left out
    const Bindings* bindings = nullptr;              ///< null outside functions
    const onnx::FunctionProto* function = nullptr;   ///< that is inlined here; null outside functions
    const Frame* caller = nullptr;                   ///< where it is called, or the graph around this one
    int functionDepth = 0;
  };
  struct Capture {
    ValueId outer;
    std::string name; ///< of the subgraph's input
  };

  GraphImporter(ImportContext& context, Frame& outer, int depth)
      : m_context(context),
        m_outer(&outer),
        m_depth(depth) {}

  Result<void> addInitializers(const onnx::GraphProto& proto, Frame& frame);
  Result<void> addInputs(const onnx::GraphProto& proto, Frame& frame);
  Result<void> defineOutputs(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes, Frame& frame);
  void declare(const onnx::ValueInfoProto& info, Frame& frame);
  Result<void> addNodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes, Frame& frame);
  Result<void> addNode(const onnx::NodeProto& proto, std::string name, Frame& frame);
  Result<void> addAttributes(const onnx::NodeProto& proto, Node& node, Frame& frame, std::vector<Capture>& captures);
  Result<void> addSubgraph(const onnx::AttributeProto& proto, const std::string& name, Node& node, Frame& frame,
                           std::vector<Capture>& captures);
  Result<void> inlineFunction(const onnx::FunctionProto& function, const onnx::NodeProto& call,
                              const std::string& callName, Frame& caller);
  static std::string cycleOf(const onnx::FunctionProto& function, const Frame& caller);
  Result<void> bindArguments(const onnx::FunctionProto& function, const onnx::NodeProto& call, Frame& caller,
                             Frame& body, std::vector<std::pair<ValueId, ValueId>>& copies);
  bool makeConstant(const Node& node);
  int operatorVersion(const Node& node, const Frame& frame);

  /// The value called `name` at `frame`; one of an outer graph becomes a constant or an input of this graph. Where
  /// nothing produces it, that is noted once, with its `user`, and the id is invalid.
  Result<ValueId> resolve(const std::string& name, Frame& frame, const std::string& user);
  /// A new value; a second one of the same name is noted and the first one returned.
  Result<ValueId> define(const std::string& name, Frame& frame);
  void checkName(const std::string& name, const char* kind);
  /// Notes what is wrong with a value and makes it an empty constant, so that its users are not reported as well.
  void noteInsteadOf(ValueId id, const Error& problem);
  Result<void> chargeTensor();
  Result<void> charge(const onnx::NodeProto& proto, const Frame& frame);
  std::string uniqueValueName(std::string name);
  std::string uniqueNodeName(std::string name);

  ImportContext& m_context;
  Frame* m_outer = nullptr;
  int m_depth = 0;
  Graph m_graph;
  std::vector<Capture> m_captures;
  std::unordered_set<std::uint32_t> m_repeated; ///< values that more than one thing claims to be
  std::unordered_set<std::string> m_valueNames;
  std::unordered_set<std::string> m_nodeNames;
};

} // namespace tandem::detail
