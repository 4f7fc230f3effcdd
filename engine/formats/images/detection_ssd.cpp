// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/formats/images/detail/decode.hpp"

#include <cmath>

namespace tandem::detail {
namespace {

constexpr double kScore = 0.5;

/// Boxes, scores and classes among the outputs. TensorFlow's come with a batch of 1, torchvision's without.
struct Roles {
  const Tensor* boxes = nullptr;
  const Tensor* scores = nullptr;
  const Tensor* labels = nullptr;
  bool torch = false; ///< x first and pixels; else y first and parts of the picture
};

bool isWhole(const Tensor& tensor) {
  if (isInteger(tensor.type())) return true;
  for (std::int64_t i = 0; i < tensor.elements(); ++i)
    if (tensor.asDouble(i) != std::floor(tensor.asDouble(i))) return false;
  return true;
}

Roles rolesOf(std::span<const Tensor> outputs) {
  Roles roles;
  for (const Tensor& output : outputs) {
    const std::size_t rank = output.shape().rank();
    if (rank < 2 || output.shape()[rank - 1] != 4 || rank > 3 || !isFloating(output.type())) continue;
    roles.boxes = &output;
    roles.torch = rank == 2;
  }
  if (!roles.boxes) return roles;
  const std::int64_t count = roles.boxes->elements() / 4;
  for (const Tensor& output : outputs) {
    const bool oneEach = &output != roles.boxes && output.elements() == count &&
                         output.shape().rank() + 1 == roles.boxes->shape().rank();
    if (!oneEach) continue;
    // Both are floating point in TensorFlow's exports; classes are whole, scores hardly ever all.
    (isWhole(output) && !roles.labels ? roles.labels : roles.scores) = &output;
  }
  return roles;
}

} // namespace

bool looksLikeSsd(const Graph& graph) {
  bool boxes = false, scores = false, classes = false;
  for (ValueId id : graph.outputs()) {
    const std::string& name = graph.value(id).name;
    boxes |= name.find("detection_boxes") != std::string::npos;
    scores |= name.find("detection_scores") != std::string::npos;
    classes |= name.find("detection_classes") != std::string::npos;
  }
  if (boxes && scores && classes) return true;
  // torchvision: boxes [n, 4], labels int64 [n], scores [n].
  if (graph.outputs().size() != 3) return false;
  const auto output = [&](std::size_t i) -> const Value& { return graph.value(graph.outputs()[i]); };
  const auto isRow = [&](const Value& v) { return v.rankKnown && v.desc.shape.rank() == 1; };
  const bool first = output(0).rankKnown && output(0).desc.shape.rank() == 2 && output(0).desc.shape[1] == 4;
  bool whole = false, real = false;
  for (std::size_t i = 1; i < 3; ++i) {
    whole |= isRow(output(i)) && output(i).desc.type == DataType::Int64;
    real |= isRow(output(i)) && isFloating(output(i).desc.type);
  }
  return first && whole && real;
}

// TensorFlow Object Detection API: boxes as y0, x0, y1, x1 in parts of the picture. torchvision: x0, y0, x1, y1 in
// pixels.
Result<UnitBoxes> decodeSsd(std::span<const Tensor> outputs, int width, int height) {
  const Roles roles = rolesOf(outputs);
  if (!roles.boxes || !roles.scores || !roles.labels) return wrongDetections("boxes, scores and classes");
  UnitBoxes found;
  for (std::int64_t i = 0; i < roles.scores->elements(); ++i) {
    const double score = roles.scores->asDouble(i);
    if (!(score >= kScore)) continue;
    const auto corner = [&](std::int64_t k) { return static_cast<float>(roles.boxes->asDouble(4 * i + k)); };
    Detection box;
    box.score = static_cast<float>(score);
    box.label = static_cast<int>(roles.labels->asInt(i));
    if (roles.torch) {
      const auto w = static_cast<float>(width), h = static_cast<float>(height);
      box.x0 = corner(0) / w, box.y0 = corner(1) / h, box.x1 = corner(2) / w, box.y1 = corner(3) / h;
    } else {
      box.y0 = corner(0), box.x0 = corner(1), box.y1 = corner(2), box.x1 = corner(3);
    }
    found.push_back(box);
  }
  return found;
}

} // namespace tandem::detail
