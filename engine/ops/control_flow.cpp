// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/control_flow.hpp"

#include "engine/base/checked.hpp"
#include "engine/ops/control_tensors.hpp"
#include "engine/ops/shape_inference.hpp"

#include <algorithm>

namespace tandem {
namespace ops {

Result<std::shared_ptr<const Graph>> bodyOf(const Node& node, std::string_view attribute) {
  const Attribute* found = node.attributes.find(attribute);
  const auto* graph = found ? std::get_if<std::shared_ptr<const Graph>>(found) : nullptr;
  if (graph && *graph) return *graph;
  return makeError(ErrorCode::ModelRejected, "the subgraph '" + std::string(attribute) + "' is missing",
                   node.type + " '" + node.name + "'", "the model is not valid");
}

std::vector<std::string> capturesOf(const Node& node) {
  const Attribute* found = node.attributes.find("captures");
  const auto* names = found ? std::get_if<std::vector<std::string>>(found) : nullptr;
  return names ? *names : std::vector<std::string>();
}

std::size_t formalCount(const Node& node) {
  return node.inputs.size() - std::min(node.inputs.size(), capturesOf(node).size());
}

std::vector<BodyInput> bodyInputs(const Node& node, const Graph& body) {
  const std::vector<std::string> captures = capturesOf(node);
  const std::size_t first = formalCount(node);
  std::vector<BodyInput> sources;
  std::size_t formals = 0;
  for (ValueId id : body.inputs()) {
    const auto found = std::find(captures.begin(), captures.end(), body.value(id).name);
    if (found == captures.end())
      sources.push_back({false, formals++});
    else
      sources.push_back({true, first + static_cast<std::size_t>(found - captures.begin())});
  }
  return sources;
}

double bodyFlops(const Node& node, std::string_view attribute) {
  const Attribute* found = node.attributes.find(attribute);
  const auto* body = found ? std::get_if<std::shared_ptr<const Graph>>(found) : nullptr;
  if (!body || !*body) return 0;
  double sum = 0;
  for (const Node& inner : (*body)->nodes()) {
    auto known = [&](ValueId id) { return !id.valid() || (*body)->value(id).isStatic(); };
    if (std::all_of(inner.inputs.begin(), inner.inputs.end(), known) &&
        std::all_of(inner.outputs.begin(), inner.outputs.end(), known))
      sum += costOf(**body, inner).flops;
  }
  return sum;
}

} // namespace ops

namespace {

using namespace ops;

constexpr std::size_t kTensorOverhead = 256; ///< of one small tensor in memory, roughly

/// One control node while it runs.
class ControlRun {
 public:
  ControlRun(const Node& node, std::span<const Tensor> inputs, const RunBody& runBody, const StopRequest& stop)
      : m_node(node),
        m_inputs(inputs),
        m_formals(formalCount(node)),
        m_runBody(runBody),
        m_stop(stop) {}

  Result<std::vector<Tensor>> runIf();
  Result<std::vector<Tensor>> runLoop();
  Result<std::vector<Tensor>> runScan();

 private:
  Error fail(std::string message, std::string hint = "the model or this input is not valid") const {
    return makeError(ErrorCode::InputRejected, std::move(message), m_node.type + " '" + m_node.name + "'",
                     std::move(hint));
  }
  Result<void> checkStop() const {
    if (m_stop && m_stop()) return makeError(ErrorCode::Cancelled, "stopped", m_node.name);
    return {};
  }
  bool has(std::size_t index) const { return index < m_formals && m_inputs[index].defined(); }
  Result<bool> condition(const Tensor& tensor) const;
  /// The body's inputs: `formals` in order, captured values where they belong. Results are counted and defined.
  Result<std::vector<Tensor>> call(const Graph& body, std::span<const Tensor> formals);
  Result<void> keep(std::vector<std::vector<Tensor>>& rows, std::span<const Tensor> results);
  /// The results of all iterations as one tensor. `shaped` says what a row of a loop that never ran would be.
  Result<Tensor> joined(const Value& shaped, const std::vector<Tensor>& rows, std::size_t axis, bool reversed) const;
  /// The body with shapes inferred from what an iteration would get.
  Graph shapedBody(const Graph& body, std::span<const TensorDesc> formals) const;

