// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/keras/detail/functional.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <queue>

namespace tandem::detail {
namespace {

constexpr int kMaxDepth = 32;
constexpr int kMaxArgumentDepth = 16;
constexpr std::size_t kMaxProblems = 50;

std::string inQuotes(const std::string& name) { return "'" + name.substr(0, 200) + "'"; }

/// Reads the arguments of calls in the two forms that files have: Keras 2 writes ["layer", call, output, {kwargs}],
/// Keras 3 {"class_name": "__keras_tensor__", "config": {"keras_history": ["layer", call, output]}}.
class ArgumentReader {
 public:
  explicit ArgumentReader(const std::map<std::string, std::size_t>& layers) : m_layers(layers) {}

  Argument read(const Json& json, int depth = 0) const {
    if (depth > kMaxArgumentDepth) throw KerasError("arguments are nested too deep");
    if (isHistory(json)) return reference(json);
    if (json.is_object()) {
      const auto name = json.find("class_name");
      if (name != json.end() && *name == "__keras_tensor__") {
        const Json& config = json.at("config");
        return reference(config.at("keras_history"));
      }
      if (name != json.end() && *name == "__tuple__" && json.contains("items"))
        return read(json.at("items"), depth + 1);
    }
    Argument argument;
    if (json.is_array() && containsTensor(json, depth)) {
      argument.isList = true;
      for (const Json& element : json) argument.items.push_back(read(element, depth + 1));
    } else if (json.is_object() && containsTensor(json, depth)) {
      argument.isList = true; // Keras sorts the keys of dictionaries, and so does this parser
      for (const auto& [key, value] : json.items()) argument.items.push_back(read(value, depth + 1));
    } else {
      argument.json = &json;
    }
    return argument;
  }

  /// ["conv1", 0, 0] or ["conv1", 0, 0, {...}] of a layer that exists.
  bool isHistory(const Json& json) const {
    return json.is_array() && (json.size() == 3 || json.size() == 4) && json[0].is_string() &&
           json[1].is_number_integer() && json[2].is_number_integer() && (json.size() == 3 || json[3].is_object());
  }

 private:
  bool containsTensor(const Json& json, int depth) const {
    if (depth > kMaxArgumentDepth) throw KerasError("arguments are nested too deep");
    if (isHistory(json)) return true;
    if (json.is_object() && json.value("class_name", Json()) == "__keras_tensor__") return true;
    if (!json.is_structured()) return false;
    return std::any_of(json.begin(), json.end(), [&](const Json& child) { return containsTensor(child, depth + 1); });
  }

  Argument reference(const Json& history) const {
    if (!isHistory(history)) throw KerasError("an argument refers to no layer");
    const auto found = m_layers.find(history[0].get<std::string>());
    if (found == m_layers.end())
      throw KerasError("an argument refers to the layer " + inQuotes(history[0].get<std::string>()) +
                       ", which does not exist");
    Argument argument;
    argument.layer = static_cast<std::int64_t>(found->second);
    argument.call = integerOf(history[1], "the number of a call");
    argument.output = integerOf(history[2], "the number of an output");
    return argument;
  }

  const std::map<std::string, std::size_t>& m_layers;
};

template <class Visit> void visitTensors(Argument& argument, Visit&& visit) {
  if (argument.layer >= 0 || argument.tensor) visit(argument);
  for (Argument& item : argument.items) visitTensors(item, visit);
}

/// A reference in input_layers and output_layers, in lists of any depth, or a dictionary.
void collectReferences(const ArgumentReader& reader, const Json& json, std::vector<Argument>& out) {
  Argument root = reader.read(json);
  visitTensors(root, [&](Argument& a) { out.push_back(a); });
}

} // namespace

void ModelImporter::addProblem(std::string problem) {
  if (m_problems.size() < kMaxProblems && std::find(m_problems.begin(), m_problems.end(), problem) == m_problems.end())
    m_problems.push_back(std::move(problem));
}

void ModelImporter::addWarning(std::string warning) {
  if (m_warnings.size() < 100 && std::find(m_warnings.begin(), m_warnings.end(), warning) == m_warnings.end())
    m_warnings.push_back(std::move(warning));
}

// --- inputs ---------------------------------------------------------------------------------------------------------

TensorPtr ModelImporter::addGraphInput(const std::string& name, const Ints& shape, const std::string& typeName) {
  const std::optional<DataType> type = dataTypeOfName(typeName);
  if (!type) throw KerasError("inputs of type '" + typeName + "' are not supported");
  if (shape.size() > kMaxRank) throw KerasError("the input has " + std::to_string(shape.size()) + " dimensions");
  Graph& graph = m_builder.graph();
  const ValueId id = graph.addInput(m_builder.reserveName(name), {*type, Shape(shape)});
  std::vector<std::string>& names = graph.value(id).dimNames;
  names.assign(shape.size(), "");
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == kUnknownDim) names[i] = i == 0 ? "N" : name + "." + std::to_string(i);
  return m_builder.plain(id, shape, *type);
}

