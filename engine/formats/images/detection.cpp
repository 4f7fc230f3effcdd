// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/detection.hpp"

#include "engine/formats/images/detail/decode.hpp"

#include <algorithm>
#include <cmath>

namespace tandem {
namespace {

// Thresholds of the authors' own demos.
constexpr float kFaceScore = 0.7f;
constexpr float kFaceOverlap = 0.5f;
constexpr float kObjectScore = 0.65f;
constexpr float kObjectOverlap = 0.45f;

using detail::UnitBoxes;

/// Greedy: the best box stays and removes every other one of its class that overlaps it by more than `limit`.
std::vector<Detection> suppressed(std::vector<Detection> boxes, float limit, bool perClass) {
  std::stable_sort(boxes.begin(), boxes.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  constexpr std::size_t kMaxKept = 1000; // keeps the work linear where an output is noise
  std::vector<Detection> kept;
  for (const Detection& box : boxes) {
    if (kept.size() == kMaxKept) break;
    if (std::none_of(kept.begin(), kept.end(), [&](const Detection& other) {
          return (!perClass || box.label == other.label) && overlap(box, other) > limit;
        }))
      kept.push_back(box);
  }
  return kept;
}

/// From parts of the model's picture to pixels inside the original.
Detection inPixels(Detection box, const PictureMapping& map, int width, int height) {
  const auto w = static_cast<float>(width);
  const auto h = static_cast<float>(height);
  const auto x = [&](float u) {
    return std::clamp(static_cast<float>(map.x0 + map.scaleX * static_cast<double>(u)), 0.0f, w);
  };
  const auto y = [&](float v) {
    return std::clamp(static_cast<float>(map.y0 + map.scaleY * static_cast<double>(v)), 0.0f, h);
  };
  box.x0 = x(box.x0), box.x1 = x(box.x1);
  box.y0 = y(box.y0), box.y1 = y(box.y1);
  return box;
}

bool isFaceScores(const Shape& shape) { return shape.rank() == 3 && shape[2] == 2; }
bool isFaceBoxes(const Shape& shape) { return shape.rank() == 3 && shape[2] == 4; }

Result<UnitBoxes> decodeFaces(std::span<const Tensor> outputs) {
  if (outputs.size() != 2) return detail::wrongDetections("scores and boxes");
  const bool scoresFirst = isFaceScores(outputs[0].shape());
  const Tensor& scores = outputs[scoresFirst ? 0 : 1];
  const Tensor& boxes = outputs[scoresFirst ? 1 : 0];
  if (!isFaceScores(scores.shape()) || !isFaceBoxes(boxes.shape()) || scores.shape()[0] != 1 || boxes.shape()[0] != 1 ||
      scores.shape()[1] != boxes.shape()[1])
    return detail::wrongDetections("1xNx2 and 1xNx4");
  UnitBoxes found;
  for (std::int64_t i = 0; i < scores.shape()[1]; ++i) {
    Detection box;
    box.score = static_cast<float>(scores.asDouble(2 * i + 1));
    if (!(box.score > kFaceScore)) continue;
    const auto corner = [&](std::int64_t k) { return static_cast<float>(boxes.asDouble(4 * i + k)); };
    box.x0 = corner(0), box.y0 = corner(1), box.x1 = corner(2), box.y1 = corner(3);
    found.push_back(box);
  }
  return found;
}

Result<UnitBoxes> decodeGrid(std::span<const Tensor> outputs) {
  if (outputs.size() != 1 || outputs[0].shape().rank() != 4 || outputs[0].shape()[0] != 1 || outputs[0].shape()[1] < 6)
    return detail::wrongDetections("one grid 1x(5+classes)xHxW");
  const Tensor& grid = outputs[0];
  const std::int64_t classes = grid.shape()[1] - 5;
  const std::int64_t rows = grid.shape()[2];
  const std::int64_t columns = grid.shape()[3];
  UnitBoxes found;
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
      found.push_back(box);
    }
  return found;
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

namespace detail {

Error wrongDetections(const std::string& expected) {
  return makeError(ErrorCode::Mismatch, "the outputs are not those of this detector: " + expected + " expected",
                   "detections", "look at the raw outputs instead (--detector none)");
}

} // namespace detail

std::string_view detectorName(DetectorKind kind) {
  switch (kind) {
  case DetectorKind::UltraFace: return "ultraface";
  case DetectorKind::FastestDet: return "fastestdet";
  case DetectorKind::YoloV5: return "yolov5";
  case DetectorKind::YoloV8: return "yolov8";
  case DetectorKind::TinyYoloV2: return "tinyyolov2";
  case DetectorKind::Ssd: return "ssd";
  }
  return "";
}

std::optional<DetectorKind> detectorFrom(std::string_view name) {
  for (DetectorKind kind : kDetectorKinds)
    if (detectorName(kind) == name) return kind;
  return std::nullopt;
}

std::optional<DetectorKind> guessDetector(const Graph& graph) {
  const auto name = [&](std::size_t i) -> const std::string& { return graph.value(graph.outputs()[i]).name; };
  if (graph.outputs().size() == 2) {
    const bool named = (name(0) == "scores" && name(1) == "boxes") || (name(0) == "boxes" && name(1) == "scores");
    if (named) return DetectorKind::UltraFace;
  }
  if (graph.inputs().size() != 1 || graph.outputs().empty()) return std::nullopt;
  if (detail::looksLikeSsd(graph)) return DetectorKind::Ssd;
  const Value& input = graph.value(graph.inputs()[0]);
  const Shape* first = shapeOf(graph, 0);
  if (!first || !input.rankKnown || input.desc.shape.rank() != 4) return std::nullopt;
  const bool nhwc = input.desc.shape[3] == 3;
  const std::int64_t height = input.desc.shape[nhwc ? 1 : 2];
  const std::int64_t width = input.desc.shape[nhwc ? 2 : 3];
  if (graph.outputs().size() == 1 && first->rank() == 4) {
    // Known by their shapes: 85 channels (box, object, 80 classes) on 1/16 of the input; five anchors with 25 on 1/32.
    const auto isGrid = [&](std::int64_t channels, std::int64_t stride) {
      return (*first)[1] == channels && (*first)[2] > 0 && height == (*first)[2] * stride &&
             width == (*first)[3] * stride;
    };
    if (isGrid(85, 16)) return DetectorKind::FastestDet;
    if (isGrid(125, 32)) return DetectorKind::TinyYoloV2;
  }
  // The number of boxes follows from the input's size; nothing else has just that many rows. Segmenters and pose
  // models, which have more outputs or fields of other kinds, are refused by their values.
  if (first->rank() == 3) {
    if ((*first)[2] >= 6 && detail::isGridCount((*first)[1], width, height, 3)) return DetectorKind::YoloV5;
    if (graph.outputs().size() == 1 && (*first)[1] >= 5 && detail::isGridCount((*first)[2], width, height, 1))
      return DetectorKind::YoloV8;
  }
  return std::nullopt;
}

Result<std::vector<Detection>> decodeDetections(DetectorKind kind, std::span<const Tensor> outputs,
                                                const PreprocessSpec& spec, int imageWidth, int imageHeight) {
  for (const Tensor& output : outputs)
    if (!output.defined()) return detail::wrongDetections("every output");
  const auto boxes = [&]() -> Result<UnitBoxes> {
    switch (kind) {
    case DetectorKind::UltraFace: return decodeFaces(outputs);
    case DetectorKind::FastestDet: return decodeGrid(outputs);
    case DetectorKind::YoloV5: return detail::decodeYoloV5(outputs, spec.width, spec.height);
    case DetectorKind::YoloV8: return detail::decodeYoloV8(outputs, spec.width, spec.height);
    case DetectorKind::TinyYoloV2: return detail::decodeTinyYoloV2(outputs);
    case DetectorKind::Ssd: return detail::decodeSsd(outputs, spec.width, spec.height);
    }
    return UnitBoxes{};
  };
  UnitBoxes found = TANDEM_TRY(boxes());
  const PictureMapping map = mappingOf(imageWidth, imageHeight, spec);
  for (Detection& box : found) box = inPixels(box, map, imageWidth, imageHeight);
  const bool faces = kind == DetectorKind::UltraFace;
  const bool perClass = !faces && kind != DetectorKind::FastestDet; // as their authors' programs do
  return suppressed(std::move(found), faces ? kFaceOverlap : kObjectOverlap, perClass);
}

} // namespace tandem