  struct ScanPlan;
  Result<ScanPlan> planScan(const Graph& body) const;
  Result<std::vector<Tensor>> scanOnce(const Graph& body, const ScanPlan& plan, std::vector<Tensor> states,
                                       std::span<const Tensor> sequences, std::int64_t steps, std::int64_t padded);
  Result<std::vector<Tensor>> runScan8(const Graph& body);

  const Node& m_node;
  std::span<const Tensor> m_inputs;
  std::size_t m_formals;
  const RunBody& m_runBody;
  const StopRequest& m_stop;
  std::vector<BodyInput> m_sources; ///< of the body, once it was called
  std::size_t m_keptBytes = 0;
};

Result<bool> ControlRun::condition(const Tensor& tensor) const {
  if (tensor.type() != DataType::Bool || tensor.elements() != 1)
    return fail("the condition is " + tensor.desc().toString() + ", not one boolean");
  return tensor.as<bool>()[0];
}

Result<std::vector<Tensor>> ControlRun::call(const Graph& body, std::span<const Tensor> formals) {
  TANDEM_TRY(checkStop());
  if (m_sources.empty()) m_sources = bodyInputs(m_node, body); // one run calls one body
  const auto own = static_cast<std::size_t>(
      std::count_if(m_sources.begin(), m_sources.end(), [](const BodyInput& source) { return !source.captured; }));
  if (own != formals.size())
    return fail("the subgraph takes " + std::to_string(own) + " inputs, " + std::to_string(formals.size()) +
                " are given");
  std::vector<Tensor> inputs;
  for (const BodyInput& source : m_sources) {
    inputs.push_back(source.captured ? m_inputs[source.index] : formals[source.index]);
    if (!inputs.back().defined()) return fail("an input of the subgraph is missing");
  }
  std::vector<Tensor> results = TANDEM_TRY(m_runBody(body, inputs));
  for (const Tensor& result : results)
    if (!result.defined()) return fail("the subgraph left out a result");
  return results;
}

Result<std::vector<Tensor>> ControlRun::runIf() {
  const bool taken = TANDEM_TRY(condition(m_inputs[0]));
  const auto body = TANDEM_TRY(bodyOf(m_node, taken ? "then_branch" : "else_branch"));
  std::vector<Tensor> results = TANDEM_TRY(call(*body, {}));
  if (results.size() < m_node.outputs.size())
    return fail("the branch gives " + std::to_string(results.size()) + " results, the node has " +
                std::to_string(m_node.outputs.size()));
  results.resize(m_node.outputs.size());
  return results;
}

Result<void> ControlRun::keep(std::vector<std::vector<Tensor>>& rows, std::span<const Tensor> results) {
  for (std::size_t i = 0; i < results.size(); ++i) {
    m_keptBytes += results[i].bytes() + kTensorOverhead;
    rows[i].push_back(results[i]);
  }
  // An endless loop must not take the machine's memory before somebody stops it.
  if (m_keptBytes > maxKeptBytes())
    return fail("the results of the iterations need more than half of this machine's memory",
                "check the trip count, or use smaller inputs");
  return {};
}

Graph ControlRun::shapedBody(const Graph& body, std::span<const TensorDesc> formals) const {
  Graph shaped = body;
  const std::vector<BodyInput> sources = bodyInputs(m_node, body);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const BodyInput& source = sources[i];
    Value& input = shaped.value(shaped.inputs()[i]);
    if (!source.captured && source.index >= formals.size()) continue;
    input.desc = source.captured ? m_inputs[source.index].desc() : formals[source.index];
    input.rankKnown = true;
  }
  // Where the body does not fit, its declarations are all there is.
  return inferShapes(shaped).ok() ? shaped : body;
}

Result<Tensor> ControlRun::joined(const Value& shaped, const std::vector<Tensor>& rows, std::size_t axis,
                                  bool reversed) const {
  if (!rows.empty()) {
    auto stacked = stackTensors(rows, axis, reversed);
    if (!stacked) return fail(stacked.error().message);
    return stacked;
  }
  // No iteration: the length is zero, and so is every extent that only an iteration would have told.
  if (shaped.desc.type == DataType::Undefined) return fail("no iteration ran, and the type of a result is unknown");
  std::vector<std::int64_t> dims = shaped.rankKnown ? shaped.desc.shape.dims() : std::vector<std::int64_t>();
  std::replace(dims.begin(), dims.end(), kUnknownDim, std::int64_t{0});
  dims.insert(dims.begin() + static_cast<std::ptrdiff_t>(std::min(axis, dims.size())), 0);
  return Tensor::zeros({shaped.desc.type, Shape(std::move(dims))});
}

Result<std::vector<Tensor>> ControlRun::runLoop() {
  const auto body = TANDEM_TRY(bodyOf(m_node, "body"));
  std::int64_t limit = INT64_MAX;
  if (has(0)) {
    if (m_inputs[0].type() != DataType::Int64 || m_inputs[0].elements() != 1)
      return fail("the trip count is " + m_inputs[0].desc().toString() + ", not one int64");
    limit = m_inputs[0].asInt(0);
  }
  bool goOn = has(1) ? TANDEM_TRY(condition(m_inputs[1])) : true;
  std::vector<Tensor> states(m_inputs.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(2, m_formals)),
                             m_inputs.begin() + static_cast<std::ptrdiff_t>(m_formals));
  const std::size_t carried = states.size();
  if (body->outputs().size() < 1 + carried)
    return fail("the body gives " + std::to_string(body->outputs().size()) + " results for " + std::to_string(carried) +
                " loop-carried values");
  std::vector<std::vector<Tensor>> rows(body->outputs().size() - 1 - carried);
  for (std::int64_t i = 0; goOn && i < limit; ++i) {
    std::vector<Tensor> formals{Tensor::scalar<std::int64_t>(i), Tensor::scalar<bool>(true)};
    formals.insert(formals.end(), states.begin(), states.end());
    const std::vector<Tensor> results = TANDEM_TRY(call(*body, formals));
    if (results.size() != body->outputs().size()) return fail("the body left out a result");
    goOn = TANDEM_TRY(condition(results[0]));
    std::copy_n(results.begin() + 1, carried, states.begin());
    TANDEM_TRY(keep(rows, std::span(results).subspan(1 + carried)));
  }
  std::vector<TensorDesc> formals{{DataType::Int64, {}}, {DataType::Bool, {}}};
  for (const Tensor& state : states) formals.push_back(state.desc());
  const Graph shaped = rows.empty() || !rows[0].empty() ? *body : shapedBody(*body, formals);
  std::vector<Tensor> outputs = std::move(states);
  for (std::size_t r = 0; r < rows.size(); ++r)
    outputs.push_back(TANDEM_TRY(joined(shaped.value(shaped.outputs()[1 + carried + r]), rows[r], 0, false)));
  if (outputs.size() < m_node.outputs.size()) return fail("the node has more outputs than its body gives");
  outputs.resize(m_node.outputs.size());
  return outputs;
}

