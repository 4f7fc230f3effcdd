// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/graph/graph.hpp"

#include <optional>
#include <span>

namespace tandem {

/// Detectors whose output we can turn into boxes.
enum class DetectorKind {
  UltraFace,  ///< faces: scores [1, n, 2] and boxes [1, n, 4] (Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB)
  FastestDet, ///< COCO objects: one grid [1, 5 + classes, h, w] (dog-qiuqiu/FastestDet)
};

/// One box in pixels of the original picture, x to the right and y down, clipped to the picture.
struct Detection {
  float x0 = 0;
  float y0 = 0;
  float x1 = 0;
  float y1 = 0;
  float score = 0; ///< 0..1
  int label = 0;   ///< class index; 0 where there is only one
};

/// Tells by the names and shapes of the graph's outputs; nullopt for everything else.
std::optional<DetectorKind> guessDetector(const Graph& graph);

/// Boxes above the detector's usual threshold (0.7 faces, 0.65 objects) after non-maximum suppression, best first.
/// `outputs` in the graph's order, batch 1; the picture must have been stretched to the input, not cropped. Errors:
/// Mismatch where the outputs have other shapes than the kind says.
Result<std::vector<Detection>> decodeDetections(DetectorKind kind, std::span<const Tensor> outputs, int imageWidth,
                                                int imageHeight);

/// Intersection over union; 0 for boxes without area.
float overlap(const Detection& a, const Detection& b);

} // namespace tandem