namespace {

std::optional<Ints> inputShapeOf(const Options& options) {
  for (const char* name : {"batch_shape", "batch_input_shape"})
    if (auto shape = options.shape(name)) return shape;
  if (auto shape = options.shape("shape")) {
    shape->insert(shape->begin(), -1);
    return shape;
  }
  // Keras 1 and early 2 had lengths in the place of shapes.
  if (options.has("input_dim") && !options.has("output_dim")) return Ints{-1, options.integer("input_dim")};
  return std::nullopt;
}

std::string inputTypeOf(const Options& options) {
  const Json* type = options.find("dtype");
  if (!type) type = options.find("input_dtype");
  if (!type) return "float32";
  if (type->is_string()) return type->get<std::string>();
  if (const auto config = type->find("config"); type->is_object() && config != type->end())
    return Options(*config).text("name", "float32");
  return "float32";
}

} // namespace

TensorPtr ModelImporter::graphInputOf(const LayerSpec& layer) {
  const Options options(*layer.config);
  if (options.flag("sparse", false) || options.flag("ragged", false))
    throw KerasError("sparse and ragged inputs are not supported");
  const std::optional<Ints> shape = inputShapeOf(options);
  if (!shape || shape->empty()) throw KerasError("the input has no shape");
  return addGraphInput(layer.name, *shape, inputTypeOf(options));
}

// --- weights --------------------------------------------------------------------------------------------------------

std::vector<std::shared_ptr<LayerWeights>> ModelImporter::weightsOf(const std::vector<LayerSpec>& layers,
                                                                    LayerWeights& weights) {
  return weights.layersOf(layers);
}

void ModelImporter::reportLeftOver(const LayerSpec& layer, LayerWeights& weights) {
  for (const std::string& name : weights.leftOver())
    addProblem("layer " + inQuotes(layer.name) + ": the file has a weight that the layer does not: " + inQuotes(name));
}

/// Numbers of fewer bits are computed as float32 here, which is said; quantized weights have another meaning.
void ModelImporter::checkPolicy(const LayerSpec& layer) {
  const Options options(*layer.config);
  const Json* type = options.find("dtype");
  std::string name;
  if (type && type->is_string()) name = type->get<std::string>();
  if (type && type->is_object() && type->contains("config")) {
    const Options policy(type->at("config"));
    name = policy.has("name") ? policy.text("name", "") : policy.text("source_name", "");
    if (type->value("class_name", Json()) == "QuantizedDTypePolicy" || policy.has("mode"))
      throw KerasError("quantized weights are not supported");
  }
  if (options.has("quantization_config")) throw KerasError("quantized weights are not supported");
  if (options.has("lora_rank")) throw KerasError("LoRA weights are not supported: merge them first");
  if (name.find("int8") != std::string::npos && !layer.isInput() && name.find('_') != std::string::npos)
    throw KerasError("quantized weights are not supported");
  if (name.find("float16") != std::string::npos || name == "float64")
    addWarning("layers of type " + name + " are computed in float32");
}

// --- calls ----------------------------------------------------------------------------------------------------------

