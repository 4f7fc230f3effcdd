// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/control_flow.hpp"
#include "engine/ops/control_infer.hpp"

#include <algorithm>

namespace tandem::ops {
namespace {

/// `shape` without one axis; unset where the rank is unknown. Fails on an axis outside it.
Result<std::optional<Shape>> withoutAxis(const InferContext& context, const std::optional<Shape>& shape,
                                         std::int64_t axis, std::int64_t& length) {
  if (!shape) return std::optional<Shape>();
  const auto at = normalizeAxis(axis, shape->rank());
  if (!at)
    return context.fail("axis " + std::to_string(axis) + " is outside a tensor of rank " +
                        std::to_string(shape->rank()));
  if ((*shape)[*at] != kUnknownDim) length = (*shape)[*at];
  std::vector<std::int64_t> dims = shape->dims();
  dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(*at));
  return std::optional<Shape>(Shape(std::move(dims)));
}

/// Version 8 has an input for sequence lengths first, and a batch dimension around everything.
Result<void> inferScan(InferContext& context) {
  const auto body = TANDEM_TRY(bodyOf(context.node(), "body"));
  const bool old = context.version() < 9;
  const std::size_t first = old ? 1 : 0;
  const std::size_t formalInputs = formalCount(context.node());
  const std::size_t given = formalInputs - std::min(formalInputs, first);
  const auto wanted = context.attributes().getInt("num_scan_inputs", 0);
  if (wanted < 1 || static_cast<std::size_t>(wanted) > given)
    return context.fail("num_scan_inputs is " + std::to_string(wanted) + " for " + std::to_string(given) + " inputs");
  const auto sequences = static_cast<std::size_t>(wanted);
  const std::size_t states = given - sequences;
  std::vector<std::int64_t> axes = context.attributes().getInts("scan_input_axes");
  axes.resize(sequences, 0);

  std::int64_t length = kUnknownDim, batch = kUnknownDim;
  std::vector<BodyValue> formals;
  for (std::size_t i = 0; i < given; ++i) {
    if (!context.hasInput(first + i)) return context.fail("input " + std::to_string(first + i) + " is missing");
    BodyValue value = bodyValueOf(context, first + i);
    value.elements.reset();
    if (old) value.shape = TANDEM_TRY(withoutAxis(context, value.shape, 0, batch));
    if (i >= states) value.shape = TANDEM_TRY(withoutAxis(context, value.shape, axes[i - states], length));
    formals.push_back(std::move(value));
  }
  const auto outputs = TANDEM_TRY(inferRepeated(context, *body, formals, 0, 0, states));
  std::vector<std::int64_t> outputAxes = context.attributes().getInts("scan_output_axes");
  outputAxes.resize(outputs.size(), 0);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    BodyValue value{outputs[i].type, i < states ? formals[i].shape : outputs[i].shape, std::nullopt};
    if (i >= states) value.shape = withAxis(value.shape, outputAxes[i - states], length);
    if (old) value.shape = withAxis(value.shape, 0, batch);
    setBodyOutput(context, i, value);
  }
  return {};
}

double scanFlops(const Graph& graph, const Node& node) {
  // The sequence's length is an extent of the last input that is not captured.
  const std::size_t formals = formalCount(node);
  if (formals == 0 || !node.inputs[formals - 1].valid()) return 0;
  const Shape& shape = graph.value(node.inputs[formals - 1]).desc.shape;
  const auto axes = node.attributes.getInts("scan_input_axes", {0});
  const auto axis = normalizeAxis(node.version < 9 ? 1 : axes.empty() ? 0 : axes.back(), shape.rank());
  return axis ? static_cast<double>(std::max<std::int64_t>(shape[*axis], 0)) * bodyFlops(node, "body") : 0;
}

constexpr OpDef makeScan() {
  OpDef def;
  def.type = "Scan";
  def.versions = {8, 9, 11};
  def.minInputs = 0; // version 8 begins with an optional one
  def.maxInputs = 255;
  def.maxOutputs = 255;
  def.traits = OpTrait::Control;
  def.infer = inferScan;
  def.flops = scanFlops;
  def.reference = controlReference;
  return def;
}

} // namespace

// ONNX Scan: a subgraph over the slices of sequences, with state between them.
extern const OpDef kScan = makeScan();

} // namespace tandem::ops
