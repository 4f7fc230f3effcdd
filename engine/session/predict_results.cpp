// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/session/predict_results.hpp"

#include "engine/formats/images/labels.hpp"
#include "engine/formats/tensors/npy.hpp"
#include "engine/formats/text/ctc.hpp"
#include "engine/session/codec.hpp"
#include "engine/session/json_read.hpp"
#include "engine/session/service.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

namespace tandem::session {
namespace {

constexpr std::int64_t kMaxRows = 10'000; ///< in a reply; files hold all of them
constexpr std::int64_t kMaxValues = 16;   ///< of a row that are shown one by one
constexpr std::int64_t kMaxClasses = 1 << 20;

/// COCO's 80 classes are not in a detector's file; without labels a box carries its number.
std::string labelOf(const std::vector<std::string>& labels, int index) {
  const auto at = static_cast<std::size_t>(index);
  return at < labels.size() ? labels[at] : std::string();
}

/// Scores as probabilities: as they are where they already sum to one, else by soft-max.
std::vector<double> probabilities(const Tensor& scores, std::int64_t first, std::int64_t count) {
  std::vector<double> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = scores.asDouble(first + static_cast<std::int64_t>(i));
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  const bool positive = std::all_of(values.begin(), values.end(), [](double value) { return value >= 0; });
  if (positive && std::abs(sum - 1) < 0.02) return values; // half precision sums are off by about 1 %
  const double largest = *std::max_element(values.begin(), values.end());
  double total = 0;
  for (double& value : values) total += value = std::exp(value - largest);
  for (double& value : values) value /= total;
  return values;
}

Json topClasses(const std::vector<double>& values, int count, const std::vector<std::string>& labels) {
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  const auto shown = static_cast<std::size_t>(std::clamp(count, 0, static_cast<int>(order.size())));
  // NaN is in no order with anything, which sorting does not survive: it counts as the least.
  const auto rank = [&](int index) {
    const double value = values[static_cast<std::size_t>(index)];
    return std::isnan(value) ? -std::numeric_limits<double>::infinity() : value;
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
                    [&](int a, int b) { return rank(a) > rank(b); });
  Json top = Json::array();
  for (std::size_t i = 0; i < shown; ++i)
    top.push_back({{"index", order[i]},
                   {"label", labelOf(labels, order[i])},
                   {"score", values[static_cast<std::size_t>(order[i])]}});
  return top;
}

/// The first floating point output that is no state.
const Tensor* mainOutput(const PredictedOutputs& results) {
  for (std::size_t i = 0; i < results.outputs.size(); ++i)
    if (!results.isState[i] && results.outputs[i].defined() && isFloating(results.outputs[i].type()))
      return &results.outputs[i];
  return nullptr;
}

/// One score per class: [1, C] or [1, C, 1, 1] with C > 1.
const Tensor* classScores(const PredictedOutputs& results) {
  for (std::size_t i = 0; i < results.outputs.size(); ++i) {
    const Tensor& output = results.outputs[i];
    if (results.isState[i] || !output.defined() || !isFloating(output.type()) || output.shape().rank() < 2) continue;
    const std::int64_t classes = output.shape()[1];
    if (classes > 1 && classes <= kMaxClasses && output.elements() == classes) return &output;
  }
  return nullptr;
}

std::string rowLabel(const InputSet& input, std::int64_t row) {
  if (input.stepSeconds == 0) return "row " + std::to_string(row + 1);
  char text[32];
  std::snprintf(text, sizeof text, "%.3f s", static_cast<double>(row) * input.stepSeconds);
  return text;
}

/// A line for every step of a recording or row of a table: its few values, or its best class.
Json encodeRows(const Tensor& output, const InputSet& input, std::int64_t rows,
                const std::vector<std::string>& labels) {
  Json json = Json::array();
  if (rows < 1 || output.shape().rank() == 0 || output.elements() % rows != 0) return json;
  const std::int64_t width = output.elements() / rows;
  if (width < 1 || width > kMaxClasses) return json;
  const bool values = width <= kMaxValues;
  const bool classes = width > 1 && output.shape().rank() == 2 && input.stepSeconds == 0;
  if (!values && !classes) return json;
  for (std::int64_t row = 0; row < std::min(rows, kMaxRows); ++row) {
    Json line{{"label", rowLabel(input, row)}};
    if (values) {
      line["values"] = Json::array();
      for (std::int64_t i = 0; i < width; ++i) line["values"].push_back(output.asDouble(row * width + i));
    }
    if (classes) line["top"] = topClasses(probabilities(output, row * width, width), 1, labels);
    json.push_back(std::move(line));
  }
  return json;
}

/// Text where the model is a recogniser whose characters lie beside it: one picture in, [1, steps, classes] out.
std::optional<RecognizedText> recognizedText(const OpenDocument& document, const InputSet& input,
                                             const PredictedOutputs& results) {
  if (input.pictureWidth == 0 || results.outputs.size() != 1 || !results.outputs[0].defined()) return std::nullopt;
  const Tensor& scores = results.outputs[0];
  if (!isFloating(scores.type()) || scores.shape().rank() != 3) return std::nullopt;
  if (scores.shape()[0] != 1 && scores.shape()[1] != 1) return std::nullopt;
  const std::vector<std::string> characters = findCharacters(document.path, scores.shape()[2]);
  if (characters.empty()) return std::nullopt;
  return decodeCtc(scores, characters);
}

Result<void> addBoxes(DetectorKind kind, const InputSet& input, const PredictedOutputs& results,
                      const ResultOptions& options, Json& json) {
  json["detector"] = detectorName(kind);
  json["boxes"] = Json::array();
  for (const Detection& each :
       TANDEM_TRY(decodeDetections(kind, results.outputs, *input.preprocess, input.pictureWidth, input.pictureHeight)))
    json["boxes"].push_back(
        {{"x0", each.x0},
         {"y0", each.y0},
         {"x1", each.x1},
         {"y1", each.y1},
         {"score", each.score},
         {"class", each.label},
         {"label", kind == DetectorKind::UltraFace ? "face" : labelOf(options.labels, each.label)}});
  return {};
}

/// Names come from the model: nothing that means something in a path, and no longer than file systems take.
std::string fileSafe(std::string name) {
  constexpr std::size_t kMaxNameBytes = 120;
  name.resize(std::min(name.size(), kMaxNameBytes));
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_' && c != '.') c = '_';
  return name;
}

Result<void> writeOutputs(const Graph& graph, const PredictedOutputs& results, std::size_t number,
                          const ResultOptions& options, Json& json) {
  json["output_files"] = Json::array();
  std::set<std::string> taken;
  for (std::size_t i = 0; i < results.outputs.size(); ++i) {
    std::string name = fileSafe(graph.value(graph.outputs()[i]).name);
    if (!taken.insert(name).second) taken.insert(name += "_" + std::to_string(i));
    const std::string file = std::to_string(number) + "_" + name + ".npy";
    const std::filesystem::path path = std::filesystem::path(options.outputFolder) / file;
    TANDEM_TRY(writeNpy(path, results.outputs[i]));
    json["output_files"].push_back(path.string());
  }
  return {};
}

} // namespace

Result<ResultOptions> decodeResultOptions(const Json& params) {
  ResultOptions options;
  options.top = readOr(params, "top", 5);
  options.outputFolder = params.value("output_dir", std::string());
  options.detector = params.value("detector", std::string());
  if (const std::string labels = params.value("labels", std::string()); !labels.empty())
    options.labels = TANDEM_TRY(readLabels(labels));
  if (options.detector.empty() || options.detector == "none" || detectorFrom(options.detector)) return options;
  std::string names;
  for (DetectorKind kind : kDetectorKinds) names += std::string(detectorName(kind)) + ", ";
  return makeError(ErrorCode::Usage, "unknown detector '" + options.detector + "'", "--detector", names + "or none");
}

Result<Json> encodePrediction(const OpenDocument& document, const InputSet& input, const PredictedOutputs& results,
                              std::size_t number, const ResultOptions& options) {
  const Graph& graph = document.graph();
  Json json{{"input", input.label}, {"notes", input.notes}};
  json["outputs"] = Json::array();
  for (std::size_t i = 0; i < results.outputs.size(); ++i) {
    Json tensor = encodeTensor(graph, graph.outputs()[i]);
    tensor["type"] = toString(results.outputs[i].type());
    tensor["shape"] = results.outputs[i].shape().dims();
    json["outputs"].push_back(std::move(tensor));
  }
  std::optional<DetectorKind> kind;
  if (input.pictureWidth > 0 && options.detector != "none")
    kind = options.detector.empty() ? guessDetector(document.view) : detectorFrom(options.detector);
  const std::int64_t rows = std::max(input.steps, input.rows);
  if (kind) {
    TANDEM_TRY(addBoxes(*kind, input, results, options, json));
  } else if (const auto text = recognizedText(document, input, results)) {
    json["text"] = text->text;
    json["text_score"] = text->score;
  } else if (rows > 1 || (input.stepSeconds > 0 && mainOutput(results))) {
    if (const Tensor* output = mainOutput(results)) {
      json["rows"] = encodeRows(*output, input, rows, options.labels);
      json["row_count"] = rows;
    }
  } else if (const Tensor* scores = classScores(results)) {
    json["top"] = topClasses(probabilities(*scores, 0, scores->elements()), options.top, options.labels);
  }
  if (!options.outputFolder.empty()) TANDEM_TRY(writeOutputs(graph, results, number, options, json));
  return json;
}

} // namespace tandem::session
