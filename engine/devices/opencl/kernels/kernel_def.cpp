// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/devices/opencl/kernels/kernel_def.hpp"

#include <algorithm>
#include <map>

namespace tandem::opencl {
#include "opencl/kernel_declarations.inc"

namespace {

using KernelList = std::span<const KernelDef> (*)();
constexpr KernelList kLists[] = {
#include "opencl/kernel_table.inc"
};

/// Kernels index elements with 32-bit ints.
constexpr std::int64_t kMaxElements = std::int64_t{1} << 30;

using Key = std::pair<std::string_view, std::string_view>;
const std::map<Key, const KernelDef*>& kernelsByName() {
  static const auto table = [] {
    std::map<Key, const KernelDef*> result;
    for (KernelList list : kLists)
      for (const KernelDef& def : list()) result.emplace(Key{def.domain, def.type}, &def);
    return result;
  }();
  return table;
}

} // namespace

bool NodeView::wantsOutput(std::size_t i) const {
  if (!hasOutput(i)) return false;
  const auto& outputs = graph.outputs();
  return !output(i).consumers.empty() || std::find(outputs.begin(), outputs.end(), node.outputs[i]) != outputs.end();
}

bool NodeView::isStatic() const {
  const auto known = [&](ValueId id) {
    return !id.valid() || graph.value(id).isStatic() || graph.value(id).isConstant();
  };
  return std::all_of(node.inputs.begin(), node.inputs.end(), known) &&
         std::all_of(node.outputs.begin(), node.outputs.end(), known);
}

const KernelDef* findKernel(const Node& node) {
  const std::string_view domain = node.domain == "ai.onnx" ? std::string_view() : std::string_view(node.domain);
  const auto& table = kernelsByName();
  auto found = table.find({domain, node.type});
  return found == table.end() ? nullptr : found->second;
}

Support checkNode(const NodeView& view) {
  const Node& node = view.node;
  const KernelDef* def = findKernel(node);
  if (!def) return Support::no(MoveReason::UnsupportedOp, node.type + " has no OpenCL kernel");
  if (!def->anyOutput && (node.outputs.empty() || !node.outputs[0].valid()))
    return Support::no(MoveReason::UnsupportedOp, node.type + " without its first output");
  for (const auto* list : {&node.inputs, &node.outputs}) {
    for (ValueId id : *list) {
      if (!id.valid()) continue;
      const Value& value = view.graph.value(id);
      if (value.desc.shape.rank() > kMaxRank) return noAttribute("a tensor of more than 8 dimensions");
      if (const auto count =
              value.desc.shape.isStatic() ? value.desc.shape.checkedElements() : std::optional<std::int64_t>(0);
          !count || *count > kMaxElements)
        return noAttribute("a tensor of more than 2^30 elements");
    }
  }
  return def->check({view.graph, node, view.float64, def->widens});
}

Support noType(const NodeView& view, DataType type) {
  return Support::no(MoveReason::UnsupportedType, view.node.type + " on " + std::string(toString(type)));
}

Support noAttribute(std::string detail) { return Support::no(MoveReason::UnsupportedAttribute, std::move(detail)); }

Support floatInputs(const NodeView& view, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < view.node.inputs.size() && i <= last; ++i)
    if (view.hasInput(i) && view.inputType(i) != DataType::Float32) return noType(view, view.inputType(i));
  if (view.outputType(0) != DataType::Float32) return noType(view, view.outputType(0));
  return Support::yes();
}

bool isNumber(const NodeView& view, DataType type) {
  return type == DataType::Float32 || isInteger(type) || (type == DataType::Float64 && view.float64);
}

bool isMovable(DataType type) { return type != DataType::Undefined && type != DataType::String; }

} // namespace tandem::opencl
