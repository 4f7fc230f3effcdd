// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/detection.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

// Thresholds of the authors' own demos.
constexpr float kFaceScore = 0.7f;
constexpr float kFaceOverlap = 0.5f;
constexpr float kObjectScore = 0.65f;
constexpr float kObjectOverlap = 0.45f;

Error wrongShape(const std::string& expected) {
  return makeError(ErrorCode::Mismatch, "the outputs are not those of this detector: " + expected + " expected",
                   "detections", "look at the raw outputs instead");
}

/// Greedy: the best box stays and removes every other one that overlaps it by more than `limit`.
std::vector<Detection> suppressed(std::vector<Detection> boxes, float limit) {
  std::stable_sort(boxes.begin(), boxes.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  std::vector<Detection> kept;
  for (const Detection& box : boxes)
    if (std::none_of(kept.begin(), kept.end(), [&](const Detection& other) { return overlap(box, other) > limit; }))
      kept.push_back(box);
  return kept;
}

/// From normalised corners to pixels inside the picture.
Detection inPixels(Detection box, int width, int height) {
  const auto w = static_cast<float>(width);
  const auto h = static_cast<float>(height);
  box.x0 = std::clamp(box.x0 * w, 0.0f, w);
  box.x1 = std::clamp(box.x1 * w, 0.0f, w);
  box.y0 = std::clamp(box.y0 * h, 0.0f, h);
  box.y1 = std::clamp(box.y1 * h, 0.0f, h);
  return box;
}

bool isFaceScores(const Shape& shape) { return shape.rank() == 3 && shape[2] == 2; }
bool isFaceBoxes(const Shape& shape) { return shape.rank() == 3 && shape[2] == 4; }

Result<std::vector<Detection>> decodeFaces(std::span<const Tensor> outputs, int width, int height) {
  if (outputs.size() != 2) return wrongShape("scores and boxes");
  const bool scoresFirst = isFaceScores(outputs[0].shape());
  const Tensor& scores = outputs[scoresFirst ? 0 : 1];
  const Tensor& boxes = outputs[scoresFirst ? 1 : 0];
  if (!isFaceScores(scores.shape()) || !isFaceBoxes(boxes.shape()) || scores.shape()[0] != 1 || boxes.shape()[0] != 1 ||
      scores.shape()[1] != boxes.shape()[1])
    return wrongShape("1xNx2 and 1xNx4");
  std::vector<Detection> found;
  for (std::int64_t i = 0; i < scores.shape()[1]; ++i) {
    Detection box;
    box.score = static_cast<float>(scores.asDouble(2 * i + 1));
    if (!(box.score > kFaceScore)) continue;
    const auto corner = [&](std::int64_t k) { return static_cast<float>(boxes.asDouble(4 * i + k)); };
    box.x0 = corner(0), box.y0 = corner(1), box.x1 = corner(2), box.y1 = corner(3);
    found.push_back(inPixels(box, width, height));
  }
  return suppressed(std::move(found), kFaceOverlap);
}

Result<std::vector<Detection>> decodeGrid(std::span<const Tensor> outputs, int width, int height) {
  if (outputs.size() != 1 || outputs[0].shape().rank() != 4 || outputs[0].shape()[0] != 1 || outputs[0].shape()[1] < 6)
    return wrongShape("one grid 1x(5+classes)xHxW");
  const Tensor& grid = outputs[0];
  const std::int64_t classes = grid.shape()[1] - 5;
  const std::int64_t rows = grid.shape()[2];
  const std::int64_t columns = grid.shape()[3];
  std::vector<Detection> found;
  for (std::int64_t y = 0; y < rows; ++y)
    for (std::int64_t x = 0; x < columns; ++x) {
      const auto at = [&](std::int64_t channel) { return grid.asDouble((channel * rows + y) * columns + x); };
      Detection box;
      double best = at(5);
      for (std::int64_t k = 1; k < classes; ++k)
        if (at(5 + k) > best) best = at(5 + k), box.label = static_cast<int>(k);
      box.score = static_cast<float>(std::pow(at(0), 0.6) * std::pow(best, 0.4));
      if (!(box.score > kObjectScore)) continue;
      const double centreX = (std::tanh(at(1)) + static_cast<double>(x)) / static_cast<double>(columns);
      const double centreY = (std::tanh(at(2)) + static_cast<double>(y)) / static_cast<double>(rows);
      const double boxWidth = 1 / (1 + std::exp(-at(3)));
      const double boxHeight = 1 / (1 + std::exp(-at(4)));
      box.x0 = static_cast<float>(centreX - boxWidth / 2);
      box.x1 = static_cast<float>(centreX + boxWidth / 2);
      box.y0 = static_cast<float>(centreY - boxHeight / 2);
      box.y1 = static_cast<float>(centreY + boxHeight / 2);
      found.push_back(inPixels(box, width, height));
    }
  return suppressed(std::move(found), kObjectOverlap);
}

const Shape* shapeOf(const Graph& graph, std::size_t output) {
  const Value& value = graph.value(graph.outputs()[output]);
  return value.rankKnown ? &value.desc.shape : nullptr;
}

} // namespace

float overlap(const Detection& a, const Detection& b) {
  const float width = std::min(a.x1, b.x1) - std::max(a.x0, b.x0);
  const float height = std::min(a.y1, b.y1) - std::max(a.y0, b.y0);
  if (!(width > 0) || !(height > 0)) return 0;
  const float both = width * height;
  const float all = (a.x1 - a.x0) * (a.y1 - a.y0) + (b.x1 - b.x0) * (b.y1 - b.y0) - both;
  return all > 0 ? both / all : 0;
}

std::optional<DetectorKind> guessDetector(const Graph& graph) {
  const auto name = [&](std::size_t i) -> const std::string& { return graph.value(graph.outputs()[i]).name; };
  if (graph.outputs().size() == 2) {
    const bool named = (name(0) == "scores" && name(1) == "boxes") || (name(0) == "boxes" && name(1) == "scores");
    if (named) return DetectorKind::UltraFace;
  }
  if (graph.outputs().size() == 1 && graph.inputs().size() == 1) {
    // Known by its shape: a square input, an output with 85 channels (box, object, 80 classes) and 1/16 of its size.
    const Shape* grid = shapeOf(graph, 0);
    const Value& input = graph.value(graph.inputs()[0]);
    const bool shaped =
        grid && grid->rank() == 4 && (*grid)[1] == 85 && input.rankKnown && input.desc.shape.rank() == 4;
    if (shaped && (*grid)[2] > 0 && input.desc.shape[2] == (*grid)[2] * 16 && input.desc.shape[3] == (*grid)[3] * 16)
      return DetectorKind::FastestDet;
  }
  return std::nullopt;
}

Result<std::vector<Detection>> decodeDetections(DetectorKind kind, std::span<const Tensor> outputs, int imageWidth,
                                                int imageHeight) {
  for (const Tensor& output : outputs)
    if (!output.defined()) return wrongShape("every output");
  return kind == DetectorKind::UltraFace ? decodeFaces(outputs, imageWidth, imageHeight)
                                         : decodeGrid(outputs, imageWidth, imageHeight);
}

} // namespace tandem