Outputs ModelImporter::apply(const LayerSpec& layer, std::vector<Argument> args, std::map<std::string, Argument> kwargs,
                             LayerWeights& weights) {
  if (auto ok = m_cancel.check(); !ok) throw KerasError("cancelled");
  if (m_depth > kMaxDepth) throw KerasError("models are nested deeper than " + std::to_string(kMaxDepth));
  Outputs inputs;
  for (Argument& argument : args) visitTensors(argument, [&](Argument& a) { inputs.push_back(a.tensor); });
  weights.rewind();
  if (layer.isModel()) {
    // A mask is no input; the tensors carry theirs.
    for (auto& [name, argument] : kwargs)
      if (name != "mask") visitTensors(argument, [&](Argument& a) { inputs.push_back(a.tensor); });
    return buildModel(layer, &inputs, weights);
  }
  checkPolicy(layer);
  LayerCall call{*this, m_builder, layer, Options(*layer.config), weights, std::move(args), std::move(kwargs), inputs};
  if (const TensorPtr mask = call.tensorArgument("mask"); mask && !inputs.empty() && !layer.isOperation()) {
    call.inputs[0] = std::make_shared<KerasTensor>(*inputs[0]);
    call.inputs[0]->mask = mask;
  }
  if (layer.isOperation()) return buildOperation(call);
  const LayerDef* def = findLayer(layer.className);
  if (!def) {
    if (isKnownButUnsupported(layer.className))
      throw KerasError("layers of the class " + inQuotes(layer.className) + " are not supported");
    throw KerasError("unsupported: contains code: the class " + inQuotes(layer.className) + " is not one of Keras's");
  }
  Outputs outputs = def->build(call);
  if (def->keepsMask && !call.inputs.empty() && call.inputs[0]->mask)
    for (TensorPtr& output : outputs)
      if (output && !output->mask && output != call.inputs[0]) output->mask = call.inputs[0]->mask;
  return outputs;
}

Outputs ModelImporter::buildModel(const LayerSpec& spec, const Outputs* inputs, LayerWeights& weights) {
  struct Depth {
    int& depth;
    explicit Depth(int& d) : depth(d) { ++depth; }
    ~Depth() { --depth; }
  } depth(m_depth);
  if (m_depth > kMaxDepth) throw KerasError("models are nested deeper than " + std::to_string(kMaxDepth));
  return spec.className == "Sequential" ? buildSequential(spec, inputs, weights)
                                        : buildFunctional(spec, inputs, weights);
}

Outputs ModelImporter::buildSequential(const LayerSpec& spec, const Outputs* inputs, LayerWeights& weights) {
  std::vector<LayerSpec> layers = layersOf(spec);
  if (layers.empty()) throw KerasError("the model " + inQuotes(spec.name) + " has no layers");
  const auto parts = weightsOf(layers, weights);
  TensorPtr current;
  if (inputs) {
    if (inputs->size() != 1) throw KerasError("a Sequential model takes one input");
    current = inputs->front();
  } else if (layers[0].isInput()) {
    current = graphInputOf(layers[0]);
  } else {
    // Old files state the shape at the first layer; if that is a model, at its own first layer.
    LayerSpec first = layers[0];
    while (first.isModel() && !inputShapeOf(Options(*first.config))) {
      std::vector<LayerSpec> inner = layersOf(first);
      if (inner.empty()) break;
      first = inner[0];
    }
    const Options options(*first.config);
    std::optional<Ints> shape = inputShapeOf(options);
    if (!shape && spec.config->is_object()) shape = Options(*spec.config).shape("build_input_shape");
    if (!shape) throw KerasError("the model was never built: it has no input shape");
    current = addGraphInput(layers[0].isModel() ? first.name : layers[0].name + "_input", *shape, inputTypeOf(options));
  }
  Outputs outputs{current};
  bool failed = false;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    if (layers[i].isInput()) continue;
    if (layers[i].name.empty()) layers[i].name = toSnakeCase(layers[i].className);
    const auto scope = m_builder.enter(layers[i].name);
    try {
      // The layers after one that failed have nothing to start from.
      if (failed && (findLayer(layers[i].className) || layers[i].isModel())) continue;
      Argument argument;
      argument.tensor = failed ? nullptr : outputs.front();
      outputs = apply(layers[i], {argument}, {}, *parts[i]);
      if (outputs.empty() || !outputs[0]) failed = true;
      if (!failed) reportLeftOver(layers[i], *parts[i]);
    } catch (const KerasError& error) {
      addProblem("layer " + inQuotes(layers[i].name) + ": " + error.what());
      failed = true;
    }
    m_outputNames = {layers[i].name};
  }
  return failed ? Outputs{} : outputs;
}

