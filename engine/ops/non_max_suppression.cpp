// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/op_def.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace tandem::ops {
namespace {

/// Corners with low <= high.
struct Box {
  double top = 0, left = 0, bottom = 0, right = 0;
  double area() const { return (bottom - top) * (right - left); }
};

Box boxAt(const Tensor& boxes, std::int64_t index, bool centered) {
  std::array<double, 4> v{};
  for (std::int64_t i = 0; i < 4; ++i) v[static_cast<std::size_t>(i)] = boxes.asDouble(index * 4 + i);
  if (centered) // x, y, width, height
    return {v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2, v[0] + v[2] / 2};
  // Two corners in either order: y1, x1, y2, x2.
  return {std::min(v[0], v[2]), std::min(v[1], v[3]), std::max(v[0], v[2]), std::max(v[1], v[3])};
}

double overlap(const Box& a, const Box& b) {
  const double height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
  const double width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (!(height > 0) || !(width > 0)) return 0;
  const double both = height * width;
  return both / (a.area() + b.area() - both);
}

struct Limits {
  std::int64_t count = 0; ///< per class; 0: none
  double overlap = 0;
  std::optional<double> score;
};

/// Indices of the boxes that one class keeps, best first.
std::vector<std::int64_t> select(const std::vector<Box>& boxes, const std::vector<double>& scores,
                                 const Limits& limits) {
  std::vector<std::int64_t> order;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (scores[i] == scores[i] && (!limits.score || scores[i] > *limits.score))
      order.push_back(static_cast<std::int64_t>(i));
  const auto score = [&](std::int64_t i) { return scores[static_cast<std::size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return score(a) > score(b); });
  std::vector<std::int64_t> kept;
  for (std::int64_t candidate : order) {
    if (static_cast<std::int64_t>(kept.size()) >= limits.count) break;
    const Box& box = boxes[static_cast<std::size_t>(candidate)];
    const bool hidden = std::any_of(kept.begin(), kept.end(), [&](std::int64_t other) {
      return overlap(box, boxes[static_cast<std::size_t>(other)]) > limits.overlap;
    });
    if (!hidden) kept.push_back(candidate);
  }
  return kept;
}

bool shapesFit(const Shape& boxes, const Shape& scores) {
  const auto agree = [](std::int64_t a, std::int64_t b) { return a == kUnknownDim || b == kUnknownDim || a == b; };
  return boxes.rank() == 3 && scores.rank() == 3 && agree(boxes[0], scores[0]) && agree(boxes[1], scores[2]) &&
         agree(boxes[2], 4);
}

Result<void> infer(InferContext& context) {
  const Shape *boxes = context.inputShape(0), *scores = context.inputShape(1);
  if (boxes && scores && !shapesFit(*boxes, *scores))
    return context.fail("boxes " + boxes->toString() + " do not go with scores " + scores->toString());
  context.setOutput(0, DataType::Int64, Shape{kUnknownDim, 3});
  return {};
}

Result<Limits> readLimits(const ReferenceContext& context) {
  const auto scalar = [&](std::size_t i) { return context.hasInput(i) && context.input(i).elements() > 0; };
  Limits limits;
  if (scalar(2)) limits.count = context.input(2).asInt(0);
  if (scalar(3)) limits.overlap = context.input(3).asDouble(0);
  if (scalar(4)) limits.score = context.input(4).asDouble(0);
  if (!(limits.overlap >= 0 && limits.overlap <= 1)) return context.fail("iou_threshold is not between 0 and 1");
  return limits;
}

Result<void> reference(ReferenceContext& context) {
  const Tensor &boxTensor = context.input(0), &scoreTensor = context.input(1);
  if (!shapesFit(boxTensor.shape(), scoreTensor.shape()))
    return context.fail("boxes " + boxTensor.shape().toString() + " do not go with scores " +
                        scoreTensor.shape().toString());
  const Limits limits = TANDEM_TRY(readLimits(context));
  const bool centered = context.attributes().getInt("center_point_box", 0) != 0;
  const std::int64_t batches = scoreTensor.shape()[0], classes = scoreTensor.shape()[1];
  const std::int64_t count = scoreTensor.shape()[2];
  std::vector<std::int64_t> selected;
  for (std::int64_t batch = 0; batch < batches; ++batch) {
    std::vector<Box> boxes;
    for (std::int64_t i = 0; i < count; ++i) boxes.push_back(boxAt(boxTensor, batch * count + i, centered));
    for (std::int64_t c = 0; c < classes; ++c) {
      std::vector<double> scores;
      for (std::int64_t i = 0; i < count; ++i)
        scores.push_back(scoreTensor.asDouble((batch * classes + c) * count + i));
      for (std::int64_t index : select(boxes, scores, limits)) selected.insert(selected.end(), {batch, c, index});
    }
  }
  Tensor y = context.output(0, DataType::Int64, Shape{static_cast<std::int64_t>(selected.size() / 3), 3});
  std::copy(selected.begin(), selected.end(), y.mutableAs<std::int64_t>().begin());
  return {};
}

} // namespace

// ONNX NonMaxSuppression-10 and 11: rows of batch, class and box index, best first within a class.
extern const OpDef kNonMaxSuppression = {.type = "NonMaxSuppression",
                                         .domain = "",
                                         .versions = {10, 11},
                                         .minInputs = 2,
                                         .maxInputs = 5,
                                         .shapeInputs = 0b11100,
                                         .infer = infer,
                                         .reference = reference};

} // namespace tandem::ops