/// What a Scan's attributes say, for bodies of one sequence (version 9 and later).
struct ControlRun::ScanPlan {
  std::size_t states = 0, sequences = 0, rows = 0;
  std::vector<std::int64_t> inputAxes, inputDirections, outputAxes, outputDirections;
};

Result<ControlRun::ScanPlan> ControlRun::planScan(const Graph& body) const {
  ScanPlan plan;
  const std::int64_t sequences = m_node.attributes.getInt("num_scan_inputs", 0);
  const std::size_t given = m_formals - std::min<std::size_t>(m_formals, m_node.version < 9 ? 1 : 0);
  if (sequences < 1 || static_cast<std::size_t>(sequences) > given)
    return fail("num_scan_inputs is " + std::to_string(sequences) + " for " + std::to_string(given) + " inputs");
  plan.sequences = static_cast<std::size_t>(sequences);
  plan.states = given - plan.sequences;
  if (body.outputs().size() < plan.states) return fail("the body gives fewer results than there are state variables");
  plan.rows = body.outputs().size() - plan.states;
  const bool old = m_node.version < 9;
  plan.inputDirections = m_node.attributes.getInts(old ? "directions" : "scan_input_directions");
  plan.inputAxes = m_node.attributes.getInts("scan_input_axes");
  plan.outputAxes = m_node.attributes.getInts("scan_output_axes");
  plan.outputDirections = m_node.attributes.getInts("scan_output_directions");
  plan.inputAxes.resize(plan.sequences, 0);
  plan.inputDirections.resize(plan.sequences, 0);
  plan.outputAxes.resize(plan.rows, 0);
  plan.outputDirections.resize(plan.rows, 0);
  return plan;
}