/// A functional model while it is built.
struct ModelImporter::Model {
  struct Call {
    std::size_t layer = 0;
    std::vector<Argument> args;
    std::map<std::string, Argument> kwargs;
    std::size_t missing = 0;             ///< arguments that are not there yet
    std::vector<std::size_t> dependents; ///< calls that wait for this one, once for each argument
    bool done = false;
    bool failed = false;
    Outputs outputs;
  };
  std::vector<LayerSpec> layers;
  std::map<std::string, std::size_t> byName;
  std::vector<std::shared_ptr<LayerWeights>> weights;
  std::vector<Call> calls;
  std::vector<std::vector<std::size_t>> callsOf; ///< by layer

  /// The number of a layer's first call. A model that stands as a layer has a call of its own making, which files
  /// count and do not list, so that numbers begin at 1: Keras 2 everywhere, Keras 3 in output_layers alone.
  std::vector<std::int64_t> firstCall;       ///< in the arguments of calls
  std::vector<std::int64_t> firstOutputCall; ///< in output_layers

  Call* find(const Argument& reference, bool ofOutput = false) {
    const auto layer = static_cast<std::size_t>(reference.layer);
    const std::int64_t index = reference.call - (ofOutput ? firstOutputCall : firstCall)[layer];
    if (index < 0 || index >= static_cast<std::int64_t>(callsOf[layer].size())) return nullptr;
    return &calls[callsOf[layer][static_cast<std::size_t>(index)]];
  }

  /// Numbers that exist tell more than the version: 0 is never used where they begin at 1, and the number of calls is
  /// never used where they begin at 0.
  std::vector<std::int64_t> firstCalls(const std::vector<Argument>& references, bool inArguments) const {
    std::vector<std::int64_t> first(layers.size(), 0);
    std::vector<bool> decided(layers.size(), false);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const Json* nodes = layers[i].inboundNodes;
      const bool newStyle = nodes && !nodes->empty() && nodes->front().is_object();
      first[i] = layers[i].isModel() && !(inArguments && newStyle) ? 1 : 0;
    }
    for (const Argument& reference : references) {
      const auto layer = static_cast<std::size_t>(reference.layer);
      if (decided[layer]) continue;
      decided[layer] = reference.call == 0 || reference.call == static_cast<std::int64_t>(callsOf[layer].size());
      if (decided[layer]) first[layer] = reference.call == 0 ? 0 : 1;
    }
    return first;
  }

  template <class Visit> void visitArguments(Call& call, Visit&& visit) {
    for (Argument& argument : call.args) visitTensors(argument, visit);
    for (auto& [name, argument] : call.kwargs) visitTensors(argument, visit);
  }

  /// One entry of inbound_nodes.
  void addCall(std::size_t layer, const Json& json, const ArgumentReader& reader) {
    Call call;
    call.layer = layer;
    if (json.is_object() && json.contains("args")) {
      for (const Json& argument : json.at("args")) call.args.push_back(reader.read(argument));
      if (const auto kwargs = json.find("kwargs"); kwargs != json.end() && kwargs->is_object())
        for (const auto& [name, value] : kwargs->items()) call.kwargs.emplace(name, reader.read(value));
    } else if (json.is_array() && !json.empty() && json[0].is_string()) {
      addLegacyArgument(call, json, reader);
    } else if (json.is_array()) {
      for (const Json& argument : json) addLegacyArgument(call, argument, reader);
      // A function that takes a list, such as concat, has it as its first argument.
      if (call.args.size() > 1) {
        Argument list;
        list.isList = true;
        list.items = std::move(call.args);
        call.args.clear();
        call.args.push_back(std::move(list));
      }
    } else {
      call.args.push_back(reader.read(json));
    }
    callsOf[layer].push_back(calls.size());
    calls.push_back(std::move(call));
  }

  static void addLegacyArgument(Call& call, const Json& json, const ArgumentReader& reader) {
    if (json.is_array() && json.size() >= 3 && json[0] == "_CONSTANT_VALUE") {
      Argument constant;
      constant.json = &json[2];
      call.args.push_back(constant);
    } else {
      call.args.push_back(reader.read(json));
    }
    if (json.is_array() && json.size() == 4 && json[3].is_object())
      for (const auto& [name, value] : json[3].items()) call.kwargs.emplace(name, reader.read(value));
  }
};

