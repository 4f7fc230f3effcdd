// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/detail/decode.hpp"

#include <algorithm>
#include <cmath>

namespace tandem::detail {
namespace {

constexpr double kScore = 0.25; ///< of the authors' own programs
constexpr double kTinyScore = 0.3;

Detection boxAround(double centreX, double centreY, double width, double height, double score, std::int64_t label) {
  Detection box;
  box.x0 = static_cast<float>(centreX - width / 2);
  box.x1 = static_cast<float>(centreX + width / 2);
  box.y0 = static_cast<float>(centreY - height / 2);
  box.y1 = static_cast<float>(centreY + height / 2);
  box.score = static_cast<float>(score);
  box.label = static_cast<int>(label);
  return box;
}

bool isProbability(double value) { return value >= -1e-3 && value <= 1 + 1e-3; }

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

} // namespace

bool isGridCount(std::int64_t count, std::int64_t width, std::int64_t height, int perPlace) {
  if (width <= 0 || height <= 0) return false;
  std::int64_t sum = 0;
  for (std::int64_t stride : {8, 16, 32, 64}) {
    sum += perPlace * ((width + stride - 1) / stride) * ((height + stride - 1) / stride);
    if (stride >= 32 && sum == count) return true;
  }
  return false;
}

// https://github.com/ultralytics/yolov5: x, y, w, h in pixels of the input, objectness, then one score per class.
Result<UnitBoxes> decodeYoloV5(std::span<const Tensor> outputs, int width, int height) {
  const char* const expected = "1xNx(5+classes) with scores of 0..1";
  if (outputs.empty() || outputs[0].shape().rank() != 3 || outputs[0].shape()[0] != 1 || outputs[0].shape()[2] < 6)
    return wrongDetections(expected);
  const Tensor& rows = outputs[0];
  const std::int64_t fields = rows.shape()[2];
  UnitBoxes found;
  for (std::int64_t i = 0; i < rows.shape()[1]; ++i) {
    const auto at = [&](std::int64_t field) { return rows.asDouble(i * fields + field); };
    const double object = at(4);
    if (!isProbability(object)) return wrongDetections(expected);
    if (object < kScore) continue;
    std::int64_t best = 5;
    for (std::int64_t k = 6; k < fields; ++k)
      if (at(k) > at(best)) best = k;
    if (!isProbability(at(best))) return wrongDetections(expected);
    if (const double score = object * at(best); score >= kScore)
      found.push_back(boxAround(at(0) / width, at(1) / height, at(2) / width, at(3) / height, score, best - 5));
  }
  return found;
}

// https://docs.ultralytics.com: the same without objectness, one column per box.
Result<UnitBoxes> decodeYoloV8(std::span<const Tensor> outputs, int width, int height) {
  const char* const expected = "1x(4+classes)xN with scores of 0..1";
  if (outputs.empty() || outputs[0].shape().rank() != 3 || outputs[0].shape()[0] != 1 || outputs[0].shape()[1] < 5)
    return wrongDetections(expected);
  const Tensor& columns = outputs[0];
  const std::int64_t fields = columns.shape()[1];
  const std::int64_t count = columns.shape()[2];
  UnitBoxes found;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto at = [&](std::int64_t field) { return columns.asDouble(field * count + i); };
    std::int64_t best = 4;
    for (std::int64_t k = 4; k < fields; ++k) {
      if (!isProbability(at(k))) return wrongDetections(expected);
      if (at(k) > at(best)) best = k;
    }
    if (at(best) >= kScore)
      found.push_back(boxAround(at(0) / width, at(1) / height, at(2) / width, at(3) / height, at(best), best - 4));
  }
  return found;
}

// Redmon and Farhadi, YOLO9000 (2016), with the anchors of its tiny VOC configuration.
Result<UnitBoxes> decodeTinyYoloV2(std::span<const Tensor> outputs) {
  constexpr double kAnchors[5][2] = {{1.08, 1.19}, {3.42, 4.41}, {6.63, 11.38}, {9.42, 5.11}, {16.62, 10.52}};
  if (outputs.size() != 1 || outputs[0].shape().rank() != 4 || outputs[0].shape()[0] != 1 ||
      outputs[0].shape()[1] < 30 || outputs[0].shape()[1] % 5 != 0)
    return wrongDetections("one grid 1x(5*(5+classes))xHxW");
  const Tensor& grid = outputs[0];
  const std::int64_t fields = grid.shape()[1] / 5;
  const std::int64_t rows = grid.shape()[2];
  const std::int64_t columns = grid.shape()[3];
  UnitBoxes found;
  for (std::int64_t place = 0; place < rows * columns; ++place)
    for (std::int64_t anchor = 0; anchor < 5; ++anchor) {
      const auto at = [&](std::int64_t field) {
        return grid.asDouble((anchor * fields + field) * rows * columns + place);
      };
      const double object = logistic(at(4));
      if (!(object >= kTinyScore)) continue;
      std::int64_t best = 5;
      for (std::int64_t k = 6; k < fields; ++k)
        if (at(k) > at(best)) best = k;
      double sum = 0;
      for (std::int64_t k = 5; k < fields; ++k) sum += std::exp(at(k) - at(best));
      if (const double score = object / sum; score >= kTinyScore)
        found.push_back(
            boxAround((static_cast<double>(place % columns) + logistic(at(0))) / static_cast<double>(columns),
                      (static_cast<double>(place / columns) + logistic(at(1))) / static_cast<double>(rows),
                      kAnchors[anchor][0] * std::exp(at(2)) / static_cast<double>(columns),
                      kAnchors[anchor][1] * std::exp(at(3)) / static_cast<double>(rows), score, best - 5));
    }
  return found;
}

} // namespace tandem::detail
