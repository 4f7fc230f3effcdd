// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/ops/op_def.hpp"

#include <algorithm>
#include <numeric>

namespace tandem::ops {
namespace {

/// Corners with low <= high.
struct Box {
  float top = 0, left = 0, bottom = 0, right = 0;
};

Box boxAt(const float* v, bool centered) {
  if (centered) // x, y, width, height
    return {v[1] - v[3] / 2, v[0] - v[2] / 2, v[1] + v[3] / 2, v[0] + v[2] / 2};
  // Two corners in either order: y1, x1, y2, x2.
  return {std::min(v[0], v[2]), std::min(v[1], v[3]), std::max(v[0], v[2]), std::max(v[1], v[3])};
}

float areaOf(const Box& box) { return (box.bottom - box.top) * (box.right - box.left); }

struct Limits {
  std::int64_t count = 0; ///< per class; 0: none
  float overlap = 0;
  std::optional<float> score;
};

/// The boxes kept so far, side by side: one comparison with all of them is what takes the time.
class Kept {
 public:
  /// Does the intersection of `box` with one of them exceed `limit` times their union?
  bool hide(const Box& box, float limit) const {
    constexpr std::size_t kStride = 64; // between looks at the result
    const float area = areaOf(box);
    for (std::size_t first = 0; first < m_area.size(); first += kStride) {
      const std::size_t end = std::min(first + kStride, m_area.size());
      int hidden = 0;
      for (std::size_t i = first; i < end; ++i) {
        const float height = std::min(box.bottom, m_bottom[i]) - std::max(box.top, m_top[i]);
        const float width = std::min(box.right, m_right[i]) - std::max(box.left, m_left[i]);
        const float both = std::max(height, 0.0f) * std::max(width, 0.0f);
        hidden |= int{both / (area + m_area[i] - both) > limit}; // two empty boxes: NaN, which is not more
      }
      if (hidden) return true;
    }
    return false;
  }
  void add(const Box& box) {
    m_top.push_back(box.top);
    m_left.push_back(box.left);
    m_bottom.push_back(box.bottom);
    m_right.push_back(box.right);
    m_area.push_back(areaOf(box));
  }

 private:
  std::vector<float> m_top, m_left, m_bottom, m_right, m_area;
};

/// Indices of the boxes that one class keeps, best first.
std::vector<std::int64_t> select(const std::vector<Box>& boxes, const float* scores, const Limits& limits) {
  std::vector<std::int64_t> order;
  for (std::size_t i = 0; i < boxes.size(); ++i)
    if (scores[i] == scores[i] && (!limits.score || scores[i] > *limits.score))
      order.push_back(static_cast<std::int64_t>(i));
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) { return scores[a] > scores[b]; });
  std::vector<std::int64_t> indices;
  Kept kept;
  for (std::int64_t candidate : order) {
    if (static_cast<std::int64_t>(indices.size()) >= limits.count) break;
    const Box& box = boxes[static_cast<std::size_t>(candidate)];
    if (kept.hide(box, limits.overlap)) continue;
    kept.add(box);
    indices.push_back(candidate);
  }
  return indices;
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
  if (scalar(3)) limits.overlap = static_cast<float>(context.input(3).asDouble(0));
  if (scalar(4)) limits.score = static_cast<float>(context.input(4).asDouble(0));
  if (!(limits.overlap >= 0 && limits.overlap <= 1)) return context.fail("iou_threshold is not between 0 and 1");
  return limits;
}

Result<void> reference(ReferenceContext& context) {
  const Tensor &boxTensor = context.input(0), &scoreTensor = context.input(1);
  if (!shapesFit(boxTensor.shape(), scoreTensor.shape()))
    return context.fail("boxes " + boxTensor.shape().toString() + " do not go with scores " +
                        scoreTensor.shape().toString());
  if (boxTensor.type() != DataType::Float32 || scoreTensor.type() != DataType::Float32)
    return context.fail("boxes and scores are not float32");
  const Limits limits = TANDEM_TRY(readLimits(context));
  const bool centered = context.attributes().getInt("center_point_box", 0) != 0;
  const std::int64_t batches = scoreTensor.shape()[0], classes = scoreTensor.shape()[1];
  const std::int64_t count = scoreTensor.shape()[2];
  const float* const scores = scoreTensor.as<float>().data();
  std::vector<std::int64_t> selected;
  for (std::int64_t batch = 0; batch < batches; ++batch) {
    std::vector<Box> boxes;
    for (std::int64_t i = 0; i < count; ++i)
      boxes.push_back(boxAt(boxTensor.as<float>().data() + (batch * count + i) * 4, centered));
    for (std::int64_t c = 0; c < classes; ++c)
      for (std::int64_t index : select(boxes, scores + (batch * classes + c) * count, limits))
        selected.insert(selected.end(), {batch, c, index});
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