Outputs ModelImporter::buildFunctional(const LayerSpec& spec, const Outputs* inputs, LayerWeights& weights) {
  if (!spec.config->is_object()) throw KerasError("the model " + inQuotes(spec.name) + " has no options");
  Model model;
  model.layers = layersOf(spec);
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    if (model.layers[i].name.empty() || !model.byName.emplace(model.layers[i].name, i).second)
      throw KerasError("two layers have the name " + inQuotes(model.layers[i].name));
  model.weights = weightsOf(model.layers, weights);
  model.callsOf.resize(model.layers.size());

  const ArgumentReader reader(model.byName);
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    if (model.layers[i].isInput()) {
      Model::Call call;
      call.layer = i;
      model.callsOf[i].push_back(model.calls.size());
      model.calls.push_back(std::move(call));
      continue;
    }
    if (!model.layers[i].inboundNodes) continue;
    try {
      for (const Json& node : *model.layers[i].inboundNodes) model.addCall(i, node, reader);
    } catch (const KerasError& error) {
      throw KerasError("layer " + inQuotes(model.layers[i].name) + ": " + error.what());
    }
  }

  std::vector<Argument> inputLayers, outputLayers;
  const auto references = [&](const char* name, std::vector<Argument>& out) {
    const auto it = spec.config->find(name);
    if (it == spec.config->end()) throw KerasError("the model " + inQuotes(spec.name) + " has no " + name);
    collectReferences(reader, *it, out);
  };
  references("input_layers", inputLayers);
  references("output_layers", outputLayers);
  if (outputLayers.empty()) throw KerasError("the model " + inQuotes(spec.name) + " has no outputs");

  std::vector<Argument> arguments;
  for (Model::Call& call : model.calls) model.visitArguments(call, [&](Argument& a) { arguments.push_back(a); });
  model.firstCall = model.firstCalls(arguments, true);
  model.firstOutputCall = model.firstCalls(outputLayers, false);

  if (inputs && inputs->size() != inputLayers.size())
    throw KerasError("the model " + inQuotes(spec.name) + " takes " + std::to_string(inputLayers.size()) +
                     " inputs and is given " + std::to_string(inputs->size()));
  for (std::size_t i = 0; i < inputLayers.size(); ++i) {
    const LayerSpec& layer = model.layers[static_cast<std::size_t>(inputLayers[i].layer)];
    Model::Call* call = model.find(inputLayers[i]);
    if (!call || !layer.isInput()) throw KerasError("the layer " + inQuotes(layer.name) + " is no input");
    call->done = true;
    try {
      call->outputs = {inputs ? (*inputs)[i] : graphInputOf(layer)};
    } catch (const KerasError& error) {
      addProblem("layer " + inQuotes(layer.name) + ": " + error.what());
      call->failed = true;
    }
  }

  runCalls(model);

  Outputs outputs;
  bool failed = false;
  std::vector<std::string> names;
  for (const Argument& reference : outputLayers) {
    const Model::Call* call = model.find(reference, true);
    const std::string& name = model.layers[static_cast<std::size_t>(reference.layer)].name;
    names.push_back(name);
    if (!call || !call->done || call->failed) {
      failed = true;
      continue;
    }
    if (reference.output < 0 || reference.output >= static_cast<std::int64_t>(call->outputs.size()))
      throw KerasError("the layer " + inQuotes(name) + " has no output " + std::to_string(reference.output));
    outputs.push_back(call->outputs[static_cast<std::size_t>(reference.output)]);
  }
  m_outputNames = std::move(names);
  if (failed && m_problems.empty()) addProblem("an output of the model " + inQuotes(spec.name) + " is never computed");
  return failed ? Outputs{} : outputs;
}

