// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/op_def.hpp"

#include <algorithm>

namespace tandem {
namespace ops {
// One declaration per line of ops.cmake; each is defined in ops/<name>.cpp.
#include "ops/op_declarations.inc"
} // namespace ops

namespace {

constexpr std::array kOps{
#include "ops/op_table.inc"
};

bool before(const OpDef* a, const OpDef* b) {
  return a->domain != b->domain ? a->domain < b->domain : a->type < b->type;
}

const auto& sortedOps() {
  static const auto sorted = [] {
    auto copy = kOps;
    std::sort(copy.begin(), copy.end(), before);
    return copy;
  }();
  return sorted;
}

std::string at(const Node& node) { return node.type + " '" + node.name + "'"; }

} // namespace

Error InferContext::fail(std::string message) const {
  return makeError(ErrorCode::ModelRejected, std::move(message), at(node()),
                   "the model is not valid for these input shapes");
}

Error ReferenceContext::fail(std::string message) const {
  return makeError(ErrorCode::InputRejected, std::move(message), at(node()), "check the input tensors");
}

const OpDef* findOp(std::string_view domain, std::string_view type) {
  OpDef key;
  key.type = type;
  key.domain = domain == "ai.onnx" ? std::string_view() : domain;
  const auto& sorted = sortedOps();
  auto it = std::lower_bound(sorted.begin(), sorted.end(), &key, before);
  if (it == sorted.end() || (*it)->type != key.type || (*it)->domain != key.domain) return nullptr;
  return *it;
}

std::span<const OpDef* const> allOps() { return sortedOps(); }

int versionFor(const OpDef& def, int opset) {
  int best = 0;
  for (int version : def.versions)
    if (version != 0 && version <= opset) best = version;
  return best;
}

namespace {

/// A damaged model opens for viewing: its nodes may lack what their operator needs, and sizes may not be sane.
bool canCountFlops(const OpDef& def, const Graph& graph, const Node& node) {
  if (!def.flops || node.inputs.size() < def.minInputs || node.outputs.size() < def.minOutputs) return false;
  for (std::size_t i = 0; i < def.minInputs; ++i)
    if (!node.inputs[i].valid()) return false;
  const auto sane = [&](ValueId id) { return !id.valid() || graph.value(id).desc.checkedBytes().has_value(); };
  return (node.outputs.empty() || node.outputs[0].valid() || def.minOutputs == 0) &&
         std::all_of(node.inputs.begin(), node.inputs.end(), sane) &&
         std::all_of(node.outputs.begin(), node.outputs.end(), sane);
}

} // namespace

OpCost costOf(const Graph& graph, const Node& node) {
  OpCost cost;
  const OpDef* def = findOp(node);
  if (def && canCountFlops(*def, graph, node)) cost.flops = def->flops(graph, node);
  for (ValueId input : node.inputs) {
    if (!input.valid()) continue;
    const Value& value = graph.value(input);
    if (!value.isStatic()) continue;
    (value.isConstant() ? cost.parameterBytes : cost.activationBytes) += value.desc.checkedBytes().value_or(0);
  }
  for (ValueId output : node.outputs)
    if (output.valid() && graph.value(output).isStatic())
      cost.activationBytes += graph.value(output).desc.checkedBytes().value_or(0);
  return cost;
}

} // namespace tandem
