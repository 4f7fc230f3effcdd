// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once
#include "engine/formats/images/preprocess.hpp"

#include <array>
#include <optional>
#include <span>

namespace tandem {

/// Detectors whose output we can turn into boxes.
enum class DetectorKind {
  UltraFace,  ///< faces: scores [1, n, 2] and boxes [1, n, 4] (Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB)
  FastestDet, ///< COCO objects: one grid [1, 5 + classes, h, w] (dog-qiuqiu/FastestDet)
  YoloV5,     ///< [1, n, 5 + classes]: centre, size, object, classes (ultralytics/yolov5; YOLOv7 exports alike)
  YoloV8,     ///< [1, 4 + classes, n]: centre, size, classes (ultralytics YOLOv8, YOLO11)
  TinyYoloV2, ///< VOC objects: one grid [1, 125, 13, 13] with five anchors (ONNX model zoo)
  Ssd,        ///< boxes, scores, classes after suppression, as of TensorFlow's detection API and torchvision
};
inline constexpr std::array kDetectorKinds{DetectorKind::UltraFace, DetectorKind::FastestDet, DetectorKind::YoloV5,
                                           DetectorKind::YoloV8,    DetectorKind::TinyYoloV2, DetectorKind::Ssd};

std::string_view detectorName(DetectorKind kind);                ///< "ultraface", "yolov8"
std::optional<DetectorKind> detectorFrom(std::string_view name); ///< inverse of detectorName

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

/// Boxes above the detector's usual threshold (0.7 faces, 0.65 FastestDet, else 0.25 to 0.5) after non-maximum
/// suppression, best first. `outputs` in the graph's order, batch 1; `spec` says how the picture came to the input, so
/// that boxes come back to it. Errors: Mismatch where the outputs have other shapes or values than the kind says.
Result<std::vector<Detection>> decodeDetections(DetectorKind kind, std::span<const Tensor> outputs,
                                                const PreprocessSpec& spec, int imageWidth, int imageHeight);

/// Intersection over union; 0 for boxes without area.
float overlap(const Detection& a, const Detection& b);

} // namespace tandem