/// Runs `steps` iterations; results beyond them up to `padded` are zero.
Result<std::vector<Tensor>> ControlRun::scanOnce(const Graph& body, const ScanPlan& plan, std::vector<Tensor> states,
                                                 std::span<const Tensor> sequences, std::int64_t steps,
                                                 std::int64_t padded) {
  std::vector<std::vector<Tensor>> rows(plan.rows);
  for (std::int64_t i = 0; i < steps; ++i) {
    std::vector<Tensor> formals = states;
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      const auto axis = *normalizeAxis(plan.inputAxes[s], sequences[s].shape().rank());
      formals.push_back(sliceTensor(sequences[s], axis, plan.inputDirections[s] != 0 ? steps - 1 - i : i));
    }
    const std::vector<Tensor> results = TANDEM_TRY(call(body, formals));
    if (results.size() != plan.states + plan.rows) return fail("the body left out a result");
    std::copy_n(results.begin(), plan.states, states.begin());
    TANDEM_TRY(keep(rows, std::span(results).subspan(plan.states)));
  }
  std::vector<TensorDesc> formals;
  for (const Tensor& state : states) formals.push_back(state.desc());
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    std::vector<std::int64_t> dims = sequences[s].shape().dims();
    dims.erase(dims.begin() + static_cast<std::ptrdiff_t>(*normalizeAxis(plan.inputAxes[s], dims.size())));
    formals.push_back({sequences[s].type(), Shape(std::move(dims))});
  }
  const Graph shaped = steps > 0 ? body : shapedBody(body, formals);
  std::vector<Tensor> outputs = std::move(states);
  for (std::size_t r = 0; r < plan.rows; ++r) {
    const Value& row = shaped.value(shaped.outputs()[plan.states + r]);
    const TensorDesc desc = rows[r].empty() ? row.desc : rows[r].front().desc();
    while (desc.isStatic() && rows[r].size() < static_cast<std::size_t>(padded)) rows[r].push_back(Tensor::zeros(desc));
    const std::size_t rank = desc.shape.rank();
    const auto axis = normalizeAxis(plan.outputAxes[r], rank + 1);
    if (!axis) return fail("scan_output_axes holds " + std::to_string(plan.outputAxes[r]));
    outputs.push_back(TANDEM_TRY(joined(row, rows[r], *axis, plan.outputDirections[r] != 0)));
  }
  return outputs;
}

Result<std::vector<Tensor>> ControlRun::runScan() {
  const auto body = TANDEM_TRY(bodyOf(m_node, "body"));
  std::vector<Tensor> outputs;
  if (m_node.version < 9) {
    outputs = TANDEM_TRY(runScan8(*body));
  } else {
    const ScanPlan plan = TANDEM_TRY(planScan(*body));
    std::int64_t steps = -1;
    const auto sequences = m_inputs.subspan(plan.states, plan.sequences);
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      const auto axis = normalizeAxis(plan.inputAxes[s], sequences[s].shape().rank());
      if (!axis) return fail("scan_input_axes holds " + std::to_string(plan.inputAxes[s]));
      const std::int64_t length = sequences[s].shape()[*axis];
      if (steps >= 0 && length != steps) return fail("the sequences have different lengths");
      steps = length;
    }
    std::vector<Tensor> states(m_inputs.begin(), m_inputs.begin() + static_cast<std::ptrdiff_t>(plan.states));
    outputs = TANDEM_TRY(scanOnce(*body, plan, std::move(states), sequences, steps, steps));
  }
  if (outputs.size() < m_node.outputs.size()) return fail("the node has more outputs than its body gives");
  outputs.resize(m_node.outputs.size());
  return outputs;
}