void ModelImporter::runCalls(Model& model) {
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < model.calls.size(); ++i) {
    Model::Call& call = model.calls[i];
    if (call.done || model.layers[call.layer].isInput()) continue;
    model.visitArguments(call, [&](Argument& a) {
      Model::Call* source = model.find(a);
      const std::string& name = model.layers[static_cast<std::size_t>(a.layer)].name;
      if (!source)
        throw KerasError("layer " + inQuotes(model.layers[call.layer].name) + ": the layer " + inQuotes(name) +
                         " has no call " + std::to_string(a.call));
      if (source->done) return;
      ++call.missing;
      source->dependents.push_back(i);
    });
    if (call.missing == 0) ready.push(i);
  }
  while (!ready.empty()) {
    const std::size_t index = ready.top();
    ready.pop();
    runCall(model, index);
    model.calls[index].done = true;
    for (const std::size_t dependent : model.calls[index].dependents)
      if (--model.calls[dependent].missing == 0) ready.push(dependent);
  }
  std::string waiting;
  std::size_t count = 0;
  for (const Model::Call& call : model.calls)
    if (!call.done && !model.layers[call.layer].isInput() && ++count <= 5)
      waiting += (waiting.empty() ? "" : ", ") + inQuotes(model.layers[call.layer].name);
  if (count > 0)
    throw KerasError("these layers wait for each other in a cycle, or for an input that is none: " + waiting);
}

void ModelImporter::runCall(Model& model, std::size_t index) {
  Model::Call& call = model.calls[index];
  const LayerSpec& layer = model.layers[call.layer];
  const auto scope = m_builder.enter(layer.name);
  try {
    bool incomplete = false;
    model.visitArguments(call, [&](Argument& a) {
      const Model::Call* source = model.find(a);
      if (source->failed) {
        incomplete = true;
        return;
      }
      if (a.output < 0 || a.output >= static_cast<std::int64_t>(source->outputs.size()))
        throw KerasError("the layer " + inQuotes(model.layers[source->layer].name) + " has no output " +
                         std::to_string(a.output));
      a.tensor = source->outputs[static_cast<std::size_t>(a.output)];
    });
    if (incomplete) {
      call.failed = true;
      // What cannot be built because of another layer may have a problem of its own.
      if (!layer.isModel() && !layer.isOperation() && !findLayer(layer.className) &&
          isKnownButUnsupported(layer.className))
        throw KerasError("layers of the class " + inQuotes(layer.className) + " are not supported");
      return;
    }
    call.outputs = apply(layer, call.args, call.kwargs, *model.weights[call.layer]);
    call.failed = call.outputs.empty();
    if (!call.failed) reportLeftOver(layer, *model.weights[call.layer]);
  } catch (const KerasError& error) {
    call.failed = true;
    addProblem("layer " + inQuotes(layer.name) + ": " + error.what());
  }
}

void ModelImporter::importModel(const LayerSpec& spec, LayerWeights& weights) {
  try {
    m_outputNames = {spec.name}; // where no layer gives the output, as in a model of one input
    Outputs outputs = buildModel(spec, nullptr, weights);
    if (outputs.empty() || !m_problems.empty()) return;
    Graph& graph = m_builder.graph();
    std::map<std::string, int> uses;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const std::string layer = i < m_outputNames.size() ? m_outputNames[i] : m_outputNames.front();
      const auto scope = m_builder.enter(layer);
      ValueId value = m_builder.plainOf(*outputs[i]);
      const auto& known = graph.outputs();
      // An input that is an output as well, or one tensor twice, needs a name of its own.
      if (!graph.value(value).producer.valid() || std::find(known.begin(), known.end(), value) != known.end())
        value = m_builder.node("Identity", {value});
      const int use = uses[layer]++;
      graph.value(value).name = m_builder.reserveName(use == 0 ? layer : layer + "_" + std::to_string(use));
      graph.addOutput(value);
    }
    for (const std::string& name : weights.leftOver())
      addProblem("the file has weights for something that the model does not have: " + inQuotes(name));
  } catch (const KerasError& error) {
    addProblem(error.what());
  } catch (const nlohmann::json::exception& error) {
    addProblem(std::string("the configuration has an unexpected form: ") + error.what());
  }
}

} // namespace tandem::detail
