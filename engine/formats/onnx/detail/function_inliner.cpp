// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/onnx/detail/graph_importer.hpp"
#include "engine/formats/onnx/detail/messages.hpp"

namespace tandem::detail {

/// Binds the body's inputs and outputs to the caller's values. `copies` collects the outputs that are inputs at the
/// same time, or another output: they need an Identity.
Result<void> GraphImporter::bindArguments(const onnx::FunctionProto& function, const onnx::NodeProto& call,
                                          Frame& caller, Frame& body,
                                          std::vector<std::pair<ValueId, ValueId>>& copies) {
  if (call.input_size() > function.input_size() || call.output_size() > function.output_size())
    return m_context.reject("a node calls the function '" + function.name() +
                            "' with more inputs or outputs than it has");
  const std::string user = "a call of the function '" + function.name() + "' takes";
  for (int i = 0; i < function.input_size(); ++i) {
    const bool given = i < call.input_size() && !call.input(i).empty();
    const ValueId id = given ? TANDEM_TRY(resolve(call.input(i), caller, user)) : ValueId();
    if (!body.values.emplace(function.input(i), id).second)
      return m_context.reject("function '" + function.name() + "' has two inputs '" + function.input(i) + "'");
  }
  for (int i = 0; i < call.output_size(); ++i) {
    if (call.output(i).empty()) continue;
    const ValueId target = caller.values.at(call.output(i));
    auto [it, fresh] = body.values.emplace(function.output(i), target);
    if (fresh) continue;
    if (!it->second.valid())
      return m_context.reject("function '" + function.name() + "' returns an input that its caller leaves out");
    copies.emplace_back(it->second, target);
  }
  return {};
}

/// "'A' -> 'B' -> 'A'" where `function` is being inlined already; empty where it is not.
std::string GraphImporter::cycleOf(const onnx::FunctionProto& function, const Frame& caller) {
  std::string path = "'" + function.name() + "'";
  for (const Frame* frame = &caller; frame; frame = frame->caller) {
    if (!frame->function) continue;
    path = "'" + frame->function->name() + "' -> " + path;
    if (frame->function == &function) return path;
  }
  return {};
}

Result<void> GraphImporter::inlineFunction(const onnx::FunctionProto& function, const onnx::NodeProto& call,
                                           const std::string& callName, Frame& caller) {
  if (const std::string cycle = cycleOf(function, caller); !cycle.empty())
    return m_context.reject("functions call each other in a circle: " + cycle, "a function must not call itself");
  if (caller.functionDepth + 1 > kMaxDepth)
    return m_context.reject("function calls are nested more than 32 deep (in function '" + function.name() + "')",
                            "this is the limit of this program");
  const std::map<std::string, int> opsets = opsetsOf(function.opset_import());
  const std::vector<onnx::AttributeProto> defaults = attributeDefaultsOf(function);
  Bindings bindings;
  for (const auto& attribute : defaults) bindings[attribute.name()] = {&attribute, &caller};
  for (const auto& attribute : call.attribute()) {
    Binding binding{&attribute, &caller};
    if (!attribute.ref_attr_name().empty()) {
      if (!caller.bindings) return m_context.reject("node '" + callName + "' refers to an attribute of a function");
      auto it = caller.bindings->find(attribute.ref_attr_name());
      if (it == caller.bindings->end()) continue;
      binding = it->second;
    }
    bindings[attribute.name()] = binding;
  }

  Frame body;
  body.importer = this;
  body.opsets = opsets.empty() ? caller.opsets : &opsets;
  body.prefix = callName + "/";
  body.bindings = &bindings;
  body.function = &function;
  body.caller = &caller;
  body.functionDepth = caller.functionDepth + 1;
  checkName(body.prefix, "function call");
  std::vector<std::pair<ValueId, ValueId>> copies;
  TANDEM_TRY(bindArguments(function, call, caller, body, copies));

  std::unordered_set<std::string_view> bound(function.input().begin(), function.input().end());
  std::unordered_set<std::string_view> outputs;
  for (int i = 0; i < call.output_size(); ++i)
    if (!call.output(i).empty()) outputs.insert(function.output(i));
  std::unordered_set<std::string_view> produced;
  for (const auto& node : function.node())
    for (const std::string& output : node.output()) {
      if (output.empty()) continue;
      if (!produced.insert(output).second || bound.contains(output))
        return m_context.reject("function '" + function.name() + "' produces '" + output + "' twice");
      if (!outputs.contains(output)) TANDEM_TRY(define(output, body));
    }
  TANDEM_TRY(addNodes(function.node(), body));
  for (auto [from, to] : copies) {
    Node identity;
    identity.name = uniqueNodeName(body.prefix + "Identity");
    identity.type = "Identity";
    identity.version = operatorVersion(identity, body);
    identity.inputs = {from};
    identity.outputs = {to};
    m_graph.addNode(std::move(identity));
  }
  return {};
}

} // namespace tandem::detail
