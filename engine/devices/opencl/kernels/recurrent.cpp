// SPDX-License-Identifier: GPL-3.0-or-later
// RNN, GRU, LSTM.
#include "engine/ops/recurrent_common.hpp"

#include "engine/devices/opencl/kernels/emit.hpp"

#include <array>

namespace tandem::opencl {
namespace {

constexpr std::string_view kRnnFunctions[] = {"Tanh"};
constexpr std::string_view kGruFunctions[] = {"Sigmoid", "Tanh"};
constexpr std::string_view kLstmFunctions[] = {"Sigmoid", "Tanh", "Tanh"};

struct Kind {
  std::int64_t gates;
  std::span<const std::string_view> functions;
};
Kind kindOf(const Node& node) {
  if (node.type == "LSTM") return {4, kLstmFunctions};
  if (node.type == "GRU") return {3, kGruFunctions};
  return {1, kRnnFunctions};
}

Result<ops::RecurrentGeometry> geometryOf(const Graph& graph, const Node& node) {
  const auto shape = [&](std::size_t i) -> const Shape& { return graph.value(node.inputs[i]).desc.shape; };
  return ops::recurrentGeometry(node, kindOf(node).gates, shape(0), shape(1), shape(2));
}

Support check(const NodeView& view) {
  const Node& node = view.node;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (!view.hasInput(i)) continue;
    const DataType wanted = i == 4 ? DataType::Int32 : DataType::Float32;
    if (view.inputType(i) != wanted) return noType(view, view.inputType(i));
  }
  if (!view.isStatic()) return Support::yes();
  const auto g = geometryOf(view.graph, node);
  if (!g.ok()) return noAttribute(g.error().message);
  const Kind kind = kindOf(node);
  const auto functions = ops::recurrentActivations(node, g->directions, kind.functions);
  if (!functions.ok()) return noAttribute(functions.error().message);
  const std::int64_t states = g->directions * g->batch * g->hidden;
  const std::array<std::int64_t, 8> expected{0,        0,      0,      g->directions * 2 * kind.gates * g->hidden,
                                             g->batch, states, states, g->directions * 3 * g->hidden};
  for (std::size_t i = 3; i < std::min<std::size_t>(8, node.inputs.size()); ++i)
    if (view.hasInput(i) && view.input(i).desc.shape.elements() != expected[i])
      return noAttribute(node.type + " with an input " + std::to_string(i) + " that does not fit");
  return Support::yes();
}

Result<void> lower(Lowering& lowering) {
  const Node& node = lowering.node();
  const ops::RecurrentGeometry g = TANDEM_TRY(geometryOf(lowering.graph(), node));
  const Kind kind = kindOf(node);
  const auto functions = TANDEM_TRY(ops::recurrentActivations(node, g.directions, kind.functions));
  std::vector<std::int32_t> kinds;
  std::vector<float> constants;
  for (const ops::RecurrentActivation& function : functions) {
    kinds.push_back(static_cast<std::int32_t>(function.kind));
    constants.push_back(static_cast<float>(function.alpha));
    constants.push_back(static_cast<float>(function.beta));
  }
  const std::int64_t groups = g.directions * g.batch;
  const auto given = [&](std::size_t i) { return lowering.hasInput(i) ? lowering.input(i) : Ref(); };
  const auto wanted = [&](std::size_t i) { return lowering.hasOutput(i) ? lowering.output(i) : Ref(); };
  const bool option = node.type == "LSTM"  ? node.attributes.getInt("input_forget", 0) != 0
                      : node.type == "GRU" ? node.version >= 3 && node.attributes.getInt("linear_before_reset", 0) != 0
                                           : false;
  const std::size_t lanes = lowering.gpuStyle() ? 64 : 1;
  Step step;
  step.source = "recurrent";
  step.kernel = "recurrent";
  step.options = "-DGATES=" + std::to_string(kind.gates) + " -DLX=" + std::to_string(lanes);
  for (std::size_t i = 0; i < 8; ++i) step.args.emplace_back(given(i));
  for (std::size_t i = 0; i < 3; ++i) step.args.emplace_back(wanted(i));
  step.args.emplace_back(lowering.scratch(groups * (3 + kind.gates) * g.hidden * 4));
  step.args.emplace_back(lowering.weights(kinds));
  step.args.emplace_back(lowering.weights(constants));
  for (std::int64_t value : {g.steps, g.batch, g.inputSize, g.hidden, g.directions, std::int64_t{g.reverse},
                             std::int64_t{g.batchFirst}, static_cast<std::int64_t>(kind.functions.size())})
    step.args.emplace_back(toInt(value));
  step.args.emplace_back(node.attributes.getFloat("clip", 0.0f));
  step.args.emplace_back(toInt(option ? 1 : 0));
  step.args.emplace_back(lowering.status());
  step.args.emplace_back(lowering.reportId());
  step.global = {static_cast<std::size_t>(groups) * lanes, 1, 1};
  step.local = {lanes, 1, 1};
  lowering.launch(std::move(step));
  return {};
}

constexpr KernelDef kTable[] = {
    {"", "RNN", check, lower, nullptr, true, true},
    {"", "GRU", check, lower, nullptr, true, true},
    {"", "LSTM", check, lower, nullptr, true, true},
};

} // namespace

std::span<const KernelDef> recurrentKernels();
std::span<const KernelDef> recurrentKernels() { return kTable; }

} // namespace tandem::opencl