/// Version 8 has a batch dimension first and the sequence second, and lengths per batch item.
Result<std::vector<Tensor>> ControlRun::runScan8(const Graph& body) {
  const ScanPlan plan = TANDEM_TRY(planScan(body));
  std::int64_t batch = -1, longest = -1;
  for (std::size_t i = 1; i < m_formals; ++i) {
    const Shape& shape = m_inputs[i].shape();
    const bool sequence = i > plan.states;
    if (shape.rank() < (sequence ? 2u : 1u)) return fail("an input has no batch or sequence dimension");
    if (batch >= 0 && shape[0] != batch) return fail("the inputs have different batch sizes");
    batch = shape[0];
    if (sequence && longest >= 0 && shape[1] != longest) return fail("the sequences have different lengths");
    if (sequence) longest = shape[1];
  }
  std::vector<std::vector<Tensor>> perItem(plan.states + plan.rows);
  for (std::int64_t b = 0; b < batch; ++b) {
    std::int64_t steps = longest;
    if (has(0)) {
      if (m_inputs[0].elements() != batch) return fail("sequence_lens does not have one entry per batch item");
      steps = m_inputs[0].asInt(b);
      if (steps < 0 || steps > longest) return fail("sequence_lens holds " + std::to_string(steps));
    }
    std::vector<Tensor> states, sequences;
    for (std::size_t i = 0; i < plan.states; ++i) states.push_back(sliceTensor(m_inputs[1 + i], 0, b));
    for (std::size_t i = 0; i < plan.sequences; ++i)
      sequences.push_back(sliceTensor(m_inputs[1 + plan.states + i], 0, b));
    std::vector<Tensor> results = TANDEM_TRY(scanOnce(body, plan, std::move(states), sequences, steps, longest));
    for (std::size_t i = 0; i < results.size(); ++i) perItem[i].push_back(std::move(results[i]));
  }
  std::vector<Tensor> outputs;
  for (std::size_t i = 0; i < perItem.size(); ++i)
    outputs.push_back(TANDEM_TRY(joined(body.value(body.outputs()[i]), perItem[i], 0, false)));
  return outputs;
}

} // namespace

Result<std::vector<Tensor>> runControl(const Node& node, std::span<const Tensor> inputs, const RunBody& runBody,
                                       const StopRequest& stop) {
  ControlRun run(node, inputs, runBody, stop);
  if (node.type == "If") return run.runIf();
  if (node.type == "Loop") return run.runLoop();
  return run.runScan();
}

Result<std::vector<Tensor>> interpret(const Graph& graph, std::span<const Tensor> inputs, const RunNode& runNode) {
  if (inputs.size() != graph.inputs().size())
    return makeError(ErrorCode::InputRejected,
                     "the graph has " + std::to_string(graph.inputs().size()) + " inputs, " +
                         std::to_string(inputs.size()) + " are given",
                     graph.name);
  std::vector<Tensor> values(graph.values().size());
  std::vector<std::size_t> usesLeft(graph.values().size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = graph.values()[i].constant;
    usesLeft[i] = graph.values()[i].consumers.size();
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) values[graph.inputs()[i].index()] = inputs[i];
  for (ValueId output : graph.outputs()) ++usesLeft[output.index()];
  for (NodeId id : topologicalOrder(graph)) {
    const Node& node = graph.node(id);
    std::vector<Tensor> arguments;
    for (ValueId input : node.inputs) arguments.push_back(input.valid() ? values[input.index()] : Tensor());
    std::vector<Tensor> results = TANDEM_TRY(runNode(id, arguments));
    for (std::size_t i = 0; i < results.size(); ++i)
      if (node.outputs[i].valid()) values[node.outputs[i].index()] = std::move(results[i]);
    for (ValueId input : node.inputs)
      if (input.valid() && --usesLeft[input.index()] == 0) values[input.index()] = {};
  }
  std::vector<Tensor> outputs;
  for (ValueId output : graph.outputs()) outputs.push_back(values[output.index()]);
  return outputs;
}

namespace ops {

Result<void> controlReference(ReferenceContext& context) {
  const StopRequest stop = [&] { return context.cancelled(); };
  const RunBody runBody = [&](const Graph& body, std::span<const Tensor> inputs) {
    return interpret(body, inputs, [&](NodeId id, std::span<const Tensor> given) -> Result<std::vector<Tensor>> {
      if (stop()) return makeError(ErrorCode::Cancelled, "stopped", body.node(id).name);
      return evaluate(body.node(id), given, stop);
    });
  };
  std::vector<Tensor> inputs(context.inputCount());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (context.hasInput(i)) inputs[i] = context.input(i);
  const std::vector<Tensor> results = TANDEM_TRY(runControl(context.node(), inputs, runBody, stop));
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (!context.wantsOutput(i)) continue;
    Tensor out = context.output(i, results[i].type(), results[i].shape());
    copyElements(results[i], out);
  }
  return {};
}

} // namespace ops
} // namespace tandem
