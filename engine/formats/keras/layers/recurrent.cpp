// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/layers/recurrent.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

namespace tandem::detail {
namespace {

constexpr std::int64_t kFromEnd = std::numeric_limits<std::int64_t>::min();

/// ONNX's name of an activation inside of a cell, with its parameters.
struct CellActivation {
  std::string name;
  std::vector<float> alpha;
  std::vector<float> beta;
};

CellActivation cellActivation(const Options& cell, const char* option, const char* otherwise, bool oldKeras) {
  const std::string name = cell.has(option) ? activationName(cell.find(option)) : otherwise;
  if (name == "tanh") return {"Tanh", {}, {}};
  if (name == "sigmoid") return {"Sigmoid", {}, {}};
  if (name == "relu") return {"Relu", {}, {}};
  if (name == "softsign") return {"Softsign", {}, {}};
  if (name == "softplus") return {"Softplus", {}, {}};
  if (name == "elu") return {"Elu", {1}, {}};
  if (name == "leaky_relu") return {"LeakyRelu", {0.2f}, {}};
  if (name == "linear") return {"Affine", {1}, {0}};
  if (name == "hard_sigmoid") return {"HardSigmoid", {oldKeras ? 0.2f : 1.0f / 6.0f}, {0.5f}};
  throw KerasError("the activation '" + name + "' inside of a recurrent layer is not supported");
}

/// Keras stores [inputs, gates * units], ONNX wants [1, gates * units, inputs] with gates in an order of its own.
Tensor gateWeights(const Tensor& tensor, const std::vector<int>& order) {
  const std::int64_t inputs = tensor.shape()[0], columns = tensor.shape()[1];
  const std::int64_t units = columns / static_cast<std::int64_t>(order.size());
  Tensor result = Tensor::uninitialized({DataType::Float32, {1, columns, inputs}});
  const auto from = tensor.as<float>();
  auto to = result.mutableAs<float>();
  for (std::size_t gate = 0; gate < order.size(); ++gate)
    for (std::int64_t unit = 0; unit < units; ++unit)
      for (std::int64_t input = 0; input < inputs; ++input) {
        const std::int64_t row = static_cast<std::int64_t>(gate) * units + unit, column = order[gate] * units + unit;
        to[static_cast<std::size_t>(row * inputs + input)] = from[static_cast<std::size_t>(input * columns + column)];
      }
  return result;
}

/// [gates * units] or [2, gates * units] to [1, 2 * gates * units]: the input's bias, then the state's.
Tensor gateBias(const Tensor& tensor, const std::vector<int>& order) {
  const std::int64_t columns = tensor.shape().dims().back();
  const std::int64_t units = columns / static_cast<std::int64_t>(order.size());
  Tensor result = Tensor::zeros({DataType::Float32, {1, 2 * columns}});
  const auto from = tensor.as<float>();
  auto to = result.mutableAs<float>();
  for (std::int64_t row = 0; row * columns < tensor.elements(); ++row)
    for (std::size_t gate = 0; gate < order.size(); ++gate)
      for (std::int64_t unit = 0; unit < units; ++unit)
        to[static_cast<std::size_t>(row * columns + static_cast<std::int64_t>(gate) * units + unit)] =
            from[static_cast<std::size_t>(row * columns + order[gate] * units + unit)];
  return result;
}

struct Cell {
  std::string type;       ///< ONNX's operator
  std::vector<int> gates; ///< for each of ONNX's gates, which of Keras's
  std::int64_t units = 0;
  bool resetAfter = false;
  std::vector<ValueId> inputs; ///< W, R and B; B may be invalid
  Builder::AttributeList attributes;
};

Cell makeCell(LayerCall& call, const RecurrentRequest& request, std::int64_t features) {
  const Options& options = request.cell;
  const bool old = call.b.kerasMajor < 3;
  Cell cell;
  cell.units = options.integer("units");
  if (cell.units < 1 || cell.units > (1 << 20)) throw KerasError("the option 'units' is out of range");
  std::vector<CellActivation> functions;
  if (request.cellClass == "LSTM") {
    cell.type = "LSTM";
    cell.gates = {0, 3, 1, 2}; // i, o, f, c of i, f, c, o
    functions = {cellActivation(options, "recurrent_activation", "sigmoid", old),
                 cellActivation(options, "activation", "tanh", old),
                 cellActivation(options, "activation", "tanh", old)};
  } else if (request.cellClass == "GRU") {
    cell.type = "GRU";
    cell.gates = {0, 1, 2};
    // Files from before the option existed mean the older form.
    cell.resetAfter = options.flag("reset_after", false);
    functions = {cellActivation(options, "recurrent_activation", "sigmoid", old),
                 cellActivation(options, "activation", "tanh", old)};
    cell.attributes.emplace_back("linear_before_reset", cell.resetAfter ? 1 : 0);
  } else if (request.cellClass == "SimpleRNN") {
    cell.type = "RNN";
    cell.gates = {0};
    functions = {cellActivation(options, "activation", "tanh", old)};
  } else {
    throw KerasError("cells of the class '" + request.cellClass + "' are not supported");
  }
  std::vector<std::string> names;
  std::vector<float> alpha, beta;
  for (const CellActivation& function : functions) {
    names.push_back(function.name);
    alpha.insert(alpha.end(), function.alpha.begin(), function.alpha.end());
    beta.insert(beta.end(), function.beta.begin(), function.beta.end());
  }
  cell.attributes.emplace_back("hidden_size", cell.units);
  cell.attributes.emplace_back("activations", names);
  if (!alpha.empty()) cell.attributes.emplace_back("activation_alpha", alpha);
  if (!beta.empty()) cell.attributes.emplace_back("activation_beta", beta);

  const std::int64_t columns = cell.units * static_cast<std::int64_t>(cell.gates.size());
  const auto weight = [&](const char* name, const Shape& shape,
                          Tensor (*change)(const Tensor&, const std::vector<int>&)) {
    const std::string full = request.prefix + name;
    if (call.b.hasWeight(full)) request.weights.skip();
    return call.b.weight(full, [&] {
      const Tensor tensor = request.weights.next(full, shape);
      if (tensor.type() != DataType::Float32) throw KerasError("the weight '" + full + "' is not of floating point");
      return change(tensor, cell.gates);
    });
  };
  cell.inputs = {weight("kernel", {features, columns}, gateWeights),
                 weight("recurrent_kernel", {cell.units, columns}, gateWeights)};
  ValueId bias;
  if (options.flag("use_bias", true))
    bias = weight("bias", cell.resetAfter ? Shape{2, columns} : Shape{columns}, gateBias);
  cell.inputs.push_back(bias);
  return cell;
}

ValueId reversedSteps(Builder& b, ValueId value) { return b.slice(value, 1, -1, kFromEnd, -1); }

/// Steps that do not count leave the state as it is. ONNX knows only sequences that are shorter than others, so the
/// steps that count are moved to the front, in their order, and the outputs back to where they belong: the output of a
/// step is that of the last step up to it that counted.
struct Compaction {
  ValueId order;   ///< [N, T, 1]: which step stands where
  ValueId lengths; ///< [N], int32
  ValueId origin;  ///< [N, T, 1]: which of (zeros, outputs...) a step gives
};

Compaction compact(Builder& b, ValueId mask, bool zeroForMasked) {
  const ValueId counts = b.cast(mask, DataType::Int64);
  const ValueId ones = b.cast(b.node("Or", {mask, b.node("Not", {mask})}), DataType::Int64);
  const ValueId position = b.node("CumSum", {ones, b.intScalar(1)});
  const ValueId sofar = b.node("CumSum", {counts, b.intScalar(1)});
  // Larger keys first: all steps that count, the earlier ones before the later.
  const ValueId far = b.node("Mul", {counts, b.intScalar(std::int64_t{1} << 40)});
  const ValueId key = b.node("Sub", {far, position});
  const auto sorted =
      b.nodes("TopK", {key, b.dimension(mask, 1)}, {false, true}, {{"axis", 1}, {"largest", 1}, {"sorted", 1}});
  Compaction result;
  result.order = b.unsqueeze(sorted[1], {2});
  result.lengths = b.cast(b.node("ReduceSum", {counts, b.ints({1})}, {{"keepdims", 0}}), DataType::Int32);
  result.origin = b.unsqueeze(zeroForMasked ? b.node("Mul", {sofar, counts}) : sofar, {2});
  return result;
}

ValueId gatherSteps(Builder& b, ValueId value, ValueId indices) {
  return b.node("GatherND", {value, indices}, {{"batch_dims", 1}});
}

/// [N, units] to the [1, N, units] of ONNX.
ValueId stateInput(Builder& b, KerasTensor& state, std::int64_t units) {
  if (state.rank() != 2 || (state.shape[1] >= 0 && state.shape[1] != units))
    throw KerasError("an initial state has the shape " + shapeText(state.shape));
  return b.unsqueeze(b.plainOf(state), {0});
}

} // namespace

RecurrentRun runRecurrent(LayerCall& call, KerasTensor& x, const RecurrentRequest& request) {
  Builder& b = call.b;
  if (x.rank() != 3 || x.shape[2] < 1)
    throw KerasError("the input has the shape " + shapeText(x.shape) + " in place of steps of features");
  Cell cell = makeCell(call, request, x.shape[2]);
  const bool isLstm = cell.type == "LSTM", masked = x.mask != nullptr;
  const std::size_t stateCount = isLstm ? 2 : 1;
  if (!request.initial.empty() && request.initial.size() != stateCount)
    throw KerasError("the layer takes " + std::to_string(stateCount) + " initial states");

  ValueId input = b.plainOf(x);
  std::optional<Compaction> compaction;
  if (masked) {
    ValueId mask = b.plainOf(*x.mask);
    if (x.mask->type != DataType::Bool) mask = b.cast(mask, DataType::Bool);
    if (request.backwards) {
      input = reversedSteps(b, input);
      mask = reversedSteps(b, mask);
    }
    compaction = compact(b, mask, request.zeroForMasked);
    input = gatherSteps(b, input, compaction->order);
  } else if (request.backwards) {
    cell.attributes.emplace_back("direction", "reverse");
  }

  std::vector<ValueId> inputs{b.transpose(input, {1, 0, 2}), cell.inputs[0], cell.inputs[1], cell.inputs[2],
                              masked ? compaction->lengths : ValueId()};
  for (const TensorPtr& state : request.initial) inputs.push_back(stateInput(b, *state, cell.units));
  while (!inputs.back().valid()) inputs.pop_back();
  std::vector<bool> wanted{true, true};
  if (isLstm) wanted.push_back(true);
  const std::vector<ValueId> outputs = b.nodes(cell.type, inputs, wanted, cell.attributes);

  // [T, 1, N, units] to [N, T, units].
  ValueId sequence = b.transpose(b.squeeze(outputs[0], {1}), {1, 0, 2});
  if (masked) {
    const ValueId padded = b.node("Pad", {sequence, b.ints({0, 1, 0, 0, 0, 0})});
    sequence = gatherSteps(b, padded, compaction->origin);
    if (request.backwards && request.inputOrder) sequence = reversedSteps(b, sequence);
  } else if (request.backwards && !request.inputOrder) {
    sequence = reversedSteps(b, sequence);
  }

  RecurrentRun run;
  const Ints stateShape{x.shape[0], cell.units};
  run.sequence = b.plain(sequence, {x.shape[0], x.shape[1], cell.units});
  run.states.push_back(b.plain(b.squeeze(outputs[1], {0}), stateShape));
  if (isLstm) run.states.push_back(b.plain(b.squeeze(outputs[2], {0}), stateShape));
  run.last = run.states[0];
  // With states to start from, or zeros for steps that do not count, the last output may differ from the last state.
  if (masked && (request.zeroForMasked || !request.initial.empty())) {
    const std::int64_t at = request.backwards && request.inputOrder ? 0 : -1;
    run.last = b.plain(b.node("Gather", {sequence, b.intScalar(at)}, {{"axis", 1}}), stateShape);
  }
  return run;
}

namespace {

void refuseUnusual(const Options& options) {
  if (options.flag("stateful", false))
    throw KerasError(
        "stateful: its state from one prediction to the next would be lost; save the model with stateful=False");
  if (options.flag("time_major", false)) throw KerasError("time_major is not supported");
}

/// The states that a call names, as further inputs or by keyword.
Outputs initialStates(LayerCall& call) {
  Outputs states(call.inputs.begin() + 1, call.inputs.end());
  if (const auto it = call.kwargs.find("initial_state"); it != call.kwargs.end()) {
    if (it->second.tensor) states.push_back(it->second.tensor);
    for (const Argument& item : it->second.items)
      if (item.tensor) states.push_back(item.tensor);
  }
  return states;
}

Outputs finish(const Options& options, const KerasTensor& x, const RecurrentRun& run) {
  const bool sequences = options.flag("return_sequences", false);
  Outputs outputs{sequences ? run.sequence : run.last};
  if (sequences) outputs[0]->mask = x.mask;
  if (options.flag("return_state", false)) outputs.insert(outputs.end(), run.states.begin(), run.states.end());
  return outputs;
}

Outputs recurrent(LayerCall& call, const std::string& cellClass, const Options& cell) {
  refuseUnusual(call.options);
  if (call.inputs.empty()) throw KerasError("the layer has no input");
  const TensorPtr x = asFloat(call.b, call.inputs[0]);
  const auto weights = call.weights.part({"cell"});
  const RecurrentRequest request{cellClass,
                                 cell,
                                 *weights,
                                 "",
                                 call.options.flag("go_backwards", false),
                                 false,
                                 call.options.flag("zero_output_for_mask", false),
                                 initialStates(call)};
  return finish(call.options, *x, runRecurrent(call, *x, request));
}

Outputs lstm(LayerCall& call) { return recurrent(call, "LSTM", call.options); }
Outputs gru(LayerCall& call) { return recurrent(call, "GRU", call.options); }
Outputs simpleRnn(LayerCall& call) { return recurrent(call, "SimpleRNN", call.options); }

/// RNN(LSTMCell(...)): the options of the cell stand in an object of their own.
Outputs rnn(LayerCall& call) {
  const Json* cell = call.options.find("cell");
  if (!cell) throw KerasError("the option 'cell' is missing");
  const LayerSpec spec = layerSpec(*cell);
  for (const char* known : {"LSTM", "GRU", "SimpleRNN"})
    if (spec.className == std::string(known) + "Cell") return recurrent(call, known, Options(*spec.config));
  throw KerasError("cells of the class '" + spec.className + "' are not supported");
}

// --- Bidirectional --------------------------------------------------------------------------------------------------

TensorPtr mergedDirections(Builder& b, const std::string& mode, KerasTensor& x, KerasTensor& y) {
  const ValueId left = b.plainOf(x), right = b.plainOf(y);
  Ints shape = x.shape;
  if (mode == "concat") {
    shape.back() += y.shape.back();
    return b.plain(b.concat({left, right}, static_cast<std::int64_t>(shape.size()) - 1), shape);
  }
  if (mode == "mul") return b.plain(b.node("Mul", {left, right}), shape);
  const ValueId sum = b.node("Add", {left, right});
  if (mode == "sum") return b.plain(sum, shape);
  if (mode == "ave") return b.plain(b.node("Mul", {sum, b.scalar(0.5f)}), shape);
  throw KerasError("the merge mode '" + mode + "' is unknown");
}

struct Direction {
  LayerSpec spec;
  std::string cellClass;
};

Direction directionOf(const Json& entry) {
  Direction direction{layerSpec(entry), {}};
  const std::string& name = direction.spec.className;
  if (name != "LSTM" && name != "GRU" && name != "SimpleRNN")
    throw KerasError("Bidirectional around the class '" + name + "' is not supported");
  direction.cellClass = name;
  refuseUnusual(Options(*direction.spec.config));
  return direction;
}

Outputs bidirectional(LayerCall& call) {
  Builder& b = call.b;
  const Json* entry = call.options.find("layer");
  if (!entry) throw KerasError("the option 'layer' is missing");
  const Json* backwardEntry = call.options.find("backward_layer");
  const Direction forward = directionOf(*entry), backward = directionOf(backwardEntry ? *backwardEntry : *entry);
  if (call.inputs.empty()) throw KerasError("the layer has no input");
  const TensorPtr x = asFloat(b, call.inputs[0]);
  const Options options(*forward.spec.config);
  const bool sequences = options.flag("return_sequences", false);

  const Outputs initial = initialStates(call);
  const auto half = static_cast<std::ptrdiff_t>(initial.size() / 2);
  const auto run = [&](const Direction& direction, const char* part, const char* prefix, bool backwards,
                       Outputs states) {
    const auto weights = call.weights.part({part})->part({"cell"});
    const Options cell(*direction.spec.config);
    const RecurrentRequest request{direction.cellClass, cell, *weights,  prefix,
                                   backwards,           true, sequences, std::move(states)};
    return runRecurrent(call, *x, request);
  };
  const bool goesBackwards = options.flag("go_backwards", false);
  const RecurrentRun first =
      run(forward, "forward_layer", "forward_", goesBackwards, {initial.begin(), initial.begin() + half});
  const RecurrentRun second =
      run(backward, "backward_layer", "backward_", !goesBackwards, {initial.begin() + half, initial.end()});

  const Json* modeOption = call.options.find("merge_mode");
  const bool hasMode = call.options.json().contains("merge_mode");
  Outputs outputs;
  const TensorPtr& left = sequences ? first.sequence : first.last;
  const TensorPtr& right = sequences ? second.sequence : second.last;
  if (hasMode && !modeOption)
    outputs = {left, right}; // null: both
  else
    outputs = {mergedDirections(b, call.options.text("merge_mode", "concat"), *left, *right)};
  if (sequences)
    for (const TensorPtr& output : outputs) output->mask = x->mask;
  if (options.flag("return_state", false)) {
    outputs.insert(outputs.end(), first.states.begin(), first.states.end());
    outputs.insert(outputs.end(), second.states.begin(), second.states.end());
  }
  return outputs;
}

constexpr LayerDef kLayers[] = {
    {"LSTM", lstm}, {"GRU", gru}, {"SimpleRNN", simpleRnn}, {"RNN", rnn}, {"Bidirectional", bidirectional},
};

} // namespace

std::span<const LayerDef> recurrentLayers() { return kLayers; }

} // namespace tandem::detail
