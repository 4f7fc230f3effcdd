// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/labels.hpp"
#include "engine/formats/tensors/npy.hpp"
#include "engine/runtime/execution_slot.hpp"
#include "engine/session/input_files.hpp"
#include "engine/session/service.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

namespace tandem::session {
namespace {

/// COCO's 80 classes are not in a detector's file; without labels a box carries its number.
std::string labelOf(const std::vector<std::string>& labels, int index) {
  const auto at = static_cast<std::size_t>(index);
  return at < labels.size() ? labels[at] : std::string();
}

/// The first floating point output whose elements are one score per class: [1, C] or [1, C, 1, 1] with C > 1.
const Tensor* classScores(const ExecutionSlot& slot) {
  for (std::size_t i = 0; i < slot.outputCount(); ++i) {
    const Tensor& output = slot.output(i);
    if (!output.defined() || !isFloating(output.type()) || output.shape().rank() < 2) continue;
    const std::int64_t classes = output.shape()[1];
    if (classes > 1 && output.elements() == classes) return &output;
  }
  return nullptr;
}

/// Scores as probabilities: as they are where they already sum to one, else by soft-max.
std::vector<double> probabilities(const Tensor& scores) {
  std::vector<double> values(static_cast<std::size_t>(scores.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = scores.asDouble(static_cast<std::int64_t>(i));
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  const bool positive = std::all_of(values.begin(), values.end(), [](double value) { return value >= 0; });
  if (positive && std::abs(sum - 1) < 0.02) return values; // half precision sums are off by about 1 %
  const double largest = *std::max_element(values.begin(), values.end());
  double total = 0;
  for (double& value : values) total += value = std::exp(value - largest);
  for (double& value : values) value /= total;
  return values;
}

Json topClasses(const Tensor& scores, int count, const std::vector<std::string>& labels) {
  const std::vector<double> values = probabilities(scores);
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  const auto shown = static_cast<std::size_t>(std::clamp(count, 0, static_cast<int>(order.size())));
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(), [&](int a, int b) {
    return values[static_cast<std::size_t>(a)] > values[static_cast<std::size_t>(b)];
  });
  Json top = Json::array();
  for (std::size_t i = 0; i < shown; ++i)
    top.push_back({{"index", order[i]},
                   {"label", labelOf(labels, order[i])},
                   {"score", values[static_cast<std::size_t>(order[i])]}});
  return top;
}

std::string fileSafe(std::string name) {
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_' && c != '.') c = '_';
  return name;
}

struct PredictOptions {
  std::vector<std::string> labels;
  int top = 5;
  std::string outputFolder;
};

Result<Json> encodePrediction(const OpenDocument& document, const InputSet& input, const ExecutionSlot& slot,
                              std::size_t number, const PredictOptions& options) {
  const Graph& graph = document.graph();
  Json json{{"input", input.label}};
  std::vector<Tensor> outputs;
  json["outputs"] = Json::array();
  for (std::size_t i = 0; i < slot.outputCount(); ++i) {
    outputs.push_back(slot.output(i));
    Json tensor = encodeTensor(graph, graph.outputs()[i]);
    tensor["type"] = toString(slot.output(i).type());
    tensor["shape"] = slot.output(i).shape().dims();
    json["outputs"].push_back(std::move(tensor));
  }
  if (auto kind = guessDetector(document.view); kind && input.pictureWidth > 0) {
    json["boxes"] = Json::array();
    for (const Detection& each : TANDEM_TRY(decodeDetections(*kind, outputs, input.pictureWidth, input.pictureHeight)))
      json["boxes"].push_back(
          {{"x0", each.x0},
           {"y0", each.y0},
           {"x1", each.x1},
           {"y1", each.y1},
           {"score", each.score},
           {"class", each.label},
           {"label", *kind == DetectorKind::UltraFace ? "face" : labelOf(options.labels, each.label)}});
  } else if (const Tensor* scores = classScores(slot)) {
    json["top"] = topClasses(*scores, options.top, options.labels);
  }
  if (!options.outputFolder.empty()) {
    json["output_files"] = Json::array();
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const std::string file = std::to_string(number) + "_" + fileSafe(graph.value(graph.outputs()[i]).name) + ".npy";
      const std::filesystem::path path = std::filesystem::path(options.outputFolder) / file;
      TANDEM_TRY(writeNpy(path, outputs[i]));
      json["output_files"].push_back(path.string());
    }
  }
  return json;
}

Result<void> makeFolder(const std::string& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem)
    return makeError(ErrorCode::OutputFailed, "the folder cannot be created: " + problem.message(), folder,
                     "choose a folder that you may write to");
  return {};
}

} // namespace

Result<Json> predict(const Job& job) {
  const auto document = TANDEM_TRY(documentOf(job));
  const auto registry = job.state.registry();
  TANDEM_TRY(requireRunnable(*document));
  const Placement placement = TANDEM_TRY(placementOf(job.params, *registry));
  PredictOptions options;
  options.top = job.params.value("top", 5);
  options.outputFolder = job.params.value("output_dir", std::string());
  if (const std::string labels = job.params.value("labels", std::string()); !labels.empty())
    options.labels = TANDEM_TRY(readLabels(labels));
  const std::vector<InputSet> inputs = TANDEM_TRY(readInputs(
      document->view, job.params.value("inputs", std::vector<std::string>()), job.params.value("preprocess", "")));
  if (!options.outputFolder.empty()) TANDEM_TRY(makeFolder(options.outputFolder));

  Json predictions = Json::array();
  std::unique_ptr<ExecutionSlot> slot;
  std::vector<TensorDesc> compiledFor;
  std::string summary;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    TANDEM_TRY(job.cancel.check());
    job.progress(static_cast<std::int64_t>(i), static_cast<std::int64_t>(inputs.size()), inputs[i].label);
    std::vector<TensorDesc> descs;
    for (const Tensor& tensor : inputs[i].tensors) descs.push_back(tensor.desc());
    BoundGraph bound = TANDEM_TRY(bindTensors(document->graph(), inputs[i].tensors));
    // Elements that steer shapes are part of what was compiled, so only fully static inputs may share an executable.
    if (!slot || descs != compiledFor || !bound.known.empty()) {
      PlacedGraph placed = TANDEM_TRY(place(std::move(bound), placement, *registry, job.params.value("strict", false)));
      summary = placed.effective.summary;
      CompileOptions compileOptions;
      compileOptions.compiled = job.params.value("mode", std::string("compiled")) != "eager";
      compileOptions.cancel = job.cancel;
      auto executable = TANDEM_TRY(
          Executable::compile(std::move(placed.bound), std::move(placed.deviceOf), registry->host(), compileOptions));
      slot = TANDEM_TRY(executable->createSlot());
      slot->attachCurrentThread();
      compiledFor = descs;
    }
    TANDEM_TRY(slot->setInputs(inputs[i].tensors));
    TANDEM_TRY(slot->run(job.cancel)); // first run: lazy set-up of drivers
    const RunTimes times = TANDEM_TRY(slot->run(job.cancel));
    Json prediction = TANDEM_TRY(encodePrediction(*document, inputs[i], *slot, i, options));
    prediction["latency_ms"] = static_cast<double>(times.totalNs) * 1e-6;
    prediction["summary"] = summary;
    predictions.push_back(std::move(prediction));
  }
  return Json{{"predictions", std::move(predictions)}};
}

} // namespace tandem::session
